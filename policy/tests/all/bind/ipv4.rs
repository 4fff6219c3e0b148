//! Rows 1 to 16.

use super::*;
use chbind_policy::Errno;

#[test]
fn row_01_wildcard_is_the_primary() {
    for context in [s(), z(), h()] {
        binds(&context, &ALL4, "0.0.0.0:80", "10.0.0.1:80");
        binds(&context, &ALL4, "0.0.0.0:0", "10.0.0.1:0");
    }
    // All that is left to serve where IPv4 is no more than loopback.
    binds(&p(), &ALL4, "0.0.0.0:80", "127.3.232.1:80");
    let none = Context { loopback: Loopback::Deny, ..p() };
    refuses(&none, &ALL4, "0.0.0.0:80", EADDRNOTAVAIL, Reason::NoFamily(Family::V4));
}

#[test]
fn row_02_wildcard_of_two_addresses_serves_the_first_and_says_so() {
    for context in [m(), Context { multicast: true, ..m() }, Context { loopback: Loopback::Deny, ..m() }] {
        for (asked, bound) in [("0.0.0.0:80", "10.0.0.1:80"), ("0.0.0.0:0", "10.0.0.1:0")] {
            narrows(&context, &NARROW4, asked, bound, Some(Family::V4));
        }
    }
    // An IPv4 wildcard would not have covered the IPv6 address.
    binds(&d(), &ALL4, "0.0.0.0:80", "10.0.0.1:80");
}

#[test]
fn row_03_udp_wildcard_of_two_addresses_is_kept() {
    let note = narrowed("10.0.0.1", Some(Family::V4));
    for context in [m(), Context { loopback: Loopback::Deny, ..m() }, Context { loopback: Loopback::Host, ..m() }] {
        widens(&context, &[UDP4], "0.0.0.0:80", "10.0.0.1:80", note);
        widens(&context, &[UDP4], "0.0.0.0:0", "10.0.0.1:0", note);
    }
    let any = bind(&m(), &UDP4, &relabelled("0.0.0.0:80", AF_UNSPEC)).unwrap();
    assert_eq!(any.place, Place::Open { any: at("0.0.0.0:80"), otherwise: at("10.0.0.1:80") });
}

#[test]
fn row_04_own_address() {
    for context in [s(), m(), d(), z(), h()] {
        binds(&context, &ALL4, "10.0.0.1:80", "10.0.0.1:80");
    }
    binds(&m(), &ALL4, "10.0.0.2:0", "10.0.0.2:0");
    binds(&p(), &[TCP6, UDP6, TCP6ONLY, UDP6ONLY, PING6, RAW6], "[fd00:1::1]:80", "[fd00:1::1]:80");
    let within_127 = context(&["127.0.0.2/32"]);
    binds(&within_127, &ALL4, "127.0.0.2:80", "127.0.0.2:80");
    binds(&within_127, &ALL4, "0.0.0.0:80", "127.0.0.2:80");
    binds(&Context { loopback: Loopback::Deny, ..within_127 }, &ALL4, "127.0.0.2:80", "127.0.0.2:80");
}

#[test]
fn row_04_link_local_address_belongs_to_its_interface() {
    let context = context(&["fe80::1/64%2"]);
    binds(&context, &DUAL, "[fe80::1%2]:80", "[fe80::1%2]:80");
    binds(&context, &DUAL, "[::]:80", "[fe80::1%2]:80");
    foreign(&context, &DUAL, "[fe80::1%3]:80");
    foreign(&context, &DUAL, "[fe80::1]:80");
}

#[test]
fn row_05_foreign_addresses() {
    for context in [s(), m(), d(), z(), h(), p()] {
        for asked in ["10.0.0.3:80", "192.0.2.77:80", "127.0.0.2:80", "127.3.233.1:80", "10.0.0.0:80"] {
            foreign(&context, &ALL4, asked);
        }
    }
    foreign(&s(), &ALL4, "10.0.0.2:80");
    // The number of a context that has no loopback gives it no address.
    foreign(&z(), &ALL4, "127.3.232.1:80");
    foreign(&h(), &ALL4, "127.3.232.1:80");
    foreign(&hd(), &DUAL, "[::ffff:127.0.0.2]:80");
    // Once the IPv4-compatible form of an IPv4 address (RFC 4291), now nobody's.
    foreign(&d(), &DUAL, "[::10.0.0.1]:80");
}

