//! `connect` and the choice of the source: rows 31 to 41 and 47.
#![allow(clippy::unwrap_used)]

mod common;

use chbind_policy::connect::{Connect, Source, connect};
use chbind_policy::sockaddr::canonical;
use chbind_policy::{Context, Family, Loopback, Reason, Refusal, Socket, Transport, Verdict};
use common::*;
use libc::{AF_INET, AF_INET6, AF_UNSPEC, EADDRNOTAVAIL, EAFNOSUPPORT, ECONNREFUSED, EINVAL, ENETUNREACH, EPERM};
use proptest::prelude::*;
use std::net::{IpAddr, SocketAddr};

const ALL4: [Socket; 4] = [TCP4, UDP4, PING4, RAW4];
/// Those that can be given an address at a port that they have.
const DATAGRAM4: [Socket; 3] = [UDP4, PING4, RAW4];
const DUAL: [Socket; 2] = [TCP6, UDP6];
const ONLY6: [Socket; 2] = [TCP6ONLY, UDP6ONLY];

/// With `source` chosen before it has a port, or from the address that it has.
fn to(destination: &str, source: Option<&str>) -> Verdict<Connect> {
    let source = source.map_or(Source::Own, |source| Source::Pin(at(source)));
    Ok(Connect::To { destination: at(destination), source })
}

fn settled(destination: &str, source: &str) -> Verdict<Connect> {
    Ok(Connect::To { destination: at(destination), source: Source::Settle(at(source)) })
}

fn from(context: &Context, socket: &Socket, bound: &str, destination: &str, host: &FakeHost) -> Verdict<Connect> {
    connect(context, socket, at(bound), &bytes(destination), host)
}

/// A socket that was never bound.
fn ask(context: &Context, socket: &Socket, destination: &str, host: &FakeHost) -> Verdict<Connect> {
    connect(context, socket, unbound(socket), &bytes(destination), host)
}

fn each(context: &Context, sockets: &[Socket], destination: &str, expected: Verdict<Connect>) {
    for socket in sockets {
        assert_eq!(ask(context, socket, destination, &host()), expected, "{socket:?} to {destination}");
    }
}

#[test]
fn row_31_source_is_own() {
    for context in [s(), z(), h(), d()] {
        each(&context, &ALL4, "198.51.100.7:80", to("198.51.100.7:80", Some("10.0.0.1:0")));
        // Other addresses of the host are as free as those far away.
        each(&context, &ALL4, "10.0.0.3:80", to("10.0.0.3:80", Some("10.0.0.1:0")));
    }
    for context in [d(), p()] {
        each(&context, &DUAL, "[2001:db8::7]:80", to("[2001:db8::7]:80", Some("[fd00:1::1]:0")));
    }
    each(&d(), &DUAL, "[::ffff:198.51.100.7]:80", to("[::ffff:198.51.100.7]:80", Some("[::ffff:10.0.0.1]:0")));
    // One address needs no route.
    let silent = FakeHost::default();
    assert_eq!(ask(&s(), &TCP4, "198.51.100.7:80", &silent), to("198.51.100.7:80", Some("10.0.0.1:0")));
}

#[test]
fn row_31_a_family_without_an_address_is_unreachable() {
    let none = |family| Err(refusal(ENETUNREACH, Reason::NoFamily(family)));
    each(&p(), &ALL4, "198.51.100.7:80", none(Family::V4));
    each(&s(), &DUAL, "[2001:db8::7]:80", none(Family::V6));
    each(&p(), &DUAL, "[::ffff:198.51.100.7]:80", none(Family::V4));
}

#[test]
fn row_32_route_prefers_an_own_address() {
    let host = FakeHost::default().route("0.0.0.0/0", "10.0.0.1").route("198.51.100.0/24", "10.0.0.2");
    for socket in ALL4 {
        assert_eq!(ask(&m(), &socket, "198.51.100.7:80", &host), to("198.51.100.7:80", Some("10.0.0.2:0")));
        assert_eq!(ask(&m(), &socket, "203.0.113.7:80", &host), to("203.0.113.7:80", Some("10.0.0.1:0")));
    }
}

