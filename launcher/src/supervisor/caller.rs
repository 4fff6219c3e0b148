//! Reaching into the caller: duplicates of its sockets, copies of its memory.
//!
//! Everything is taken from the calling **thread** (it may have a descriptor table of its own), once, and decisions are
//! made on the copy. Neither a thread id nor a handle proves whose memory or socket that was: both pass to another thread
//! of the process that executes a program. What proves it is that the caller still waits after the last of it was taken:
//! see [`Worker::still_waiting`](super::worker::Worker::still_waiting).

use crate::procfs::{self, Status};
use crate::sys::memory::{self, Piece};
use crate::sys::seccomp::{Listener, Notification};
use crate::sys::{Errno, pidfd};
use chbind_policy::{Reason, Refusal};
use libc::pid_t;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};

/// Why a call ends without having been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It fails, and nothing is said.
    Fail(i32),
    /// A rule forbids it.
    Refused(Refusal),
    /// The caller no longer waits: nothing is left to answer.
    Gone,
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Stop::Fail(errno.0)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Stop::Refused(refusal)
    }
}

pub(super) const UNREADABLE: Stop = Stop::Refused(Refusal { errno: libc::EPERM, reason: Reason::Unreadable });

/// Handles kept for threads that call often.
const SLOTS: usize = 64;

type Slot = Option<(pid_t, OwnedFd)>;

/// Handles of calling threads, shared by all threads here: their number stays bounded.
pub(super) struct Handles {
    slots: Mutex<[Slot; SLOTS]>,
    of: pidfd::Of,
}

impl Handles {
    pub(super) fn new(of: pidfd::Of) -> Self {
        Handles { slots: Mutex::new([const { None }; SLOTS]), of }
    }

    /// A duplicate of the socket that descriptor `fd` of the caller names.
    pub(super) fn duplicate(&self, listener: &Listener, call: &Notification, fd: i32) -> Result<OwnedFd, Stop> {
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

/// Reads exactly as many bytes as `to` has from `address` of the caller.
pub(super) fn read(call: &Notification, address: u64, to: &mut [u8]) -> Result<(), Stop> {
    if to.is_empty() {
        return Ok(());
    }
    match gather(call, &[Piece::new(address, to.len())], to)? {
        n if n == to.len() => Ok(()),
        _ => Err(Stop::Fail(libc::EFAULT)),
    }
}

/// Reads what `pieces` name, as far as memory goes.
pub(super) fn gather(call: &Notification, pieces: &[Piece], to: &mut [u8]) -> Result<usize, Stop> {
    memory::read(call.tid, pieces, to).map_err(fault)
}

fn fault(errno: Errno) -> Stop {
    match errno.0 {
        libc::EPERM => UNREADABLE,
        libc::ESRCH => Stop::Gone,
        // EINVAL: a length beyond what an address space has.
        libc::EINVAL => Stop::Fail(libc::EFAULT),
        errno => Stop::Fail(errno),
    }
}
