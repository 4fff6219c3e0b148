//! The sockets of the context: what is remembered of them, who works on one, and the filters before them.

pub(crate) mod drop_filter;
pub(crate) mod host;
pub(crate) mod lock;
pub(crate) mod loopback_services;
pub(crate) mod recent;
pub(crate) mod routes;
pub(crate) mod sockets;
pub(crate) mod tracked;
pub(crate) mod wildcard_filter;
