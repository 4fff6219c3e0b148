//! `chbind`: puts a program, and all it starts, into a network context.
//!
//! [`args`] is what was typed, [`plan`] what it comes to; [`launch`] is the sequence that puts the command into its
//! context; [`filter`] decides which calls meet the [`supervisor`], which asks the rules of `chbind-policy` about each.
//! [`control`] is what `chbindctl` does, [`program`] what chbind sees in a program's file.
#![deny(unsafe_code)]

pub mod address;
pub mod args;
pub mod cage;
pub mod command;
pub mod confine;
pub mod control;
pub mod error;
pub mod features;
pub mod filter;
pub mod launch;
pub mod names;
pub mod nid;
pub mod parent;
pub mod plan;
pub mod procfs;
pub mod program;
pub mod report;
pub mod resolvers;
pub mod rules;
pub mod shim;
pub mod supervisor;
#[allow(unsafe_code)]
pub mod sys;
