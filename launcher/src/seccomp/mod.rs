//! The two seccomp filters: the context's and the supervisor's own.

pub mod arch;
pub mod context_filter;
#[cfg(test)]
mod interpreter;
pub mod rule;
pub mod supervisor_filter;
