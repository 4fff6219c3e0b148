//! Whether somebody serves a port at an address, as a question to the kernel about one socket and its answer, in bytes
//! (sock_diag(7)): `struct nlmsghdr` (16 bytes), then `struct inet_diag_req_v2` (56) or `struct inet_diag_msg` (72).
//!
//! Row 36: what a program inside has on its wildcard is on an assigned address, and is to be found on loopback all the same.

use crate::context::Context;
use crate::socket::{Family, Transport};
use core::net::{IpAddr, Ipv6Addr};

/// `SOCK_DIAG_BY_FAMILY` (linux/sock_diag.h).
const BY_FAMILY: u16 = 20;
const HEADER: usize = 16;
/// Where the ports and addresses are: local port, remote port (2 bytes each), local address, remote address (16 each),
/// interface (4), cookie (8); in the question behind family, protocol, extensions, padding, states.
const ID: usize = HEADER + 8;
/// The same in the answer, behind family, state, timer and retransmits.
const ANSWER_ID: usize = HEADER + 4;

/// The length of a question.
pub const QUESTION: usize = HEADER + 56;

/// The question whether a TCP socket listens on `ip` and `port`, or a UDP socket receives there; `None` for what has no ports.
pub fn question(transport: Transport, ip: IpAddr, port: u16) -> Option<[u8; QUESTION]> {
    let mut bytes = [0; QUESTION];
    let mut put = |at: usize, field: &[u8]| {
        for (to, from) in bytes.iter_mut().skip(at).zip(field) {
            *to = *from;
        }
    };
    // A datagram socket is looked for as for a packet: what is local is its destination (udp_dump_one, net/ipv4/udp_diag.c).
    let (protocol, local) = match transport {
        Transport::Tcp => (libc::IPPROTO_TCP, (ID, ID + 4)),
        Transport::Udp => (libc::IPPROTO_UDP, (ID + 2, ID + 4 + 16)),
        Transport::Ping | Transport::RawIcmp => return None,
    };
    put(0, &(QUESTION as u32).to_ne_bytes());
    put(4, &BY_FAMILY.to_ne_bytes());
    put(6, &(libc::NLM_F_REQUEST as u16).to_ne_bytes());
    let family = if ip.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    put(HEADER, &[family as u8, protocol as u8]);
    put(HEADER + 4, &u32::MAX.to_ne_bytes());
    put(local.0, &port.to_be_bytes());
    match ip {
        IpAddr::V4(ip) => put(local.1, &ip.octets()),
        IpAddr::V6(ip) => put(local.1, &ip.octets()),
    }
    // INET_DIAG_NOCOOKIE: any.
    put(ID + 4 + 32 + 4, &[0xff; 8]);
    Some(bytes)
}

/// Whether the answer names a socket on `ip`: one on the wildcard is somebody else's.
pub fn is_there(answer: &[u8], ip: IpAddr) -> bool {
    let field = |at: usize| answer.get(at..);
    let is_socket =
        field(4).and_then(|rest| rest.first_chunk()).map(|kind| u16::from_ne_bytes(*kind)) == Some(BY_FAMILY);
    let family = field(HEADER).and_then(|rest| rest.first()).map(|family| i32::from(*family));
    let source = field(ANSWER_ID + 4);
    let found = match family {
        Some(libc::AF_INET) => source.and_then(|rest| rest.first_chunk::<4>()).map(|ip| IpAddr::from(*ip)),
        Some(libc::AF_INET6) => source.and_then(|rest| rest.first_chunk::<16>()).map(|ip| Ipv6Addr::from(*ip).into()),
        _ => None,
    };
    is_socket && found.is_some_and(|found: IpAddr| found.to_canonical() == ip)
}

/// Where what the context serves of its loopback can be: loopback itself before the assigned addresses.
pub fn places<'a>(context: &'a Context<'a>, family: Family) -> impl Iterator<Item = IpAddr> + 'a {
    context.loopback_of(family).into_iter().chain(context.of_family(family).map(|assigned| assigned.ip()))
}
