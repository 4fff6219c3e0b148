//! `bind(2)`: rows 1 to 25.
//!
//! Row 15 (privileged ports) is not decided here: whoever performs the bind does so with the caller's rights, and the
//! kernel judges.

use crate::access;
use crate::context::{Context, Loopback};
use crate::errno::Errno;
use crate::sockaddr::{canonical, for_family, scope, to_bind, with_scope};
use crate::socket::{Family, Socket, Transport};
use crate::verdict::{Note, Reason, Refusal, Verdict};
use crate::wildcard::{is_wide, narrow};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

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
///
/// # Errors
///
/// In this order:
///
/// - EINVAL where the address is too short, then EAFNOSUPPORT where it is of another family, as `__inet_bind` and
///   `__inet6_bind` have it (net/ipv4/af_inet.c, net/ipv6/af_inet6.c).
/// - EADDRNOTAVAIL where the context has no such address: [`Reason::NotAssigned`]; [`Reason::LoopbackDenied`] for
///   127.0.0.1 and ::1 where there is no loopback; [`Reason::Multicast`] for a group where those are not switched on;
///   [`Reason::NoFamily`] for a wildcard that stands for no address.
/// - EACCES where the rules forbid the port (row 25: docs/semantics.md#row-25): [`Reason::PortDenied`],
///   [`Reason::PortNotAllowed`].
pub fn bind(context: &Context, socket: &Socket, address: &[u8]) -> Verdict<Bind> {
    decide(context, socket, address)
}

fn decide(context: &Context, socket: &Socket, address: &[u8]) -> Result<Bind, Refusal> {
    let asked = canonical(to_bind(socket, address)?);
    let (port, wildcard) = (asked.port(), asked.ip().is_unspecified());
    let (at, note) =
        if wildcard { narrow(context, socket, asked.ip())? } else { (single(context, socket, asked)?, None) };
    access::port(&context.rules, socket.transport, port)?;
    let one = for_family(with_scope(at.ip(), port, scope(at)), socket.family);
    let place = if wildcard && is_wide(context, socket, asked.ip()) {
        Place::Open { any: for_family(asked, socket.family), otherwise: one }
    } else {
        Place::At(one)
    };
    Ok(Bind { place, wildcard, note })
}

/// What a bind to one address (canonical) gets.
fn single(context: &Context, socket: &Socket, asked: SocketAddr) -> Result<SocketAddr, Refusal> {
    let ip = asked.ip();
    let refuse = |reason| Err(Refusal::new(Errno::EADDRNOTAVAIL, reason));
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
