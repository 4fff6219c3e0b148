//! `socket`: row 16 and the list of section 4.
#![allow(clippy::unwrap_used)]

mod common;

use chbind_policy::socket::{Create, Kind, TYPE_MASK, create, plain_kinds};
use chbind_policy::{Context, Family, Loopback, Reason, Socket, Transport};
use common::*;
use libc::{
    AF_ALG, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, AF_UNSPEC, AF_VSOCK, EAFNOSUPPORT, EPERM,
    EPROTONOSUPPORT, ESOCKTNOSUPPORT, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_MPTCP, IPPROTO_RAW, IPPROTO_SCTP,
    IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, SOCK_CLOEXEC, SOCK_DCCP, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_RAW,
    SOCK_SEQPACKET, SOCK_STREAM,
};
use proptest::prelude::*;

const SOCK_PACKET: i32 = 10;
const IPPROTO_SMC: i32 = 256;
const AF_SMC: i32 = 43;

#[test]
fn row_16_families_of_the_context() {
    let none = |family| refusal(EAFNOSUPPORT, Reason::NoFamily(family));
    for (context, v4, v6) in [
        (s(), true, false),
        (m(), true, false),
        (z(), true, false),
        (d(), true, true),
        // IPv4 is there for loopback.
        (p(), true, true),
        (Context { loopback: Loopback::Deny, ..p() }, false, true),
        // And IPv6 where it has one.
        (with_lback6(s()), true, true),
        (h(), true, true),
    ] {
        for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK] {
            let made = |family| create(&context, family, kind, 0);
            for (domain, family, has) in [(AF_INET, Family::V4, v4), (AF_INET6, Family::V6, v6)] {
                assert_eq!(made(domain).err(), if has { None } else { Some(none(family)) });
            }
        }
    }
}

