//! bind.

use super::worker::{Likely, Worker};
use crate::privileges::capabilities::with_all_rights;
use crate::supervisor::caller::address;
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::socket::drop_filter::behind_drop_filter;
use crate::sys::seccomp::Answer;
use crate::sys::{self, Errno, diag, socket};
use caps::Capability::CAP_NET_BIND_SERVICE;
use chbind_policy::bind::{self, Place};
use chbind_policy::sockaddr::{self, SockAddr, canonical};
use chbind_policy::{Family, Refusal, Socket, Subject, Transport, perform};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::BorrowedFd;

impl Worker {
    pub(crate) fn bind(&mut self, caller: &mut Caller) -> Result<Answer, Stop> {
        let [_, at, len, ..] = caller.args();
        let address = address::read(caller, at, len);
        let Some((duplicate, socket)) = self.inet(caller, Likely::Stream)? else {
            return self.bind_non_inet(caller, address);
        };
        let address = address?;
        if let Some(shown) = address.shown() {
            self.subject = Subject::Address("bind to", shown, socket.transport);
        }
        let judged = bind::bind(self.shared.context, &socket, address.bytes());
        let locked = self.shared.sockets.lock(&duplicate)?;
        locked.require_idle(Errno::EINVAL)?;
        let live = caller.live()?;
        let fd = duplicate.act(live);
        let action = judged.map_err(|refusal| self.earlier(caller, fd, &socket, &address, refusal))?;
        let (at, bound) = self.bind_to(caller, fd, &socket, action.place)?;
        self.remember(fd, &socket, bound.map(|()| at.port() == 0 && !action.wildcard))?;
        drop(locked);
        if bound == Err(Errno::EADDRINUSE) {
            self.shared.collided(caller.tid(), canonical(at), socket.transport);
        }
        bound?;
        self.note_service(fd, &socket, at, action.wildcard);
        if let Some(note) = action.note.filter(|_| !at.ip().to_canonical().is_unspecified()) {
            let asked = address.shown().unwrap_or(at);
            self.shared.log.note(caller.tid(), asked, socket.transport, note, self.shared.context);
        }
        Ok(Answer::Return(0))
    }

    /// Errors that precede EADDRNOTAVAIL. IPv6 reports EACCES and EINVAL first (`__inet6_bind`, net/ipv6/af_inet6.c); IPv4
    /// checks the address first (`__inet_bind`, net/ipv4/af_inet.c).
    fn earlier(&self, caller: &Caller, fd: BorrowedFd, socket: &Socket, address: &SockAddr, refusal: Refusal) -> Stop {
        let has_ports = matches!(socket.transport, Transport::Tcp | Transport::Udp);
        let is_late = has_ports && socket.family == Family::V6 && refusal.errno == Errno::EADDRNOTAVAIL;
        let Some(asked) = sockaddr::decode(address.bytes()).filter(|_| is_late) else { return refusal.into() };
        let is_of_others = socket.transport == Transport::Tcp && asked.ip().is_multicast();
        if !is_of_others && socket::is_privileged(asked.port()) && !self.may_have(caller, asked.port()) {
            return Stop::Fail(Errno::EACCES);
        }
        let tracked = self.shared.sockets.tracked(fd);
        let has_port =
            perform::local(&tracked).is_ok_and(|local| !local.is_portless()) && perform::holds_port(&tracked, socket);
        let is_barred = socket.v6only && asked.ip().to_canonical().is_ipv4();
        if is_of_others || has_port || is_barred { Stop::Fail(Errno::EINVAL) } else { refusal.into() }
    }

