//! Running contexts: their numbers and their names.

mod error;
pub(crate) mod name;
pub(crate) mod number;

pub(crate) use error::Error;
