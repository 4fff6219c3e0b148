//! What the kernel reads in a list of control messages.

use super::*;
use std::ops::Range;

/// One control message as the kernel finds it.
pub(crate) struct Found {
    pub(crate) level: i32,
    pub(crate) kind: i32,
    pub(crate) data: Range<usize>,
}

pub(crate) fn int<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    <[u8; N]>::try_from(&bytes[at..at + N]).unwrap()
}

/// `for_each_cmsghdr` with `CMSG_OK`, word for word (linux/socket.h): addresses are distances from the start of the
/// list, and arithmetic wraps. `None` where `CMSG_OK` says no.
pub(crate) fn walk(list: &[u8]) -> Option<Vec<Found>> {
    const HEADER: u64 = 16;
    let size = list.len() as u64;
    let mut found = Vec::new();
    // CMSG_FIRSTHDR
    let mut next = if size >= HEADER { Some(0u64) } else { None };
    while let Some(cmsg) = next {
        let at = cmsg as usize;
        let len = u64::from_ne_bytes(int(list, at));
        if !(len >= HEADER && len <= size - cmsg) {
            return None;
        }
        let data = at + HEADER as usize..at + len as usize;
        found.push(Found {
            level: i32::from_ne_bytes(int(list, at + 8)),
            kind: i32::from_ne_bytes(int(list, at + 12)),
            data,
        });
        // __cmsg_nxthdr
        let ptr = cmsg.wrapping_add(len.wrapping_add(7) & !7);
        next = if ptr.wrapping_add(HEADER) > size { None } else { Some(ptr) };
    }
    Some(found)
}

/// What the kernel would take from one message that matters: a source, or a route.
pub(crate) enum Effect {
    Source(IpAddr, u32),
    Route,
    /// The kernel's EINVAL, or nothing to do with the source.
    None,
}

/// `ip_cmsg_send` (net/ipv4/ip_sockglue.c) and `ip6_datagram_send_ctl` (net/ipv6/datagram.c).
pub(crate) fn effect(list: &[u8], found: &Found) -> Effect {
    let data = &list[found.data.clone()];
    match (found.level, found.kind) {
        (IPPROTO_IP, IP_PKTINFO) if data.len() == 12 => Effect::Source(Ipv4Addr::from(int::<4>(data, 4)).into(), 0),
        (IPPROTO_IPV6, IPV6_PKTINFO | IPV6_2292PKTINFO) if data.len() >= 20 => {
            let index = u32::from_ne_bytes(int(data, 16));
            Effect::Source(Ipv6Addr::from(int::<16>(data, 0)).into(), index)
        }
        (IPPROTO_IP, IP_RETOPTS) | (IPPROTO_IPV6, IPV6_RTHDR | IPV6_2292RTHDR) if !data.is_empty() => Effect::Route,
        _ => Effect::None,
    }
}

/// The source that the kernel takes from a list for a message to an IPv4 or an IPv6 peer, of two the later one; inside
/// `None` where none is named, outside where it is sure to say EINVAL. IPv4 peers: `ip_cmsg_send`, IPv6 ones:
/// `ip6_datagram_send_ctl`.
pub(crate) fn taken(socket: &Socket, v4_peer: bool, list: &[u8]) -> Option<Option<IpAddr>> {
    let mut source = None;
    for found in walk(list)? {
        let data = &list[found.data.clone()];
        let in6 = |data: &[u8]| Some(Ipv6Addr::from(int::<16>(data.get(..20)?, 0)));
        match (v4_peer, found.level, found.kind) {
            (true, IPPROTO_IP, IP_PKTINFO) => source = Some(Ipv4Addr::from(int::<4>(data.get(..12)?, 4)).into()),
            // allow_ipv6
            (true, IPPROTO_IPV6, IPV6_PKTINFO) if socket.family == Family::V6 => {
                source = Some(in6(data)?.to_ipv4_mapped()?.into());
            }
            (false, IPPROTO_IPV6, IPV6_PKTINFO | IPV6_2292PKTINFO) => {
                let ip = in6(data)?;
                if !ip.is_unspecified() {
                    source = Some(ip.into());
                }
            }
            _ => {}
        }
    }
    Some(source)
}
