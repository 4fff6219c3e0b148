//! Rows 42, 48, 49 and 53: who speaks.

use super::*;

#[test]
fn row_42_unbound_sends_from_an_own_address() {
    for socket in ALL4 {
        for context in [s(), z(), h(), d()] {
            let sent = ask(&context, &socket, "198.51.100.7:80");
            assert_eq!(sent, to("198.51.100.7:80", pin("10.0.0.1:0")));
        }
        assert_eq!(ask(&p(), &socket, "198.51.100.7:80"), Err(refusal(ENETUNREACH, Reason::NoFamily(Family::V4))));
    }
    for context in [p(), d()] {
        for socket in [UDP6ONLY, PING6, RAW6] {
            assert_eq!(ask(&context, &socket, "[2001:db8::7]:80"), to("[2001:db8::7]:80", pin("[fd00:1::1]:0")));
        }
    }
    assert_eq!(ask(&p(), &UDP6, "[2001:db8::7]:80"), to("[2001:db8::7]:80", pin("[fd00:1::1]:0")));
    assert_eq!(ask(&s(), &UDP6, "[2001:db8::7]:80"), Err(refusal(ENETUNREACH, Reason::NoFamily(Family::V6))));
}

#[test]
fn row_42_of_several_addresses_each_message_has_its_own() {
    let by_b = host().route("198.51.100.0/24", "10.0.0.2");
    let ask_by = |socket: &Socket, host: &FakeHost| {
        send(&m(), socket, local(at(ANY4)), Some(&bytes("198.51.100.7:80")), 0, host)
    };
    assert_eq!(ask_by(&UDP4, &host()), to("198.51.100.7:80", open("10.0.0.1:0", "10.0.0.1:0")));
    assert_eq!(ask_by(&UDP4, &by_b), to("198.51.100.7:80", open("10.0.0.2:0", "10.0.0.2:0")));
    for socket in NARROW4 {
        assert_eq!(ask_by(&socket, &host()), to("198.51.100.7:80", pin("10.0.0.1:0")));
        assert_eq!(ask_by(&socket, &by_b), to("198.51.100.7:80", pin("10.0.0.2:0")));
    }
    // With one IPv4 address there is no other for this socket.
    assert_eq!(ask(&d(), &UDP4, "198.51.100.7:80"), to("198.51.100.7:80", pin("10.0.0.1:0")));
}

#[test]
fn row_42_a_dual_stack_socket_speaks_both_families() {
    let mapped = "[::ffff:198.51.100.7]:80";
    for context in [d(), context(&["fd00:1::1/64", "10.0.0.1/24"])] {
        let far = ask(&context, &UDP6, "[2001:db8::7]:80");
        assert_eq!(far, to("[2001:db8::7]:80", open("[fd00:1::1]:0", "[fd00:1::1]:0")));
        assert_eq!(ask(&context, &UDP6, mapped), to(mapped, open("10.0.0.1:0", "[::ffff:10.0.0.1]:0")));
        assert_eq!(ask(&context, &UDP6ONLY, "[2001:db8::7]:80"), to("[2001:db8::7]:80", pin("[fd00:1::1]:0")));
    }
    assert_eq!(ask(&m(), &UDP6, mapped), to(mapped, open("10.0.0.1:0", "[::ffff:10.0.0.1]:0")));
    assert_eq!(ask(&s(), &UDP6, mapped), to(mapped, pin("[::ffff:10.0.0.1]:0")));
    let many = context(&["fd00:1::1/64", "fe80::1/64%2"]);
    let near = send(
        &many,
        &UDP6ONLY,
        local(at(ANY6)),
        Some(&bytes("[fe80::2%2]:80")),
        0,
        &host().route("fe80::/10", "fe80::1"),
    );
    assert_eq!(near, to("[fe80::2%2]:80", open("[fe80::1%2]:0", "[fe80::1%2]:0")));
}

#[test]
fn row_42_bound_sends_from_there() {
    for bound in ["10.0.0.1:0", "10.0.0.2:4000", "127.3.232.1:4000"] {
        for socket in ALL4 {
            assert_eq!(from(&m(), &socket, bound, "198.51.100.7:80"), to("198.51.100.7:80", Source::Own));
        }
    }
}

#[test]
fn row_49_broadcast_and_multicast_sends_have_an_own_source() {
    for asked in ["255.255.255.255:67", "10.0.0.255:67", "224.0.0.251:5353"] {
        for socket in ALL4 {
            assert_eq!(ask(&s(), &socket, asked), to(asked, pin("10.0.0.1:0")));
        }
        assert_eq!(ask(&m(), &UDP4, asked), to(asked, open("10.0.0.1:0", "10.0.0.1:0")));
        assert_eq!(from(&m(), &UDP4, "10.0.0.2:4000", asked), to(asked, Source::Own));
        // Bound to a group, it speaks to that.
        let member = Context { multicast: true, ..s() };
        assert_eq!(from(&member, &UDP4, "224.0.0.251:5353", asked), to(asked, named("10.0.0.1:0")));
        // IP_MULTICAST_IF is for the route to say.
        let by_b = host().route("224.0.0.0/4", "10.0.0.2").route("255.255.255.255/32", "10.0.0.2");
        let by_b = by_b.route("10.0.0.255/32", "10.0.0.2");
        let sent = send(&m(), &UDP4, local(at("0.0.0.0:4000")), Some(&bytes(asked)), 0, &by_b);
        assert_eq!(sent, to(asked, named("10.0.0.2:0")));
    }
    assert_eq!(ask(&p(), &UDP6, "[ff02::fb%2]:5353"), to("[ff02::fb%2]:5353", pin("[fd00:1::1]:0")));
    let dual = open("[fd00:1::1]:0", "[fd00:1::1]:0");
    assert_eq!(ask(&d(), &UDP6, "[ff02::fb%2]:5353"), to("[ff02::fb%2]:5353", dual));
    let group = from(&d(), &UDP6, "[ff02::fb%2]:5353", "[ff02::fb%2]:5353");
    assert_eq!(group, to("[ff02::fb%2]:5353", named("[fd00:1::1]:0")));
}

