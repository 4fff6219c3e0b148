//! The caller: what is taken from it and written to it, who it is, and the proof that it waits.

pub(crate) mod address;
pub(crate) mod budget;
pub(crate) mod descriptors;
pub(crate) mod duplicate;
pub(crate) mod held;
pub(crate) mod identity;
pub(crate) mod live;
pub(crate) mod memory;
pub(crate) mod message;
pub(crate) mod outcome;
