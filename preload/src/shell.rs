//! A call of the program's on one of its sockets, and how this library carries it out (see `chbind_policy::perform`).

use crate::option;
use crate::stop::{Stop, ask_if_possible};
use crate::sys::{self, Fd};
use chbind_policy::local::unbound;
use chbind_policy::perform::{self, Endpoint, Look, Permit, Shell};
use chbind_policy::{Errno, Socket, Transport};
use core::cell::Cell;
use core::net::SocketAddr;
use libc::{IP_BIND_ADDRESS_NO_PORT, IPPROTO_IP};

/// One call.
pub(crate) struct Call<'a, W> {
    pub(crate) fd: Fd,
    pub(crate) socket: &'a Socket,
    /// The index of the interface that a message asks for, 0 for none.
    pub(crate) interface: u32,
    /// What it is about.
    pub(crate) what: W,
    /// Whether something was asked that only the supervisor can find out.
    pub(crate) is_at_a_loss: Cell<bool>,
}

impl<'a, W> Call<'a, W> {
    pub(crate) fn new(fd: Fd, socket: &'a Socket, interface: u32, what: W) -> Self {
        Call { fd, socket, interface, what, is_at_a_loss: Cell::new(false) }
    }
}

impl perform::Stop for Stop {
    fn errno(&self) -> Option<Errno> {
        match self {
            Stop::Fail(errno) => Some(*errno),
            Stop::Refused(_) | Stop::Ask => None,
        }
    }
}

/// The program makes the call itself.
impl Permit for Fd {
    type Socket = Fd;

    fn socket(&self) -> &Fd {
        self
    }
}

impl<W> Shell for Call<'_, W> {
    type Permit = Fd;
    type Stop = Stop;

    fn enter(&mut self, _is_judged: bool) -> Result<Fd, Stop> {
        self.is_at_a_loss.set(false);
        Ok(self.fd)
    }

    fn has_found_out(&self) -> Result<(), Stop> {
        if self.is_at_a_loss.get() { ask_if_possible() } else { Ok(()) }
    }

    fn require_idle(&self, _: &Fd) -> Result<(), Stop> {
        Ok(())
    }

    fn give_port(&mut self, _: &Fd) {}

    fn pin(&mut self, fd: &Fd, source: SocketAddr) -> sys::Result<()> {
        if self.socket.transport != Transport::Tcp || option::wants_no_port() {
            return perform::pin(fd, self.socket, source);
        }
        mark(*fd, true)?;
        let pinned = perform::pin(fd, self.socket, source);
        if pinned.is_err() {
            mark(*fd, false)?;
        }
        pinned
    }

    fn unpin(&mut self, fd: &Fd, given: Option<SocketAddr>) {
        if let Some(source) = given {
            unpin(*fd, self.socket, source);
        }
    }

    fn deafened<T>(&mut self, _: &Fd, act: impl FnOnce() -> T) -> Result<T, Stop> {
        Ok(act())
    }
}

/// Sets the mark or takes it away. Nothing is remembered of sockets here; so a stream that was given its source by us is left
/// with a mark, `IP_BIND_ADDRESS_NO_PORT`: when the connection has failed or was dissolved its address shows still, and
/// without the mark it is one that the program has asked for.
pub(crate) fn mark(fd: Fd, on: bool) -> sys::Result<()> {
    fd.set_option(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &i32::from(on).to_ne_bytes())
}

/// Whether it is there, and ours.
pub(crate) fn is_marked(fd: Fd) -> bool {
    !option::wants_no_port() && fd.option(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT).is_ok_and(|on| on != 0)
}

/// Takes the source away again from a stream that could not be connected from it, and the mark.
pub(crate) fn unpin(fd: Fd, socket: &Socket, source: SocketAddr) {
    // EINVAL: it is being connected.
    if perform::pin(&fd, socket, unbound(source)).is_ok() && !option::wants_no_port() {
        // It was set, so it can be.
        let _ = mark(fd, false);
    }
}
