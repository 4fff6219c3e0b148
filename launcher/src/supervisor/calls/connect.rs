//! connect: the socket is pinned to its source; then the connection is made; both on the duplicate.

use super::acting::{Acting, Leave};
use super::worker::{Likely, Worker};
use crate::supervisor::caller::address;
use crate::supervisor::caller::duplicate::Duplicate;
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::outcome::Stop;
use crate::sys::seccomp::Answer;
use crate::sys::{self, Errno, socket};
use chbind_policy::perform::{self, Connects, Look, Permit, Shell};
use chbind_policy::{LocalAddr, Reason, Refusal, Socket, Subject, Transport, sockaddr};
use std::net::SocketAddr;

impl Worker {
    pub(crate) fn connect(&mut self, caller: &mut Caller) -> Result<Answer, Stop> {
        let [_, at, len, ..] = caller.args();
        let address = address::read(caller, at, len);
        let (duplicate, socket) = match self.inet(caller, Likely::Stream) {
            // Unlike other calls this one looks at the address before it asks whether that is a socket (__sys_connect).
            Err(Stop::Fail(Errno::ENOTSOCK)) => return address.and(Err(Stop::Fail(Errno::ENOTSOCK))),
            found => match found? {
                Some(found) => found,
                None => return self.connect_non_inet(caller, address),
            },
        };
        let address = address?;
        if let Some(shown) = address.shown() {
            self.subject = Subject::Address("connect to", shown, socket.transport);
        }
        // __inet_stream_connect, inet_dgram_connect (net/ipv4/af_inet.c).
        let Some(family) = sockaddr::family(address.bytes()) else { return Err(Stop::Fail(Errno::EINVAL)) };
        let names_peer = family != libc::AF_UNSPEC;
        if socket.transport == Transport::Tcp
            && names_peer
            && let Some(said) = self.before_the_address(caller, &duplicate, &socket)?
        {
            return said;
        }
        let context = self.shared.context;
        let mut acting = Acting::new(self, caller, (&duplicate, &socket), 0, Connecting);
        perform::connect(&mut acting, context, &socket, address.bytes())?;
        Ok(Answer::Return(0))
    }

    /// What the kernel says to a stream whatever the address: that it is connected, being connected, or listening, or how a
    /// connection before has ended (`__inet_stream_connect`, net/ipv4/af_inet.c). `None` if nothing.
    fn before_the_address(
        &mut self,
        caller: &Caller,
        duplicate: &Duplicate,
        socket: &Socket,
    ) -> Result<Option<Result<Answer, Stop>>, Stop> {
        if duplicate.local()?.is_none_or(|bound| bound.port() == 0) {
            return Ok(None);
        }
        let mut acting = Acting::new(self, caller, (duplicate, socket), 0, Connecting);
        let mut leave = acting.enter(true)?;
        acting.require_idle(&leave)?;
        let fd = leave.fd;
        let said = acting.wait_for(&mut leave, || socket::connect_to_nobody(fd));
        if perform::has_failed(&said) {
            acting.unpin(&leave, None);
        }
        match said {
            Err(Stop::Fail(Errno::EAFNOSUPPORT)) => Ok(None),
            said => Ok(Some(said.map(|()| Answer::Return(0)))),
        }
    }
}

/// A connect.
struct Connecting;

impl<'a> Acting<'a, Connecting> {
    /// Makes a call that blocks unless the socket is told otherwise, with the socket in flight. Whether it blocks can change at
    /// any time.
    fn wait_for(&mut self, leave: &mut Leave<'a>, connect: impl Fn() -> sys::Result<()>) -> Result<(), Stop> {
        leave.take_off();
        if socket::is_nonblocking(leave.fd)? {
            Ok(connect()?)
        } else {
            self.worker.block(self.caller, leave.fd, connect)
        }
    }
}

impl<'a> Connects for Acting<'a, Connecting> {
    fn may_be_pinned(&self, leave: &Leave<'a>, _shown: SocketAddr) -> bool {
        !leave.socket().is_explicitly_bound()
    }

    fn said_before_the_address(&mut self, _: &Leave<'a>) -> Option<Result<(), Stop>> {
        None
    }

    fn dissolved(&mut self, _: &Leave<'a>, _before: LocalAddr) {}

    fn may_fix_source(&mut self, leave: &Leave<'a>, local: LocalAddr) -> Result<(), Stop> {
        match local {
            LocalAddr::Wildcard(bound) if !self.worker.shared.sockets.wildcard_filter.is_at(leave.fd) => {
                Err(Refusal::new(Errno::EADDRNOTAVAIL, Reason::BoundOutside(bound.ip())).into())
            }
            _ => Ok(()),
        }
    }

    fn connect(&mut self, leave: &mut Leave<'a>, destination: SocketAddr) -> Result<(), Stop> {
        let fd = leave.fd;
        match self.socket.transport {
            Transport::Tcp => self.wait_for(leave, || socket::connect(fd, destination)),
            _ => Ok(socket::connect(fd, destination)?),
        }
    }
}
