//! Numbers of contexts: unique among the running contexts of all users.
//!
//! A number is held by an abstract AF_UNIX name that the supervisor keeps bound. The kernel refuses the same name a
//! second time, and frees it when the supervisor ends in whatever way, so that nothing can go stale (unix(7)). The names
//! belong to a network namespace, as the addresses do.

use super::error::Error;
use crate::sys::{Errno, diag, socket};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

/// Numbers that can be given; 0 is the host and 1 is reserved.
pub(crate) const LOWEST: u16 = 2;
/// Numbers are handed out from here on, as Linux-VServer did, out of the way of those that people choose.
const DYNAMIC: u16 = 49152;

/// How long a number that was asked for may take to become free.
const PATIENCE: Duration = Duration::from_millis(500);

/// A number, and what holds it.
#[derive(Debug)]
pub struct Nid {
    /// The number.
    pub number: u16,
    /// As long as this is open nobody else gets it.
    pub holder: OwnedFd,
}

impl Nid {
    /// This number, which is [`LOWEST`] or higher.
    pub fn given(number: u16) -> Result<Self, Error> {
        hold_soon(number)?.ok_or(Error::NumberTaken(number))
    }

    /// A free number.
    pub fn free() -> Result<Self, Error> {
        // From a different one each time, so that nobody can wait for the next.
        let first = DYNAMIC + (std::process::id() % u32::from(u16::MAX - DYNAMIC + 1)) as u16;
        for number in (first..=u16::MAX).chain(DYNAMIC..first).chain(LOWEST..DYNAMIC) {
            if let Some(nid) = hold(number)? {
                return Ok(nid);
            }
        }
        Err(Error::NoNumberFree)
    }

    /// Whether somebody serves on the loopback address already: programs whose supervisor was killed live on, and must
    /// not become the loopback of another context. Where the kernel does not say, the holder decides alone.
    fn loopback_in_use(&self) -> bool {
        diag::is_served(self.loopback()).unwrap_or(false)
    }

    /// L, the loopback address that belongs to the number.
    pub fn loopback(&self) -> Ipv4Addr {
        loopback(self.number)
    }
}

/// L, the loopback address that belongs to a number.
pub(crate) fn loopback(number: u16) -> Ipv4Addr {
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, high, low, 1)
}

/// A supervisor ends a moment after the last task of its context. Whoever restarts a service must not meet the old one.
fn hold_soon(number: u16) -> Result<Option<Nid>, Error> {
    let given_up = Instant::now() + PATIENCE;
    loop {
        match hold(number)? {
            None if Instant::now() < given_up => thread::sleep(PATIENCE / 100),
            done => return Ok(done),
        }
    }
}

fn hold(number: u16) -> Result<Option<Nid>, Error> {
    match socket::hold_abstract_name(format!("chbind/nid/{number}").as_bytes()) {
        Ok(holder) => Ok(Some(Nid { number, holder }).filter(|nid| !nid.loopback_in_use())),
        Err(Errno(libc::EADDRINUSE)) => Ok(None),
        Err(errno) => Err(Error::HoldNumber(errno)),
    }
}
