//! `sendto`, `sendmsg`, `sendmmsg`: rows 42 to 53.
#![allow(clippy::unwrap_used)]

mod common;

use chbind_policy::send::{Send, send};
use chbind_policy::sockaddr::canonical;
use chbind_policy::{Context, Family, Loopback, Reason, Refusal, Socket, Transport, Verdict};
use common::*;
use libc::{
    AF_INET, AF_INET6, AF_UNSPEC, EADDRNOTAVAIL, EAFNOSUPPORT, ECONNREFUSED, EINVAL, ENETUNREACH, EOPNOTSUPP, EPERM,
    MSG_FASTOPEN,
};
use proptest::prelude::*;
use std::net::{IpAddr, SocketAddr};

const ALL4: [Socket; 2] = [UDP4, PING4];

const AS_IT_IS: Verdict<Send> = Ok(Send { destination: None, bind_first: None, source: None });

fn to(destination: &str, bind_first: Option<&str>, source: Option<&str>) -> Verdict<Send> {
    Ok(Send { destination: Some(at(destination)), bind_first: bind_first.map(at), source: source.map(ip) })
}

fn from(context: &Context, socket: &Socket, bound: &str, destination: &str) -> Verdict<Send> {
    send(context, socket, at(bound), Some(&bytes(destination)), 0, &host())
}

fn ask(context: &Context, socket: &Socket, destination: &str) -> Verdict<Send> {
    send(context, socket, unbound(socket), Some(&bytes(destination)), 0, &host())
}

#[test]
fn row_42_unbound_sends_from_an_own_address() {
    for socket in ALL4 {
        for context in [s(), m(), z(), h(), d()] {
            let sent = ask(&context, &socket, "198.51.100.7:80");
            assert_eq!(sent, to("198.51.100.7:80", Some("10.0.0.1:0"), None));
        }
        assert_eq!(ask(&p(), &socket, "198.51.100.7:80"), Err(refusal(ENETUNREACH, Reason::NoFamily(Family::V4))));
        let by_b = host().route("198.51.100.0/24", "10.0.0.2");
        let sent = send(&m(), &socket, at(ANY4), Some(&bytes("198.51.100.7:80")), 0, &by_b);
        assert_eq!(sent, to("198.51.100.7:80", Some("10.0.0.2:0"), None));
    }
    assert_eq!(ask(&d(), &UDP6, "[2001:db8::7]:80"), to("[2001:db8::7]:80", Some("[fd00:1::1]:0"), None));
    let mapped = "[::ffff:198.51.100.7]:80";
    assert_eq!(ask(&d(), &UDP6, mapped), to(mapped, Some("[::ffff:10.0.0.1]:0"), None));
}

#[test]
fn row_42_bound_sends_from_there() {
    for bound in ["10.0.0.1:0", "10.0.0.2:4000", "127.3.232.1:4000"] {
        for socket in ALL4 {
            assert_eq!(from(&m(), &socket, bound, "198.51.100.7:80"), to("198.51.100.7:80", None, None));
        }
    }
}

#[test]
fn rows_35_to_40_hold_for_datagrams() {
    for socket in ALL4 {
        // From an assigned address: one bound to loopback could never reach anybody else.
        for asked in ["127.0.0.1:80", "127.9.9.9:80", "0.0.0.0:80"] {
            assert_eq!(ask(&s(), &socket, asked), to("127.3.232.1:80", Some("10.0.0.1:0"), None));
            assert_eq!(ask(&p(), &socket, asked), to("127.3.232.1:80", Some("127.3.232.1:0"), None));
            assert_eq!(ask(&z(), &socket, asked), Err(refusal(EPERM, Reason::LoopbackDenied)));
            assert_eq!(from(&s(), &socket, "10.0.0.1:4000", asked), to("127.3.232.1:80", None, None));
        }
        assert_eq!(ask(&h(), &socket, "127.0.0.1:80"), to("127.0.0.1:80", Some("10.0.0.1:0"), None));
    }
    let resolvers = [ip("127.0.0.53")];
    let context = Context { resolvers: &resolvers, ..s() };
    assert_eq!(ask(&context, &UDP4, "127.0.0.53:53"), to("127.0.0.53:53", Some("10.0.0.1:0"), None));
    assert_eq!(ask(&context, &UDP4, "127.0.0.53:54"), to("127.3.232.1:54", Some("10.0.0.1:0"), None));
    let served = host().serve(Transport::Udp, 80, "10.0.0.2");
    let sent = send(&m(), &UDP4, at("10.0.0.1:4000"), Some(&bytes("127.0.0.1:80")), 0, &served);
    assert_eq!(sent, to("10.0.0.2:80", None, None));
}

