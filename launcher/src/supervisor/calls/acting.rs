//! How the supervisor carries out a call on a socket: its part of [`perform`].

use super::worker::Worker;
use crate::supervisor::caller::duplicate::Duplicate;
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::socket::drop_filter::behind_drop_filter;
use crate::supervisor::socket::host::Asker;
use crate::supervisor::socket::lock::{InFlight, Locked};
use crate::supervisor::socket::tracked::TrackedSocket;
use crate::sys::{self, Errno};
use chbind_policy::perform::{self, Permit, Shell};
use chbind_policy::{Family, Host, Socket, Transport};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::BorrowedFd;

/// One call, on a duplicate of the caller's socket.
pub(crate) struct Acting<'a, W> {
    pub(crate) worker: &'a mut Worker,
    /// All that is needed of it has been read.
    pub(crate) caller: &'a Caller<'a>,
    duplicate: &'a Duplicate,
    pub(crate) socket: &'a Socket,
    /// The index of the interface that a message asks for, 0 for none.
    interface: u32,
    /// What the call is about.
    pub(crate) what: W,
}

impl<'a, W> Acting<'a, W> {
    pub(crate) fn new(
        worker: &'a mut Worker,
        caller: &'a Caller<'a>,
        (duplicate, socket): (&'a Duplicate, &'a Socket),
        interface: u32,
        what: W,
    ) -> Self {
        Acting { worker, caller, duplicate, socket, interface, what }
    }

    fn host(&self) -> Asker<'_> {
        Asker { sockets: &self.worker.shared.sockets, socket: self.duplicate, interface: self.interface }
    }
}

/// Leave to act on the duplicate: the caller waited when it was given, and no other thread is at the socket.
pub(crate) struct Leave<'a> {
    pub(crate) fd: BorrowedFd<'a>,
    tracked: TrackedSocket<'a, BorrowedFd<'a>>,
    locked: Option<Locked<'static>>,
    in_flight: Option<InFlight<'static>>,
}

impl Leave<'_> {
    /// Lets other threads at the socket, which is in flight from now on: for what may block.
    pub(crate) fn take_off(&mut self) {
        self.in_flight = self.locked.take().map(Locked::take_off);
    }
}

impl<'a> Permit for Leave<'a> {
    type Socket = TrackedSocket<'a, BorrowedFd<'a>>;

    fn socket(&self) -> &Self::Socket {
        &self.tracked
    }
}

impl perform::Stop for Stop {
    fn errno(&self) -> Option<Errno> {
        match self {
            Stop::Fail(errno) => Some(*errno),
            Stop::Refused(_) | Stop::Gone => None,
        }
    }
}

impl<W> Host for Acting<'_, W> {
    fn preferred_source(&self, destination: SocketAddr) -> Option<IpAddr> {
        self.host().preferred_source(destination)
    }

    fn is_on_device(&self) -> bool {
        self.host().is_on_device()
    }

    fn serves(&self, transport: Transport, family: Family, port: u16) -> Option<IpAddr> {
        self.host().serves(transport, family, port)
    }
}

impl<'a, W> Shell for Acting<'a, W> {
    type Permit = Leave<'a>;
    type Stop = Stop;

    fn enter(&mut self, is_judged: bool) -> Result<Leave<'a>, Stop> {
        let sockets = &self.worker.shared.sockets;
        let locked = is_judged.then(|| sockets.lock(self.duplicate)).transpose()?;
        let fd = self.duplicate.act(self.caller.live()?);
        Ok(Leave { fd, tracked: sockets.tracked(fd), locked, in_flight: None })
    }

    fn has_found_out(&self) -> Result<(), Stop> {
        Ok(())
    }

    fn require_idle(&self, leave: &Leave<'a>) -> Result<(), Stop> {
        leave.locked.as_ref().map_or(Ok(()), |locked| locked.require_idle(Errno::EALREADY))
    }

    fn give_port(&mut self, leave: &Leave<'a>) {
        self.worker.give_port(self.caller, leave.fd, self.socket);
    }

    fn pin(&mut self, leave: &Leave<'a>, source: SocketAddr) -> sys::Result<()> {
        perform::pin(leave.socket(), self.socket, source)
    }

    fn unpin(&mut self, leave: &Leave<'a>, _given: Option<SocketAddr>) {
        perform::unpin(leave.socket(), self.socket);
    }

    fn deafened<T>(&mut self, leave: &Leave<'a>, act: impl FnOnce() -> T) -> Result<T, Stop> {
        behind_drop_filter(leave.fd, &self.worker.shared.sockets.wildcard_filter, self.socket, act)
    }
}
