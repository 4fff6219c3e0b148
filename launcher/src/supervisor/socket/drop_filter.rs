//! What goes before a UDP socket for the moment in which it has no address.
//!
//! A bind that fails takes the address away that a socket was made with, and so does the end of an association. Another
//! thread that writes to the socket in that moment gets it a port on every address of the host, and would hear what is
//! sent there. So nothing is let through meanwhile. Programs can set and remove filters only by way of the supervisor,
//! one act at a time: none of them comes in between.

use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::socket::wildcard_filter::WildcardFilter;
use crate::sys::seccomp::Instruction;
use crate::sys::{self, Errno, socket};
use chbind_policy::bpf::{INSTRUCTIONS_MAX, ret};
use chbind_policy::{Reason, Refusal, Socket, Transport};
use std::os::fd::BorrowedFd;

const NOTHING: [Instruction; 1] = [ret(0)];

/// A socket that hears nothing, until this is lifted.
pub(crate) struct DropFilter<'a> {
    fd: BorrowedFd<'a>,
    /// The program's own filter, none if it is empty; `None` if the context's own is there, and stays.
    before: Option<Vec<Instruction>>,
}

impl<'a> DropFilter<'a> {
    /// Puts it there. Refused where the program has locked a filter of its own.
    pub(crate) fn place(fd: BorrowedFd<'a>, wildcard: &WildcardFilter) -> Result<Self, Stop> {
        let before = match socket::filter(fd, INSTRUCTIONS_MAX) {
            Ok(found) if wildcard.is(fd, &found) => return Ok(DropFilter { fd, before: None }),
            Ok(found) => found,
            // An eBPF program: it cannot be read, and so not be put back.
            Err(Errno::EACCES) => Vec::new(),
            Err(errno) => return Err(errno.into()),
        };
        match socket::attach_filter(fd, &NOTHING) {
            Ok(()) => Ok(DropFilter { fd, before: Some(before) }),
            Err(Errno::EPERM) => Err(Refusal::new(Errno::EPERM, Reason::OwnFilter).into()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Restores the program's filter. A socket that is without an address all the same, or on a wildcard by now, gets the
    /// context's filter instead, locked: it has a right to hear what is sent to the context and nothing else.
    pub(crate) fn lift(self, wildcard: &WildcardFilter) -> Result<(), Stop> {
        let Some(before) = self.before else { return Ok(()) };
        let bound = socket::local(self.fd)?;
        if bound.is_some_and(|bound| bound.ip().to_canonical().is_unspecified()) {
            wildcard.replace(self.fd)?;
        } else if before.is_empty() {
            socket::detach_filter(self.fd)?;
        } else {
            socket::attach_filter(self.fd, &before)?;
        }
        Ok(())
    }
}

/// Does with a socket what may leave it without an address.
pub(crate) fn behind_drop_filter<T>(
    fd: BorrowedFd,
    wildcard: &WildcardFilter,
    socket: &Socket,
    act: impl FnOnce() -> T,
) -> Result<T, Stop> {
    if socket.transport != Transport::Udp {
        return Ok(act());
    }
    let filter = DropFilter::place(fd, wildcard)?;
    let done = act();
    filter.lift(wildcard)?;
    Ok(done)
}

/// Does with a new socket what it takes until it may hear; what has reached it before is thrown away.
pub(crate) fn deaf_until(fd: BorrowedFd, act: impl FnOnce() -> sys::Result<()>) -> sys::Result<()> {
    socket::attach_filter(fd, &NOTHING)?;
    act()?;
    // A packet that was on its way to the socket before may still arrive.
    sys::process::await_packets_in_flight();
    socket::drain(fd)?;
    socket::detach_filter(fd)
}
