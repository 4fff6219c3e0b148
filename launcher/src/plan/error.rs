//! What can be wrong with what was asked for.

use super::conflict::Conflict;
use super::{address, command, rules, shim};
use crate::program::Obstacle;
use crate::{contexts, preflight, privileges, program, seccomp};

/// Why there is no plan.
#[derive(Debug)]
pub enum Error {
    /// No address was given.
    NoAddresses,
    /// An address is wrong.
    Address(address::Error),
    /// More than one loopback address of a family.
    TwoLoopbacks,
    /// Port 0 of the host's loopback.
    NoPort,
    /// Not a number of a context.
    NotANumber(String),
    /// Not a capability.
    NotACapability(String),
    /// A rule is wrong.
    Rules(rules::Error),
    /// Things that do not go together.
    Conflict(Conflict),
    /// The command cannot be run.
    Command(command::Error),
    /// What the command is cannot be found out.
    Program(program::Error),
    /// chbind's library, which alone would enforce the context, cannot do its work in the command.
    CannotPreload(Obstacle),
    /// chbind's library cannot be used.
    Shim(shim::Error),
    /// The kernel or the host does not offer what it takes.
    Preflight(preflight::Error),
    /// There is no number or name to be had.
    Contexts(contexts::Error),
    /// It is not known whose rights count.
    Privileges(privileges::Error),
    /// The filter could not be made.
    Filter(seccomp::Error),
}

macro_rules! from {
    ($($source:ty => $variant:ident,)*) => {$(
        impl From<$source> for Error {
            fn from(error: $source) -> Self {
                Error::$variant(error)
            }
        }
    )*};
}

from! {
    address::Error => Address,
    rules::Error => Rules,
    command::Error => Command,
    program::Error => Program,
    shim::Error => Shim,
    preflight::Error => Preflight,
    contexts::Error => Contexts,
    privileges::Error => Privileges,
    seccomp::Error => Filter,
}
