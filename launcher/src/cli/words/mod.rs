//! The words for what goes wrong, and for what is found: a file for each room that it comes from.

mod contexts;
mod control;
mod form;
pub(super) mod found;
pub(super) mod inspection;
mod plan;
mod preflight;
mod privileges;
mod program;
pub(super) mod progress;
mod seccomp;
mod setup;
mod supervisor;

pub use form::Words;
