//! What is a context's own: its list, read naively. (The fuzz targets read it, too.)
#![allow(unreachable_pub, reason = "the fuzz targets are programs of their own")]

use chbind_policy::sockaddr::{canonical, scope};
use chbind_policy::{Context, Loopback};
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
