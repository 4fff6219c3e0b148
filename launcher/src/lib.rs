//! `chbind`: puts a program, and all it starts, into a network context.
//!
//! From the top: [`cli`] is what a person types and reads, [`plan`] what that comes to; [`setup`] is the sequence that puts the
//! command into its context; the [`seccomp`] filter decides which calls meet the [`supervisor`], which asks the rules of
//! `chbind-policy` about each. [`control`] is what `chbindctl` does, [`program`] what chbind sees in a program's file,
//! [`contexts`] how running contexts are numbered and named, [`privileges`] what processes give up.
#![deny(unsafe_code)]

pub mod cli;
pub mod contexts;
pub mod control;
pub mod plan;
pub mod preflight;
pub mod privileges;
pub mod procfs;
pub mod program;
pub mod seccomp;
pub mod setup;
pub mod supervisor;
#[allow(unsafe_code)]
pub mod sys;
