//! connect: the source is fixed first, on the duplicate; then the connection is made, on the duplicate.

use super::bind::local;
use super::caller::Stop;
use super::worker::{Likely, Subject, Worker};
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::{self, Errno, socket};
use chbind_policy::connect::{self, Connect};
use chbind_policy::{Family, Socket, Transport};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

/// Another thread may give the socket an address between the look at it and the act: then the rule is asked again.
pub(super) const ATTEMPTS: usize = 3;

impl Worker {
    pub(super) fn connect(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let address = self.address(call, call.args[1], call.args[2]);
        let Some((fd, socket)) = self.inet(call, Likely::Stream)? else { return Ok(Answer::Continue) };
        let fd = fd.as_fd();
        let address = address?;
        if let Some(shown) = address.shown() {
            self.subject = Subject::Address("connect to", shown, socket.transport);
        }
        for _ in 0..ATTEMPTS {
            let bound = local(fd)?;
            let action = connect::connect(self.shared.context, &socket, bound, address.bytes(), self.shared)?;
            self.still_waiting(call)?;
            let Connect::To { destination, source } = action else { return self.dissolve(fd, &socket) };
            if let Some(source) = source {
                match pin(fd, &socket, source) {
                    Ok(()) => {}
                    Err(Errno(libc::EINVAL)) => continue,
                    Err(errno) => return Err(errno.into()),
                }
            }
            if socket.transport == Transport::Tcp && !socket::is_nonblocking(fd)? {
                self.block(call, fd, || socket::connect(fd, destination))?;
            } else {
                socket::connect(fd, destination)?;
            }
            return Ok(Answer::Return(0));
        }
        Err(Stop::Fail(libc::EINVAL))
    }

    /// Row 47. A datagram socket that was pinned for its last peer is set free for the next one, as it would be without
    /// a context; but never while another thread may be about to use it.
    fn dissolve(&self, fd: BorrowedFd, socket: &Socket) -> Result<Answer, Stop> {
        socket::disconnect(fd)?;
        let bound = local(fd)?;
        let pinned = bound.port() == 0 && !bound.ip().is_unspecified() && socket::no_port(fd);
        if socket.transport != Transport::Tcp && pinned && self.is_alone() {
            let any = match socket.family {
                Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            };
            // Refused, it stays pinned to an address of the context: no harm.
            let _ = socket::bind(fd, SocketAddr::new(any, 0));
            let _ = socket::set_no_port(fd, false);
        }
        Ok(Answer::Return(0))
    }
}

/// Fixes the source address without taking a port. EINVAL if the socket has a port already.
///
/// On a datagram socket `IP_BIND_ADDRESS_NO_PORT` stays set: it marks a socket whose address was chosen here, not by
/// the program, and `dissolve` looks for it.
pub(super) fn pin(fd: BorrowedFd, socket: &Socket, source: SocketAddr) -> sys::Result<()> {
    if socket::no_port(fd) {
        return socket::bind(fd, source);
    }
    socket::set_no_port(fd, true)?;
    let bound = socket::bind(fd, source);
    if socket.transport == Transport::Tcp || bound.is_err() {
        socket::set_no_port(fd, false)?;
    }
    bound
}