#[test]
fn row_06_unspecified_family() {
    for socket in ALL4 {
        let any = relabelled("0.0.0.0:80", AF_UNSPEC);
        assert_eq!(bind(&s(), &socket, &any).unwrap().place, Place::At(at("10.0.0.1:80")));
        for other in ["10.0.0.1:80", "10.0.0.3:80", "127.0.0.1:80"] {
            let other = bind(&s(), &socket, &relabelled(other, AF_UNSPEC));
            assert_eq!(other, Err(Refusal::native(Errno(EAFNOSUPPORT))));
        }
    }
    for socket in DUAL {
        let any = bind(&d(), &socket, &relabelled("[::]:80", AF_UNSPEC));
        assert_eq!(any, Err(Refusal::native(Errno(EAFNOSUPPORT))));
    }
}

#[test]
fn row_07_loopback_is_the_contexts() {
    for context in [s(), m(), d(), p()] {
        binds(&context, &ALL4, "127.0.0.1:80", "127.3.232.1:80");
        binds(&context, &ALL4, "127.3.232.1:80", "127.3.232.1:80");
    }
    binds(&h(), &ALL4, "127.0.0.1:80", "127.0.0.1:80");
    binds(&hd(), &[TCP6, TCP6ONLY], "[::1]:80", "[::1]:80");
}

#[test]
fn row_08_loopback_denied() {
    refuses(&z(), &ALL4, "127.0.0.1:80", EADDRNOTAVAIL, Reason::LoopbackDenied);
    let without = Context { loopback: Loopback::Deny, ..d() };
    refuses(&without, &DUAL, "[::1]:80", EADDRNOTAVAIL, Reason::LoopbackDenied);
    refuses(&without, &DUAL, "[::ffff:127.0.0.1]:80", EADDRNOTAVAIL, Reason::LoopbackDenied);
}

#[test]
fn row_09_broadcast() {
    for asked in ["255.255.255.255:67", "10.0.0.255:67"] {
        for context in [s(), m(), d(), z()] {
            binds(&context, &[UDP4], asked, asked);
            foreign(&context, &NARROW4, asked);
        }
    }
    for other in ["10.0.1.255:67", "10.255.255.255:67", "192.0.2.255:67", "127.255.255.255:67"] {
        foreign(&s(), &[UDP4], other);
    }
    // Without a prefix, or with one for two hosts (RFC 3021), there is none.
    foreign(&context(&["10.0.0.1/32"]), &[UDP4], "10.0.0.255:67");
    foreign(&context(&["10.0.0.0/31"]), &[UDP4], "10.0.0.1:67");
    binds(&d(), &[UDP6], "[::ffff:10.0.0.255]:67", "[::ffff:10.0.0.255]:67");
    binds(&d(), &[UDP6], "[::ffff:255.255.255.255]:67", "[::ffff:255.255.255.255]:67");
    // Assigned, an address is its own, whatever it is called elsewhere.
    binds(&context(&["10.0.0.255/16", "10.0.0.1/24"]), &ALL4, "10.0.0.255:67", "10.0.0.255:67");
}

/// On the address itself or on the wildcard. Without an IPv4 address there is none to be sent to.
#[test]
fn row_09_a_broadcast_address_that_may_be_bound_is_heard() {
    for context in contexts().iter().filter(|context| context.primary_of(Family::V4).is_some()) {
        for asked in ["255.255.255.255:67", "10.0.0.255:67", "10.8.255.255:67"] {
            assert_eq!(ask(context, &UDP4, asked).is_ok(), hears(context, at(asked)), "{context:?} {asked}");
        }
    }
}