#[test]
fn row_33_route_prefers_a_foreign_address() {
    let context = context(&["10.1.0.1/24", "10.0.0.1/24", "10.0.0.2/16", "fd00:2::1/64", "fd00:1::1/64"]);
    for (preferred, source) in [
        // The first whose prefix contains it.
        ("10.0.0.3", "10.0.0.1:0"),
        ("10.0.7.3", "10.0.0.2:0"),
        ("10.1.0.3", "10.1.0.1:0"),
        // In none: the primary.
        ("192.0.2.77", "10.1.0.1:0"),
        ("127.0.0.1", "10.1.0.1:0"),
    ] {
        let host = FakeHost::default().route("0.0.0.0/0", preferred);
        assert_eq!(ask(&context, &TCP4, "198.51.100.7:80", &host), to("198.51.100.7:80", Some(source)), "{preferred}");
    }
    for (preferred, source) in [("fd00:1::3", "[fd00:1::1]:0"), ("fd00:3::3", "[fd00:2::1]:0")] {
        let host = FakeHost::default().route("::/0", preferred);
        assert_eq!(
            ask(&context, &UDP6, "[2001:db8::7]:80", &host),
            to("[2001:db8::7]:80", Some(source)),
            "{preferred}"
        );
    }
    // No route: the primary, and the kernel says what is wrong.
    let silent = FakeHost::default();
    assert_eq!(ask(&context, &TCP4, "198.51.100.7:80", &silent), to("198.51.100.7:80", Some("10.1.0.1:0")));
}

#[test]
fn row_33_a_link_local_source_comes_with_its_interface() {
    let context = context(&["fe80::1/64%2"]);
    each(&context, &DUAL, "[fe80::9%2]:80", to("[fe80::9%2]:80", Some("[fe80::1%2]:0")));
}

#[test]
fn row_34_bound_source_stays() {
    let to_r = "198.51.100.7:80";
    for socket in ALL4 {
        for bound in ["10.0.0.2:0", "10.0.0.2:4000", "10.0.0.1:4000", "127.3.232.1:4000"] {
            assert_eq!(from(&m(), &socket, bound, to_r, &host()), to(to_r, None), "{bound}");
        }
    }
    assert_eq!(
        from(&d(), &TCP6, "[::ffff:10.0.0.1]:4000", "[::ffff:198.51.100.7]:80", &host()),
        to("[::ffff:198.51.100.7]:80", None)
    );
}

#[test]
fn row_35_loopback_is_the_contexts() {
    for context in [s(), m(), d(), p()] {
        for asked in ["127.0.0.1:80", "127.0.0.2:80", "127.255.255.255:80", "127.3.232.1:80", "127.0.0.53:80"] {
            each(&context, &ALL4, asked, to("127.3.232.1:80", Some("127.3.232.1:0")));
        }
    }
    // Bound to an own address, that is the source.
    assert_eq!(from(&s(), &TCP4, "10.0.0.1:4000", "127.0.0.1:80", &host()), to("127.3.232.1:80", None));
    // An assigned address of 127/8 is an assigned address.
    let within = context(&["127.0.0.2/32"]);
    each(&within, &ALL4, "127.0.0.2:80", to("127.0.0.2:80", Some("127.0.0.2:0")));
    each(&within, &ALL4, "127.0.0.1:80", to("127.3.232.1:80", Some("127.3.232.1:0")));
}

