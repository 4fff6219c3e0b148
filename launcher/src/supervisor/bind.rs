//! bind and listen.

use super::caller::Stop;
use super::pin::{local, mend};
use super::rights::with_all_rights;
use super::shield::shielded;
use super::worker::{Likely, Subject, Worker};
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::{self, Errno, diag, socket};
use caps::Capability::CAP_NET_BIND_SERVICE;
use chbind_policy::bind::{self, Place};
use chbind_policy::sockaddr::canonical;
use chbind_policy::{Family, Socket, Transport, listen};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

impl Worker {
    pub(super) fn bind(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let address = self.address(call, call.args[1], call.args[2]);
        let Some((fd, socket)) = self.inet(call, Likely::Stream)? else { return Ok(Answer::Continue) };
        let address = address?;
        if let Some(shown) = address.shown() {
            self.subject = Subject::Address("bind to", shown, socket.transport);
        }
        let action = bind::bind(self.shared.context, &socket, address.bytes()).map_err(|refusal| {
            // __inet6_bind asks for the port that the socket has before it looks for the address; __inet_bind after that.
            let has_ports = matches!(socket.transport, Transport::Tcp | Transport::Udp);
            let is_v6 = has_ports && socket.family == Family::V6;
            let has_port = is_v6 && local(fd.as_fd()).is_ok_and(|bound| bound.port() != 0);
            let is_late = refusal.errno == libc::EADDRNOTAVAIL && has_port;
            if is_late { Stop::Fail(libc::EINVAL) } else { refusal.into() }
        })?;
        let section = self.shared.acts.enter()?;
        section.require_idle(fd.as_fd(), libc::EINVAL)?;
        self.still_waiting(call)?;
        let (at, bound) = self.bind_to(call, fd.as_fd(), &socket, action.place)?;
        drop(section);
        if bound == Err(Errno(libc::EADDRINUSE)) {
            self.shared.collided(call.tid, canonical(at), socket.transport);
        }
        bound?;
        if at.port() == 0 && !action.wildcard && matches!(socket.transport, Transport::Tcp | Transport::Udp) {
            // Should the socket lose the port that it has got now, its address is still the program's: see pin.
            let _ = socket::set_no_port(fd.as_fd(), true);
        }
        self.note_served(fd.as_fd(), &socket, at, action.wildcard);
        if let Some(note) = action.note.filter(|_| !at.ip().to_canonical().is_unspecified()) {
            let asked = address.shown().unwrap_or(at);
            self.shared.teller.note(call.tid, asked, socket.transport, note, self.shared.context);
        }
        Ok(Answer::Return(0))
    }

    /// Binds to the place, and says to which address in the end.
    fn bind_to(
        &self,
        call: &Notification,
        fd: BorrowedFd,
        socket: &Socket,
        place: Place,
    ) -> Result<(SocketAddr, sys::Result<()>), Stop> {
        let bind = |address| Ok((address, self.bind_or_mend(call, fd, socket, address)?));
        let (any, otherwise) = match place {
            Place::At(address) => return bind(address),
            Place::Open { any, otherwise } => (any, otherwise),
        };
        // One that has a port already gets no filter: the bind fails.
        if local(fd)?.port() == 0 && (self.takes_from_others(fd, any)? || !self.shared.guard.place(fd)) {
            return bind(otherwise);
        }
        let opened = bind(any)?;
        if opened.1 == Err(Errno(libc::EADDRINUSE)) { bind(otherwise) } else { Ok(opened) }
    }

    /// Binds to `address`. If that fails the socket has the address again that it was made with.
    fn bind_or_mend(
        &self,
        call: &Notification,
        fd: BorrowedFd,
        socket: &Socket,
        address: SocketAddr,
    ) -> Result<sys::Result<()>, Stop> {
        let bind = || {
            let bound = self.bind_as_caller(call, fd, address);
            // EINVAL: it had a port before, and nothing was changed.
            if bound.is_err_and(|errno| errno != Errno(libc::EINVAL)) {
                mend(self.shared.context, fd, socket);
            }
            bound
        };
        // Only a datagram socket has an address before this, and only before it has a port.
        if socket.transport != Transport::Udp || local(fd)?.port() != 0 {
            return Ok(bind());
        }
        shielded(fd, &self.shared.guard, socket, bind)
    }

    /// Whether a socket that shares its port (`SO_REUSEADDR`, `SO_REUSEPORT`) would take datagrams from somebody outside on
    /// the wildcard `any`: the kernel gives one to one of the sockets there, and asks only that one's filter. Groups it
    /// gives to all.
    fn takes_from_others(&self, fd: BorrowedFd, any: SocketAddr) -> sys::Result<bool> {
        let option = |name| socket::option(fd, libc::SOL_SOCKET, name);
        if self.shared.context.multicast || (option(libc::SO_REUSEADDR)? == 0 && option(libc::SO_REUSEPORT)? == 0) {
            return Ok(false);
        }
        let own = self.shared.kept.add(socket::cookie(fd)?);
        Ok(diag::wildcards(any.port())?.iter().any(|cookie| !own.contains(cookie)))
    }

