//! One thing at a time: what is found out about a socket must still be so when it is acted on.
//!
//! Several threads of the supervisor can be at work on one socket, for one may have lost the lead in the middle of a call.
//! So the look at a socket, the judgement and the act are one section, which one thread at a time is in. Nothing in it
//! reads the caller's memory. What may block is done outside, with the socket entered as in flight; until it leaves, a bind
//! or connect of another thread gets what the kernel says to a socket that is being connected.

use super::caller::Stop;
use crate::sys::socket;
use std::collections::HashSet;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

/// How often, and for how long each time, a thread waits for the section before it gives up (ENOBUFS). Only a program
/// that keeps one of its sockets locked can make it wait.
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(2);

/// The section, and the sockets in flight by their cookies.
#[derive(Default)]
pub(super) struct Acts(Mutex<HashSet<u64>>);

/// The section, until this is dropped.
pub(super) struct Section<'a> {
    acts: &'a Acts,
    in_flight: MutexGuard<'a, HashSet<u64>>,
}

/// A socket in flight, until this is dropped.
pub(super) struct InFlight<'a> {
    acts: &'a Acts,
    cookie: u64,
    /// Another thread had entered it before, and takes it out.
    again: bool,
}

impl Acts {
    pub(super) fn enter(&self) -> Result<Section<'_>, Stop> {
        for _ in 0..TRIES {
            match self.0.try_lock() {
                Ok(in_flight) => return Ok(Section { acts: self, in_flight }),
                Err(TryLockError::Poisoned(poisoned)) => {
                    return Ok(Section { acts: self, in_flight: poisoned.into_inner() });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            }
        }
        Err(Stop::Fail(libc::ENOBUFS))
    }
}

impl<'a> Section<'a> {
    /// Fails with `errno` if the socket is in flight.
    pub(super) fn require_idle(&self, fd: BorrowedFd, errno: i32) -> Result<(), Stop> {
        if !self.in_flight.is_empty() && self.in_flight.contains(&socket::cookie(fd)?) {
            return Err(Stop::Fail(errno));
        }
        Ok(())
    }

    /// Leaves the section with the socket in flight.
    pub(super) fn take_off(mut self, fd: BorrowedFd) -> Result<InFlight<'a>, Stop> {
        let cookie = socket::cookie(fd)?;
        let again = !self.in_flight.insert(cookie);
        Ok(InFlight { acts: self.acts, cookie, again })
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if !self.again {
            self.acts.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.cookie);
        }
    }
}
