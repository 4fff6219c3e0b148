//! Rows 43, 44, 48, 49 and the options of section 4: where else a source can be named.

use super::world::World;
use super::{LOCALHOST4, LOCALHOST6};
use libc::{EADDRNOTAVAIL, EINVAL, EPERM};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Levels.
const IP: i32 = 0;
const IPV6: i32 = 41;
/// `IP_PKTINFO`, `IPV6_PKTINFO` and `IPV6_2292PKTINFO`.
const V4_SOURCE: (i32, i32) = (IP, 8);
const V6_SOURCE: (i32, i32) = (IPV6, 50);
const V6_SOURCE_OLD: (i32, i32) = (IPV6, 2);
/// `IP_RETOPTS`, `IPV6_RTHDR` and `IPV6_2292RTHDR`.
const ROUTES: [(i32, i32); 3] = [(IP, 7), (IPV6, 57), (IPV6, 5)];
/// `IP_BIND_ADDRESS_NO_PORT` and `IP_LOCAL_PORT_RANGE`.
const NO_PORT: (i32, i32) = (0, 24);
const PORT_RANGE: (i32, i32) = (0, 51);
/// `IP_MULTICAST_IF`.
const MULTICAST_IF: (i32, i32) = (IP, 32);

/// Level, type, data.
pub(crate) type Message = (i32, i32, Vec<u8>);

/// The source that a program gets by naming one, if it may: rows 43, 44 and 49.
pub(crate) fn stands_for(world: &World, ip: IpAddr, interface: u32) -> Option<IpAddr> {
    // What is ours, as named.
    if world.is_own(ip, interface) || world.is_l(ip) {
        return Some(ip);
    }
    // 127.0.0.1 is called so inside (section 5), whatever it is.
    match ip {
        LOCALHOST4 => world.l4(),
        LOCALHOST6 => world.l6(),
        _ => None,
    }
}

/// The control messages of one send, from a socket or a message with this source.
pub(crate) fn control(world: &World, list: &[Message], source: Option<IpAddr>) -> Result<Vec<Message>, i32> {
    let mut judged = Vec::new();
    for (level, kind, data) in list {
        judged.push((*level, *kind, one(world, (*level, *kind), data, source)?));
    }
    Ok(judged)
}

/// Rows 32 and 44: the interface that a send names beside the source, and may name alone; of several the last. 0 for none.
pub(crate) fn by_interface(list: &[Message]) -> u32 {
    let mut named = 0;
    for (level, kind, data) in list {
        let at = match (*level, *kind) {
            V4_SOURCE => 0..4,
            V6_SOURCE | V6_SOURCE_OLD => 16..20,
            _ => continue,
        };
        match data.get(at) {
            None | Some([0, 0, 0, 0]) => {}
            Some(index) => named = u32::from_ne_bytes(index.try_into().unwrap()),
        }
    }
    named
}

fn one(world: &World, what: (i32, i32), data: &[u8], source: Option<IpAddr>) -> Result<Vec<u8>, i32> {
    match what {
        // struct in_pktinfo: index, source, destination.
        V4_SOURCE if data.len() != 12 => Err(EINVAL),
        V4_SOURCE if data[4..8] == [0; 4] => {
            // Row 44: the kernel would choose; it is the socket's, or the message's.
            let own = match source {
                Some(IpAddr::V4(ip)) if ip.octets()[0] == 127 || stands_for(world, ip.into(), 0) == Some(ip.into()) => {
                    ip
                }
                _ => return Err(EPERM),
            };
            Ok([&data[..4], &own.octets(), &data[8..]].concat())
        }
        V4_SOURCE => named4(world, data, 4, EPERM),
        V6_SOURCE | V6_SOURCE_OLD if data.len() < 16 => Err(EINVAL),
        V6_SOURCE | V6_SOURCE_OLD => named6(world, data),
        // Section 4: source routes.
        _ if ROUTES.contains(&what) && !data.is_empty() => Err(EPERM),
        _ => Ok(data.to_vec()),
    }
}

/// The IPv4 address at `at` is a source.
fn named4(world: &World, value: &[u8], at: usize, errno: i32) -> Result<Vec<u8>, i32> {
    let named = Ipv4Addr::new(value[at], value[at + 1], value[at + 2], value[at + 3]);
    match stands_for(world, named.into(), 0) {
        Some(IpAddr::V4(own)) => Ok([&value[..at], &own.octets(), &value[at + 4..]].concat()),
        _ => Err(errno),
    }
}

/// struct in6_pktinfo: source, interface.
fn named6(world: &World, value: &[u8]) -> Result<Vec<u8>, i32> {
    let octets: [u8; 16] = value[..16].try_into().unwrap();
    let interface = value.get(16..20).map_or(0, |index| u32::from_ne_bytes(index.try_into().unwrap()));
    let named = Ipv6Addr::from(octets);
    // Row 44: it names none, and the socket's stays.
    if named.is_unspecified() {
        return Ok(value.to_vec());
    }
    // Row 20: ::ffff:127.0.0.1 is 127.0.0.1, in that form.
    let own = match named.to_ipv4_mapped() {
        Some(v4) => stands_for(world, v4.into(), interface),
        None => stands_for(world, named.into(), interface),
    };
    let octets = match own {
        Some(IpAddr::V4(own)) => own.to_ipv6_mapped().octets(),
        Some(IpAddr::V6(own)) => own.octets(),
        None => return Err(EPERM),
    };
    // Too short: EINVAL.
    Ok(if value.len() < 20 { value.to_vec() } else { [&octets, &value[16..]].concat() })
}

/// `setsockopt` of an option that is judged.
pub(crate) fn set(world: &World, level: i32, name: i32, value: &[u8]) -> Result<Vec<u8>, i32> {
    match (level, name) {
        // Row 43. Too short, and the kernel says EINVAL.
        V6_SOURCE if value.len() < 16 => Ok(value.to_vec()),
        V6_SOURCE => named6(world, value),
        // Row 49: struct in_addr, or behind the group in struct ip_mreq and struct ip_mreqn. Too short: EINVAL.
        MULTICAST_IF if value.len() < 4 => Ok(value.to_vec()),
        MULTICAST_IF => {
            let at = if value.len() < 8 { 0 } else { 4 };
            if value[at..at + 4] == [0; 4] { Ok(value.to_vec()) } else { named4(world, value, at, EADDRNOTAVAIL) }
        }
        // Which port a bind takes is no matter of addresses.
        NO_PORT | PORT_RANGE => Ok(value.to_vec()),
        // Row 48 and section 4: header included, source routes. What takes one back is no harm.
        _ if value.is_empty() => Ok(Vec::new()),
        _ => Err(EPERM),
    }
}