#[test]
fn row_36_own_wildcard_listener() {
    let host = host().serve(Transport::Tcp, 80, "10.0.0.2").serve(Transport::Udp, 81, "127.3.232.1");
    assert_eq!(ask(&m(), &TCP4, "127.0.0.1:80", &host), to("10.0.0.2:80", Some("127.3.232.1:0")));
    assert_eq!(ask(&m(), &TCP4, "0.0.0.0:80", &host), to("10.0.0.2:80", Some("127.3.232.1:0")));
    // Another protocol, another port.
    assert_eq!(ask(&m(), &UDP4, "127.0.0.1:80", &host), to("127.3.232.1:80", Some("127.3.232.1:0")));
    assert_eq!(ask(&m(), &TCP4, "127.0.0.1:81", &host), to("127.3.232.1:81", Some("127.3.232.1:0")));
    assert_eq!(ask(&m(), &UDP4, "127.0.0.1:81", &host), to("127.3.232.1:81", Some("127.3.232.1:0")));
}

#[test]
fn row_36_own_wildcard_listener_of_the_other_family() {
    let on_v4 = host().serve(Transport::Tcp, 80, "10.0.0.1");
    let on_v6 = host().serve(Transport::Tcp, 80, "fd00:1::1");
    assert_eq!(ask(&d(), &TCP6, "[::1]:80", &on_v4), to("[::ffff:10.0.0.1]:80", Some("[::ffff:127.3.232.1]:0")));
    assert_eq!(ask(&d(), &TCP6ONLY, "[::1]:80", &on_v4), Err(Refusal::native(ECONNREFUSED)));
    for socket in [TCP6, TCP6ONLY] {
        assert_eq!(ask(&p(), &socket, "[::1]:80", &on_v6), to("[fd00:1::1]:80", Some("[fd00:1::1]:0")));
        let expected = to("[fd00:1::1]:80", Some("[fd00:1::99]:0"));
        assert_eq!(ask(&with_lback6(p()), &socket, "[::1]:80", &on_v6), expected);
    }
    // An IPv4 socket cannot go there.
    assert_eq!(ask(&d(), &TCP4, "127.0.0.1:80", &on_v6), to("127.3.232.1:80", Some("127.3.232.1:0")));
}

#[test]
fn row_36_what_127_0_0_1_serves_is_on_v6_loopback_only_where_that_is_the_same() {
    let host = host().serve(Transport::Tcp, 80, "127.3.232.1");
    let same = to("[::ffff:127.3.232.1]:80", Some("[::ffff:127.3.232.1]:0"));
    assert_eq!(ask(&d(), &TCP6, "[::1]:80", &host), same);
    let apart = with_lback6(d());
    assert_eq!(ask(&apart, &TCP6, "[::1]:80", &host), to("[fd00:1::99]:80", Some("[fd00:1::99]:0")));
    assert_eq!(ask(&apart, &TCP6, "[::ffff:127.0.0.1]:80", &host), same);
}

#[test]
fn row_37_resolvers() {
    let resolvers = [ip("127.0.0.53"), ip("127.0.0.1"), ip("::1")];
    let context = Context { resolvers: &resolvers, ..d() };
    for socket in [TCP4, UDP4] {
        each(&context, &[socket], "127.0.0.53:53", to("127.0.0.53:53", Some("127.3.232.1:0")));
        each(&context, &[socket], "127.0.0.1:53", to("127.0.0.1:53", Some("127.3.232.1:0")));
        for other in ["127.0.0.53:54", "127.0.0.53:80", "127.0.0.54:53", "127.0.0.1:54"] {
            let port = at(other).port();
            let own = format!("127.3.232.1:{port}");
            each(&context, &[socket], other, to(&own, Some("127.3.232.1:0")));
        }
        // A context that runs a name server of its own means that one by 127.0.0.1.
        let host = host().serve(socket.transport, 53, "10.0.0.1");
        assert_eq!(ask(&context, &socket, "127.0.0.1:53", &host), to("10.0.0.1:53", Some("127.3.232.1:0")));
        assert_eq!(ask(&context, &socket, "127.0.0.53:53", &host), to("127.0.0.53:53", Some("127.3.232.1:0")));
    }
    // Without a v6 loopback of its own a context speaks to that one as the host does.
    each(&context, &DUAL, "[::1]:53", to("[::1]:53", Some("[::1]:0")));
    each(&with_lback6(context), &DUAL, "[::1]:53", to("[::1]:53", Some("[fd00:1::99]:0")));
    each(
        &Context { loopback: Loopback::Deny, ..context },
        &[UDP4],
        "127.0.0.53:53",
        Err(refusal(EPERM, Reason::LoopbackDenied)),
    );
}

