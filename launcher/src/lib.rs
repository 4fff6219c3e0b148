//! `chbind`: puts a program, and all it starts, into a network context.
//!
//! From the top: [`cli`] is what a person types and reads, [`plan`] what that comes to; [`setup`] is the sequence that puts the
//! command into its context; the [`seccomp`] filter decides which calls meet the [`supervisor`], which asks the rules of
//! `chbind-policy` about each. [`control`] is what `chbindctl` does, [`program`] what chbind sees in a program's file,
//! [`contexts`] how running contexts are numbered and named, [`privileges`] what processes give up.
#![deny(unsafe_code)]

// What the binaries use, and what is fuzzed; nothing else is for others.
pub mod cli;
pub mod plan;
pub mod program;
pub mod setup;

mod contexts;
mod control;
mod preflight;
mod privileges;
mod procfs;
mod seccomp;
mod supervisor;
#[allow(unsafe_code)]
mod sys;
