//! `landlock_create_ruleset(2)`, with the attributes as they are. (The library of that name refuses what it does not know.)

use super::{Result, cerr, small};
use chbind_policy::confinement::{LEN, VERSION};
use std::os::fd::{FromRawFd, OwnedFd};

/// The version that the kernel has (`LANDLOCK_CREATE_RULESET_VERSION`); ENOSYS or EOPNOTSUPP if it has none.
pub(crate) fn version() -> Result<i32> {
    // SAFETY: with this flag the kernel wants a null pointer and reads nothing.
    let version = cerr(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0usize, 0usize, VERSION) })?;
    Ok(small(version))
}

/// A ruleset, empty yet, that is about these accesses to files. Close-on-exec.
pub(crate) fn create_ruleset(files: u64) -> Result<OwnedFd> {
    // SAFETY: the kernel reads the eight bytes of `files`, and gives a new descriptor.
    let fd = cerr(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const files, LEN, 0u32) })?;
    // SAFETY: the descriptor is new, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(small(fd)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Errno;

    #[test]
    fn rulesets() {
        // Where the kernel has none, there is none to be made.
        assert_eq!(create_ruleset(1).is_ok(), version().is_ok());
        assert_eq!(create_ruleset(0).err(), version().err().or(Some(Errno(libc::ENOMSG))));
    }
}