#[test]
fn row_38_the_hosts_loopback_is_lifted_by_name() {
    let ports = [7000];
    let context = Context { host_loopback: &ports, ..d() };
    each(&context, &ALL4, "127.0.0.1:7000", to("127.0.0.1:7000", Some("127.0.0.1:0")));
    each(&context, &ALL4, "0.0.0.0:7000", to("127.0.0.1:7000", Some("127.0.0.1:0")));
    // Other addresses of 127/8 may be another context's.
    each(&context, &ALL4, "127.0.0.9:7000", to("127.3.232.1:7000", Some("127.3.232.1:0")));
    each(&context, &ALL4, "127.0.0.1:7001", to("127.3.232.1:7001", Some("127.3.232.1:0")));
    each(&context, &DUAL, "[::1]:7000", to("[::1]:7000", Some("[::1]:0")));
    for context in [h(), hd()] {
        each(&context, &ALL4, "127.0.0.1:7001", to("127.0.0.1:7001", Some("127.0.0.1:0")));
        each(&context, &ALL4, "127.3.233.1:7001", to("127.3.233.1:7001", Some("127.0.0.1:0")));
        each(&context, &DUAL, "[::1]:7001", to("[::1]:7001", Some("[::1]:0")));
    }
    // The source that a socket got there stays good for there, and for nothing else.
    let foreign = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(ip("127.0.0.1"))));
    for socket in ALL4 {
        assert_eq!(from(&context, &socket, "127.0.0.1:4000", "127.0.0.1:7000", &host()), to("127.0.0.1:7000", None));
        assert_eq!(from(&context, &socket, "127.0.0.1:4000", "198.51.100.7:80", &host()), foreign);
        assert_eq!(from(&context, &socket, "127.0.0.1:4000", "127.0.0.1:80", &host()), foreign);
        assert_eq!(from(&h(), &socket, "127.0.0.1:4000", "127.0.0.1:80", &host()), to("127.0.0.1:80", None));
    }
}

#[test]
fn row_39_loopback_denied() {
    let denied = Err(refusal(EPERM, Reason::LoopbackDenied));
    for asked in ["127.0.0.1:80", "127.9.9.9:80", "127.3.232.1:80", "0.0.0.0:80"] {
        each(&z(), &ALL4, asked, denied);
    }
    for asked in ["[::1]:80", "[::]:80", "[::ffff:127.0.0.1]:80", "[::ffff:0.0.0.0]:80"] {
        each(&Context { loopback: Loopback::Deny, ..d() }, &DUAL, asked, denied);
    }
    // Even one port of it, or a name server there.
    let ports = [80];
    each(&Context { host_loopback: &ports, ..z() }, &ALL4, "127.0.0.1:80", denied);
    let within = Context { loopback: Loopback::Deny, ..context(&["127.0.0.2/32"]) };
    each(&within, &ALL4, "127.0.0.2:80", to("127.0.0.2:80", Some("127.0.0.2:0")));
}

#[test]
fn row_40_unspecified_destination() {
    each(&s(), &ALL4, "0.0.0.0:80", to("127.3.232.1:80", Some("127.3.232.1:0")));
    let own = to("[::ffff:127.3.232.1]:80", Some("[::ffff:127.3.232.1]:0"));
    each(&d(), &DUAL, "[::]:80", own);
    each(&d(), &DUAL, "[::ffff:0.0.0.0]:80", own);
    each(&with_lback6(d()), &DUAL, "[::]:80", to("[fd00:1::99]:80", Some("[fd00:1::99]:0")));
    each(&h(), &ALL4, "0.0.0.0:80", to("127.0.0.1:80", Some("127.0.0.1:0")));
    each(&hd(), &DUAL, "[::]:80", to("[::1]:80", Some("[::1]:0")));
}

