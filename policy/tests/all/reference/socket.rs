//! Row 16, row 48 and the list of section 4.

use super::bind::primary;
use super::listen::any;
use super::world::World;
use super::{address, written};
use chbind_policy::{Family, Socket, Transport};
use libc::{
    AF_ALG, AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, EAFNOSUPPORT, EINVAL, EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT,
    SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_RAW, SOCK_STREAM,
};
use std::net::SocketAddr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    AsAsked,
    /// With this address from the beginning.
    With(Socket, SocketAddr),
}

/// The protocols of an inet socket that there are, by type and protocol number.
const KINDS: [(Family, i32, i32, Transport); 10] = [
    (Family::V4, SOCK_STREAM, 0, Transport::Tcp),
    (Family::V4, SOCK_STREAM, 6, Transport::Tcp),
    (Family::V6, SOCK_STREAM, 0, Transport::Tcp),
    (Family::V6, SOCK_STREAM, 6, Transport::Tcp),
    (Family::V4, SOCK_DGRAM, 0, Transport::Udp),
    (Family::V4, SOCK_DGRAM, 17, Transport::Udp),
    (Family::V6, SOCK_DGRAM, 0, Transport::Udp),
    (Family::V6, SOCK_DGRAM, 17, Transport::Udp),
    (Family::V4, SOCK_DGRAM, 1, Transport::Ping),
    (Family::V6, SOCK_DGRAM, 58, Transport::Ping),
];

fn transport(world: &World, family: Family, kind: i32, protocol: i32) -> Result<Transport, i32> {
    if let Some(found) = KINDS.iter().find(|known| (known.0, known.1, known.2) == (family, kind, protocol)) {
        return Ok(found.3);
    }
    let icmp = [(Family::V4, 1), (Family::V6, 58)].contains(&(family, protocol));
    match kind {
        // Row 48: refused, unless it is ICMP and that is allowed.
        SOCK_RAW if world.raw_icmp && icmp => Ok(Transport::RawIcmp),
        SOCK_RAW => Err(EPERM),
        // Section 4: MPTCP, SCTP, UDP-Lite, SMC.
        SOCK_STREAM | SOCK_DGRAM => Err(EPROTONOSUPPORT),
        // DCCP, and SCTP again.
        _ => Err(ESOCKTNOSUPPORT),
    }
}

fn family(domain: i32) -> Option<Family> {
    match domain {
        AF_INET => Some(Family::V4),
        AF_INET6 => Some(Family::V6),
        _ => None,
    }
}

pub(crate) fn create(world: &World, domain: i32, kind: i32, protocol: i32) -> Result<Made, i32> {
    // What the kernel looks at first: flags that there are not.
    if kind & !0xf & !SOCK_CLOEXEC & !SOCK_NONBLOCK != 0 {
        return Err(EINVAL);
    }
    if [AF_UNIX, AF_NETLINK, AF_ALG].contains(&domain) {
        return Ok(Made::AsAsked);
    }
    // Section 4: packet, vsock, XDP, RDS, TIPC, KCM, SMC.
    let Some(family) = family(domain) else { return Err(EAFNOSUPPORT) };
    // Types and protocols beyond the last.
    if kind & 0xf > 10 || !(0..=262).contains(&protocol) {
        return Err(EINVAL);
    }
    // Row 16: no address of the family and no loopback of it.
    let has = match family {
        Family::V4 => world.primary4().is_some() || world.l4().is_some(),
        Family::V6 => world.primary6().is_some() || world.l6().is_some(),
    };
    if !has {
        return Err(EAFNOSUPPORT);
    }
    // The type without SOCK_CLOEXEC and SOCK_NONBLOCK.
    let transport = transport(world, family, kind & 15, protocol)?;
    // A raw socket of IPv6 speaks nothing else.
    let v6only = transport == Transport::RawIcmp && family == Family::V6;
    let socket = Socket { family, transport, v6only };
    match transport {
        Transport::Tcp | Transport::Ping => Ok(Made::AsAsked),
        // Row 12 for what has no listen(): a write would take the wildcard.
        Transport::Udp | Transport::RawIcmp => {
            let (ip, interface) = primary(world, &socket, any(&socket)).unwrap();
            Ok(Made::With(socket, written(address(ip, 0, interface), &socket)))
        }
    }
}

/// What a socket from outside is, by what it says of itself.
pub(crate) fn identify(world: &World, domain: i32, kind: i32, protocol: i32, v6only: bool) -> Result<Socket, i32> {
    let Some(family) = family(domain) else { return Err(EPERM) };
    let transport = transport(world, family, kind, protocol)?;
    let v6only = v6only || (transport == Transport::RawIcmp && family == Family::V6);
    Ok(Socket { family, transport, v6only })
}
