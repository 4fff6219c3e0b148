//! What a wildcard stands for: of all addresses of the host those of the context.

use crate::context::Context;
use crate::errno::Errno;
use crate::sockaddr::with_scope;
use crate::socket::{Family, Socket, Transport};
use crate::verdict::{Note, Reason, Refusal};
use core::net::{IpAddr, SocketAddr};

/// Rows 3 and 18: whether the wildcard `any` means more on this socket than the one address that [`narrow`] gives, and may
/// be kept. Only what the kernel delivers by datagram can be told apart by its destination.
pub(crate) fn is_wide(context: &Context, socket: &Socket, any: IpAddr) -> bool {
    socket.transport == Transport::Udp && (context.multicast || covers_several(context, socket, any))
}

/// Whether the wildcard `any` stands for more than one assigned address on this socket.
pub(crate) fn covers_several(context: &Context, socket: &Socket, any: IpAddr) -> bool {
    context.addresses.iter().filter(|a| covers(socket, any, a.ip())).nth(1).is_some()
}

/// Whether the wildcard `any` stands for `ip` on this socket: 0.0.0.0 for IPv4, :: for both unless the socket is IPv6 alone.
fn covers(socket: &Socket, any: IpAddr, ip: IpAddr) -> bool {
    if any.is_ipv4() { ip.is_ipv4() } else { ip.is_ipv6() || !socket.v6only }
}

/// The one address that stands for the wildcard `any` (0.0.0.0 or ::) on this socket, with port 0.
pub(crate) fn narrow(context: &Context, socket: &Socket, any: IpAddr) -> Result<(SocketAddr, Option<Note>), Refusal> {
    let family = match any {
        IpAddr::V4(_) => Some(Family::V4),
        IpAddr::V6(_) if socket.v6only => Some(Family::V6),
        IpAddr::V6(_) => None,
    };
    let chosen = family.unwrap_or_else(|| context.primary_family());
    let Some(primary) = context.primary_of(chosen) else {
        // No address but a loopback: all that is left to serve.
        let unavailable = Refusal::new(Errno::EADDRNOTAVAIL, Reason::NoFamily(chosen));
        return context.loopback_of(chosen).map(|ip| (SocketAddr::new(ip, 0), None)).ok_or(unavailable);
    };
    let served = primary.ip();
    let partly = context.addresses.iter().any(|a| *a != primary && covers(socket, any, a.ip()));
    Ok((with_scope(served, 0, primary.scope()), partly.then_some(Note::Narrowed { served, family })))
}