#[test]
fn row_41_v6_loopback() {
    let own = to("[::ffff:127.3.232.1]:80", Some("[::ffff:127.3.232.1]:0"));
    for context in [d(), p()] {
        each(&context, &DUAL, "[::1]:80", own);
        each(&context, &DUAL, "[::ffff:127.0.0.1]:80", own);
        each(&context, &ONLY6, "[::1]:80", Err(Refusal::native(ECONNREFUSED)));
        each(&context, &ONLY6, "[::ffff:127.0.0.1]:80", Err(Refusal::native(ECONNREFUSED)));
        each(&with_lback6(context), &ONLY6, "[::1]:80", to("[fd00:1::99]:80", Some("[fd00:1::99]:0")));
    }
    // As the kernel says of any IPv4 address (`tcp_v6_connect`).
    each(&d(), &ONLY6, "[::ffff:198.51.100.7]:80", Err(Refusal::native(ENETUNREACH)));
}

#[test]
fn row_47_dissolving_is_always_allowed() {
    for socket in SOCKETS {
        for len in [2, 16, 28] {
            let mut unspecified = relabelled("[2001:db8::7]:80", AF_UNSPEC);
            unspecified.truncate(len);
            for bound in [ANY4, "10.0.0.1:4000", "10.0.0.3:4000"] {
                let dissolved = connect(&s(), &socket, at(bound), &unspecified, &host());
                assert_eq!(dissolved, Ok(Connect::Disconnect));
            }
        }
    }
}

#[test]
fn row_22_sockets_that_were_bound_outside() {
    for socket in ALL4 {
        for bound in ["10.0.0.3:4000", "192.0.2.77:0", "127.0.0.1:4000", "127.3.233.1:4000"] {
            let foreign = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(at(bound).ip())));
            assert_eq!(from(&s(), &socket, bound, "198.51.100.7:80", &host()), foreign);
            assert_eq!(from(&s(), &socket, bound, "127.0.0.1:80", &host()), foreign);
        }
    }
    let mapped = from(&d(), &TCP6, "[::ffff:10.0.0.3]:4000", "[::ffff:198.51.100.7]:80", &host());
    assert_eq!(mapped, Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(ip("10.0.0.3")))));
}

#[test]
fn row_22_wildcards_from_outside() {
    // A stream that has a port cannot be given an address; that the route would choose ours now is no promise.
    let ours = FakeHost::default().route("0.0.0.0/0", "10.0.0.1");
    for bound in ["0.0.0.0:4000", "255.255.255.255:4000", "224.0.0.251:4000", "10.0.0.255:4000"] {
        let outside = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(at(bound).ip())));
        for host in [&ours, &host()] {
            assert_eq!(from(&s(), &TCP4, bound, "198.51.100.7:80", host), outside);
            assert_eq!(from(&s(), &TCP4, bound, "127.0.0.1:80", host), outside);
            assert_eq!(from(&m(), &TCP4, bound, "198.51.100.7:80", host), outside);
        }
    }
    for socket in [TCP6, TCP6ONLY] {
        let outside = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(ip("::"))));
        assert_eq!(from(&d(), &socket, "[::]:4000", "[2001:db8::7]:80", &host()), outside);
    }
}

