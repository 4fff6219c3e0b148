//! Everything that talks to the kernel by raw numbers and pointers: the only `unsafe` of this crate. Each function
//! wraps one system call with types; none of them decides anything.

pub(crate) mod descriptors;
pub(crate) mod diag;
#[cfg(test)]
pub(crate) mod filtered;
pub(crate) mod fork;
pub(crate) mod landlock;
pub(crate) mod memory;
pub(crate) mod namespace;
pub(crate) mod pidfd;
pub(crate) mod process;
pub(crate) mod route;
pub(crate) mod seccomp;
pub(crate) mod signal;
pub(crate) mod socket;
pub(crate) mod xattr;

use std::io;

pub(crate) use chbind_policy::Errno;

/// What went wrong last.
fn last() -> Errno {
    // EIO stands in for the impossible: an error without a number must never look like success.
    Errno(io::Error::last_os_error().raw_os_error().filter(|n| *n > 0).unwrap_or(libc::EIO))
}

/// What can be said by a number.
pub(crate) trait Number {
    /// The number. EIO stands for what has none.
    fn errno(self) -> Errno;
}

impl Number for Errno {
    fn errno(self) -> Errno {
        self
    }
}

impl Number for nix::errno::Errno {
    fn errno(self) -> Errno {
        // 0 is what nix makes of a number that it does not know.
        Errno(Some(self as i32).filter(|n| *n > 0).unwrap_or(libc::EIO))
    }
}

impl Number for io::Error {
    fn errno(self) -> Errno {
        (&self).errno()
    }
}

impl Number for &io::Error {
    fn errno(self) -> Errno {
        Errno(self.raw_os_error().filter(|n| *n > 0).unwrap_or(libc::EIO))
    }
}

/// The result of one system call.
pub(crate) type Result<T> = std::result::Result<T, Errno>;

/// Turns the kernel's -1 into the error it stands for.
fn cerr(returned: impl Into<i64>) -> Result<i64> {
    match returned.into() {
        n if n < 0 => Err(last()),
        n => Ok(n),
    }
}

/// A descriptor number or other small result as an `i32`.
fn small(n: i64) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
