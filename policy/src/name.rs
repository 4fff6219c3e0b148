//! `getsockname(2)` and `getpeername(2)`: inside, loopback is called 127.0.0.1 (section 5:
//! docs/semantics.md#section-5).

use crate::context::{Context, Loopback};
use crate::local::{LocalAddr, unbound};
use crate::sockaddr::{canonical, for_family, scope};
use crate::socket::Family;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What `address` is called inside; `None` where it has no other name.
pub fn masked(context: &Context, address: SocketAddr) -> Option<SocketAddr> {
    if context.loopback != Loopback::Remap {
        return None;
    }
    let name = match canonical(address).ip() {
        IpAddr::V4(ip) if ip == context.lback => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if Some(ip) == context.lback6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
        _ => return None,
    };
    Some(for_family(SocketAddr::new(name, address.port()), Family::of(address.ip())))
}

/// What the local address of a socket is called inside; `None` where the kernel's answer will do.
pub fn shown(context: &Context, local: LocalAddr) -> Option<SocketAddr> {
    match local {
        LocalAddr::Pinned(at) => Some(unbound(at)),
        LocalAddr::Unbound(at) | LocalAddr::Chosen(at) | LocalAddr::Wildcard(at) | LocalAddr::Bound(at) => {
            masked(context, at)
        }
    }
}

/// What the peer is called of a socket whose own address is `own`: from loopback a socket speaks to what is called
/// loopback, though that may be an assigned address whose wildcard was narrowed (row 36: docs/semantics.md#row-36).
pub fn masked_peer(context: &Context, own: SocketAddr, peer: SocketAddr) -> Option<SocketAddr> {
    masked(context, peer).or_else(|| {
        let ip = canonical(peer).ip();
        let as_loopback = context.loopback_of(Family::of(ip)).filter(|_| context.is_assigned(ip, scope(peer)))?;
        masked(context, own)?;
        masked(context, for_family(SocketAddr::new(as_loopback, peer.port()), Family::of(peer.ip())))
    })
}
