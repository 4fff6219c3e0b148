//! Sockets pinned to a source: bound to an address without a port.
//!
//! The kernel knows a socket with an address and without a port where `IP_BIND_ADDRESS_NO_PORT` was set for the bind, and
//! where one has lost the port that the kernel had chosen for it. It never takes such a socket for the wildcard. If the
//! program itself has bound it to that address, that is remembered (`Shared::chosen`); otherwise the address was chosen for
//! the program: to the rules such a socket is not bound, and it may be pinned again.

use super::Shared;
use super::caller::Stop;
use super::shield::shielded;
use crate::sys::process::on_account_of;
use crate::sys::{self, Errno, socket};
use chbind_policy::sockaddr::{canonical, for_family};
use chbind_policy::socket::birthplace;
use chbind_policy::{Family, Socket, Transport};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

/// The wildcard with port 0, in the family of `address`.
pub(super) fn unbound(address: SocketAddr) -> SocketAddr {
    let any = match Family::of(address.ip()) {
        Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(any, 0)
}

impl Shared {
    /// Whether `bound`, the local address of the socket, was chosen here.
    pub(super) fn is_pinned(&self, fd: BorrowedFd, bound: SocketAddr) -> bool {
        bound.port() == 0 && !bound.ip().is_unspecified() && !self.is_chosen(fd)
    }

    /// Whether the program has bound the socket to an address and no port.
    fn is_chosen(&self, fd: BorrowedFd) -> bool {
        !self.chosen.is_empty() && socket::cookie(fd).is_ok_and(|cookie| self.chosen.has(cookie))
    }

    /// The local address of an inet socket, as the program has bound it.
    pub(super) fn local(&self, fd: BorrowedFd) -> sys::Result<SocketAddr> {
        let bound = socket::local(fd)?.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        Ok(if self.is_pinned(fd, bound) { unbound(bound) } else { bound })
    }

    /// Pins a datagram socket without a port to the address that it was made with: after what may have taken the address
    /// away, or left it with another that is good only for where it went before (a bind that failed, an association that was
    /// dissolved). Both are done behind a [shield](super::shield).
    pub(super) fn mend(&self, fd: BorrowedFd, socket: &Socket) {
        // It may have been made one of IPv6 alone, and that at any time.
        let v6only = || socket::option(fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY).is_ok_and(|on| on != 0);
        let socket = &Socket { v6only: socket.family == Family::V6 && v6only(), ..*socket };
        let Ok(Some(address)) = birthplace(self.context, socket) else { return };
        let is_loose =
            |bound: SocketAddr| bound.port() == 0 && (bound.ip().is_unspecified() || self.is_pinned(fd, bound));
        if socket::local(fd).is_ok_and(|bound| bound.is_some_and(is_loose)) {
            // EINVAL: it has a port by now.
            let _ = pin_at_birth(fd, socket, address);
        }
    }

    /// The same for one that may have lost its address by a bind that failed unexpectedly. What it has come to in the
    /// meantime hears nothing that is not the context's.
    pub(super) fn recover(&self, fd: BorrowedFd, socket: &Socket) -> Result<(), Stop> {
        shielded(fd, &self.guard, socket, || self.mend(fd, socket))
    }

    /// Takes the address away again from a TCP socket that could not be connected, if it was chosen here, as the kernel does
    /// with one that it has chosen (`inet_reset_saddr`).
    pub(super) fn unpin(&self, fd: BorrowedFd, socket: &Socket) {
        if let Ok(Some(bound)) = socket::local(fd)
            && !bound.ip().is_unspecified()
            && !self.is_chosen(fd)
        {
            // EINVAL: it has a port that was asked for, or it is being connected.
            let _ = pin(fd, socket, unbound(bound));
        }
    }

    /// The local address of a TCP socket that is to be connected. One whose connection has failed or was dissolved has let go
    /// of a port that the kernel chose, and shows it still (`tcp_disconnect`, `inet_put_port`): if its address was chosen here
    /// it is none of the program's, and what goes with the next destination is to be found again.
    pub(super) fn local_of_stream(&self, fd: BorrowedFd, socket: &Socket) -> sys::Result<SocketAddr> {
        let bound = self.local(fd)?;
        let may_be_stale = bound.port() != 0 && !bound.ip().is_unspecified() && !self.is_chosen(fd);
        if may_be_stale && !holds_port(fd, socket) { self.local(fd) } else { Ok(bound) }
    }
}

/// Whether the socket still has the port that it shows. A TCP socket that has let go of it is left at its address alone.
pub(super) fn holds_port(fd: BorrowedFd, socket: &Socket) -> bool {
    let Ok(Some(mut bound)) = socket::local(fd) else { return true };
    bound.set_port(0);
    // EINVAL: it has its port.
    socket.transport != Transport::Tcp || pin(fd, socket, bound).is_err()
}

/// Pins the socket to `source` (port 0). EINVAL if it has a port already.
pub(super) fn pin(fd: BorrowedFd, socket: &Socket, source: SocketAddr) -> sys::Result<()> {
    if socket.transport == Transport::RawIcmp {
        // It has no ports, and takes another address at any time.
        return socket::bind(fd, source);
    }
    // A program that set the option itself keeps it.
    let restore = !socket::no_port(fd);
    if restore {
        socket::set_no_port(fd, true)?;
    }
    let bound = socket::bind(fd, source);
    if restore {
        socket::set_no_port(fd, false)?;
    }
    bound?;
    // A bind to an IPv6 address leaves a dual-stack socket with IPv6 alone (__inet6_bind, net/ipv6/af_inet6.c).
    if socket.family == Family::V6 && !socket.v6only && !source.ip().to_canonical().is_ipv4() {
        socket::set_v6only(fd, false)?;
    }
    Ok(())
}

/// Pins a socket to the address that it is made with, be that on the host by now, still, or not: what the socket is good for
/// without one is found out when it is used.
pub(super) fn pin_at_birth(fd: BorrowedFd, socket: &Socket, address: SocketAddr) -> sys::Result<()> {
    match pin(fd, socket, address) {
        Err(Errno(libc::EADDRNOTAVAIL)) => {
            let restore = !socket::free_bind(fd)?;
            socket::set_free_bind(fd, true)?;
            let pinned = pin(fd, socket, address);
            if restore {
                socket::set_free_bind(fd, false)?;
            }
            pinned
        }
        done => done,
    }
}

/// Options that have a say in the way that packets take, besides `SO_MARK`.
const ROUTING: [(i32, i32); 7] = [
    (libc::SOL_SOCKET, libc::SO_BROADCAST),
    (libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX),
    (libc::SOL_SOCKET, libc::SO_DONTROUTE),
    (libc::IPPROTO_IP, libc::IP_TOS),
    (libc::IPPROTO_IP, IP_UNICAST_IF),
    (libc::IPPROTO_IPV6, libc::IPV6_TCLASS),
    (libc::IPPROTO_IPV6, IPV6_UNICAST_IF),
];
/// linux/in.h, linux/in6.h
const IP_UNICAST_IF: i32 = 50;
const IPV6_UNICAST_IF: i32 = 76;

/// Tries on another socket whether `destination` can be had from `source`: a socket that has been settled on a source and
/// cannot be connected is not easily got back onto its wildcard, and one that has been pinned for that keeps its port.
pub(super) fn rehearse(
    fd: BorrowedFd,
    socket: &Socket,
    source: SocketAddr,
    destination: SocketAddr,
) -> sys::Result<()> {
    if socket.transport != Transport::Udp {
        return Ok(());
    }
    let (domain, kind, protocol) = socket.arguments();
    // A mark cannot be given to another without CAP_NET_ADMIN. Where the stand-in cannot be made alike the kernel will say.
    if socket::option(fd, libc::SOL_SOCKET, libc::SO_MARK)? != 0 {
        return Ok(());
    }
    let stand_in = on_account_of(socket::owner(fd)?, || socket::socket(domain, kind, protocol))?;
    let stand_in = stand_in.as_fd();
    for (level, name) in ROUTING {
        // Those of IPv6 an IPv4 socket does not know.
        match socket::option(fd, level, name) {
            Ok(0) | Err(_) => {}
            Ok(value) if socket::set_option(stand_in, level, name, &value.to_ne_bytes()).is_err() => return Ok(()),
            Ok(_) => {}
        }
    }
    pin(stand_in, socket, source)?;
    socket::connect(stand_in, destination)
}

/// 224.0.0.0, which no group has (RFC 5771).
const NO_GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 0));

