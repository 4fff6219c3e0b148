//! Rows 31 to 34 and 22: who speaks.

use super::*;

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

#[test]
fn rows_31_to_41_a_dual_stack_wildcard_settles_in_either_family() {
    let ask = |context: &Context, socket: &Socket, to| from(context, socket, "[::]:4000", to, &host());
    let (far, mapped) = ("[2001:db8::7]:80", "[::ffff:198.51.100.7]:80");
    assert_eq!(ask(&d(), &UDP6, far), settled(far, "[fd00:1::1]:0"));
    assert_eq!(ask(&d(), &UDP6, mapped), settled(mapped, "[::ffff:10.0.0.1]:0"));
    assert_eq!(ask(&d(), &UDP6, "[::1]:80"), settled("[::ffff:127.3.232.1]:80", "[::ffff:127.3.232.1]:0"));
    assert_eq!(ask(&with_lback6(d()), &UDP6, "[::1]:80"), settled("[fd00:1::99]:80", "[fd00:1::99]:0"));
    let plain = connect(&d(), &UDP6, local(at("[::]:4000")), &bytes("198.51.100.7:80"), &host());
    assert_eq!(plain, settled(mapped, "[::ffff:10.0.0.1]:0"));
    for socket in [UDP6ONLY, PING6, RAW6] {
        assert_eq!(ask(&d(), &socket, far), settled(far, "[fd00:1::1]:0"));
        assert_eq!(ask(&d(), &socket, mapped), Err(Refusal::native(Errno(ENETUNREACH))));
    }
    assert_eq!(ask(&s(), &UDP6, far), Err(refusal(ENETUNREACH, Reason::NoFamily(Family::V6))));
    let linked = context(&["fe80::1/64%2"]);
    assert_eq!(ask(&linked, &UDP6, "[fe80::2%2]:80"), settled("[fe80::2%2]:80", "[fe80::1%2]:0"));
}
