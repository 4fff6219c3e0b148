//! Rows 31 to 34: who speaks.

use super::world::{Own, World};
use super::{address, interface};
use crate::common::FakeHost;
use chbind_policy::Host;
use libc::ENETUNREACH;
use std::net::SocketAddr;

/// What a socket (its local address plain) has.
pub(crate) enum Has {
    /// It was not bound, or has only what was chosen for it.
    Nothing,
    /// An address of the context.
    Address,
    /// The wildcard, a group or a broadcast address at a port: nothing to speak from.
    PortOnly,
    /// Row 22: it comes from outside.
    Foreign,
}

pub(crate) fn has(world: &World, bound: SocketAddr) -> Has {
    let ip = bound.ip();
    if ip.is_unspecified() && bound.port() == 0 {
        Has::Nothing
    } else if world.is_own(ip, interface(bound)) || world.is_l(ip) {
        Has::Address
    } else if ip.is_unspecified() || ip.is_multicast() || world.is_broadcast(ip) {
        Has::PortOnly
    } else {
        Has::Foreign
    }
}

/// Rows 31 to 33: the source towards `to`, with port 0.
pub(crate) fn by_route(world: &World, to: SocketAddr, host: &FakeHost) -> Result<SocketAddr, i32> {
    let same_family: Vec<Own> = world.own.iter().filter(|own| own.ip.is_ipv4() == to.is_ipv4()).copied().collect();
    // Row 16: a context without an address of the family has none to speak from.
    let Some(first) = same_family.first() else { return Err(ENETUNREACH) };
    // Section 1: a link-local address carries its interface, and is none by another one.
    let by = |own: &&Own| own.interface == 0 || interface(to) == 0 || own.interface == interface(to);
    let usable: Vec<Own> = same_family.iter().filter(by).copied().collect();
    let primary = usable.first().unwrap_or(first);
    let from = |own: &Own| Ok(address(own.ip, 0, own.interface));
    let Some(preferred) = host.preferred_source(to) else { return from(primary) };
    // Row 32.
    if let Some(own) = usable.iter().find(|own| own.ip == preferred) {
        return from(own);
    }
    // Row 33.
    if let Some(own) = usable.iter().find(|own| own.has_in_subnet(preferred)) {
        return from(own);
    }
    from(primary)
}