#[test]
fn row_10_multicast() {
    let allowing = Context { multicast: true, ..d() };
    for (socket, asked) in
        [(UDP4, "224.0.0.251:5353"), (UDP6, "[ff02::fb%2]:5353"), (UDP6, "[::ffff:224.0.0.251]:5353")]
    {
        refuses(&d(), &[socket], asked, EADDRNOTAVAIL, Reason::Multicast);
        binds(&allowing, &[socket], asked, asked);
    }
    foreign(&allowing, &NARROW4, "224.0.0.251:5353");
    foreign(&allowing, &[TCP6, TCP6ONLY, PING6, RAW6], "[ff02::fb%2]:5353");
}

/// One address hears no group.
#[test]
fn row_10_with_multicast_a_udp_wildcard_is_kept() {
    let allowing = |context| Context { multicast: true, ..context };
    widens(&allowing(s()), &[UDP4], "0.0.0.0:5353", "10.0.0.1:5353", None);
    widens(&allowing(d()), &[UDP4], "0.0.0.0:5353", "10.0.0.1:5353", None);
    widens(&allowing(m()), &[UDP4], "0.0.0.0:5353", "10.0.0.1:5353", narrowed("10.0.0.1", Some(Family::V4)));
    widens(&allowing(p()), &[UDP4], "0.0.0.0:5353", "127.3.232.1:5353", None);
    widens(&allowing(p()), &[UDP6, UDP6ONLY], "[::]:5353", "[fd00:1::1]:5353", None);
    widens(&allowing(d()), &[UDP6], "[::]:5353", "[::ffff:10.0.0.1]:5353", narrowed("10.0.0.1", None));
    widens(&allowing(d()), &[UDP6], "[::ffff:0.0.0.0]:5353", "[::ffff:10.0.0.1]:5353", None);
    binds(&allowing(s()), &NARROW4, "0.0.0.0:5353", "10.0.0.1:5353");
    // What it does not speak for stays refused.
    let none = Context { loopback: Loopback::Deny, ..allowing(p()) };
    refuses(&none, &ALL4, "0.0.0.0:5353", EADDRNOTAVAIL, Reason::NoFamily(Family::V4));
    foreign(&allowing(m()), &ALL4, "10.0.0.3:5353");
}

#[test]
fn row_14_short_and_odd_addresses() {
    let v4 = bytes("10.0.0.1:80");
    for len in 0..v4.len() {
        assert_eq!(bind(&s(), &TCP4, &v4[..len]), Err(Refusal::native(Errno(EINVAL))), "{len} bytes");
    }
    let v6 = bytes("[fd00:1::1]:80");
    for len in 0..24 {
        assert_eq!(bind(&d(), &TCP6, &v6[..len]), Err(Refusal::native(Errno(EINVAL))), "{len} bytes");
    }
    // SIN6_LEN_RFC2133: without the interface, and with a part of it, which then does not count.
    for len in 24..28 {
        assert_eq!(bind(&d(), &TCP6, &v6[..len]).unwrap().place, Place::At(at("[fd00:1::1]:80")), "{len} bytes");
        let scoped = bytes("[fe80::1%2]:80");
        let refused = bind(&context(&["fe80::1/64%2"]), &TCP6, &scoped[..len]);
        assert_eq!(refused, Err(refusal(EADDRNOTAVAIL, Reason::NotAssigned)), "{len} bytes");
    }
    let mut longer = v4.clone();
    longer.resize(128, 0xff);
    assert_eq!(bind(&s(), &TCP4, &longer).unwrap().place, Place::At(at("10.0.0.1:80")));
    let native = Err(Refusal::native(Errno(EAFNOSUPPORT)));
    assert_eq!(bind(&d(), &TCP4, &v6), native);
    assert_eq!(bind(&d(), &TCP4, &relabelled("10.0.0.1:80", AF_INET6)), native);
    assert_eq!(bind(&d(), &TCP6, &relabelled("[fd00:1::1]:80", AF_INET)), native);
    assert_eq!(bind(&s(), &TCP4, &relabelled("10.0.0.1:80", 99)), native);
    // Too short for its socket comes before of another family.
    assert_eq!(bind(&d(), &TCP6, &v4), Err(Refusal::native(Errno(EINVAL))));
}
