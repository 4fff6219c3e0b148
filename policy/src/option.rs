//! `setsockopt(2)`: options that change the source of packets, or the way they take.

use crate::control::in6_pktinfo;
use crate::{Context, Reason, Refusal, Verdict};
use core::net::{IpAddr, Ipv4Addr};
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

/// Judges `setsockopt` of one of [`JUDGED`] with the caller's value as bytes.
pub fn set(context: &Context, level: i32, name: i32, value: &[u8]) -> Verdict<()> {
    let own = |ip: IpAddr, scope, errno| {
        let ip = ip.to_canonical();
        if ip.is_unspecified() || context.may_be_named(ip, scope) {
            Ok(())
        } else {
            Err(Refusal::new(errno, Reason::ForeignSource(ip)))
        }
    };
    match (level, name) {
        // struct in6_pktinfo: the address, then the interface index.
        (IPPROTO_IPV6, IPV6_PKTINFO) => match in6_pktinfo(value) {
            Some((ip, scope)) => own(ip, scope, libc::EPERM),
            None => Ok(()),
        },
        // struct in_addr, struct ip_mreq (group, interface) or struct ip_mreqn (group, interface, index).
        (IPPROTO_IP, IP_MULTICAST_IF) => {
            let at = if value.len() >= 8 { 4 } else { 0 };
            match value.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
                Some(ip) => own(IpAddr::V4(Ipv4Addr::from(*ip)), 0, libc::EADDRNOTAVAIL),
                None => Ok(()),
            }
        }
        _ if value.is_empty() => Ok(()),
        _ => Err(Refusal::new(libc::EPERM, Reason::SourceOption)),
    }
}
