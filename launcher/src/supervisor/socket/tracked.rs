//! Sockets pinned to a source: what [`perform`] does, on duplicates of the callers' sockets.

use crate::supervisor::Shared;
use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::socket::drop_filter::shielded;
use crate::sys::process::on_account_of;
use crate::sys::{self, Errno, socket};
use chbind_policy::Socket;
use chbind_policy::perform::{self, Endpoint, Look, Result};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A socket, with what is remembered of it.
pub(crate) struct Held<'a, F> {
    shared: &'a Shared,
    fd: F,
}

fn number<T>(done: sys::Result<T>) -> Result<T> {
    done.map_err(|errno| errno.0)
}

impl<'a, F: AsFd> Look for Held<'a, F> {
    fn local(&self) -> Result<Option<SocketAddr>> {
        number(socket::local(self.fd.as_fd()))
    }

    fn option(&self, level: i32, name: i32) -> Result<i32> {
        number(socket::option(self.fd.as_fd(), level, name))
    }

    fn is_chosen(&self) -> bool {
        let chosen = &self.shared.chosen;
        !chosen.is_empty() && socket::cookie(self.fd.as_fd()).is_ok_and(|cookie| chosen.has(cookie))
    }
}

impl<'a, F: AsFd> Endpoint for Held<'a, F> {
    type StandIn = Held<'a, OwnedFd>;

    fn bind(&self, address: SocketAddr) -> Result<()> {
        number(socket::bind(self.fd.as_fd(), address))
    }

    fn connect(&self, address: SocketAddr) -> Result<()> {
        number(socket::connect(self.fd.as_fd(), address))
    }

    fn disconnect(&self) -> Result<()> {
        number(socket::disconnect(self.fd.as_fd()))
    }

    fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<()> {
        number(socket::set_option(self.fd.as_fd(), level, name, value))
    }

    fn stand_in(&self, domain: i32, kind: i32, protocol: i32) -> Result<Self::StandIn> {
        let owner = number(socket::owner(self.fd.as_fd()))?;
        let fd = number(on_account_of(owner, || socket::socket(domain, kind, protocol)))?;
        Ok(Held { shared: self.shared, fd })
    }
}

impl Shared {
    pub(crate) fn held<'a>(&'a self, fd: BorrowedFd<'a>) -> Held<'a, BorrowedFd<'a>> {
        Held { shared: self, fd }
    }

    /// The local address of an inet socket, as the program has bound it.
    pub(crate) fn local(&self, fd: BorrowedFd) -> sys::Result<SocketAddr> {
        perform::local(&self.held(fd)).map_err(Errno)
    }

    /// Gives a datagram socket the address again that it was made with: to be done behind a [shield](crate::supervisor::socket::drop_filter).
    pub(crate) fn mend(&self, fd: BorrowedFd, socket: &Socket) {
        perform::mend(&self.held(fd), self.context, socket);
    }

    /// The same for one that may have lost its address by a bind that failed unexpectedly. What it has come to in the
    /// meantime hears nothing that is not the context's.
    pub(crate) fn recover(&self, fd: BorrowedFd, socket: &Socket) -> std::result::Result<(), Stop> {
        shielded(fd, &self.guard, socket, || self.mend(fd, socket))
    }
}