/// Gives a datagram socket that has a port on a wildcard, a broadcast address or a group the address `source`, and leaves
/// it the port. The kernel gives a socket an address when it is connected, and keeps that through further connects; so
/// it is connected to where nobody else can be the source: in IPv4 to a group, towards which the interface's address is
/// set (`IP_MULTICAST_IF`; ip4_datagram_connect, net/ipv4/datagram.c), in IPv6 to the source itself (RFC 6724, rule 1).
/// Port 0 has no receiver.
pub(super) fn settle(fd: BorrowedFd, socket: &Socket, source: SocketAddr) -> sys::Result<()> {
    let before = socket::local(fd)?;
    let shaped = |ip| for_family(SocketAddr::new(ip, 0), socket.family);
    let connected = match source.ip().to_canonical() {
        IpAddr::V4(address) => {
            let before = socket::multicast_source(fd)?;
            // Where the socket is bound to an interface no other will do.
            let interface = socket::option(fd, libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX)?;
            socket::set_multicast_source(fd, address, interface)?;
            let connected = socket::connect(fd, shaped(NO_GROUP));
            socket::set_multicast_source(fd, before, interface)?;
            connected
        }
        IpAddr::V6(_) => socket::connect(fd, source),
    };
    connected?;
    let now = socket::local(fd)?;
    // A socket that is bound to a group goes on showing that.
    let is_group = now == before && now.is_some_and(|bound| !bound.ip().is_unspecified());
    let is_source = now.is_some_and(|bound| canonical(bound).ip() == canonical(source).ip());
    if is_group || is_source { Ok(()) } else { Err(Errno(libc::EADDRNOTAVAIL)) }
}

/// Takes the address away again, as far as the kernel lets it go, from a socket that was bound to `before`, a wildcard. (It
/// does not where the socket has been pinned before: `SOCK_BINDADDR_LOCK`, net/ipv4/udp.c.)
pub(super) fn unsettle(fd: BorrowedFd, before: SocketAddr) -> sys::Result<()> {
    let device = socket::option(fd, libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX)?;
    socket::disconnect(fd)?;
    if device != 0 {
        // The end of an association takes it away, which is none here (`__udp_disconnect`, net/ipv4/udp.c).
        socket::set_option(fd, libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX, &device.to_ne_bytes())?;
    }
    // A port that the kernel had chosen is gone now. Asked for by number it stays.
    match socket::local(fd)? {
        Some(now) if now.port() == 0 => socket::bind(fd, before),
        _ => Ok(()),
    }
}
