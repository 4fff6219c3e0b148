//! connect: the socket is pinned to its source; then the connection is made; both on the duplicate.

use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::socket::drop_filter::shielded;
use crate::supervisor::socket::host::Asker;
use crate::supervisor::socket::lock::Section;
use crate::supervisor::threads::worker::{Likely, Worker};
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::{self, Errno, socket};
use chbind_policy::connect::{self, Connect, Source};
use chbind_policy::perform::{self, Endpoint};
use chbind_policy::{Reason, Refusal, Socket, Subject, Transport, sockaddr};
use std::os::fd::{AsFd, BorrowedFd};

/// Another thread may give the socket an address between the look at it and the act: then the rule is asked again.
pub(crate) const ATTEMPTS: usize = 3;

impl Worker {
    pub(crate) fn connect(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let address = self.address(call, call.args[1], call.args[2]);
        let (fd, socket) = match self.inet(call, Likely::Stream) {
            // Unlike other calls this one looks at the address before it asks whether that is a socket (__sys_connect).
            Err(Stop::Fail(libc::ENOTSOCK)) => return address.and(Err(Stop::Fail(libc::ENOTSOCK))),
            found => match found? {
                Some(found) => found,
                None => return self.connect_other(call, address),
            },
        };
        let fd = fd.as_fd();
        let address = address?;
        if let Some(shown) = address.shown() {
            self.subject = Subject::Address("connect to", shown, socket.transport);
        }
        // __inet_stream_connect, inet_dgram_connect (net/ipv4/af_inet.c).
        let Some(family) = sockaddr::family(address.bytes()) else { return Err(Stop::Fail(libc::EINVAL)) };
        let names_peer = family != libc::AF_UNSPEC;
        if socket.transport == Transport::Tcp
            && names_peer
            && let Some(said) = self.before_the_address(call, fd, &socket)?
        {
            return said;
        }
        let held = self.shared.held(fd);
        for _ in 0..ATTEMPTS {
            let section = self.shared.acts.enter(fd)?;
            let bound = match socket.transport {
                Transport::Tcp if names_peer => perform::local_of_stream(&held, &socket).map_err(Errno)?,
                _ => self.shared.local(fd)?,
            };
            let host = Asker { shared: self.shared, socket: fd, interface: 0 };
            let action = match connect::connect(self.shared.context, &socket, bound, address.bytes(), &host) {
                Ok(action) => action,
                Err(refusal) => {
                    // It has got a port by then (inet_dgram_connect, net/ipv4/af_inet.c).
                    self.still_waiting(call)?;
                    self.give_port(call, fd, &socket);
                    return Err(refusal.into());
                }
            };
            self.still_waiting(call)?;
            let Connect::To { destination, source } = action else {
                // Row 47.
                shielded(fd, &self.shared.guard, &socket, || {
                    let dissolved = socket::disconnect(fd);
                    self.shared.mend(fd, &socket);
                    dissolved
                })??;
                return Ok(Answer::Return(0));
            };
            section.require_idle(libc::EALREADY)?;
            if let Source::Try(source) = source
                && let Err(errno) = perform::rehearse(&held, &socket, source, destination)
            {
                self.give_port(call, fd, &socket);
                return Err(Stop::Fail(errno));
            }
            match source {
                Source::Own => {}
                Source::Pin(source) | Source::Try(source) => match perform::pin(&held, &socket, source) {
                    Ok(()) => {}
                    Err(libc::EINVAL) => continue,
                    Err(errno) => {
                        self.shared.recover(fd, &socket)?;
                        return Err(Stop::Fail(errno));
                    }
                },
                Source::Settle(source) => {
                    // One from outside would lose the address again when it is dissolved, while another thread writes.
                    if bound.ip().to_canonical().is_unspecified() && !self.shared.guard.is_at(fd) {
                        let reason = Reason::BoundOutside(bound.ip());
                        return Err(Refusal { errno: libc::EADDRNOTAVAIL, reason }.into());
                    }
                    perform::rehearse(&held, &socket, source, destination).map_err(Errno)?;
                    shielded(fd, &self.shared.guard, &socket, || {
                        let settled = perform::settle(&held, &socket, source).and_then(|()| held.connect(destination));
                        if settled.is_err() && perform::unsettle(&held, bound).is_err() {
                            self.shared.mend(fd, &socket);
                        }
                        settled.map_err(Errno)
                    })??;
                    return Ok(Answer::Return(0));
                }
            }
            if socket.transport != Transport::Tcp {
                socket::connect(fd, destination)?;
                return Ok(Answer::Return(0));
            }
            self.wait_for(call, section, fd, &socket, || socket::connect(fd, destination))?;
            return Ok(Answer::Return(0));
        }
        Err(Stop::Fail(libc::EINVAL))
    }

    /// What the kernel says to a stream whatever the address: that it is connected, being connected, or listening, or how a
    /// connection before has ended (`__inet_stream_connect`, net/ipv4/af_inet.c). `None` if nothing.
    fn before_the_address(
        &mut self,
        call: &Notification,
        fd: BorrowedFd,
        socket: &Socket,
    ) -> Result<Option<Result<Answer, Stop>>, Stop> {
        if socket::local(fd)?.is_none_or(|bound| bound.port() == 0) {
            return Ok(None);
        }
        let section = self.shared.acts.enter(fd)?;
        section.require_idle(libc::EALREADY)?;
        self.still_waiting(call)?;
        match self.wait_for(call, section, fd, socket, || socket::connect_to_nobody(fd)) {
            Err(Stop::Fail(libc::EAFNOSUPPORT)) => Ok(None),
            said => Ok(Some(said.map(|()| Answer::Return(0)))),
        }
    }

    /// Makes a call that blocks unless the socket is told otherwise, outside of the section. Whether it blocks can change at
    /// any time. A stream that is not connected by it loses the address that was chosen for it.
    fn wait_for(
        &mut self,
        call: &Notification,
        section: Section<'static>,
        fd: BorrowedFd,
        socket: &Socket,
        connect: impl Fn() -> sys::Result<()>,
    ) -> Result<(), Stop> {
        let _in_flight = section.take_off();
        let done =
            if socket::is_nonblocking(fd)? { connect().map_err(Stop::from) } else { self.block(call, fd, connect) };
        // EINPROGRESS: it may have failed in the meantime, but that has not been told yet.
        if done.as_ref().is_err_and(|stop| !matches!(stop, Stop::Fail(libc::EINPROGRESS))) {
            perform::unpin(&self.shared.held(fd), socket);
        }
        done
    }
}
