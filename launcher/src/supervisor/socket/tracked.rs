//! Sockets of the context, with what is remembered of them: what [`perform`] looks at and acts on, on duplicates of the callers'
//! sockets.

use super::sockets::Sockets;
use crate::supervisor::caller::duplicate::Duplicate;
use crate::sys::process::on_account_of;
use crate::sys::{self, socket};
use chbind_policy::perform::{self, Endpoint, Look, Result};
use chbind_policy::{LocalAddr, Socket};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A socket to look at.
struct Seen<'a> {
    sockets: &'a Sockets,
    of: &'a Duplicate,
}

/// A socket to act on.
pub(crate) struct TrackedSocket<'a, F> {
    sockets: &'a Sockets,
    fd: F,
}

impl Sockets {
    fn is_explicitly_bound(&self, cookie: impl FnOnce() -> sys::Result<u64>) -> bool {
        !self.explicitly_bound.is_empty() && cookie().is_ok_and(|cookie| self.explicitly_bound.has(cookie))
    }
}

impl Look for Seen<'_> {
    fn local(&self) -> Result<Option<SocketAddr>> {
        self.of.local()
    }

    fn peer(&self) -> Result<Option<SocketAddr>> {
        self.of.peer()
    }

    fn option(&self, level: i32, name: i32) -> Result<i32> {
        self.of.option(level, name)
    }

    fn is_explicitly_bound(&self) -> bool {
        self.sockets.is_explicitly_bound(|| self.of.cookie())
    }
}

impl<F: AsFd> Look for TrackedSocket<'_, F> {
    fn local(&self) -> Result<Option<SocketAddr>> {
        socket::local(self.fd.as_fd())
    }

    fn peer(&self) -> Result<Option<SocketAddr>> {
        socket::peer(self.fd.as_fd())
    }

    fn option(&self, level: i32, name: i32) -> Result<i32> {
        socket::option(self.fd.as_fd(), level, name)
    }

    fn is_explicitly_bound(&self) -> bool {
        self.sockets.is_explicitly_bound(|| socket::cookie(self.fd.as_fd()))
    }
}

impl<'a, F: AsFd> Endpoint for TrackedSocket<'a, F> {
    type StandIn = TrackedSocket<'a, OwnedFd>;

    fn bind(&self, address: SocketAddr) -> Result<()> {
        socket::bind(self.fd.as_fd(), address)
    }

    fn connect(&self, address: SocketAddr) -> Result<()> {
        socket::connect(self.fd.as_fd(), address)
    }

    fn disconnect(&self) -> Result<()> {
        socket::disconnect(self.fd.as_fd())
    }

    fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<()> {
        socket::set_option(self.fd.as_fd(), level, name, value)
    }

    fn stand_in(&self, domain: i32, kind: i32, protocol: i32) -> Result<Self::StandIn> {
        let owner = socket::owner(self.fd.as_fd())?;
        let fd = on_account_of(owner, || socket::socket(domain, kind, protocol))?;
        Ok(TrackedSocket { sockets: self.sockets, fd })
    }
}

impl Sockets {
    /// A socket to act on: `fd` is a duplicate of the caller's for which there is [proof](Duplicate::act), or our own.
    pub(crate) fn tracked<'a>(&'a self, fd: BorrowedFd<'a>) -> TrackedSocket<'a, BorrowedFd<'a>> {
        TrackedSocket { sockets: self, fd }
    }

    /// The local address of an inet socket.
    pub(crate) fn local(&self, of: &Duplicate) -> sys::Result<LocalAddr> {
        perform::local(&Seen { sockets: self, of })
    }

    /// What it means that a socket shows this local address.
    pub(crate) fn meaning(&self, of: &Duplicate, shown: SocketAddr) -> LocalAddr {
        LocalAddr::of(shown, || self.is_explicitly_bound(|| of.cookie()))
    }

    /// Which source a socket has been given for groups.
    pub(crate) fn multicast_source(&self, of: &Duplicate) -> Result<std::net::Ipv4Addr> {
        perform::multicast_source(&Seen { sockets: self, of })
    }

    /// Gives a datagram socket the address again that it was made with: to be done behind a
    /// [drop filter](super::drop_filter).
    pub(crate) fn repin(&self, fd: BorrowedFd, socket: &Socket) {
        perform::repin(&self.tracked(fd), self.context, socket);
    }
}
