//! `setsockopt(2)`: options that change the source of packets, or the way they take.

use crate::context::Context;
use crate::errno::Errno;
use crate::named_source::{name_in6_pktinfo, name_v4};
use crate::verdict::{Reason, Refusal, Verdict};
use core::net::Ipv4Addr;
use core::ops::RangeInclusive;
use libc::{
    IP_MULTICAST_IF, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO, SO_ATTACH_BPF, SO_ATTACH_FILTER, SO_DETACH_FILTER,
    SO_LOCK_FILTER, SOL_SOCKET,
};

// Not in libc's public constants (linux/in.h, linux/in6.h).
const IP_OPTIONS: i32 = 4;
const IP_HDRINCL: i32 = 3;
const IPV6_2292PKTOPTIONS: i32 = 6;
const IPV6_HDRINCL: i32 = 36;
const IPV6_RTHDR: i32 = 57;
const IP_BIND_ADDRESS_NO_PORT: i32 = 24;
const IP_LOCAL_PORT_RANGE: i32 = 51;

const IP_ROUTER_ALERT: i32 = 5;
const IPV6_ROUTER_ALERT: i32 = 22;
const IPV6_MULTICAST_ALL: i32 = 29;
/// `SOL_RAW`: raw sockets know `IPV6_HDRINCL` by this level too (rawv6_setsockopt, net/ipv6/raw.c).
const SOL_RAW: i32 = 255;
/// The options of multicast routing (linux/mroute.h, linux/mroute6.h), at both levels.
const ROUTING: RangeInclusive<i32> = 200..=212;
const IPV6_JOIN_GROUP: i32 = 20;
const MCAST_JOIN_GROUP: i32 = 42;
const MCAST_JOIN_SOURCE_GROUP: i32 = 46;

/// The options that are judged on every socket, as (level, name).
const ALWAYS: [(i32, i32); 13] = [
    (IPPROTO_IP, IP_OPTIONS),
    (IPPROTO_IP, IP_HDRINCL),
    (IPPROTO_IP, IP_MULTICAST_IF),
    (IPPROTO_IPV6, IPV6_PKTINFO),
    (IPPROTO_IPV6, IPV6_2292PKTOPTIONS),
    (IPPROTO_IPV6, IPV6_HDRINCL),
    (IPPROTO_IPV6, IPV6_RTHDR),
    // What a filter lets through is for whoever sets it last.
    (SOL_SOCKET, SO_ATTACH_FILTER),
    (SOL_SOCKET, SO_DETACH_FILTER),
    (SOL_SOCKET, SO_ATTACH_BPF),
    (SOL_SOCKET, SO_LOCK_FILTER),
    // With these a bind that gives a socket an address can take it away: not in the middle of one.
    (IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
    (IPPROTO_IP, IP_LOCAL_PORT_RANGE),
];

/// Those with which a raw socket sends what it must not, or hears what is for others.
const RAW: [(i32, i32); 7] = [
    (SOL_RAW, IPV6_HDRINCL),
    (IPPROTO_IP, IP_ROUTER_ALERT),
    (IPPROTO_IPV6, IPV6_ROUTER_ALERT),
    (IPPROTO_IPV6, IPV6_MULTICAST_ALL),
    (IPPROTO_IPV6, IPV6_JOIN_GROUP),
    (IPPROTO_IPV6, MCAST_JOIN_GROUP),
    (IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP),
];

/// The options that are judged in this context, as (level, name); all others may be set as they are.
pub fn judged(context: &Context) -> impl Iterator<Item = (i32, i32)> {
    let routing = [IPPROTO_IP, IPPROTO_IPV6].into_iter().flat_map(|level| ROUTING.map(move |name| (level, name)));
    let raw = context.raw_icmp.then(|| RAW.into_iter().chain(routing));
    ALWAYS.into_iter().chain(raw.into_iter().flatten())
}

/// The longest value that is read: `struct group_source_req` is 264 bytes.
pub const VALUE_MAX: usize = 320;

/// How many bytes the kernel reads of a value of `len` bytes before it says that the length is wrong, if it does
/// (do_ip_setsockopt, do_ipv6_setsockopt, sk_setsockopt); no more than [`VALUE_MAX`]. What lies behind them does not matter.
pub fn read_of(level: i32, name: i32, len: usize) -> usize {
    let sizes: &[usize] = match (level, name) {
        // struct in_addr, struct ip_mreq, struct ip_mreqn.
        (IPPROTO_IP, IP_MULTICAST_IF) => &[12, 8, 4],
        // An int, then struct in6_pktinfo.
        (IPPROTO_IPV6, IPV6_PKTINFO) => &[20, 4],
        // An int, or a byte for one.
        (IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT | IP_LOCAL_PORT_RANGE) => &[4, 1],
        // An int, then struct sock_fprog.
        (SOL_SOCKET, SO_ATTACH_FILTER) if len == 16 => return len,
        (SOL_SOCKET, SO_ATTACH_FILTER) => &[4],
        _ => return len.min(VALUE_MAX),
    };
    sizes.iter().copied().find(|size| len >= *size).unwrap_or_default()
}

/// What is known of the socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// It is a raw one.
    pub raw: bool,
    /// It is a datagram socket that has no port.
    pub portless: bool,
}

