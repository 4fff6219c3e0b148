//! `setsockopt(2)`: options that change the source of packets, or the way they take.

use crate::control::{name_in6_pktinfo, name_v4};
use crate::{Context, Reason, Refusal, Verdict};
use core::net::Ipv4Addr;
use libc::{IP_MULTICAST_IF, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO};

// Not in libc's public constants (linux/in.h, linux/in6.h).
const IP_OPTIONS: i32 = 4;
const IP_HDRINCL: i32 = 3;
const IPV6_2292PKTOPTIONS: i32 = 6;
const IPV6_HDRINCL: i32 = 36;
const IPV6_RTHDR: i32 = 57;

/// The options that are judged, as (level, name); all others may be set as they are.
pub const JUDGED: [(i32, i32); 7] = [
    (IPPROTO_IP, IP_OPTIONS),
    (IPPROTO_IP, IP_HDRINCL),
    (IPPROTO_IP, IP_MULTICAST_IF),
    (IPPROTO_IPV6, IPV6_PKTINFO),
    (IPPROTO_IPV6, IPV6_2292PKTOPTIONS),
    (IPPROTO_IPV6, IPV6_HDRINCL),
    (IPPROTO_IPV6, IPV6_RTHDR),
];

/// The longest value that is read: `struct in6_pktinfo` is 20 bytes, `struct ip_mreqn` 12.
pub const VALUE_MAX: usize = 64;

/// Judges `setsockopt` of one of [`JUDGED`] with the caller's value as bytes, in the supervisor's copy. Where it names
/// 127.0.0.1 or ::1, the address that stands for it is written.
pub fn set(context: &Context, level: i32, name: i32, value: &mut [u8]) -> Verdict<()> {
    match (level, name) {
        // struct in6_pktinfo: the address, then the interface index.
        (IPPROTO_IPV6, IPV6_PKTINFO) => name_in6_pktinfo(context, value).unwrap_or(Ok(())),
        // struct in_addr, struct ip_mreq (group, interface) or struct ip_mreqn (group, interface, index).
        (IPPROTO_IP, IP_MULTICAST_IF) => {
            let at = if value.len() >= 8 { 4 } else { 0 };
            match value.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<4>()) {
                Some(field) if !Ipv4Addr::from(*field).is_unspecified() => name_v4(context, field, libc::EADDRNOTAVAIL),
                _ => Ok(()),
            }
        }
        _ if value.is_empty() => Ok(()),
        _ => Err(Refusal::new(libc::EPERM, Reason::SourceOption)),
    }
}