    /// Remembers whether the program has `chosen` an address without a port: should the socket lose the port that it has
    /// got now, or if it has got none, its address is still the program's (see [`perform`]).
    fn remember(&self, fd: BorrowedFd, socket: &Socket, chosen: sys::Result<bool>) -> sys::Result<()> {
        if !matches!(socket.transport, Transport::Tcp | Transport::Udp) {
            return Ok(());
        }
        match chosen {
            Ok(true) => self.shared.sockets.explicitly_bound.add(socket::cookie(fd)?),
            // What it had chosen before is gone: taken away by the kernel, where it fails so late.
            Ok(false) | Err(Errno::EADDRINUSE) if !self.shared.sockets.explicitly_bound.is_empty() => {
                self.shared.sockets.explicitly_bound.remove(socket::cookie(fd)?);
            }
            Ok(false) | Err(_) => {}
        }
        Ok(())
    }

    /// Binds to the place, and says to which address in the end.
    fn bind_to(
        &self,
        caller: &Caller,
        fd: BorrowedFd,
        socket: &Socket,
        place: Place,
    ) -> Result<(SocketAddr, sys::Result<()>), Stop> {
        let bind = |address| Ok((address, self.bind_or_repin(caller, fd, socket, address)?));
        let (any, otherwise) = match place {
            Place::At(address) => return bind(address),
            Place::Open { any, otherwise } => (any, otherwise),
        };
        // One that has a port already gets no filter: the bind fails.
        if perform::local(&self.shared.sockets.tracked(fd))?.is_portless()
            && (self.takes_from_others(fd, any)? || !self.shared.sockets.wildcard_filter.place(fd))
        {
            return bind(otherwise);
        }
        let opened = bind(any)?;
        if opened.1.is_ok() && any.port() == 0 && !self.keeps_chosen_port(fd)? {
            return bind(otherwise);
        }
        let is_taken = opened.1 == Err(Errno::EADDRINUSE);
        if is_taken && !self.is_taken_inside(socket, any)? { bind(otherwise) } else { Ok(opened) }
    }

    /// Binds to `address`. If that fails the socket has the address again that it was made with.
    fn bind_or_repin(
        &self,
        caller: &Caller,
        fd: BorrowedFd,
        socket: &Socket,
        address: SocketAddr,
    ) -> Result<sys::Result<()>, Stop> {
        let bind = || {
            let bound = self.bind_as_caller(caller, fd, address);
            // EINVAL: it had a port before, and nothing was changed.
            if bound.is_err_and(|errno| errno != Errno::EINVAL) {
                self.shared.sockets.repin(fd, socket);
            }
            bound
        };
        // Only a datagram socket has an address before this, and only before it has a port.
        if socket.transport != Transport::Udp || !perform::local(&self.shared.sockets.tracked(fd))?.is_portless() {
            return Ok(bind());
        }
        behind_drop_filter(fd, &self.shared.sockets.wildcard_filter, socket, bind)
    }

    /// Whether a socket that shares its port (`SO_REUSEADDR`, `SO_REUSEPORT`) would take datagrams from somebody outside on
    /// the wildcard `any`: the kernel gives one to one of the sockets there, and asks only that one's filter. Groups it
    /// gives to all.
    fn takes_from_others(&self, fd: BorrowedFd, any: SocketAddr) -> sys::Result<bool> {
        let option = |name| socket::option(fd, libc::SOL_SOCKET, name);
        if self.shared.context.multicast || (option(libc::SO_REUSEADDR)? == 0 && option(libc::SO_REUSEPORT)? == 0) {
            return Ok(false);
        }
        self.shared.sockets.sharing.add(socket::cookie(fd)?);
        let there = diag::datagram_sockets(any.port())?;
        let is_other = |at: &diag::Bound| at.ip.is_unspecified() && !self.shared.sockets.sharing.has(at.cookie);
        Ok(there.iter().any(is_other))
    }

    /// Whether a socket may keep the port that the kernel has chosen for it on a wildcard; if not, it has none again. Which one
    /// it would be was not known before, and it may be one that is shared.
    pub(crate) fn keeps_chosen_port(&self, fd: BorrowedFd) -> sys::Result<bool> {
        let Some(bound) = socket::local(fd)? else { return Ok(true) };
        let keeps = !self.takes_from_others(fd, bound)?;
        if !keeps {
            socket::disconnect(fd)?;
        }
        Ok(keeps)
    }

