//! connect: the socket is pinned to its source; then the connection is made; both on the duplicate.

use super::worker::{Likely, Worker};
use crate::supervisor::caller::address;
use crate::supervisor::caller::duplicate::Duplicate;
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::socket::drop_filter::behind_drop_filter;
use crate::supervisor::socket::host::Asker;
use crate::supervisor::socket::lock::Locked;
use crate::sys::seccomp::Answer;
use crate::sys::{self, Errno, socket};
use chbind_policy::connect::{self, Connect, Source};
use chbind_policy::perform::{self, Endpoint};
use chbind_policy::{Reason, Refusal, Socket, Subject, Transport, sockaddr};
use std::os::fd::BorrowedFd;

/// Another thread may give the socket an address between the look at it and the act: then the rule is asked again.
pub(crate) const ATTEMPTS: usize = 3;

impl Worker {
    pub(crate) fn connect(&mut self, caller: &mut Caller) -> Result<Answer, Stop> {
        let [_, at, len, ..] = caller.args();
        let address = address::read(caller, at, len);
        let (duplicate, socket) = match self.inet(caller, Likely::Stream) {
            // Unlike other calls this one looks at the address before it asks whether that is a socket (__sys_connect).
            Err(Stop::Fail(libc::ENOTSOCK)) => return address.and(Err(Stop::Fail(libc::ENOTSOCK))),
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
        let Some(family) = sockaddr::family(address.bytes()) else { return Err(Stop::Fail(libc::EINVAL)) };
        let names_peer = family != libc::AF_UNSPEC;
        if socket.transport == Transport::Tcp
            && names_peer
            && let Some(said) = self.before_the_address(caller, &duplicate, &socket)?
        {
            return said;
        }
        for _ in 0..ATTEMPTS {
            let locked = self.shared.sockets.lock(&duplicate)?;
            let fd = duplicate.act(caller.live()?);
            let tracked = self.shared.sockets.tracked(fd);
            let local = match socket.transport {
                Transport::Tcp if names_peer => perform::stream(&tracked, &socket)?,
                _ => perform::local(&tracked)?,
            };
            let host = Asker { sockets: &self.shared.sockets, socket: &duplicate, interface: 0 };
            let action = match connect::connect(self.shared.context, &socket, local, address.bytes(), &host) {
                Ok(action) => action,
                Err(refusal) => {
                    // It has got a port by then (inet_dgram_connect, net/ipv4/af_inet.c).
                    self.give_port(caller, fd, &socket);
                    return Err(refusal.into());
                }
            };
            let Connect::To { destination, source } = action else {
                // Row 47.
                behind_drop_filter(fd, &self.shared.sockets.wildcard_filter, &socket, || {
                    let dissolved = socket::disconnect(fd);
                    self.shared.sockets.repin(fd, &socket);
                    dissolved
                })??;
                return Ok(Answer::Return(0));
            };
            locked.require_idle(libc::EALREADY)?;
            if let Source::Try(source) = source
                && let Err(errno) = perform::dry_run(&tracked, &socket, source, destination)
            {
                self.give_port(caller, fd, &socket);
                return Err(errno.into());
            }
            match source {
                Source::Own => {}
                Source::Pin(source) | Source::Try(source) => match perform::pin(&tracked, &socket, source) {
                    Ok(()) => {}
                    Err(Errno::EINVAL) => continue,
                    Err(errno) => {
                        self.shared.sockets.recover(fd, &socket)?;
                        return Err(errno.into());
                    }
                },
                Source::Fix(source) => {
                    // One from outside would lose the address again when it is dissolved, while another thread writes.
                    let bound = local.as_bound().ip();
                    if bound.to_canonical().is_unspecified() && !self.shared.sockets.wildcard_filter.is_at(fd) {
                        let reason = Reason::BoundOutside(bound);
                        return Err(Refusal::new(Errno::EADDRNOTAVAIL, reason).into());
                    }
                    perform::dry_run(&tracked, &socket, source, destination)?;
                    behind_drop_filter(fd, &self.shared.sockets.wildcard_filter, &socket, || {
                        let settled =
                            perform::fix_source(&tracked, &socket, source).and_then(|()| tracked.connect(destination));
                        if settled.is_err() && perform::unfix_source(&tracked, local).is_err() {
                            self.shared.sockets.repin(fd, &socket);
                        }
                        settled
                    })??;
                    return Ok(Answer::Return(0));
                }
            }
            if socket.transport != Transport::Tcp {
                socket::connect(fd, destination)?;
                return Ok(Answer::Return(0));
            }
            self.wait_for(caller, locked, fd, &socket, || socket::connect(fd, destination))?;
            return Ok(Answer::Return(0));
        }
        Err(Stop::Fail(libc::EINVAL))
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
        let locked = self.shared.sockets.lock(duplicate)?;
        locked.require_idle(libc::EALREADY)?;
        let fd = duplicate.act(caller.live()?);
        match self.wait_for(caller, locked, fd, socket, || socket::connect_to_nobody(fd)) {
            Err(Stop::Fail(libc::EAFNOSUPPORT)) => Ok(None),
            said => Ok(Some(said.map(|()| Answer::Return(0)))),
        }
    }

    /// Makes a call that blocks unless the socket is told otherwise, outside of the section. Whether it blocks can change at
    /// any time. A stream that is not connected by it loses the address that was chosen for it.
    fn wait_for(
        &mut self,
        caller: &Caller,
        locked: Locked<'static>,
        fd: BorrowedFd,
        socket: &Socket,
        connect: impl Fn() -> sys::Result<()>,
    ) -> Result<(), Stop> {
        let _in_flight = locked.take_off();
        let done =
            if socket::is_nonblocking(fd)? { connect().map_err(Stop::from) } else { self.block(caller, fd, connect) };
        // EINPROGRESS: it may have failed in the meantime, but that has not been told yet.
        if done.as_ref().is_err_and(|stop| !matches!(stop, Stop::Fail(libc::EINPROGRESS))) {
            perform::unpin(&self.shared.sockets.tracked(fd), socket);
        }
        done
    }
}
