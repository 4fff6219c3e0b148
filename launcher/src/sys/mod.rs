//! Everything that talks to the kernel by raw numbers and pointers: the only `unsafe` of this crate. Each function
//! wraps one system call with types; none of them decides anything.

pub mod diag;
#[cfg(test)]
pub(crate) mod filtered;
pub mod landlock;
pub mod memory;
pub mod namespace;
pub mod pidfd;
pub mod process;
pub mod route;
pub mod seccomp;
pub mod signal;
pub mod socket;
pub mod xattr;

use std::fmt;
use std::io;

/// A positive error number as the kernel gave it. Numbers that no library knows stay what they are: the supervisor
/// hands them on to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    fn last() -> Self {
        // EIO stands in for the impossible: an error without a number must never look like success.
        Errno(io::Error::last_os_error().raw_os_error().filter(|n| *n > 0).unwrap_or(libc::EIO))
    }
}

impl From<nix::errno::Errno> for Errno {
    fn from(errno: nix::errno::Errno) -> Self {
        match errno as i32 {
            n if n > 0 => Errno(n),
            _ => Errno(libc::EIO),
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let text = io::Error::from_raw_os_error(self.0).to_string();
        f.write_str(text.split(" (os error").next().unwrap_or(&text))
    }
}

impl std::error::Error for Errno {}

/// The result of one system call.
pub type Result<T> = std::result::Result<T, Errno>;

/// Turns the kernel's -1 into the error it stands for.
fn cerr(returned: impl Into<i64>) -> Result<i64> {
    match returned.into() {
        n if n < 0 => Err(Errno::last()),
        n => Ok(n),
    }
}

/// A descriptor number or other small result as an `i32`.
fn small(n: i64) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
