//! One thing at a time: what is found out about a socket must still be so when it is acted on.
//!
//! Several threads of the supervisor can be at work on one socket, for one may have lost the lead in the middle of a call.
//! So the look at a socket, the judgement and the act are one section, which one thread at a time is in for that socket.
//! Nothing in it reads the caller's memory. What may block is done outside, with the socket entered as in flight; until it
//! leaves, a bind or connect of another thread gets what the kernel says to a socket that is being connected.

use crate::supervisor::caller::duplicate::Duplicate;
use crate::supervisor::caller::outcome::Stop;
use crate::sys::Errno;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often, and for how long each time, a thread waits for the section of a socket before it gives up (ENOBUFS). Only a
/// program that keeps that socket locked can make it wait.
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(2);

/// Sockets by their cookies.
#[derive(Default)]
struct AtWork {
    /// A thread is in the section of these.
    busy: HashSet<u64>,
    /// And that many threads wait for a call on these.
    in_flight: HashMap<u64, usize>,
}

/// The sections of all sockets, and the sockets in flight.
#[derive(Default)]
pub(crate) struct SocketLocks(Mutex<AtWork>);

/// The section of a socket, until this is dropped.
pub(crate) struct Locked<'a> {
    locks: &'a SocketLocks,
    cookie: u64,
}

/// A socket in flight, until this is dropped.
pub(crate) struct InFlight<'a> {
    locks: &'a SocketLocks,
    cookie: u64,
}

impl SocketLocks {
    fn table(&self) -> MutexGuard<'_, AtWork> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters the section of the socket.
    pub(crate) fn lock(&self, of: &Duplicate) -> Result<Locked<'_>, Stop> {
        self.lock_by_cookie(of.cookie()?)
    }

    fn lock_by_cookie(&self, cookie: u64) -> Result<Locked<'_>, Stop> {
        for _ in 0..TRIES {
            if self.table().busy.insert(cookie) {
                return Ok(Locked { locks: self, cookie });
            }
            std::thread::sleep(PAUSE);
        }
        Err(Stop::Fail(Errno::ENOBUFS))
    }
}

impl<'a> Locked<'a> {
    /// Fails with `errno` if the socket is in flight.
    pub(crate) fn require_idle(&self, errno: Errno) -> Result<(), Stop> {
        if self.locks.table().in_flight.contains_key(&self.cookie) { Err(Stop::Fail(errno)) } else { Ok(()) }
    }

    /// Leaves the section with the socket in flight.
    pub(crate) fn take_off(self) -> InFlight<'a> {
        *self.locks.table().in_flight.entry(self.cookie).or_default() += 1;
        InFlight { locks: self.locks, cookie: self.cookie }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.locks.table().busy.remove(&self.cookie);
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut table = self.locks.table();
        if let Some(threads) = table.in_flight.get_mut(&self.cookie) {
            *threads -= 1;
            if *threads == 0 {
                table.in_flight.remove(&self.cookie);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_socket_has_a_section_of_its_own() {
        let acts = SocketLocks::default();
        let one = acts.lock_by_cookie(1).unwrap();
        let two = acts.lock_by_cookie(2).unwrap();
        assert_eq!(acts.lock_by_cookie(1).map(drop), Err(Stop::Fail(Errno::ENOBUFS)));
        drop(one);
        let flying = acts.lock_by_cookie(1).unwrap().take_off();
        let one = acts.lock_by_cookie(1).unwrap();
        assert_eq!(one.require_idle(Errno::EALREADY), Err(Stop::Fail(Errno::EALREADY)));
        assert_eq!(two.require_idle(Errno::EALREADY), Ok(()));
        let further = one.take_off();
        drop(flying);
        assert!(acts.lock_by_cookie(1).unwrap().require_idle(Errno::EALREADY).is_err(), "there is another");
        drop(further);
        assert_eq!(acts.lock_by_cookie(1).unwrap().require_idle(Errno::EALREADY), Ok(()));
    }
}
