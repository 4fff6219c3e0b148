//! connect: the socket is pinned to its source; then the connection is made; both on the duplicate.

use super::caller::Stop;
use super::pin::{local, local_of_stream, mend, pin, rehearse, settle, unsettle};
use super::route::Asker;
use super::shield::shielded;
use super::worker::{Likely, Subject, Worker};
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::{Errno, socket};
use chbind_policy::connect::{self, Connect, Source};
use chbind_policy::{Reason, Refusal, Socket, Transport, sockaddr};
use std::os::fd::{AsFd, BorrowedFd};

/// Another thread may give the socket an address between the look at it and the act: then the rule is asked again.
pub(super) const ATTEMPTS: usize = 3;

impl Worker {
    pub(super) fn connect(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let address = self.address(call, call.args[1], call.args[2]);
        let (fd, socket) = match self.inet(call, Likely::Stream) {
            // Unlike other calls this one looks at the address before it asks whether that is a socket (__sys_connect).
            Err(Stop::Fail(libc::ENOTSOCK)) => return address.and(Err(Stop::Fail(libc::ENOTSOCK))),
            found => match found? {
                Some(found) => found,
                None => return Ok(Answer::Continue),
            },
        };
        let fd = fd.as_fd();
        let address = address?;
        if let Some(shown) = address.shown() {
            self.subject = Subject::Address("connect to", shown, socket.transport);
        }
        for _ in 0..ATTEMPTS {
            let section = self.shared.acts.enter()?;
            let bound = match socket.transport {
                Transport::Tcp => local_of_stream(fd, &socket)?,
                _ => local(fd)?,
            };
            let host = Asker { shared: self.shared, socket: fd, interface: 0 };
            let action = match connect::connect(self.shared.context, &socket, bound, address.bytes(), &host) {
                Ok(action) => action,
                // __inet_stream_connect (net/ipv4/af_inet.c) asks for the state of the socket first, but for an address
                // that has no family.
                Err(refusal) => {
                    let busy = busy(fd, &socket).filter(|_| sockaddr::family(address.bytes()).is_some());
                    return Err(busy.unwrap_or(refusal.into()));
                }
            };
            self.still_waiting(call)?;
            let Connect::To { destination, source } = action else {
                // Row 47.
                shielded(fd, &self.shared.guard, &socket, || {
                    let dissolved = socket::disconnect(fd);
                    mend(self.shared.context, fd, &socket);
                    dissolved
                })??;
                return Ok(Answer::Return(0));
            };
            section.require_idle(fd, libc::EALREADY)?;
            match source {
                Source::Own => {}
                Source::Pin(source) => match pin(fd, &socket, source) {
                    Ok(()) => {}
                    Err(Errno(libc::EINVAL)) => continue,
                    Err(errno) => return Err(errno.into()),
                },
                Source::Settle(source) => {
                    // One from outside would lose the address again when it is dissolved, while another thread writes.
                    if bound.ip().to_canonical().is_unspecified() && !self.shared.guard.is_at(fd) {
                        let reason = Reason::BoundOutside(bound.ip());
                        return Err(Refusal { errno: libc::EADDRNOTAVAIL, reason }.into());
                    }
                    rehearse(fd, &socket, source, destination)?;
                    let settled = settle(fd, &socket, source).and_then(|()| socket::connect(fd, destination));
                    if settled.is_err() {
                        unsettle(fd, bound)?;
                    }
                    settled?;
                    return Ok(Answer::Return(0));
                }
            }
            if socket.transport != Transport::Tcp {
                socket::connect(fd, destination)?;
                return Ok(Answer::Return(0));
            }
            // Whether it blocks can change at any time.
            let _in_flight = section.take_off(fd)?;
            if socket::is_nonblocking(fd)? {
                socket::connect(fd, destination)?;
            } else {
                self.block(call, fd, || socket::connect(fd, destination))?;
            }
            return Ok(Answer::Return(0));
        }
        Err(Stop::Fail(libc::EINVAL))
    }
}

/// What the kernel says to a stream that is connected, being connected, or listening, whatever the address.
fn busy(fd: BorrowedFd, socket: &Socket) -> Option<Stop> {
    if socket.transport != Transport::Tcp {
        return None;
    }
    match socket::tcp_state(fd).ok()? {
        socket::TcpState::Closed => None,
        socket::TcpState::Connecting => Some(Stop::Fail(libc::EALREADY)),
        socket::TcpState::Other => Some(Stop::Fail(libc::EISCONN)),
    }
}
