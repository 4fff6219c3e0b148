//! Process and thread handles: pidfd_open(2), pidfd_getfd(2), pidfd_send_signal(2).

use super::{Result, cerr, small};
use libc::{c_int, c_uint, pid_t};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Of what a handle is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// A process, by the id of its first thread.
    Process,
    /// Any thread, with its own descriptor table (Linux 6.9).
    Thread,
}

/// A handle of the process or thread `id`.
pub(crate) fn open(id: pid_t, of: Of) -> Result<OwnedFd> {
    let flags: c_uint = match of {
        Of::Process => 0,
        Of::Thread => libc::PIDFD_THREAD,
    };
    // SAFETY: plain numbers in, a new descriptor out.
    let fd = cerr(unsafe { libc::syscall(libc::SYS_pidfd_open, id, flags) })?;
    // SAFETY: the descriptor is new, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(small(fd)) })
}

/// A duplicate of descriptor `fd` in the table of the task behind `handle`.
pub(crate) fn duplicate(handle: BorrowedFd, fd: c_int) -> Result<OwnedFd> {
    // SAFETY: plain numbers in, a new descriptor out.
    let fd = cerr(unsafe { libc::syscall(libc::SYS_pidfd_getfd, handle.as_raw_fd(), fd, 0 as c_uint) })?;
    // SAFETY: the descriptor is new, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(small(fd)) })
}

/// Whether the kernel has pidfd_getfd (Linux 5.6).
pub(crate) fn can_duplicate() -> bool {
    // SAFETY: plain numbers; -1 is no descriptor, so the call can only fail.
    let answer = cerr(unsafe { libc::syscall(libc::SYS_pidfd_getfd, -1, -1, 0 as c_uint) });
    answer != Err(super::Errno(libc::ENOSYS))
}

/// Sends `signal` to the process behind `handle`.
pub(crate) fn kill(handle: BorrowedFd, signal: c_int) -> Result<()> {
    let none = std::ptr::null::<libc::siginfo_t>();
    let fd = handle.as_raw_fd();
    // SAFETY: a null siginfo is allowed and means the one that kill(2) makes.
    cerr(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, none, 0 as c_uint) }).map(drop)
}
