//! `bind(2)`: rows 1 to 25.
//!
//! Row 15 (privileged ports) is not decided here: whoever performs the bind does so with the caller's rights, and the
//! kernel judges.

use crate::sockaddr::{canonical, for_family, scope, to_bind, with_scope};
use crate::{Context, Family, Loopback, Note, Reason, Refusal, Socket, Transport, Verdict};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What a bind comes to. Addresses are in the form of the socket's family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bind {
    /// The address to bind to.
    pub place: Place,
    /// The caller asked for a wildcard; its port is served on every loopback a program inside knows.
    pub wildcard: bool,
    /// What the caller does not get with one address instead of a wildcard.
    pub note: Option<Note>,
}

/// Where a socket is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// To one address.
    At(SocketAddr),
    /// To the wildcard `any`, provided that the socket hears [what the context may hear](Context::heard) and nothing else.
    Open {
        /// The wildcard.
        any: SocketAddr,
        /// The one address to take where the socket cannot be kept to that, or where the wildcard is taken.
        otherwise: SocketAddr,
    },
}

/// Judges `bind` with the caller's address as bytes.
pub fn bind(context: &Context, socket: &Socket, address: &[u8]) -> Verdict<Bind> {
    decide(context, socket, address)
}

fn decide(context: &Context, socket: &Socket, address: &[u8]) -> Result<Bind, Refusal> {
    let asked = canonical(to_bind(socket, address)?);
    let (port, wildcard) = (asked.port(), asked.ip().is_unspecified());
    let (at, note) =
        if wildcard { narrow(context, socket, asked.ip())? } else { (single(context, socket, asked)?, None) };
    context.rules.port(socket.transport, port)?;
    let one = for_family(with_scope(at.ip(), port, scope(at)), socket.family);
    let place = if wildcard && is_wide(context, socket, asked.ip()) {
        Place::Open { any: for_family(asked, socket.family), otherwise: one }
    } else {
        Place::At(one)
    };
    Ok(Bind { place, wildcard, note })
}

/// The wildcard of a family.
pub(crate) fn unspecified(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

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
        let unavailable = Refusal::new(libc::EADDRNOTAVAIL, Reason::NoFamily(chosen));
        return context.loopback_of(chosen).map(|ip| (SocketAddr::new(ip, 0), None)).ok_or(unavailable);
    };
    let served = primary.ip();
    let partly = context.addresses.iter().any(|a| *a != primary && covers(socket, any, a.ip()));
    Ok((with_scope(served, 0, primary.scope()), partly.then_some(Note::Narrowed { served, family })))
}

/// What a bind to one address (canonical) gets.
fn single(context: &Context, socket: &Socket, asked: SocketAddr) -> Result<SocketAddr, Refusal> {
    let ip = asked.ip();
    let refuse = |reason| Err(Refusal::new(libc::EADDRNOTAVAIL, reason));
    if context.is_assigned(ip, scope(asked)) {
        return Ok(asked);
    }
    if ip == IpAddr::V4(Ipv4Addr::LOCALHOST) || context.loopback_of(Family::of(ip)) == Some(ip) {
        return match context.loopback_of(Family::of(ip)) {
            Some(own) => Ok(SocketAddr::new(own, 0)),
            None => refuse(Reason::LoopbackDenied),
        };
    }
    if ip.is_ipv6() && ip.is_loopback() {
        let own = context.loopback_of(Family::V6);
        let mapped = || context.loopback_of(Family::V4).filter(|_| !socket.v6only);
        return match own.or_else(mapped) {
            Some(own) => Ok(SocketAddr::new(own, 0)),
            None if context.loopback == Loopback::Deny => refuse(Reason::LoopbackDenied),
            None => refuse(Reason::NotAssigned),
        };
    }
    if ip.is_multicast() && socket.transport == Transport::Udp {
        return if context.multicast { Ok(asked) } else { refuse(Reason::Multicast) };
    }
    if context.is_broadcast(ip) && socket.transport == Transport::Udp {
        return Ok(asked);
    }
    refuse(Reason::NotAssigned)
}