/// A wildcard is no address, and the kernel would choose: rows 31 to 41 hold as if it were not bound.
#[test]
fn rows_31_to_41_a_datagram_socket_on_a_wildcard_settles() {
    let by_b = host().route("198.51.100.0/24", "10.0.0.2");
    for bound in ["0.0.0.0:4000", "255.255.255.255:4000", "224.0.0.251:4000", "10.0.0.255:4000"] {
        for socket in DATAGRAM4 {
            let ask = |context: &Context, to: &str, host: &FakeHost| from(context, &socket, bound, to, host);
            for context in [s(), m(), d(), h()] {
                assert_eq!(ask(&context, "198.51.100.7:80", &host()), settled("198.51.100.7:80", "10.0.0.1:0"));
            }
            assert_eq!(ask(&m(), "198.51.100.7:80", &by_b), settled("198.51.100.7:80", "10.0.0.2:0"));
            for context in [s(), m()] {
                for loopback in ["127.0.0.1:80", "127.9.9.9:80", "0.0.0.0:80"] {
                    assert_eq!(ask(&context, loopback, &host()), settled("127.3.232.1:80", "127.3.232.1:0"));
                }
            }
            assert_eq!(ask(&h(), "127.0.0.1:80", &host()), settled("127.0.0.1:80", "127.0.0.1:0"));
            assert_eq!(ask(&z(), "127.0.0.1:80", &host()), Err(refusal(EPERM, Reason::LoopbackDenied)));
        }
    }
    let resolvers = [ip("127.0.0.53")];
    let context = Context { resolvers: &resolvers, ..m() };
    let asked = from(&context, &UDP4, "0.0.0.0:4000", "127.0.0.53:53", &host());
    assert_eq!(asked, settled("127.0.0.53:53", "127.3.232.1:0"));
    let served = host().serve(Transport::Udp, 80, "10.0.0.2");
    let asked = from(&m(), &UDP4, "0.0.0.0:4000", "127.0.0.1:80", &served);
    assert_eq!(asked, settled("10.0.0.2:80", "127.3.232.1:0"));
}

/// A socket that is kept to what the context may hear keeps to that when it is connected, and must hear the answer.
#[test]
fn rows_37_and_38_an_answer_from_the_hosts_loopback_is_heard_on_a_wildcard() {
    let (ports, resolvers) = ([7000], [ip("127.0.0.53"), ip("::1")]);
    for context in [s(), m(), d(), p(), with_lback6(d())] {
        let context = Context { host_loopback: &ports, resolvers: &resolvers, ..context };
        for (socket, bound, asked) in [
            (UDP4, "0.0.0.0:4000", "127.0.0.53:53"),
            (UDP4, "0.0.0.0:4000", "127.0.0.1:7000"),
            (UDP6, "[::]:4000", "[::ffff:127.0.0.1]:7000"),
            (UDP6, "[::]:4000", "[::1]:7000"),
            (UDP6, "[::]:4000", "[::1]:53"),
        ] {
            if let Ok(Connect::To { source: Source::Settle(source), .. }) =
                from(&context, &socket, bound, asked, &host())
            {
                assert!(hears(&context, source), "{asked} from {bound} is asked as {source}, which is not heard");
            }
        }
    }
}

#[test]
fn rows_31_to_41_a_dual_stack_wildcard_settles_in_either_family() {
    let ask = |context: &Context, socket: &Socket, to| from(context, socket, "[::]:4000", to, &host());
    let (far, mapped) = ("[2001:db8::7]:80", "[::ffff:198.51.100.7]:80");
    assert_eq!(ask(&d(), &UDP6, far), settled(far, "[fd00:1::1]:0"));
    assert_eq!(ask(&d(), &UDP6, mapped), settled(mapped, "[::ffff:10.0.0.1]:0"));
    assert_eq!(ask(&d(), &UDP6, "[::1]:80"), settled("[::ffff:127.3.232.1]:80", "[::ffff:127.3.232.1]:0"));
    assert_eq!(ask(&with_lback6(d()), &UDP6, "[::1]:80"), settled("[fd00:1::99]:80", "[fd00:1::99]:0"));
    let plain = connect(&d(), &UDP6, at("[::]:4000"), &bytes("198.51.100.7:80"), &host());
    assert_eq!(plain, settled(mapped, "[::ffff:10.0.0.1]:0"));
    for socket in [UDP6ONLY, PING6, RAW6] {
        assert_eq!(ask(&d(), &socket, far), settled(far, "[fd00:1::1]:0"));
        assert_eq!(ask(&d(), &socket, mapped), Err(Refusal::native(ENETUNREACH)));
    }
    assert_eq!(ask(&s(), &UDP6, far), Err(refusal(ENETUNREACH, Reason::NoFamily(Family::V6))));
    let linked = context(&["fe80::1/64%2"]);
    assert_eq!(ask(&linked, &UDP6, "[fe80::2%2]:80"), settled("[fe80::2%2]:80", "[fe80::1%2]:0"));
}