#[test]
fn row_41_v6_loopback() {
    let own = to("[::ffff:127.3.232.1]:80", Some("[::ffff:10.0.0.1]:0"), None);
    for asked in ["[::1]:80", "[::]:80", "[::ffff:127.0.0.1]:80", "[::ffff:0.0.0.0]:80"] {
        assert_eq!(ask(&d(), &UDP6, asked), own, "{asked}");
    }
    assert_eq!(ask(&d(), &UDP6ONLY, "[::1]:80"), Err(Refusal::native(ECONNREFUSED)));
    assert_eq!(ask(&d(), &UDP6ONLY, "[::ffff:198.51.100.7]:80"), Err(Refusal::native(ENETUNREACH)));
}

/// Loopback addresses given by name need not look like one.
#[test]
fn row_41_a_loopback_that_is_all_the_context_has_of_the_family() {
    let sent = ask(&with_lback6(s()), &UDP6, "[::1]:80");
    assert_eq!(sent, to("[fd00:1::99]:80", Some("[fd00:1::99]:0"), None));
    let plain = Context { lback: [10, 0, 0, 77].into(), ..p() };
    assert_eq!(ask(&plain, &UDP4, "127.0.0.1:80"), to("10.0.0.77:80", Some("10.0.0.77:0"), None));
}

#[test]
fn row_46_fast_open_is_a_connect() {
    let fast = |context: &Context, socket: &Socket, bound: &str, address: &[u8]| {
        send(context, socket, at(bound), Some(address), MSG_FASTOPEN, &host())
    };
    let to_r = bytes("198.51.100.7:80");
    assert_eq!(fast(&s(), &TCP4, ANY4, &to_r), to("198.51.100.7:80", Some("10.0.0.1:0"), None));
    assert_eq!(fast(&s(), &TCP4, "10.0.0.1:4000", &to_r), to("198.51.100.7:80", None, None));
    let own = to("127.3.232.1:80", Some("127.3.232.1:0"), None);
    assert_eq!(fast(&s(), &TCP4, ANY4, &bytes("127.0.0.1:80")), own);
    assert_eq!(fast(&z(), &TCP4, ANY4, &bytes("127.0.0.1:80")), Err(refusal(EPERM, Reason::LoopbackDenied)));
    let outside = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(ip("10.0.0.3"))));
    assert_eq!(fast(&s(), &TCP4, "10.0.0.3:4000", &to_r), outside);
    // tcp_sendmsg_fastopen
    assert_eq!(fast(&s(), &TCP4, ANY4, &relabelled("0.0.0.0:0", AF_UNSPEC)), Err(Refusal::native(EOPNOTSUPP)));
    for len in 0..2 {
        assert_eq!(fast(&s(), &TCP4, ANY4, &to_r[..len]), Err(Refusal::native(EINVAL)));
    }
    // Without the flag TCP does not look at the address, and with it datagram sockets do not look at the flag.
    assert_eq!(send(&s(), &TCP4, at(ANY4), Some(&to_r), 0, &host()), AS_IT_IS);
    assert_eq!(send(&s(), &TCP4, at(ANY4), None, MSG_FASTOPEN, &host()), AS_IT_IS);
    assert_eq!(fast(&s(), &UDP4, ANY4, &to_r), to("198.51.100.7:80", Some("10.0.0.1:0"), None));
}

#[test]
fn row_49_broadcast_and_multicast_sends_have_an_own_source() {
    for asked in ["255.255.255.255:67", "10.0.0.255:67", "224.0.0.251:5353"] {
        assert_eq!(ask(&s(), &UDP4, asked), to(asked, Some("10.0.0.1:0"), None));
    }
    assert_eq!(ask(&d(), &UDP6, "[ff02::fb%2]:5353"), to("[ff02::fb%2]:5353", Some("[fd00:1::1]:0"), None));
}

