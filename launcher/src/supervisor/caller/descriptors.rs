//! Reaching into the caller: duplicates of its sockets.
//!
//! Everything is taken from the calling **thread** (it may have a descriptor table of its own), once, and decisions are
//! made on the copy. Neither a thread id nor a handle proves whose memory or socket that was: both pass to another thread
//! of the process that executes a program. What proves it is that the caller still waits after the last of it was taken:
//! see [`Worker::still_waiting`](crate::supervisor::threads::worker::Worker::still_waiting).

use super::outcome::{Stop, UNREADABLE};
use crate::procfs::{self, Status};
use crate::sys::seccomp::{Listener, Notification};
use crate::sys::{Errno, pidfd};
use libc::pid_t;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};

/// Handles kept for threads that call often.
const SLOTS: usize = 64;

type Slot = Option<(pid_t, OwnedFd)>;

/// Handles of calling threads, shared by all threads here: their number stays bounded.
pub(crate) struct Handles {
    slots: Mutex<[Slot; SLOTS]>,
    of: pidfd::Of,
}

impl Handles {
    pub(crate) fn new(of: pidfd::Of) -> Self {
        Handles { slots: Mutex::new([const { None }; SLOTS]), of }
    }

    /// A duplicate of the socket that descriptor `fd` of the caller names.
    pub(crate) fn duplicate(&self, listener: &Listener, call: &Notification, fd: i32) -> Result<OwnedFd, Stop> {
        let found = match self.of {
            pidfd::Of::Thread => self.of_thread(listener, call, fd),
            pidfd::Of::Process => of_process(listener, call, fd),
        };
        match found {
            Err(Stop::Fail(libc::EPERM)) => Err(UNREADABLE),
            Err(Stop::Fail(libc::ESRCH)) => Err(Stop::Gone),
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
                Err(Errno(libc::ESRCH)) => *slot = None,
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
    let inode = held.metadata().map_err(|_| Stop::Fail(libc::EBADF))?.ino();
    let duplicate = OwnedFd::from(held);
    match procfs::socket_inode(call.tid, fd) {
        Some(own) if own == inode => Ok(duplicate),
        Some(_) => Err(UNREADABLE),
        None if is_socket(duplicate.as_fd()) => Err(UNREADABLE),
        None => Err(Stop::Fail(libc::ENOTSOCK)),
    }
}

fn is_socket(fd: BorrowedFd) -> bool {
    crate::sys::socket::option(fd, libc::SOL_SOCKET, libc::SO_TYPE).is_ok()
}
