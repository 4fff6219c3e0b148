//! Sockets pinned to a source: bound to an address without a port.
//!
//! The kernel knows a socket with an address and without a port only where `IP_BIND_ADDRESS_NO_PORT` was set for the
//! bind, and that option stays set after a program has done so. Here it is set for the bind alone. So an address without
//! a port and without the option is one that was chosen for the program: to the rules such a socket is not bound, and it
//! may be pinned again. The kernel keeps the mark with the socket, and never takes such a socket for the wildcard.

use crate::sys::{self, socket};
use chbind_policy::socket::{Create, create};
use chbind_policy::{Context, Family, Socket, Transport};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::BorrowedFd;

/// Whether `bound`, the local address of the socket, was chosen here.
pub(super) fn is_pinned(fd: BorrowedFd, bound: SocketAddr) -> bool {
    bound.port() == 0 && !bound.ip().is_unspecified() && !socket::no_port(fd)
}

/// The wildcard with port 0, in the family of `address`.
pub(super) fn unbound(address: SocketAddr) -> SocketAddr {
    let any = match Family::of(address.ip()) {
        Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(any, 0)
}

/// The local address of an inet socket, as the program has bound it.
pub(super) fn local(fd: BorrowedFd) -> sys::Result<SocketAddr> {
    let bound = socket::local(fd)?.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
    Ok(if is_pinned(fd, bound) { unbound(bound) } else { bound })
}

/// Pins the socket to `source` (port 0). EINVAL if it has a port already.
pub(super) fn pin(fd: BorrowedFd, socket: &Socket, source: SocketAddr) -> sys::Result<()> {
    // A program that set the option itself keeps it; its socket then counts as bound by the program.
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

/// Pins a datagram socket without a port to the address that it was made with: after what may have left it with another,
/// good only for where it went before.
pub(super) fn pin_again(context: &Context, fd: BorrowedFd, socket: &Socket) {
    let domain = match socket.family {
        Family::V4 => libc::AF_INET,
        Family::V6 => libc::AF_INET6,
    };
    let is_loose = |bound: SocketAddr| bound.port() == 0 && (bound.ip().is_unspecified() || is_pinned(fd, bound));
    if socket.transport == Transport::Udp
        && socket::local(fd).is_ok_and(|bound| bound.is_some_and(is_loose))
        && let Ok(Create::At(address)) = create(context, domain, libc::SOCK_DGRAM, libc::IPPROTO_UDP)
    {
        // EINVAL: it has a port by now, and whoever asks finds the address that goes with it.
        let _ = pin(fd, socket, address);
    }
}

/// The same after a bind that failed, which may have taken the address away. In between the program can have used the
/// socket by `write`, which gives it a port on every address: then it is made deaf, for it has no right to hear.
pub(super) fn mend_after_bind(context: &Context, fd: BorrowedFd, socket: &Socket) {
    pin_again(context, fd, socket);
    let is_wildcard = socket::local(fd).is_ok_and(|bound| bound.is_some_and(|bound| bound.ip().is_unspecified()));
    if socket.transport == Transport::Udp && is_wildcard {
        // EPERM: a filter that the program has locked is in place. It then hears what that one lets through.
        let _ = socket::deafen(fd);
    }
}