#[test]
fn errors_of_connect_are_the_kernels() {
    let fails = |context: &Context, socket: &Socket, bytes: &[u8], errno| {
        let verdict = connect(context, socket, unbound(socket), bytes, &host());
        assert_eq!(verdict, Err(Refusal::native(errno)), "{socket:?} {bytes:?}");
    };
    let (v4, v6) = (bytes("198.51.100.7:80"), bytes("[2001:db8::7]:80"));
    for socket in SOCKETS {
        for len in 0..2 {
            fails(&d(), &socket, &v4[..len], EINVAL);
        }
    }
    for socket in ALL4 {
        for len in 2..16 {
            fails(&d(), &socket, &v4[..len], EINVAL);
            fails(&d(), &socket, &v6[..len], EINVAL);
        }
        fails(&d(), &socket, &v6, EAFNOSUPPORT);
        fails(&d(), &socket, &relabelled("198.51.100.7:80", AF_INET6), EAFNOSUPPORT);
    }
    for socket in [TCP6, UDP6, TCP6ONLY, UDP6ONLY] {
        for len in 2..24 {
            fails(&d(), &socket, &v6[..len], EINVAL);
        }
    }
    fails(&d(), &TCP6, &relabelled("[2001:db8::7]:80", AF_INET), EAFNOSUPPORT);
    fails(&d(), &TCP6, &v4, EINVAL);
    fails(&d(), &UDP6ONLY, &v4, EAFNOSUPPORT);
    fails(&d(), &PING6, &v4, EAFNOSUPPORT);
    // A dual-stack datagram socket takes a plain sockaddr_in (`__ip6_datagram_connect`), and the rules hold for it.
    each(&d(), &[UDP6], "198.51.100.7:80", to("[::ffff:198.51.100.7]:80", Some("[::ffff:10.0.0.1]:0")));
    each(&d(), &[UDP6], "127.0.0.1:80", to("[::ffff:127.3.232.1]:80", Some("[::ffff:127.3.232.1]:0")));
}

/// Whether `ip` (canonical) is another name of some loopback, for the kernel.
fn is_loopback(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[0] == 127 || ip.octets() == [0; 4],
        IpAddr::V6(ip) => u128::from(ip) <= 1,
    }
}

/// What any socket of a context in order may have as its local address, and sockets from outside.
fn any_bound() -> impl Strategy<Value = Option<SocketAddr>> {
    prop_oneof![2 => Just(None), 3 => any_address().prop_map(Some)]
}

