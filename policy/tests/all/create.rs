//! `socket`: row 16 and the list of section 4.

use crate::common::*;
use chbind_policy::create::{Create, Kind, TYPE_MASK, create, plain_kinds};
use chbind_policy::{Context, Errno, Family, Loopback, Reason, Refusal, Socket, Transport};
use libc::{
    AF_ALG, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, AF_UNSPEC, AF_VSOCK, EAFNOSUPPORT, EINVAL, EPERM,
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
    let with = |socket, address| Ok(Create::At(socket, at(address)));
    for protocol in [0, IPPROTO_UDP] {
        for context in [s(), m(), d(), z(), h()] {
            assert_eq!(made(&context, AF_INET, protocol), with(UDP4, "10.0.0.1:0"));
        }
        assert_eq!(made(&p(), AF_INET, protocol), with(UDP4, "127.3.232.1:0"));
        // A dual-stack socket begins with the primary address, whatever its family.
        for context in [d(), with_lback6(s())] {
            assert_eq!(made(&context, AF_INET6, protocol), with(UDP6, "[::ffff:10.0.0.1]:0"));
        }
        for context in [p(), context(&["fd00:1::1/64", "10.0.0.1/24"]), Context { loopback: Loopback::Deny, ..p() }] {
            assert_eq!(made(&context, AF_INET6, protocol), with(UDP6, "[fd00:1::1]:0"));
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
    ] {
        for domain in [AF_INET, AF_INET6] {
            let reason = if protocol == IPPROTO_MPTCP { Reason::Multipath } else { Reason::SocketKind };
            assert_eq!(create(&d(), domain, kind, protocol), Err(refusal(EPROTONOSUPPORT, reason)));
        }
    }
    for kind in [SOCK_SEQPACKET, SOCK_DCCP, SOCK_PACKET, 0] {
        assert_eq!(create(&d(), AF_INET, kind, 0), Err(refusal(ESOCKTNOSUPPORT, Reason::SocketKind)));
    }
    // What there is nowhere: no such type, no such flag, no such protocol.
    for (kind, protocol) in [(11, 0), (15, 0), (SOCK_STREAM | 0x10, 0), (SOCK_DGRAM, -1), (SOCK_STREAM, 263)] {
        assert_eq!(create(&d(), AF_INET, kind, protocol), Err(Refusal::native(Errno(EINVAL))));
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
    assert_eq!(create(&d(), AF_INET, SOCK_DGRAM, IPPROTO_ICMPV6).unwrap_err().errno.0, EPROTONOSUPPORT);
}

fn raw_icmp(context: Context<'_>) -> Context<'_> {
    Context { raw_icmp: true, ..context }
}

#[test]
fn row_48_raw_icmp_has_an_address_from_the_beginning() {
    let made = |context: &Context, domain, protocol| create(context, domain, SOCK_RAW | SOCK_CLOEXEC, protocol);
    for context in [s(), m(), d(), z(), h()] {
        assert_eq!(made(&raw_icmp(context), AF_INET, IPPROTO_ICMP), Ok(Create::At(RAW4, at("10.0.0.1:0"))));
        assert_eq!(made(&context, AF_INET, IPPROTO_ICMP), Err(refusal(EPERM, Reason::SocketKind)));
    }
    assert_eq!(made(&raw_icmp(p()), AF_INET, IPPROTO_ICMP), Ok(Create::At(RAW4, at("127.3.232.1:0"))));
    // Of IPv6 alone, whatever the family of the primary.
    for context in [d(), p(), context(&["10.0.0.1/24", "fd00:1::1/64", "fd00:1::2/64"])] {
        assert_eq!(made(&raw_icmp(context), AF_INET6, IPPROTO_ICMPV6), Ok(Create::At(RAW6, at("[fd00:1::1]:0"))));
        assert_eq!(made(&context, AF_INET6, IPPROTO_ICMPV6), Err(refusal(EPERM, Reason::SocketKind)));
    }
    let loopback = Ok(Create::At(RAW6, at("[fd00:1::99]:0")));
    assert_eq!(made(&raw_icmp(with_lback6(s())), AF_INET6, IPPROTO_ICMPV6), loopback);
    let linked = context(&["fe80::1/64%2"]);
    assert_eq!(made(&raw_icmp(linked), AF_INET6, IPPROTO_ICMPV6), Ok(Create::At(RAW6, at("[fe80::1%2]:0"))));
    let none = |family| Err(refusal(EAFNOSUPPORT, Reason::NoFamily(family)));
    assert_eq!(made(&raw_icmp(s()), AF_INET6, IPPROTO_ICMPV6), none(Family::V6));
    let deny = Context { loopback: Loopback::Deny, ..raw_icmp(p()) };
    assert_eq!(made(&deny, AF_INET, IPPROTO_ICMP), none(Family::V4));
}

#[test]
fn row_48_raw_icmp_is_icmp_and_nothing_else() {
    let context = raw_icmp(d());
    let refused = Err(refusal(EPERM, Reason::SocketKind));
    for protocol in [0, IPPROTO_RAW, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, 255, 256 + IPPROTO_ICMP] {
        for domain in [AF_INET, AF_INET6] {
            assert_eq!(create(&context, domain, SOCK_RAW, protocol), refused);
            assert_eq!(Socket::identify(&context, domain, SOCK_RAW, protocol, false).err(), refused.err());
        }
    }
    // That of the other family.
    assert_eq!(create(&context, AF_INET, SOCK_RAW, IPPROTO_ICMPV6), refused);
    assert_eq!(create(&context, AF_INET6, SOCK_RAW, IPPROTO_ICMP), refused);
    assert_eq!(create(&context, AF_PACKET, SOCK_RAW, 0), Err(refusal(EAFNOSUPPORT, Reason::SocketKind)));
    // Nor does any of them pass unasked.
    assert!(plain_kinds(&context).all(|kind| kind.detail.is_none_or(|(kind, _)| kind == SOCK_STREAM)));
    // Ping sockets need no such permission, and the kernel asks for none of ours.
    assert_eq!(create(&context, AF_INET, SOCK_DGRAM, IPPROTO_ICMP), Ok(Create::AsAsked));
}

/// `IPV6_V6ONLY` says nothing of a raw socket: it is 0 there, and an IPv4 address is none (`rawv6_bind`).
#[test]
fn row_48_a_raw_ipv6_socket_is_known_for_ipv6_alone() {
    assert_eq!(Socket::identify(&raw_icmp(d()), AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, false), Ok(RAW6));
}

#[test]
fn sockets_are_made_by_what_they_are() {
    let context = raw_icmp(d());
    for socket in SOCKETS {
        let (domain, kind, protocol) = socket.arguments();
        assert_eq!(Socket::identify(&context, domain, kind, protocol, socket.v6only), Ok(socket));
    }
    assert_eq!(RAW6.arguments(), (AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
    assert_eq!(UDP4.arguments(), (AF_INET, SOCK_DGRAM, IPPROTO_UDP));
}

#[test]
fn section_4_sockets_from_outside_are_known_for_what_they_are() {
    assert_eq!(Socket::identify(&d(), AF_INET, SOCK_STREAM, IPPROTO_TCP, false), Ok(TCP4));
    assert_eq!(Socket::identify(&d(), AF_INET6, SOCK_DGRAM, IPPROTO_UDP, true), Ok(UDP6ONLY));
    assert_eq!(Socket::identify(&d(), AF_INET, SOCK_DGRAM, IPPROTO_ICMP, false), Ok(PING4));
    let unknown = Err(refusal(EPERM, Reason::SocketKind));
    assert_eq!(Socket::identify(&d(), AF_PACKET, SOCK_RAW, 0, false), unknown);
    assert_eq!(Socket::identify(&d(), AF_VSOCK, SOCK_STREAM, 0, false), unknown);
    assert_eq!(Socket::identify(&d(), AF_INET, SOCK_RAW, IPPROTO_ICMP, false), unknown);
    let context = raw_icmp(d());
    assert_eq!(Socket::identify(&context, AF_INET, SOCK_RAW, IPPROTO_ICMP, false), Ok(RAW4));
    assert!(Socket::identify(&d(), AF_INET, SOCK_STREAM, IPPROTO_MPTCP, false).is_err());
}

#[test]
fn transports_have_names() {
    assert_eq!(
        [Transport::Tcp, Transport::Udp, Transport::Ping, Transport::RawIcmp].map(Transport::name),
        ["tcp", "udp", "icmp", "icmp"]
    );
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
        // What flags there are not the kernel says by itself.
        let is_known = kind & !(TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK) == 0;
        if is_known && plain_kinds(&context).any(passes) {
            prop_assert_eq!(created, Ok(Create::AsAsked));
        }
        if let Ok(Create::At(made, address)) = created {
            // UDP and raw sockets alone, each known later for what it was made as.
            prop_assert!([SOCK_DGRAM, SOCK_RAW].contains(&(kind & TYPE_MASK)));
            let known = Socket::identify(&context, domain, kind & TYPE_MASK, protocol, made.v6only);
            prop_assert_eq!(known, Ok(made));
            prop_assert!(is_assigned(&context, address) || is_own_loopback(&context, address.ip().to_canonical()));
            prop_assert_eq!((address.port(), address.is_ipv4()), (0, domain == AF_INET));
        }
        if create(&context, domain, kind, protocol).is_ok() && [AF_INET, AF_INET6].contains(&domain) {
            prop_assert!(Socket::identify(&context, domain, kind & TYPE_MASK, protocol, false).is_ok());
        }
    }
}
