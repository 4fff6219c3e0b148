//! How a call ends that is not simply done.

use crate::sys::Errno;
use chbind_policy::{Reason, Refusal};

/// Why a call ends without having been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It fails, and nothing is said.
    Fail(Errno),
    /// A rule forbids it.
    Refused(Refusal),
    /// The caller no longer waits: nothing is left to answer.
    Gone,
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

pub(crate) const UNREADABLE: Stop = Stop::Refused(Refusal::new(Errno::EPERM, Reason::Unreadable));
