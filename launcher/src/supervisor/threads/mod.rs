//! Who answers: one thread leads, others block on behalf of callers or wait to lead.

pub(crate) mod blocked;
pub(crate) mod leader;
