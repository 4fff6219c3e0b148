//! Rows 12, 22 and 25.

use super::bind::primary;
use super::source::{Has, has};
use super::world::World;
use super::{address, plain, rules, written};
use chbind_policy::{Family, Socket, Transport};
use libc::EADDRNOTAVAIL;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The address that the socket is bound to first, if any.
pub(crate) fn listen(
    world: &World,
    socket: &Socket,
    bound: SocketAddr,
    listening: bool,
) -> Result<Option<SocketAddr>, i32> {
    // The kernel refuses others by itself, and one that listens already only gets another backlog.
    if socket.transport != Transport::Tcp || listening {
        return Ok(None);
    }
    match has(world, plain(bound)) {
        // Row 25: the port must be known; with none it is given one first, and asks again.
        Has::Address if bound.port() == 0 && world.rules.are_for_ports() => Ok(Some(written(plain(bound), socket))),
        Has::Address => rules::port(world, socket, bound.port()).map(|()| None),
        // Row 12: as if bound to the wildcard before, at a port that the kernel chooses.
        Has::Nothing => match primary(world, socket, any(socket)) {
            Some((ip, interface)) => Ok(Some(written(address(ip, 0, interface), socket))),
            None => Err(EADDRNOTAVAIL),
        },
        // Row 22: what was bound outside would listen there.
        Has::PortOnly | Has::Foreign => Err(EADDRNOTAVAIL),
    }
}

/// The wildcard of a socket.
pub(crate) fn any(socket: &Socket) -> IpAddr {
    match socket.family {
        Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}