#[test]
fn row_48_raw_icmp_sends_from_an_own_address() {
    let from_own = from(&m(), &RAW4, "10.0.0.2:1", "198.51.100.7:0");
    assert_eq!(from_own, to("198.51.100.7:0", Source::Own));
    // Unbound, the kernel shows the protocol where the port would be: given a source like what has a port.
    for context in [s(), m()] {
        let sent = from(&context, &RAW4, "0.0.0.0:1", "198.51.100.7:0");
        assert_eq!(sent, to("198.51.100.7:0", named("10.0.0.1:0")));
    }
    let outside = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(ip("10.0.0.3"))));
    assert_eq!(from(&s(), &RAW4, "10.0.0.3:1", "198.51.100.7:0"), outside);
    assert_eq!(ask(&z(), &RAW4, "127.0.0.1:0"), Err(refusal(EPERM, Reason::LoopbackDenied)));
    // Unlike UDP, it takes AF_UNSPEC for its own family (rawv6_sendmsg), and the rules hold for that.
    let loopback = relabelled("[::1]:0", AF_UNSPEC);
    let sent = send(&with_lback6(d()), &RAW6, local(at("[fd00:1::1]:58")), Some(&loopback), 0, &host());
    assert_eq!(sent, to("[fd00:1::99]:0", Source::Own));
    assert_eq!(ask(&d(), &RAW6, "[::1]:0"), Err(Refusal::native(Errno(ECONNREFUSED))));
    assert_eq!(ask(&d(), &RAW6, "[::ffff:198.51.100.7]:0"), Err(Refusal::native(Errno(ENETUNREACH))));
}

/// The kernel says EDESTADDRREQ, but gives the socket a port first: on every address if it has none.
#[test]
fn row_42_a_message_to_nobody_leaves_no_wildcard_behind() {
    for context in [s(), m(), d(), p()] {
        for socket in [UDP4, PING4, UDP6, UDP6ONLY, RAW6] {
            let sent = send(&context, &socket, local(unbound(&socket)), None, 0, &host());
            assert_eq!(sent, Err(Refusal::native(Errno::EDESTADDRREQ)));
        }
    }
}

/// Its own, kept to what the context may hear, or one from outside.
#[test]
fn row_53_a_wildcard_is_given_a_source() {
    for bound in ["0.0.0.0:4000", "224.0.0.251:4000", "255.255.255.255:4000", "10.0.0.255:4000"] {
        for socket in ALL4 {
            let sent = from(&m(), &socket, bound, "198.51.100.7:80");
            assert_eq!(sent, to("198.51.100.7:80", named("10.0.0.1:0")));
            // Who answers on loopback is asked there.
            let sent = from(&m(), &socket, bound, "127.0.0.1:80");
            assert_eq!(sent, to("127.3.232.1:80", named("127.3.232.1:0")));
        }
        assert_eq!(from(&h(), &UDP4, bound, "127.0.0.1:80"), to("127.0.0.1:80", named("127.0.0.1:0")));
        assert_eq!(from(&z(), &UDP4, bound, "127.0.0.1:80"), Err(refusal(EPERM, Reason::LoopbackDenied)));
    }
    let mapped = from(&d(), &UDP6, "[::]:4000", "[::ffff:198.51.100.7]:80");
    assert_eq!(mapped, to("[::ffff:198.51.100.7]:80", named("10.0.0.1:0")));
    let plain = from(&d(), &UDP6, "[::]:4000", "[2001:db8::7]:80");
    assert_eq!(plain, to("[2001:db8::7]:80", named("[fd00:1::1]:0")));
    let by_b = host().route("198.51.100.0/24", "10.0.0.2");
    let sent = send(&m(), &UDP4, local(at("0.0.0.0:4000")), Some(&bytes("198.51.100.7:80")), 0, &by_b);
    assert_eq!(sent, to("198.51.100.7:80", named("10.0.0.2:0")));
    // The route prefers what is not ours: the neighbour, or the primary.
    for (preferred, source) in [("10.0.0.3", "10.0.0.1:0"), ("192.0.2.77", "10.0.0.1:0")] {
        let by = FakeHost::default().route("0.0.0.0/0", preferred);
        let sent = send(&m(), &UDP4, local(at("0.0.0.0:4000")), Some(&bytes("198.51.100.7:80")), 0, &by);
        assert_eq!(sent, to("198.51.100.7:80", named(source)));
    }
    // A link-local source goes by its interface.
    let linked = context(&["fe80::1/64%2"]);
    let sent = from(&linked, &UDP6, "[::]:4000", "[fe80::2%2]:80");
    assert_eq!(sent, to("[fe80::2%2]:80", named("[fe80::1%2]:0")));
    let none = from(&s(), &UDP6, "[::]:4000", "[2001:db8::7]:80");
    assert_eq!(none, Err(refusal(ENETUNREACH, Reason::NoFamily(Family::V6))));
}
