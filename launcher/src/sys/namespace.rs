//! Namespaces as files (ioctl_ns(2)).

use super::{Result, cerr, small};
use libc::c_ulong;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

fn ask(namespace: BorrowedFd, request: c_ulong) -> Result<OwnedFd> {
    // SAFETY: both requests take no argument and give a new descriptor.
    let fd = cerr(unsafe { libc::ioctl(namespace.as_raw_fd(), request as _) })?;
    // SAFETY: the descriptor is new, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(small(fd)) })
}

/// The user namespace that owns `namespace`. EPERM where it is out of sight.
pub(crate) fn owner(namespace: BorrowedFd) -> Result<OwnedFd> {
    ask(namespace, libc::NS_GET_USERNS as c_ulong)
}

/// The parent of the user namespace `namespace`. EPERM where it is out of sight.
pub(crate) fn parent(namespace: BorrowedFd) -> Result<OwnedFd> {
    ask(namespace, libc::NS_GET_PARENT as c_ulong)
}
