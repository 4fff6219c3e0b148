//! The checked calls, a file each.

mod bind;
mod connect;
mod create;
mod landlock;
mod non_inet;
mod non_inet_send;
mod send;
mod send_one;
pub(crate) mod sockname;
mod sockopt;
