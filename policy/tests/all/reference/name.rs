//! Section 5: what a program is shown.

use super::world::World;
use super::{LOCALHOST4, LOCALHOST6, interface, plain};
use chbind_policy::Loopback;
use std::net::{IpAddr, SocketAddr};

/// What `address` is called inside.
pub(crate) fn shown(world: &World, address: SocketAddr) -> SocketAddr {
    // Only where 127.0.0.1 is something else.
    if world.loopback != Loopback::Remap {
        return address;
    }
    let ip = plain(address).ip();
    let is_l = ip == IpAddr::V4(world.lback) || world.lback6.is_some_and(|l| ip == IpAddr::V6(l));
    if is_l { localhost(address) } else { address }
}

/// The loopback address of the family of `address`, written as that is.
fn localhost(address: SocketAddr) -> SocketAddr {
    let ip = match (address, plain(address)) {
        (SocketAddr::V6(_), SocketAddr::V4(_)) => "::ffff:127.0.0.1".parse().unwrap(),
        (_, SocketAddr::V4(_)) => LOCALHOST4,
        (_, SocketAddr::V6(_)) => LOCALHOST6,
    };
    SocketAddr::new(ip, address.port())
}

/// What the peer of a socket is called.
pub(crate) fn peer_shown(world: &World, own: SocketAddr, peer: SocketAddr) -> SocketAddr {
    if shown(world, peer) != peer {
        return shown(world, peer);
    }
    // Rows 35 and 36: who speaks from L spoke to 127.0.0.1, though the server is at an assigned address.
    let speaks_from_l = shown(world, own) != own;
    let has_l = if plain(peer).is_ipv4() { world.l4().is_some() } else { world.l6().is_some() };
    let is_own = world.is_own(plain(peer).ip(), interface(plain(peer)));
    if speaks_from_l && has_l && is_own { localhost(peer) } else { peer }
}
