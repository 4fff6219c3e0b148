//! The caller: what is taken from it and written to it, and who it is.

pub(crate) mod budget;
pub(crate) mod descriptors;
pub(crate) mod identity;
pub(crate) mod memory;
pub(crate) mod message;
pub(crate) mod outcome;
