//! What a person types and reads.

pub mod args;
pub mod report;
