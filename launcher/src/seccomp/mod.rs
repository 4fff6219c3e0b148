//! The two seccomp filters: the context's and the supervisor's own.

pub mod arch;
pub mod context_filter;
mod error;
#[cfg(test)]
mod interpreter;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod paths;
pub mod rule;
pub mod supervisor_filter;

pub use error::Error;
