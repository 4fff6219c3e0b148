//! Rows 42 to 50 and 53.

use super::bind::covered;
use super::connect::{self, Connected, connect, heard_speaker, outside};
use super::destination::{Destination, Speaks, destination};
use super::listen::any;
use super::source::{Has, by_route, has};
use super::world::World;
use super::{plain, written};
use crate::common::FakeHost;
use chbind_policy::{Family, Socket, Transport};
use libc::{EDESTADDRREQ, EOPNOTSUPP};
use std::net::{IpAddr, SocketAddr};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// In the form of the socket's family; `None` to the connected peer.
    pub(crate) to: Option<SocketAddr>,
    pub(crate) source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// What the socket has.
    Own,
    /// The socket is given this one for good.
    Given(SocketAddr),
    /// The socket gets a port on the wildcard, kept to the context, and this message says who speaks (plain).
    Opened { says: SocketAddr, otherwise: SocketAddr },
    /// This message says who speaks (plain).
    Says(SocketAddr),
}

/// `asked` is `None` where the kernel sees no address.
pub(crate) fn datagram(
    world: &World,
    socket: &Socket,
    bound: SocketAddr,
    asked: Option<SocketAddr>,
    host: &FakeHost,
) -> Result<Sent, i32> {
    let bound = plain(bound);
    let Some(asked) = asked else { return nowhere(world, bound) };
    let there = destination(world, socket, asked, host)?;
    let source = match has(world, bound) {
        // A v4-mapped address speaks no IPv6, and nobody speaks from a group: the kernel says so.
        Has::Address | Has::PortOnly if socket.family == Family::V6 && tied(bound, there.to) => Source::Own,
        // Row 34.
        Has::Address if bound.is_ipv4() == there.to.is_ipv4() => Source::Own,
        // An IPv6 address is no source towards IPv4.
        Has::Address => Source::Says(heard_speaker(world, &there, host)?),
        Has::Foreign => outside(bound, &there).map(|_| Source::Own)?,
        // Row 53.
        Has::PortOnly => Source::Says(heard_speaker(world, &there, host)?),
        Has::Nothing => first(world, socket, &there, host)?,
    };
    Ok(Sent { to: Some(written(there.to, socket)), source })
}

fn tied(bound: SocketAddr, to: SocketAddr) -> bool {
    match bound.ip() {
        IpAddr::V4(ip) => ip.is_multicast() || to.is_ipv6(),
        IpAddr::V6(_) => false,
    }
}

/// Row 50: to the connected peer it is not touched. A socket with no address has no peer.
fn nowhere(world: &World, bound: SocketAddr) -> Result<Sent, i32> {
    match has(world, bound) {
        Has::Nothing => Err(EDESTADDRREQ),
        _ => Ok(Sent { to: None, source: Source::Own }),
    }
}

/// Row 42: the first message of a socket.
fn first(world: &World, socket: &Socket, there: &Destination, host: &FakeHost) -> Result<Source, i32> {
    let says = heard_speaker(world, there, host)?;
    // For good only an assigned address is any use, where there is one: L reaches nobody else.
    let otherwise = written(by_route(world, there.to, host).unwrap_or(says), socket);
    // All that it may ever have to speak from. One of them, and there is nothing to choose.
    let mut could_say: Vec<IpAddr> = covered(world, socket, any(socket)).iter().map(|own| own.ip).collect();
    let is_loopback = matches!(there.speaks, Speaks::Loopback(_));
    if is_loopback && !could_say.contains(&says.ip()) {
        could_say.push(says.ip());
    }
    // Only UDP can be kept to what is the context's (row 3).
    if socket.transport == Transport::Udp && could_say.len() > 1 {
        return Ok(Source::Opened { says, otherwise });
    }
    Ok(Source::Given(otherwise))
}

/// Row 46: with `MSG_FASTOPEN` (`fast`) a connect. Otherwise a stream does not look at the address (row 50). The outer
/// `None` is no address at all, the inner one AF_UNSPEC.
pub(crate) fn stream(
    world: &World,
    socket: &Socket,
    bound: SocketAddr,
    asked: Option<Option<SocketAddr>>,
    fast: bool,
    host: &FakeHost,
) -> Result<Sent, i32> {
    let asked = match asked {
        Some(asked) if fast => asked,
        _ => return Ok(Sent { to: None, source: Source::Own }),
    };
    match connect(world, socket, bound, asked, host)? {
        // As the kernel (tcp_sendmsg_fastopen).
        Connected::Dissolved => Err(EOPNOTSUPP),
        Connected::To { to, source: connect::Source::Own } => Ok(Sent { to: Some(to), source: Source::Own }),
        Connected::To { to, source: connect::Source::Given(at) | connect::Source::Tried(at) } => {
            Ok(Sent { to: Some(to), source: Source::Given(at) })
        }
        Connected::To { source: connect::Source::AtItsPort(_), .. } => unreachable!("not of a stream"),
    }
}