#[test]
fn row_50_connected_sends_are_not_touched() {
    for context in [s(), z(), h(), p()] {
        for socket in [TCP4, UDP4, PING4] {
            for bound in ["10.0.0.1:4000", "10.0.0.3:4000", "127.0.0.1:4000", "0.0.0.0:4000", "224.0.0.251:1"] {
                assert_eq!(send(&context, &socket, at(bound), None, 0, &host()), AS_IT_IS);
            }
        }
    }
    assert_eq!(send(&s(), &TCP4, at(ANY4), None, 0, &host()), AS_IT_IS);
    // On an IPv6 socket AF_UNSPEC is no address (udpv6_sendmsg).
    let unspecified = relabelled("[2001:db8::7]:80", AF_UNSPEC);
    assert_eq!(send(&d(), &UDP6, at("[fd00:1::1]:4000"), Some(&unspecified), 0, &host()), AS_IT_IS);
}

/// The kernel says EDESTADDRREQ, but gives the socket a port first: on every address if it has none.
#[test]
fn row_42_a_message_to_nobody_leaves_no_wildcard_behind() {
    let bound_to = |address| Ok(Send { destination: None, bind_first: Some(at(address)), source: None });
    for socket in ALL4 {
        assert_eq!(send(&m(), &socket, at(ANY4), None, 0, &host()), bound_to("10.0.0.1:0"));
        assert_eq!(send(&p(), &socket, at(ANY4), None, 0, &host()), bound_to("127.3.232.1:0"));
    }
    assert_eq!(send(&d(), &UDP6, at(ANY6), None, 0, &host()), bound_to("[::ffff:10.0.0.1]:0"));
    assert_eq!(send(&d(), &UDP6ONLY, at(ANY6), None, 0, &host()), bound_to("[fd00:1::1]:0"));
}

#[test]
fn row_53_a_wildcard_from_outside_is_given_a_source() {
    for bound in ["0.0.0.0:4000", "224.0.0.251:4000", "255.255.255.255:4000", "10.0.0.255:4000"] {
        let sent = from(&m(), &UDP4, bound, "198.51.100.7:80");
        assert_eq!(sent, to("198.51.100.7:80", None, Some("10.0.0.1")));
        assert_eq!(from(&m(), &UDP4, bound, "127.0.0.1:80"), to("127.3.232.1:80", None, Some("10.0.0.1")));
    }
    let mapped = from(&d(), &UDP6, "[::]:4000", "[::ffff:198.51.100.7]:80");
    assert_eq!(mapped, to("[::ffff:198.51.100.7]:80", None, Some("10.0.0.1")));
    let plain = from(&d(), &UDP6, "[::]:4000", "[2001:db8::7]:80");
    assert_eq!(plain, to("[2001:db8::7]:80", None, Some("fd00:1::1")));
    let by_b = host().route("198.51.100.0/24", "10.0.0.2");
    let sent = send(&m(), &UDP4, at("0.0.0.0:4000"), Some(&bytes("198.51.100.7:80")), 0, &by_b);
    assert_eq!(sent, to("198.51.100.7:80", None, Some("10.0.0.2")));
}

#[test]
fn row_22_bound_outside() {
    for bound in ["10.0.0.3:4000", "127.0.0.1:4000", "127.3.233.1:4000"] {
        let outside = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(at(bound).ip())));
        for asked in ["198.51.100.7:80", "127.0.0.1:80", "10.0.0.1:80"] {
            assert_eq!(from(&s(), &UDP4, bound, asked), outside);
        }
    }
    // Bound by the kernel towards the host's loopback.
    let ports = [80];
    let context = Context { host_loopback: &ports, ..s() };
    assert_eq!(from(&context, &UDP4, "127.0.0.1:4000", "127.0.0.1:80"), to("127.0.0.1:80", None, None));
    let outside = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(ip("127.0.0.1"))));
    assert_eq!(from(&context, &UDP4, "127.0.0.1:4000", "198.51.100.7:80"), outside);
}

