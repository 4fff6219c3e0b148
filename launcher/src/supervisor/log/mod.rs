//! What a person is told while the context runs.

pub(crate) mod events;
pub(crate) mod port_conflict;