    /// Row 15: with the caller's rights, not the supervisor's, unless the context grants the port.
    fn bind_as_caller(&self, call: &Notification, fd: BorrowedFd, address: SocketAddr) -> sys::Result<()> {
        match socket::bind(fd, address) {
            Err(Errno(libc::EACCES)) => with_all_rights(|| {
                // Asked once more: the rights must be those of the caller, not of a program that took its place.
                let granted = self.shared.context.rules.is_granted(address.port());
                if (granted || self.shared.network.grants(call.tid, CAP_NET_BIND_SERVICE))
                    && self.still_waiting(call).is_ok()
                {
                    socket::bind(fd, address)
                } else {
                    Err(Errno(libc::EACCES))
                }
            }),
            done => done,
        }
    }

    /// Remembers what answers on this context's loopback (row 36).
    fn note_served(&self, fd: BorrowedFd, socket: &Socket, at: SocketAddr, wildcard: bool) {
        let ip = at.ip().to_canonical();
        let context = self.shared.context;
        let is_loopback = context.loopback_of(Family::of(ip)) == Some(ip);
        if !wildcard && !is_loopback || !matches!(socket.transport, Transport::Tcp | Transport::Udp) {
            return;
        }
        let port = match at.port() {
            0 => socket::local(fd).ok().flatten().map_or(0, |local| local.port()),
            port => port,
        };
        if port == 0 {
            return;
        }
        if !ip.is_unspecified() {
            self.shared.served.note(socket.transport, port, ip);
            return;
        }
        // What was left a wildcard hears loopback too.
        let heard: &[Family] = match (Family::of(ip), socket.v6only) {
            (Family::V4, _) => &[Family::V4],
            (Family::V6, true) => &[Family::V6],
            (Family::V6, false) => &[Family::V4, Family::V6],
        };
        for ip in heard.iter().filter_map(|family| context.loopback_of(*family)) {
            self.shared.served.note(socket.transport, port, ip);
        }
    }

    pub(super) fn listen(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let Some((fd, socket)) = self.inet(call, Likely::Stream)? else { return Ok(Answer::Continue) };
        let section = self.shared.acts.enter()?;
        section.require_idle(fd.as_fd(), libc::EINVAL)?;
        let bound = local(fd.as_fd())?;
        let listening = socket::option(fd.as_fd(), libc::SOL_SOCKET, libc::SO_ACCEPTCONN)? != 0;
        self.subject = Subject::Address("listen on", canonical(bound), socket.transport);
        let action = listen::listen(self.shared.context, &socket, bound, listening)?;
        self.still_waiting(call)?;
        if let Some(address) = action.bind_first {
            take_port(fd.as_fd(), address)?;
            // Which one it got is judged before anybody can connect to it.
            listen::listen(self.shared.context, &socket, local(fd.as_fd())?, false)?;
        } else if !listening && socket.transport == Transport::Tcp && self.shared.context.rules.restrict_ports() {
            keep_port(fd.as_fd(), bound)?;
        }
        socket::listen(fd.as_fd(), call.args[1] as i32)?;
        // One that listened before can be shut down at any time: then the kernel has just chosen another port.
        let now = local(fd.as_fd())?;
        let same = listening && now == bound;
        if !same && let Err(refusal) = listen::listen(self.shared.context, &socket, now, false) {
            socket::disconnect(fd.as_fd())?;
            return Err(refusal.into());
        }
        if let Some(address) = action.bind_first {
            self.note_served(fd.as_fd(), &socket, address, true);
        }
        Ok(Answer::Return(0))
    }
}

/// What is shut down lets go of a port that the kernel chose, shows it all the same, and would get another when it listens
/// (`tcp_set_state`, `inet_put_port`): it must be the one that was judged.
fn keep_port(fd: BorrowedFd, bound: SocketAddr) -> sys::Result<()> {
    match socket::bind(fd, bound) {
        Err(Errno(libc::EADDRINUSE)) => Err(Errno(libc::EADDRINUSE)),
        // EINVAL, or EACCES before that: it has its port.
        _ => Ok(()),
    }
}

/// Binds to an address and a port, also where the program wants no port before one is needed (`IP_BIND_ADDRESS_NO_PORT`).
fn take_port(fd: BorrowedFd, address: SocketAddr) -> sys::Result<()> {
    let restore = socket::no_port(fd);
    if restore {
        socket::set_no_port(fd, false)?;
    }
    let bound = socket::bind(fd, address);
    if restore {
        socket::set_no_port(fd, true)?;
    }
    bound
}
