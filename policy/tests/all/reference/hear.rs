//! Rows 3, 9 and 10: what a socket on a kept wildcard hears.

use super::world::World;
use std::net::IpAddr;

/// Whether it hears what is sent to `ip` (plain) and comes in by `interface`.
pub(crate) fn hears(world: &World, ip: IpAddr, interface: u32) -> bool {
    // Row 3: in the set, or L.
    world.is_own(ip, interface)
        || world.is_l(ip)
        // Row 9: what it may bind.
        || world.is_broadcast(ip)
        // Row 10.
        || (world.multicast && ip.is_multicast())
}
