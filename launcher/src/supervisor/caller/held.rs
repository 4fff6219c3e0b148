//! One held call, and the thread that waits for its answer.

use super::descriptors::Descriptors;
use super::duplicate::Duplicate;
use super::live::Live;
use super::memory::CallerMemory;
use super::outcome::Stop;
use crate::sys::Errno;
use crate::sys::memory::Piece;
use crate::sys::seccomp::{Listener, Notification};
use crate::sys::signal;
use libc::{c_long, pid_t};
use std::os::fd::OwnedFd;

/// The caller of a held call. Everything is taken from the calling **thread** (it may have a descriptor table of its own),
/// once, and decisions are made on the copy.
pub(crate) struct Caller<'s> {
    listener: &'s Listener,
    descriptors: &'s Descriptors,
    call: Notification,
}

impl<'s> Caller<'s> {
    pub(crate) fn new(listener: &'s Listener, descriptors: &'s Descriptors, call: Notification) -> Self {
        Caller { listener, descriptors, call }
    }

    /// The cookie of the call.
    pub(crate) fn id(&self) -> u64 {
        self.call.id
    }

    /// The calling thread.
    pub(crate) fn tid(&self) -> pid_t {
        self.call.tid
    }

    /// The number of the system call.
    pub(crate) fn nr(&self) -> c_long {
        self.call.nr as c_long
    }

    /// The arguments: a copy of the registers.
    pub(crate) fn args(&self) -> [u64; 6] {
        self.call.args
    }

    /// An argument that is an `int`: the kernel looks at the low half of the register.
    pub(crate) fn int(&self, argument: usize) -> i32 {
        self.call.args.get(argument).map_or(0, |register| *register as i32)
    }

    /// Proof that the caller waits, to be had after the last read and before the first act.
    pub(crate) fn live(&self) -> Result<Live<'_>, Stop> {
        if self.listener.is_waiting(self.call.id) { Ok(Live::of(self)) } else { Err(Stop::Gone) }
    }

    /// A duplicate of the socket that descriptor `fd` of the caller names.
    pub(crate) fn duplicate(&mut self, fd: i32) -> Result<Duplicate, Stop> {
        self.descriptors.duplicate(self.listener, &self.call, fd).map(Duplicate::new)
    }

    /// A duplicate of whatever descriptor `fd` of the caller names, to be handed on as it is.
    pub(crate) fn duplicate_any(&mut self, fd: i32) -> Result<OwnedFd, Stop> {
        self.descriptors.duplicate(self.listener, &self.call, fd)
    }

    /// Reads exactly as many bytes as `to` has from `address` of the caller.
    pub(crate) fn read(&mut self, address: u64, to: &mut [u8]) -> Result<(), Stop> {
        if to.is_empty() {
            return Ok(());
        }
        match self.gather(&[Piece::new(address, to.len())], to)? {
            n if n == to.len() => Ok(()),
            _ => Err(Stop::Fail(Errno::EFAULT)),
        }
    }

    /// Reads what `pieces` name, as far as memory goes.
    pub(crate) fn gather(&mut self, pieces: &[Piece], to: &mut [u8]) -> Result<usize, Stop> {
        super::memory::gather(self.call.tid, pieces, to)
    }

    /// The caller's memory, to write an answer to.
    pub(crate) fn memory(&mut self) -> Result<CallerMemory, Stop> {
        CallerMemory::open(self.listener, &self.call)
    }

    /// Sends SIGPIPE to the calling thread, if it still waits.
    pub(crate) fn break_pipe(&self) {
        if self.live().is_ok() {
            // ESRCH: it has been killed meanwhile.
            let _ = signal::broken_pipe(self.call.tid);
        }
    }
}
