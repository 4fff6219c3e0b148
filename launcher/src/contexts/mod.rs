//! Running contexts: their numbers and their names.

mod error;
pub mod name;
pub mod number;

pub use error::Error;