#[test]
fn errors_of_send_are_the_kernels() {
    let fails = |socket: &Socket, bytes: &[u8], errno| {
        let verdict = send(&d(), socket, unbound(socket), Some(bytes), 0, &host());
        assert_eq!(verdict, Err(Refusal::native(errno)), "{socket:?} {bytes:?}");
    };
    let (v4, v6) = (bytes("198.51.100.7:80"), bytes("[2001:db8::7]:80"));
    for len in 0..16 {
        fails(&UDP4, &v4[..len], EINVAL);
        fails(&UDP4, &v6[..len], EINVAL);
        fails(&UDP6, &v4[..len], EINVAL);
    }
    for len in 0..24 {
        fails(&UDP6, &v6[..len], EINVAL);
    }
    fails(&UDP4, &v6, EAFNOSUPPORT);
    fails(&UDP4, &relabelled("198.51.100.7:80", AF_INET6), EAFNOSUPPORT);
    fails(&UDP6ONLY, &v4, ENETUNREACH);
    fails(&UDP6, &relabelled("[2001:db8::7]:80", 99), EINVAL);
    // AF_UNSPEC passes for AF_INET (udp_sendmsg), and the rules hold for it.
    let loopback = relabelled("127.0.0.1:80", AF_UNSPEC);
    let sent = send(&s(), &UDP4, at(ANY4), Some(&loopback), 0, &host());
    assert_eq!(sent, to("127.3.232.1:80", Some("10.0.0.1:0"), None));
    // A dual-stack socket takes a plain sockaddr_in.
    let sent = send(&d(), &UDP6, at(ANY6), Some(&relabelled("127.0.0.1:80", AF_INET)), 0, &host());
    assert_eq!(sent, to("[::ffff:127.3.232.1]:80", Some("[::ffff:10.0.0.1]:0"), None));
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_message_goes_from_an_own_address_and_not_to_foreign_loopback(
        (context, host) in any_context().prop_flat_map(|context| (Just(context), any_host(context))),
        socket in any_socket(),
        bound in prop_oneof![Just(None), any_address().prop_map(Some)],
        address in any_bytes(),
        fast: bool,
    ) {
        let bound = bound.unwrap_or(unbound(&socket));
        let flags = if fast { MSG_FASTOPEN } else { 0 };
        let Ok(Send { destination, bind_first, source }) =
            send(&context, &socket, bound, Some(&address), flags, &host)
        else {
            return Ok(());
        };
        let bound = canonical(bound);
        let (to, port) = destination.map_or((unbound(&socket).ip(), 0), |at| (canonical(at).ip(), at.port()));
        let remap = context.loopback == Loopback::Remap;
        let localhost = ["127.0.0.1", "::1"].contains(&to.to_string().as_str());
        let open = is_loopback(to)
            && (context.loopback == Loopback::Host
                || (remap && localhost && context.host_loopback.contains(&port))
                || (remap && port == 53 && context.resolvers.contains(&to)));
        for own in bind_first.iter().copied().chain(source.map(|ip| SocketAddr::new(ip, 0))) {
            // A source is named without its interface; only the address counts there.
            let named = context.addresses.iter().any(|a| a.ip() == canonical(own).ip());
            // MSG_FASTOPEN connects: towards the host's loopback the source is the kernel's.
            let kernels = open && socket.transport == Transport::Tcp && own.ip().to_canonical().is_loopback();
            prop_assert!(named || is_own_loopback(&context, canonical(own).ip()) || kernels, "{own}");
        }
        let Some(destination) = destination else {
            prop_assert_eq!(source, None);
            return Ok(());
        };
        prop_assert_eq!(Family::of(destination.ip()), socket.family);
        if is_loopback(to) {
            prop_assert!(!to.is_unspecified());
            prop_assert!(open || is_assigned(&context, destination) || is_own_loopback(&context, to));
        }
        if bind_first.is_none() && source.is_none() {
            let own = is_assigned(&context, bound) || is_own_loopback(&context, bound.ip());
            let hosts = is_loopback(bound.ip()) && (open || context.loopback == Loopback::Host);
            prop_assert!(own || hosts, "{bound}");
        }
    }
}
