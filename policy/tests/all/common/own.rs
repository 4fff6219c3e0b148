//! What is a context's own: its list, read naively. (The fuzz targets read it, too.)
#![allow(unreachable_pub, reason = "the fuzz targets are programs of their own")]

use chbind_policy::sockaddr::{canonical, scope};
use chbind_policy::{Assigned, Context, Loopback};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Whether the address with that interface is assigned.
pub fn is_assigned(context: &Context, address: SocketAddr) -> bool {
    let address = canonical(address);
    let scope = scope(address);
    context.addresses.iter().any(|own| own.ip() == address.ip() && (own.scope() == 0 || own.scope() == scope))
}

/// Whether `ip` (canonical) is what loopback stands for.
pub fn is_own_loopback(context: &Context, ip: IpAddr) -> bool {
    match (context.loopback, ip) {
        (Loopback::Deny, _) => false,
        (Loopback::Remap, IpAddr::V4(ip)) => ip == context.lback,
        (Loopback::Remap, IpAddr::V6(ip)) => Some(ip) == context.lback6,
        (Loopback::Host, ip) => is_localhost(ip),
    }
}

pub fn is_localhost(ip: IpAddr) -> bool {
    ip == IpAddr::V4(Ipv4Addr::LOCALHOST) || ip == IpAddr::V6(Ipv6Addr::LOCALHOST)
}

/// Whether it is a broadcast address of the context, by arithmetic on the prefix.
pub fn is_own_broadcast(context: &Context, ip: IpAddr) -> bool {
    let IpAddr::V4(ip) = ip else { return false };
    let directed = |own: &Assigned, prefix: u32| match own.ip() {
        IpAddr::V4(own) if prefix < 31 => u32::from(ip) == u32::from(own) | u32::MAX.checked_shr(prefix).unwrap_or(0),
        _ => false,
    };
    // The prefix is not told, only what it contains.
    let prefix_of = |own: &Assigned| match own.ip() {
        IpAddr::V4(at) => (0..=32u32).find(|bits| {
            let mask = u32::MAX.checked_shr(*bits).unwrap_or(0);
            [u32::from(at) | mask, u32::from(at) & !mask]
                .iter()
                .all(|ip| own.subnet_contains(Ipv4Addr::from(*ip).into()))
        }),
        IpAddr::V6(_) => None,
    };
    ip == Ipv4Addr::BROADCAST
        || context.addresses.iter().any(|own| prefix_of(own).is_some_and(|prefix| directed(own, prefix)))
}
