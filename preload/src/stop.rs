//! How a call ends that is not simply made.

use crate::sys::{self, shim};
use crate::tell;
use chbind_policy::{Errno, Refusal, Subject};

/// Why a call goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The kernel has said so, or would.
    Fail(Errno),
    /// A rule says so.
    Refused(Refusal),
    /// The supervisor has to do it (`--enforce hybrid`).
    Ask,
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Stop::Fail(errno)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Stop::Refused(refusal)
    }
}

/// The answer of a call. `ask` makes it as the program did: the filter then holds it back, and the supervisor tells of what it
/// refuses.
pub(crate) fn answer(
    done: Result<usize, Stop>,
    subject: impl FnOnce() -> Subject,
    ask: impl FnOnce() -> sys::Result<usize>,
) -> sys::Result<usize> {
    match done {
        Ok(done) => Ok(done),
        Err(Stop::Fail(errno)) => Err(errno),
        Err(Stop::Ask) => ask(),
        Err(Stop::Refused(_)) if shim().is_hybrid() => ask(),
        Err(Stop::Refused(refusal)) => {
            tell::refused(&subject(), &refusal);
            Err(refusal.errno)
        }
    }
}

/// For what the supervisor does where there is one.
pub(crate) fn ask_if_possible() -> Result<(), Stop> {
    if shim().is_hybrid() { Err(Stop::Ask) } else { Ok(()) }
}
