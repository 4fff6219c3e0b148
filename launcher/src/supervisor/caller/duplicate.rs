//! A duplicate of a socket of the caller's.

use super::live::Live;
use crate::sys::{self, socket};
use nix::unistd::Uid;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A duplicate of a socket of the caller's. To look at it takes nothing; to act on it takes proof that the caller waits.
pub(crate) struct Duplicate(OwnedFd);

impl Duplicate {
    pub(super) fn new(fd: OwnedFd) -> Self {
        Duplicate(fd)
    }

    /// The descriptor, to act on.
    pub(crate) fn act<'a>(&'a self, _proof: Live<'a>) -> BorrowedFd<'a> {
        self.0.as_fd()
    }

    /// An integer option.
    pub(crate) fn option(&self, level: i32, name: i32) -> sys::Result<i32> {
        socket::option(self.0.as_fd(), level, name)
    }

    /// getsockname(2); `None` for a socket of another family.
    pub(crate) fn local(&self) -> sys::Result<Option<SocketAddr>> {
        socket::local(self.0.as_fd())
    }

    /// getpeername(2); `None` for a socket of another family.
    pub(crate) fn peer(&self) -> sys::Result<Option<SocketAddr>> {
        socket::peer(self.0.as_fd())
    }

    /// What identifies the socket on this host (`SO_COOKIE`).
    pub(crate) fn cookie(&self) -> sys::Result<u64> {
        socket::cookie(self.0.as_fd())
    }

    /// Which network namespace it belongs to (`SO_NETNS_COOKIE`).
    pub(crate) fn netns_cookie(&self) -> sys::Result<u64> {
        socket::netns_cookie(self.0.as_fd())
    }

    /// Whether it is TCP and nothing else; false is no answer.
    pub(crate) fn is_plain_tcp(&self) -> bool {
        socket::is_plain_tcp(self.0.as_fd())
    }

    /// Whether `O_NONBLOCK` is set.
    pub(crate) fn is_nonblocking(&self) -> sys::Result<bool> {
        socket::is_nonblocking(self.0.as_fd())
    }

    /// The user on whose account it was made.
    pub(crate) fn owner(&self) -> sys::Result<Uid> {
        socket::owner(self.0.as_fd())
    }
}
