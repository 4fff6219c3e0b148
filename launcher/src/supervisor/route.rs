//! What source address the kernel's routing would choose.

use crate::sys::socket;
use libc::{AF_INET, AF_INET6, SOCK_DGRAM};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

/// The discard service (RFC 863): connecting a datagram socket sends nothing, so any port will do.
const DISCARD: u16 = 9;

/// Datagram sockets that are connected to destinations only to be asked for their local address.
#[derive(Default)]
pub(super) struct Routes {
    v4: Mutex<Option<OwnedFd>>,
    v6: Mutex<Option<OwnedFd>>,
}

impl Routes {
    /// `None` where there is no route, or nothing to ask with.
    pub(super) fn preferred_source(&self, destination: IpAddr) -> Option<IpAddr> {
        let (slot, domain) = match destination {
            IpAddr::V4(_) => (&self.v4, AF_INET),
            IpAddr::V6(_) => (&self.v6, AF_INET6),
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let probe = match slot.as_ref() {
            Some(probe) => probe,
            None => slot.insert(socket::socket(domain, SOCK_DGRAM, 0).ok()?),
        };
        socket::connect(probe.as_fd(), SocketAddr::new(destination, DISCARD)).ok()?;
        let local = socket::local(probe.as_fd()).ok().flatten();
        // Leaves no port taken; a socket that cannot be used again is given up.
        if socket::disconnect(probe.as_fd()).is_err() {
            *slot = None;
        }
        local.map(|local| local.ip())
    }
}
