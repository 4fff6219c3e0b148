//! Rows 31 to 41 and 47.

use super::bind::covered;
use super::destination::{Destination, Speaks, destination};
use super::listen::any;
use super::source::{Has, by_route, has};
use super::world::World;
use super::{LOCALHOST4, LOCALHOST6, plain, written};
use crate::common::FakeHost;
use chbind_policy::{Socket, Transport};
use libc::{EADDRNOTAVAIL, ENETUNREACH};
use std::net::SocketAddr;

/// Addresses in the form of the socket's family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connected {
    /// Row 47.
    Dissolved,
    To {
        to: SocketAddr,
        source: Source,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// What it has.
    Own,
    /// It is given this one, which takes no port.
    Given(SocketAddr),
    /// The same where the socket could have another, if it can be connected from this one.
    Tried(SocketAddr),
    /// The same at the port that it has.
    AtItsPort(SocketAddr),
}

pub(crate) fn connect(
    world: &World,
    socket: &Socket,
    bound: SocketAddr,
    asked: Option<SocketAddr>,
    host: &FakeHost,
) -> Result<Connected, i32> {
    // Row 47.
    let Some(asked) = asked else { return Ok(Connected::Dissolved) };
    let there = destination(world, socket, asked, host)?;
    let bound = plain(bound);
    let source = match has(world, bound) {
        Has::Address => keeps(bound, &there)?,
        Has::Foreign => outside(bound, &there)?,
        // Row 31.
        Has::Nothing => {
            let at = written(speaker(world, &there, host)?, socket);
            let could_have = covered(world, socket, any(socket));
            if socket.transport == Transport::Udp && could_have.len() > 1 {
                Source::Tried(at)
            } else {
                Source::Given(at)
            }
        }
        // Row 22: a stream with a port cannot be given an address any more.
        Has::PortOnly if socket.transport == Transport::Tcp => return Err(EADDRNOTAVAIL),
        // Row 3: it is heard only at what is the context's.
        Has::PortOnly => Source::AtItsPort(written(heard_speaker(world, &there, host)?, socket)),
    };
    Ok(Connected::To { to: written(there.to, socket), source })
}

/// Row 34. An address of one family does not speak to the other, as the kernel.
fn keeps(bound: SocketAddr, there: &Destination) -> Result<Source, i32> {
    // From IPv4 to IPv6 the kernel finds no way.
    if bound.is_ipv6() && there.to.is_ipv4() { Err(ENETUNREACH) } else { Ok(Source::Own) }
}

/// Row 22; and row 38: the source that the kernel gave a socket towards the host's loopback is good for there.
pub(crate) fn outside(bound: SocketAddr, there: &Destination) -> Result<Source, i32> {
    let kernels = bound.ip() == LOCALHOST4 || bound.ip() == LOCALHOST6;
    if kernels && there.hosts { Ok(Source::Own) } else { Err(EADDRNOTAVAIL) }
}

/// Rows 31 to 33, and 35: L speaks to L.
fn speaker(world: &World, there: &Destination, host: &FakeHost) -> Result<SocketAddr, i32> {
    match there.speaks {
        Speaks::Loopback(l) => Ok(SocketAddr::new(l, 0)),
        Speaks::ByRoute => by_route(world, there.to, host),
    }
}

/// The same for a socket that hears only what comes to the context: of loopback addresses its own, if it has one.
pub(crate) fn heard_speaker(world: &World, there: &Destination, host: &FakeHost) -> Result<SocketAddr, i32> {
    let Speaks::Loopback(l) = there.speaks else { return by_route(world, there.to, host) };
    let own = if l.is_ipv4() { world.l4() } else { world.l6() };
    if world.is_l(l) || world.is_own(l, 0) {
        Ok(SocketAddr::new(l, 0))
    } else if let Some(own) = own {
        Ok(SocketAddr::new(own, 0))
    } else {
        by_route(world, there.to, host)
    }
}