/// Judges `setsockopt` of one of those [`judged`] with the caller's value as bytes, in the supervisor's copy. Where it names
/// 127.0.0.1 or ::1, the address that stands for it is written.
///
/// # Errors
///
/// - EPERM, [`Reason::OwnFilter`]: `SO_LOCK_FILTER` is to be switched on, on a datagram socket that has no port: the
///   context's own filter may have to go there.
/// - EPERM, [`Reason::Multicast`]: a raw IPv6 socket is to join a group, and multicast is not switched on.
/// - EPERM, [`Reason::ForeignSource`]: `IPV6_PKTINFO` with a source that is not the context's (row 43:
///   docs/semantics.md#row-43).
/// - EADDRNOTAVAIL, [`Reason::ForeignSource`]: `IP_MULTICAST_IF` with such a source (row 49: docs/semantics.md#row-49).
/// - EPERM, [`Reason::SourceOption`]: any other option that is judged, with any value but an empty one. The rest of
///   `SOL_SOCKET`, `IP_BIND_ADDRESS_NO_PORT` and `IP_LOCAL_PORT_RANGE` are not refused; those of raw sockets on raw
///   sockets alone; `IPV6_MULTICAST_ALL` only without multicast, and only to switch it on.
///
/// A value that is too short to name a source is left to the kernel.
pub fn set(context: &Context, socket: Facts, level: i32, name: i32, value: &mut [u8]) -> Verdict<()> {
    let is_set = value.iter().any(|byte| *byte != 0);
    match (level, name) {
        (SOL_SOCKET, SO_LOCK_FILTER) if socket.portless && is_set => Err(Refusal::new(Errno::EPERM, Reason::OwnFilter)),
        (SOL_SOCKET, _) | (IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT | IP_LOCAL_PORT_RANGE) => Ok(()),
        // Others do not know it.
        (level, name) if is_of_raw(level, name) && !socket.raw => Ok(()),
        (IPPROTO_IPV6, IPV6_JOIN_GROUP | MCAST_JOIN_GROUP | MCAST_JOIN_SOURCE_GROUP) => {
            if context.multicast {
                Ok(())
            } else {
                Err(Refusal::new(Errno::EPERM, Reason::Multicast))
            }
        }
        (IPPROTO_IPV6, IPV6_MULTICAST_ALL) if context.multicast || !is_set => Ok(()),
        // struct in6_pktinfo: the address, then the interface index.
        (IPPROTO_IPV6, IPV6_PKTINFO) => name_in6_pktinfo(context, value).unwrap_or(Ok(())),
        // struct in_addr, struct ip_mreq (group, interface) or struct ip_mreqn (group, interface, index).
        (IPPROTO_IP, IP_MULTICAST_IF) => {
            let at = if value.len() >= 8 { 4 } else { 0 };
            match value.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<4>()) {
                Some(field) if !Ipv4Addr::from(*field).is_unspecified() => {
                    name_v4(context, field, Errno::EADDRNOTAVAIL)
                }
                _ => Ok(()),
            }
        }
        _ if value.is_empty() => Ok(()),
        _ => Err(Refusal::new(Errno::EPERM, Reason::SourceOption)),
    }
}

fn is_of_raw(level: i32, name: i32) -> bool {
    RAW.contains(&(level, name)) || ([IPPROTO_IP, IPPROTO_IPV6].contains(&level) && ROUTING.contains(&name))
}