/// The first write() to one without an address would give it a port on every address of the host.
#[test]
fn section_4_udp_sockets_have_an_address_from_the_beginning() {
    let made = |context: &Context, domain, protocol| create(context, domain, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
    let with = |address| Ok(Create::At(at(address)));
    for protocol in [0, IPPROTO_UDP] {
        for context in [s(), m(), d(), z(), h()] {
            assert_eq!(made(&context, AF_INET, protocol), with("10.0.0.1:0"));
        }
        assert_eq!(made(&p(), AF_INET, protocol), with("127.3.232.1:0"));
        // A dual-stack socket begins with the primary address, whatever its family.
        for context in [d(), with_lback6(s())] {
            assert_eq!(made(&context, AF_INET6, protocol), with("[::ffff:10.0.0.1]:0"));
        }
        for context in [p(), context(&["fd00:1::1/64", "10.0.0.1/24"]), Context { loopback: Loopback::Deny, ..p() }] {
            assert_eq!(made(&context, AF_INET6, protocol), with("[fd00:1::1]:0"));
        }
    }
    // TCP has no such call.
    assert_eq!(create(&d(), AF_INET, SOCK_STREAM, 0), Ok(Create::AsAsked));
    assert!(plain_kinds(&d()).all(|kind| kind.detail.is_none_or(|(kind, _)| kind == SOCK_STREAM)));
}

#[test]
fn section_4_protocols_that_programs_do_without() {
    for (kind, protocol) in [
        (SOCK_STREAM, IPPROTO_MPTCP),
        (SOCK_STREAM, IPPROTO_SCTP),
        (SOCK_STREAM, IPPROTO_SMC),
        (SOCK_STREAM, IPPROTO_UDP),
        (SOCK_DGRAM, IPPROTO_UDPLITE),
        (SOCK_DGRAM, IPPROTO_TCP),
        (SOCK_DGRAM, -1),
    ] {
        for domain in [AF_INET, AF_INET6] {
            let reason = if protocol == IPPROTO_MPTCP { Reason::Multipath } else { Reason::SocketKind };
            assert_eq!(create(&d(), domain, kind, protocol), Err(refusal(EPROTONOSUPPORT, reason)));
        }
    }
    for kind in [SOCK_SEQPACKET, SOCK_DCCP, SOCK_PACKET, 0, 15] {
        assert_eq!(create(&d(), AF_INET, kind, 0), Err(refusal(ESOCKTNOSUPPORT, Reason::SocketKind)));
    }
}

#[test]
fn section_4_families_that_lead_around_the_context() {
    for domain in [AF_UNSPEC, AF_PACKET, AF_VSOCK, AF_SMC, libc::AF_XDP, libc::AF_RDS, libc::AF_TIPC, 41, -1, 1000] {
        assert_eq!(create(&d(), domain, SOCK_DGRAM, 0), Err(refusal(EAFNOSUPPORT, Reason::SocketKind)));
    }
    for domain in [AF_UNIX, AF_NETLINK, AF_ALG] {
        assert_eq!(create(&d(), domain, SOCK_DGRAM | SOCK_CLOEXEC, 0), Ok(Create::AsAsked));
    }
}

#[test]
fn row_48_raw_and_ping() {
    for protocol in [IPPROTO_ICMP, IPPROTO_RAW, IPPROTO_UDP] {
        assert_eq!(create(&d(), AF_INET, SOCK_RAW, protocol), Err(refusal(EPERM, Reason::SocketKind)));
    }
    assert_eq!(create(&d(), AF_INET, SOCK_DGRAM, IPPROTO_ICMP), Ok(Create::AsAsked));
    assert_eq!(create(&d(), AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6), Ok(Create::AsAsked));
    assert_eq!(create(&d(), AF_INET, SOCK_DGRAM, IPPROTO_ICMPV6).unwrap_err().errno, EPROTONOSUPPORT);
}

#[test]
fn section_4_sockets_from_outside_are_known_for_what_they_are() {
    assert_eq!(Socket::identify(AF_INET, SOCK_STREAM, IPPROTO_TCP, false), Ok(TCP4));
    assert_eq!(Socket::identify(AF_INET6, SOCK_DGRAM, IPPROTO_UDP, true), Ok(UDP6ONLY));
    assert_eq!(Socket::identify(AF_INET, SOCK_DGRAM, IPPROTO_ICMP, false), Ok(PING4));
    let unknown = Err(refusal(EPERM, Reason::SocketKind));
    assert_eq!(Socket::identify(AF_PACKET, SOCK_RAW, 0, false), unknown);
    assert_eq!(Socket::identify(AF_VSOCK, SOCK_STREAM, 0, false), unknown);
    assert_eq!(Socket::identify(AF_INET, SOCK_RAW, IPPROTO_ICMP, false), unknown);
    assert!(Socket::identify(AF_INET, SOCK_STREAM, IPPROTO_MPTCP, false).is_err());
}

#[test]
fn transports_have_names() {
    assert_eq!([Transport::Tcp, Transport::Udp, Transport::Ping].map(Transport::name), ["tcp", "udp", "icmp"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A filter passes [`plain_kinds`] without asking, so none of them may be one that would be refused.
    #[test]
    fn what_passes_unasked_would_be_allowed(
        context in any_context(),
        domain in prop_oneof![0..48i32, any::<i32>()],
        kind in prop_oneof![0..16i32, any::<i32>()],
        protocol in prop_oneof![0..300i32, any::<i32>()],
    ) {
        let passes = |plain: Kind| {
            plain.domain == domain && plain.detail.is_none_or(|detail| detail == (kind & TYPE_MASK, protocol))
        };
        let created = create(&context, domain, kind, protocol);
        if plain_kinds(&context).any(passes) {
            prop_assert_eq!(created, Ok(Create::AsAsked));
        }
        if let Ok(Create::At(address)) = created {
            prop_assert!(is_assigned(&context, address) || is_own_loopback(&context, address.ip().to_canonical()));
            prop_assert_eq!((address.port(), address.is_ipv4()), (0, domain == AF_INET));
        }
        if create(&context, domain, kind, protocol).is_ok() && [AF_INET, AF_INET6].contains(&domain) {
            prop_assert!(Socket::identify(domain, kind & TYPE_MASK, protocol, false).is_ok());
        }
    }
}