    /// Whether the wildcard `any` is taken by a socket that is where this context hears: then it has no other place.
    fn is_taken_inside(&self, socket: &Socket, any: SocketAddr) -> sys::Result<bool> {
        let meets = |ip: IpAddr| match (canonical(any).is_ipv4(), ip.is_ipv4()) {
            (true, v4) => v4,
            (false, v4) => !v4 || !socket.v6only,
        };
        let is_heard = |ip: IpAddr| self.shared.context.heard().any(|(net, _)| net.contains(&ip));
        let there = diag::datagram_sockets(any.port())?;
        Ok(there.iter().map(|at| at.ip.to_canonical()).any(|ip| meets(ip) && is_heard(ip)))
    }

    /// Gives a datagram socket without a port the one that the kernel gives it before it looks at an address
    /// (`inet_autobind`, net/ipv4/af_inet.c): at the address that it has, or on the wildcard, which is kept even for one
    /// address, since loopback may be next (unless it keeps that one). It does without where there is none: the call fails anyway.
    pub(crate) fn give_port(&self, caller: &Caller, fd: BorrowedFd, socket: &Socket) {
        if socket.transport != Transport::Udp {
            return;
        }
        let bound = match perform::local(&self.shared.sockets.tracked(fd)) {
            Ok(local) if local.is_portless() => local.as_bound(),
            _ => return,
        };
        if !bound.ip().is_unspecified() {
            let _ = behind_drop_filter(fd, &self.shared.sockets.wildcard_filter, socket, || {
                let taken = perform::take_port(&self.shared.sockets.tracked(fd), bound);
                if taken.is_err() {
                    self.shared.sockets.repin(fd, socket);
                    let _ = self.remember(fd, socket, taken.map(|()| true));
                }
            });
            return;
        }
        if let Ok(action) = bind::bind(self.shared.context, socket, sockaddr::encode(bound).bytes()) {
            let (Place::At(otherwise) | Place::Open { otherwise, .. }) = action.place;
            let place = match self.shared.context.keeps_one {
                true => Place::At(otherwise),
                false => Place::Open { any: bound, otherwise },
            };
            let _ = self.bind_to(caller, fd, socket, place);
        }
    }

    /// Whether the caller may have this privileged port: by its rights, not the supervisor's, or as the context grants it.
    fn may_have(&self, caller: &Caller, port: u16) -> bool {
        let holds = || self.shared.network.grants(caller.tid(), CAP_NET_BIND_SERVICE);
        self.shared.context.rules.is_granted(port) || with_all_rights(holds)
    }

    /// Row 15 (docs/semantics.md#row-15): with the caller's rights, not the supervisor's, unless the context grants the
    /// port.
    fn bind_as_caller(&self, caller: &Caller, fd: BorrowedFd, address: SocketAddr) -> sys::Result<()> {
        match socket::bind(fd, address) {
            // Asked once more: the rights must be those of the caller, not of a program that took its place.
            Err(Errno::EACCES) if self.may_have(caller, address.port()) && caller.live().is_ok() => {
                with_all_rights(|| socket::bind(fd, address))
            }
            done => done,
        }
    }

    /// Remembers what answers on this context's loopback (row 36: docs/semantics.md#row-36).
    pub(super) fn note_service(&self, fd: BorrowedFd, socket: &Socket, at: SocketAddr, wildcard: bool) {
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
            self.shared.sockets.loopback_services.note(socket.transport, port, ip);
            return;
        }
        // What was left a wildcard hears loopback too.
        let heard: &[Family] = match (Family::of(ip), socket.v6only) {
            (Family::V4, _) => &[Family::V4],
            (Family::V6, true) => &[Family::V6],
            (Family::V6, false) => &[Family::V4, Family::V6],
        };
        for ip in heard.iter().filter_map(|family| context.loopback_of(*family)) {
            self.shared.sockets.loopback_services.note(socket.transport, port, ip);
        }
    }
}
