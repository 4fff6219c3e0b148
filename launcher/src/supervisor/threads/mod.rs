//! The threads of the supervisor: one leads, others block on behalf of callers or wait to lead, and the main thread watches.

pub(crate) mod blocked;
pub(crate) mod leader;
pub(crate) mod serve;
pub(crate) mod watchdog;
