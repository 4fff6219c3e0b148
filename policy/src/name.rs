//! `getsockname(2)` and `getpeername(2)`: inside, loopback is called 127.0.0.1 (section 5).

use crate::sockaddr::{canonical, for_family};
use crate::{Context, Family, Loopback};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What `address`, as the kernel knows it, is called inside; `None` where it has no other name.
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
