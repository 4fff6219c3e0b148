//! What can go wrong when a process gives something up.

use crate::sys::Errno;
use caps::errors::CapsError;
use landlock::RulesetError;

/// Why a process keeps what it should not have, or its rights are not known.
#[derive(Debug)]
pub enum Error {
    /// no_new_privs could not be set.
    NoNewPrivs(Errno),
    /// The supervisor could not be made undumpable.
    Undumpable(Errno),
    /// A capability could not be given up.
    Capabilities(CapsError),
    /// The kernel has Landlock, and did not take the ruleset.
    Landlock(RulesetError),
    /// Nobody says who owns the network namespace.
    NetworkOwner(Errno),
}

impl From<CapsError> for Error {
    fn from(error: CapsError) -> Self {
        Error::Capabilities(error)
    }
}
