//! Rows 1 to 25.

use super::world::{Own, World};
use super::{LOCALHOST4, LOCALHOST6, address, interface, plain, rules, written};
use chbind_policy::{Socket, Transport};
use libc::EADDRNOTAVAIL;
use std::net::{IpAddr, SocketAddr};

/// Where a socket is bound, in the form of its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    At(SocketAddr),
    /// Row 3: the wildcard is kept; where that cannot be, one address.
    Kept {
        any: SocketAddr,
        otherwise: SocketAddr,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) place: Place,
    /// Row 36: the port is served on loopback too.
    pub(crate) wildcard: bool,
    /// Rows 2 and 18: the line in the log, where one address is bound.
    pub(crate) line: Option<String>,
}

pub(crate) fn bind(world: &World, socket: &Socket, asked: SocketAddr) -> Result<Bound, i32> {
    let asked = plain(asked);
    let bound = if asked.ip().is_unspecified() {
        wildcard(world, socket, asked)?
    } else {
        let at = single(world, socket, asked)?;
        Bound { place: Place::At(written(at, socket)), wildcard: false, line: None }
    };
    // Row 25: after the addresses.
    rules::port(world, socket, asked.port())?;
    Ok(bound)
}

/// The context's addresses that 0.0.0.0 or :: stands for on this socket.
pub(crate) fn covered(world: &World, socket: &Socket, any: IpAddr) -> Vec<Own> {
    let all = world.own.iter().copied();
    match any {
        // Row 20: ::ffff:0.0.0.0 comes here too.
        IpAddr::V4(_) => all.filter(|own| own.ip.is_ipv4()).collect(),
        IpAddr::V6(_) if socket.v6only => all.filter(|own| own.ip.is_ipv6()).collect(),
        IpAddr::V6(_) => all.collect(),
    }
}

/// The one address that stands for a wildcard: address and interface.
pub(crate) fn primary(world: &World, socket: &Socket, any: IpAddr) -> Option<(IpAddr, u32)> {
    // Rows 1, 17 and 18: the first of what it covers, and that is the family of the context's primary for a dual-stack ::.
    if let Some(first) = covered(world, socket, any).first() {
        return Some((first.ip, first.interface));
    }
    // Row 16: IPv4 without an address is there for loopback, and so is IPv6.
    let loopback = if any.is_ipv4() { world.l4() } else { world.l6() };
    loopback.map(|ip| (ip, 0))
}

/// Rows 1, 2, 3, 6, 10, 17, 18, 20.
fn wildcard(world: &World, socket: &Socket, asked: SocketAddr) -> Result<Bound, i32> {
    let covered = covered(world, socket, asked.ip());
    let Some((ip, interface)) = primary(world, socket, asked.ip()) else { return Err(EADDRNOTAVAIL) };
    let one = written(address(ip, asked.port(), interface), socket);
    // Rows 2 and 18: the others are named.
    let others: Vec<String> = covered.iter().skip(1).map(|own| own.ip.to_string()).collect();
    let line = if others.is_empty() { None } else { Some(format!("serves {ip} only, not {}", others.join(", "))) };
    // Row 3, and row 10 for UDP that is to hear groups.
    let kept = socket.transport == Transport::Udp && (covered.len() > 1 || world.multicast);
    let place = if kept { Place::Kept { any: written(asked, socket), otherwise: one } } else { Place::At(one) };
    Ok(Bound { place, wildcard: true, line })
}

/// The other rows.
fn single(world: &World, socket: &Socket, asked: SocketAddr) -> Result<SocketAddr, i32> {
    let (ip, port) = (asked.ip(), asked.port());
    let as_asked = address(ip, port, interface(asked));
    // Rows 4 and 19; section 1: one of 127/8 too.
    if world.is_own(ip, interface(asked)) {
        return Ok(as_asked);
    }
    // Rows 7, 8 and 20.
    if ip == LOCALHOST4 || world.l4() == Some(ip) {
        return world.l4().map(|l| address(l, port, 0)).ok_or(EADDRNOTAVAIL);
    }
    // Row 21.
    if ip == LOCALHOST6 || world.l6() == Some(ip) {
        return match (world.l6(), world.l4()) {
            (Some(l), _) => Ok(address(l, port, 0)),
            (None, Some(l)) if !socket.v6only => Ok(address(l, port, 0)),
            _ => Err(EADDRNOTAVAIL),
        };
    }
    // Row 9.
    if socket.transport == Transport::Udp && world.is_broadcast(ip) {
        return Ok(as_asked);
    }
    // Row 10.
    if socket.transport == Transport::Udp && ip.is_multicast() && world.multicast {
        return Ok(as_asked);
    }
    // Rows 5, 11 and 22.
    Err(EADDRNOTAVAIL)
}
