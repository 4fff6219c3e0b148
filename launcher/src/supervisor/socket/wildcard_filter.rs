//! The filter before a socket that is bound to a wildcard (row 3: docs/semantics.md#row-3), put there for good.

use crate::sys::seccomp::Instruction;
use crate::sys::{self, socket};
use chbind_policy::bpf::INSTRUCTIONS_MAX;
use chbind_policy::{Context, wildcard_filter};
use std::os::fd::BorrowedFd;

/// The filter of a context.
pub(crate) struct WildcardFilter(Vec<Instruction>);

impl WildcardFilter {
    pub(crate) fn new(context: &Context) -> Self {
        WildcardFilter(wildcard_filter::program(context).collect())
    }

    /// Whether `found`, which is before the socket, is this, for good: a program may put one like it there, and take it away.
    pub(crate) fn is(&self, fd: BorrowedFd, found: &[Instruction]) -> bool {
        found == self.0 && socket::is_filter_locked(fd)
    }

    /// Whether it is before the socket, for good.
    pub(crate) fn is_at(&self, fd: BorrowedFd) -> bool {
        socket::filter(fd, self.0.len()).is_ok_and(|found| self.is(fd, &found))
    }

    /// Puts it in the place of the filter that is before the socket, or leaves that if it has no room, for good.
    pub(crate) fn replace(&self, fd: BorrowedFd) -> sys::Result<()> {
        if self.0.len() <= INSTRUCTIONS_MAX {
            socket::attach_filter(fd, &self.0)?;
        }
        socket::lock_filter(fd)
    }

    /// Puts it before the socket for good. False where it cannot be: the program has a filter of its own there, or the
    /// context has more addresses than a filter can tell.
    pub(crate) fn place(&self, fd: BorrowedFd) -> bool {
        if self.0.len() > INSTRUCTIONS_MAX {
            return false;
        }
        let placed = match socket::filter(fd, self.0.len()) {
            Ok(none) if none.is_empty() => socket::attach_filter(fd, &self.0).is_ok(),
            Ok(other) => other == self.0,
            Err(_) => false,
        };
        // A process outside that shares the socket may change it before the lock is on: what counts is what is found then.
        placed && socket::lock_filter(fd).is_ok() && self.is_at(fd)
    }
}
