//! Running contexts: their numbers and their names.

pub mod name;
pub mod number;
