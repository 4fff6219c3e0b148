//! Reaching into the caller: handles of calling threads, and duplicates of their descriptors.

use super::outcome::{Stop, UNREADABLE};
use crate::procfs::{self, Status};
use crate::sys::seccomp::{Listener, Notification};
use crate::sys::{Errno, pidfd};
use libc::pid_t;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};

/// Descriptors kept for threads that call often.
const SLOTS: usize = 64;

type Slot = Option<(pid_t, OwnedFd)>;

/// Descriptors of calling threads, shared by all threads here: their number stays bounded.
pub(crate) struct Descriptors {
    slots: Mutex<[Slot; SLOTS]>,
    of: pidfd::Of,
}

impl Descriptors {
    pub(crate) fn new(of: pidfd::Of) -> Self {
        Descriptors { slots: Mutex::new([const { None }; SLOTS]), of }
    }

    /// A duplicate of what descriptor `fd` of the caller names.
    pub(super) fn duplicate(&self, listener: &Listener, call: &Notification, fd: i32) -> Result<OwnedFd, Stop> {
        let found = match self.of {
            pidfd::Of::Thread => self.of_thread(listener, call, fd),
            pidfd::Of::Process => of_process(listener, call, fd),
        };
        match found {
            Err(Stop::Fail(Errno::EPERM)) => Err(UNREADABLE),
            Err(Stop::Fail(Errno::ESRCH)) => Err(Stop::Gone),
            other => other,
        }
    }

    fn of_thread(&self, listener: &Listener, call: &Notification, fd: i32) -> Result<OwnedFd, Stop> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut slots[call.tid as usize % SLOTS];
        if let Some((tid, handle)) = slot
            && *tid == call.tid
        {
            match pidfd::duplicate(handle.as_fd(), fd) {
                // That thread ended, and its number was given to the caller.
                Err(Errno::ESRCH) => *slot = None,
                other => return Ok(other?),
            }
        }
        let handle = pidfd::open(call.tid, pidfd::Of::Thread)?;
        // The number was the caller's when the handle was opened only if the caller still waits.
        if !listener.is_waiting(call.id) {
            return Err(Stop::Gone);
        }
        let (_, handle) = slot.insert((call.tid, handle));
        Ok(pidfd::duplicate(handle.as_fd(), fd)?)
    }
}

/// Before Linux 6.9 a handle reaches only the table of the first thread. The duplicate counts if it is the socket that
/// the calling thread's own table names too.
fn of_process(listener: &Listener, call: &Notification, fd: i32) -> Result<OwnedFd, Stop> {
    let process = Status::of(call.tid).ok_or(Stop::Gone)?.tgid;
    let handle = pidfd::open(process, pidfd::Of::Process)?;
    let duplicate = pidfd::duplicate(handle.as_fd(), fd)?;
    if !listener.is_waiting(call.id) {
        return Err(Stop::Gone);
    }
    let held = File::from(duplicate);
    let inode = held.metadata().map_err(|_| Stop::Fail(Errno::EBADF))?.ino();
    let duplicate = OwnedFd::from(held);
    match procfs::socket_inode(call.tid, fd) {
        Some(own) if own == inode => Ok(duplicate),
        Some(_) => Err(UNREADABLE),
        None if is_socket(duplicate.as_fd()) => Err(UNREADABLE),
        None => Err(Stop::Fail(Errno::ENOTSOCK)),
    }
}

fn is_socket(fd: BorrowedFd) -> bool {
    crate::sys::socket::option(fd, libc::SOL_SOCKET, libc::SO_TYPE).is_ok()
}
