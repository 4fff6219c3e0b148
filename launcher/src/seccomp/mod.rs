//! The two seccomp filters: the context's and the supervisor's own.

pub mod arch;
pub mod context_filter;
mod error;
pub mod rule;
pub mod supervisor_filter;

pub use error::Error;