fn case() -> impl Strategy<Value = (Context<'static>, Socket, Option<SocketAddr>, Vec<u8>, FakeHost)> {
    any_context().prop_flat_map(|context| (Just(context), any_socket(), any_bound(), any_bytes(), any_host(context)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn loopback_is_never_left_and_the_source_is_own((context, socket, bound, address, host) in case()) {
        let bound = bound.unwrap_or(unbound(&socket));
        let Ok(Connect::To { destination, source }) = connect(&context, &socket, bound, &address, &host) else {
            return Ok(());
        };
        prop_assert_eq!(Family::of(destination.ip()), socket.family);
        prop_assert_eq!(&destination.port().to_be_bytes()[..], &address[2..4]);
        let (to, port) = (canonical(destination).ip(), destination.port());
        let remap = context.loopback == Loopback::Remap;
        let localhost = ["127.0.0.1", "::1"].contains(&to.to_string().as_str());
        let open = is_loopback(to)
            && (context.loopback == Loopback::Host
                || (remap && localhost && context.host_loopback.contains(&port))
                || (remap && port == 53 && context.resolvers.contains(&to)));
        let own = |at: SocketAddr| is_assigned(&context, at) || is_own_loopback(&context, canonical(at).ip());
        if is_loopback(to) {
            prop_assert!(!to.is_unspecified());
            prop_assert!(own(destination) || open, "{destination}");
        }
        let bound = canonical(bound);
        match source {
            Source::Pin(source) | Source::Settle(source) => {
                let ip = canonical(source).ip();
                // Towards the host's loopback, where it is open, it is the kernel's.
                let kernels = open && ["127.0.0.1", "::1"].contains(&ip.to_string().as_str());
                prop_assert!(own(source) || kernels, "{source}");
                prop_assert_eq!((source.port(), Family::of(source.ip())), (0, socket.family));
                prop_assert_eq!(Family::of(ip), Family::of(to), "{} {}", source, destination);
            }
            Source::Own => {
                let hosts = bound.ip().is_loopback() && (open || context.loopback == Loopback::Host);
                prop_assert!(own(bound) || hosts, "{bound}");
            }
        }
        // No port: it is bound. A port and no address: it settles, where there is a way to.
        let anywhere = bound.ip().is_unspecified() || bound.ip().is_multicast() || is_own_broadcast(&context, bound.ip());
        match source {
            Source::Pin(_) => prop_assert!(bound.ip().is_unspecified() && bound.port() == 0),
            Source::Settle(_) => {
                prop_assert!(anywhere && !own(bound), "{bound}");
                prop_assert!(bound.port() != 0 || !bound.ip().is_unspecified());
                prop_assert!(socket.transport != Transport::Tcp);
            }
            Source::Own => {}
        }
    }

    /// What it could have been pinned to at first is what it settles on.
    #[test]
    fn a_wildcard_settles_where_no_address_would_be_pinned((context, socket, _, address, host) in case(), port in 1u16..) {
        let wildcard = SocketAddr::new(unbound(&socket).ip(), port);
        let pinned = connect(&context, &socket, unbound(&socket), &address, &host);
        let expected = match pinned {
            Ok(Connect::To { source: Source::Pin(_), .. }) if socket.transport == Transport::Tcp => {
                Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(wildcard.ip())))
            }
            Ok(Connect::To { destination, source: Source::Pin(source) }) => {
                Ok(Connect::To { destination, source: Source::Settle(source) })
            }
            other => other,
        };
        let settled = connect(&context, &socket, wildcard, &address, &host);
        // Towards the host's own loopback the first is the kernel's source, which is no address of the context.
        if matches!(expected, Ok(Connect::To { source: Source::Settle(at), .. }) if !hears(&context, at)) {
            return Ok(());
        }
        // Of two refusals either may come first.
        if settled.map_err(|_| ()) != expected.map_err(|_| ()) {
            prop_assert_eq!(settled, expected);
        }
    }

    #[test]
    fn all_but_loopback_is_free((context, socket, _, _, host) in case(), to in any_address()) {
        let to = chbind_policy::sockaddr::for_family(to, socket.family);
        let plain = canonical(to);
        if Family::of(to.ip()) != socket.family || is_loopback(plain.ip()) || (socket.v6only && plain.is_ipv4()) {
            return Ok(());
        }
        match connect(&context, &socket, unbound(&socket), &raw(to), &host) {
            Ok(Connect::To { destination, source: Source::Pin(_) }) => prop_assert_eq!(canonical(destination), plain),
            other => {
                let none = refusal(ENETUNREACH, Reason::NoFamily(Family::of(plain.ip())));
                prop_assert_eq!(other, Err(none));
                prop_assert!(context.primary_of(Family::of(plain.ip())).is_none());
            }
        }
    }
}
