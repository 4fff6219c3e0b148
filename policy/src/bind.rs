//! `bind(2)`: rows 1 to 22.
//!
//! Row 15 (privileged ports) is not decided here: whoever performs the bind does so with the caller's rights, and the
//! kernel judges.

use crate::sockaddr::{canonical, for_family, scope, to_bind, with_scope};
use crate::{Context, Family, Loopback, Note, Reason, Refusal, Socket, Transport, Verdict};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bind to this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bind {
    /// In the form of the socket's family.
    pub address: SocketAddr,
    /// The caller asked for a wildcard; its port is served on every loopback a program inside knows.
    pub wildcard: bool,
    /// What the caller does not get.
    pub note: Option<Note>,
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
    let address = for_family(with_scope(at.ip(), port, scope(at)), socket.family);
    Ok(Bind { address, wildcard, note })
}

/// The wildcard of a family.
pub(crate) fn unspecified(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
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
    let covered = |ip: IpAddr| family.is_none_or(|family| Family::of(ip) == family);
    let partly = context.addresses.iter().any(|a| a.ip() != served && covered(a.ip()));
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
