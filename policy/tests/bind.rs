//! `bind`: rows 1 to 22.
#![allow(clippy::unwrap_used)]

mod common;

use chbind_policy::bind::{Bind, bind};
use chbind_policy::sockaddr::{canonical, for_family, with_scope};
use chbind_policy::{Context, Family, Loopback, Note, Reason, Refusal, Socket, Transport, Verdict};
use common::*;
use libc::{AF_INET, AF_INET6, AF_UNSPEC, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL};
use proptest::prelude::*;
use std::net::{IpAddr, SocketAddr};

fn ask(context: &Context, socket: &Socket, address: &str) -> Verdict<Bind> {
    bind(context, socket, &bytes(address))
}

/// What is bound: address, and whether it stands for a wildcard.
fn done(context: &Context, socket: &Socket, address: &str) -> (String, bool) {
    let bind = ask(context, socket, address).unwrap();
    assert_eq!(bind.note, None, "bind {address}");
    (bind.address.to_string(), bind.wildcard)
}

fn binds(context: &Context, sockets: &[Socket], asked: &str, bound: &str) {
    let wildcard = canonical(at(asked)).ip().is_unspecified();
    for socket in sockets {
        assert_eq!(done(context, socket, asked), (bound.to_owned(), wildcard), "{socket:?} {asked}");
    }
}

fn refuses(context: &Context, sockets: &[Socket], asked: &str, errno: i32, reason: Reason) {
    for socket in sockets {
        assert_eq!(ask(context, socket, asked), Err(refusal(errno, reason)), "{socket:?} {asked}");
    }
}

fn foreign(context: &Context, sockets: &[Socket], asked: &str) {
    refuses(context, sockets, asked, EADDRNOTAVAIL, Reason::NotAssigned);
}

const ALL4: [Socket; 3] = [TCP4, UDP4, PING4];
const DUAL: [Socket; 2] = [TCP6, UDP6];
const ONLY6: [Socket; 3] = [TCP6ONLY, UDP6ONLY, PING6];

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
fn rows_02_and_03_wildcard_of_two_addresses_serves_the_first_and_says_so() {
    for socket in ALL4 {
        let bind = ask(&m(), &socket, "0.0.0.0:80").unwrap();
        let note = Note::Narrowed { served: ip("10.0.0.1"), family: Some(Family::V4) };
        assert_eq!(bind, Bind { address: at("10.0.0.1:80"), wildcard: true, note: Some(note) });
    }
    // An IPv4 wildcard would not have covered the IPv6 address.
    binds(&d(), &ALL4, "0.0.0.0:80", "10.0.0.1:80");
}

#[test]
fn row_04_own_address() {
    for context in [s(), m(), d(), z(), h()] {
        binds(&context, &ALL4, "10.0.0.1:80", "10.0.0.1:80");
    }
    binds(&m(), &ALL4, "10.0.0.2:0", "10.0.0.2:0");
    binds(&p(), &[TCP6, UDP6, TCP6ONLY, UDP6ONLY, PING6], "[fd00:1::1]:80", "[fd00:1::1]:80");
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
        assert_eq!(bind(&s(), &socket, &any).unwrap().address, at("10.0.0.1:80"));
        for other in ["10.0.0.1:80", "10.0.0.3:80", "127.0.0.1:80"] {
            let other = bind(&s(), &socket, &relabelled(other, AF_UNSPEC));
            assert_eq!(other, Err(Refusal::native(EAFNOSUPPORT)));
        }
    }
    for socket in DUAL {
        let any = bind(&d(), &socket, &relabelled("[::]:80", AF_UNSPEC));
        assert_eq!(any, Err(Refusal::native(EAFNOSUPPORT)));
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
        binds(&s(), &[UDP4], asked, asked);
        foreign(&s(), &[TCP4, PING4], asked);
    }
    for other in ["10.0.1.255:67", "10.255.255.255:67", "192.0.2.255:67", "127.255.255.255:67"] {
        foreign(&s(), &[UDP4], other);
    }
    // Without a prefix, or with one for two hosts (RFC 3021), there is none.
    foreign(&context(&["10.0.0.1/32"]), &[UDP4], "10.0.0.255:67");
    foreign(&context(&["10.0.0.0/31"]), &[UDP4], "10.0.0.1:67");
    binds(&d(), &[UDP6], "[::ffff:10.0.0.255]:67", "[::ffff:10.0.0.255]:67");
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
    foreign(&allowing, &[TCP4, PING4], "224.0.0.251:5353");
}

#[test]
fn row_14_short_and_odd_addresses() {
    let v4 = bytes("10.0.0.1:80");
    for len in 0..v4.len() {
        assert_eq!(bind(&s(), &TCP4, &v4[..len]), Err(Refusal::native(EINVAL)), "{len} bytes");
    }
    let v6 = bytes("[fd00:1::1]:80");
    for len in 0..24 {
        assert_eq!(bind(&d(), &TCP6, &v6[..len]), Err(Refusal::native(EINVAL)), "{len} bytes");
    }
    // SIN6_LEN_RFC2133: without the interface, and with a part of it, which then does not count.
    for len in 24..28 {
        assert_eq!(bind(&d(), &TCP6, &v6[..len]).unwrap().address, at("[fd00:1::1]:80"), "{len} bytes");
        let scoped = bytes("[fe80::1%2]:80");
        let refused = bind(&context(&["fe80::1/64%2"]), &TCP6, &scoped[..len]);
        assert_eq!(refused, Err(refusal(EADDRNOTAVAIL, Reason::NotAssigned)), "{len} bytes");
    }
    let mut longer = v4.clone();
    longer.resize(128, 0xff);
    assert_eq!(bind(&s(), &TCP4, &longer).unwrap().address, at("10.0.0.1:80"));
    let native = Err(Refusal::native(EAFNOSUPPORT));
    assert_eq!(bind(&d(), &TCP4, &v6), native);
    assert_eq!(bind(&d(), &TCP4, &relabelled("10.0.0.1:80", AF_INET6)), native);
    assert_eq!(bind(&d(), &TCP6, &relabelled("[fd00:1::1]:80", AF_INET)), native);
    assert_eq!(bind(&s(), &TCP4, &relabelled("10.0.0.1:80", 99)), native);
    // Too short for its socket comes before of another family.
    assert_eq!(bind(&d(), &TCP6, &v4), Err(Refusal::native(EINVAL)));
}

#[test]
fn row_17_v6only_wildcard() {
    for context in [d(), p()] {
        binds(&context, &ONLY6, "[::]:80", "[fd00:1::1]:80");
    }
    let many = context(&["10.0.0.1/24", "fd00:1::1/64", "fd00:1::2/64"]);
    let note = Note::Narrowed { served: ip("fd00:1::1"), family: Some(Family::V6) };
    assert_eq!(ask(&many, &TCP6ONLY, "[::]:80").unwrap().note, Some(note));
    // A socket from outside in a context without IPv6.
    refuses(&s(), &ONLY6, "[::]:80", EADDRNOTAVAIL, Reason::NoFamily(Family::V6));
    binds(&with_lback6(s()), &ONLY6, "[::]:80", "[fd00:1::99]:80");
}

#[test]
fn row_18_dual_stack_wildcard_has_the_family_of_the_primary() {
    for (context, served, bound) in [
        (d(), "10.0.0.1", "[::ffff:10.0.0.1]:80"),
        (context(&["fd00:1::1/64", "10.0.0.1/24"]), "fd00:1::1", "[fd00:1::1]:80"),
    ] {
        for socket in DUAL {
            let note = Note::Narrowed { served: ip(served), family: None };
            let expected = Bind { address: at(bound), wildcard: true, note: Some(note) };
            assert_eq!(ask(&context, &socket, "[::]:80"), Ok(expected));
        }
    }
    binds(&p(), &DUAL, "[::]:80", "[fd00:1::1]:80");
    binds(&s(), &DUAL, "[::]:80", "[::ffff:10.0.0.1]:80");
}

#[test]
fn row_19_own_and_foreign_in_both_forms() {
    binds(&d(), &DUAL, "[fd00:1::1]:80", "[fd00:1::1]:80");
    foreign(&d(), &DUAL, "[fd00:1::3]:80");
    binds(&d(), &DUAL, "[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.1]:80");
    foreign(&d(), &DUAL, "[::ffff:10.0.0.3]:80");
    foreign(&p(), &DUAL, "[::ffff:10.0.0.1]:80");
}

#[test]
fn row_20_mapped_wildcard_and_loopback() {
    binds(&d(), &DUAL, "[::ffff:0.0.0.0]:80", "[::ffff:10.0.0.1]:80");
    binds(&d(), &DUAL, "[::ffff:127.0.0.1]:80", "[::ffff:127.3.232.1]:80");
    binds(&d(), &DUAL, "[::ffff:127.3.232.1]:80", "[::ffff:127.3.232.1]:80");
    foreign(&d(), &DUAL, "[::ffff:127.0.0.2]:80");
}

#[test]
fn row_21_v6_loopback() {
    for context in [d(), p()] {
        binds(&context, &DUAL, "[::1]:80", "[::ffff:127.3.232.1]:80");
        foreign(&context, &ONLY6, "[::1]:80");
        let given = with_lback6(context);
        for socket in [&DUAL[..], &ONLY6[..]] {
            binds(&given, socket, "[::1]:80", "[fd00:1::99]:80");
            binds(&given, socket, "[fd00:1::99]:80", "[fd00:1::99]:80");
        }
    }
    foreign(&d(), &DUAL, "[fd00:1::99]:80");
}

/// Whether a bind to `bound` is in order, read from the contract: own, own loopback, and for datagrams what reaches all.
fn is_in_order(context: &Context, socket: &Socket, bound: SocketAddr) -> bool {
    let ip = canonical(bound).ip();
    let to_all = is_own_broadcast(context, ip) || (context.multicast && ip.is_multicast());
    // A wildcard never stays one in this version.
    is_assigned(context, bound) || is_own_loopback(context, ip) || (socket.transport == Transport::Udp && to_all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_foreign_is_ever_bound(context in any_context(), socket in any_socket(), address in any_bytes()) {
        match bind(&context, &socket, &address) {
            Ok(bind) => {
                prop_assert!(is_in_order(&context, &socket, bind.address), "{bind:?}");
                prop_assert_eq!(Family::of(bind.address.ip()), socket.family);
                prop_assert_eq!(&bind.address.port().to_be_bytes()[..], &address[2..4]);
                prop_assert!(bind.note.is_none() || bind.wildcard);
            }
            Err(refusal) => prop_assert!([EINVAL, EAFNOSUPPORT, EADDRNOTAVAIL].contains(&refusal.errno)),
        }
    }

    #[test]
    fn own_is_bound_as_asked(context in any_context(), socket in any_socket(), port: u16, n: prop::sample::Index) {
        let own = context.addresses[n.index(context.addresses.len())];
        let asked = for_family(with_scope(own.ip(), port, own.scope()), socket.family);
        if Family::of(asked.ip()) != socket.family {
            return Ok(());
        }
        let expected = Bind { address: asked, wildcard: false, note: None };
        prop_assert_eq!(bind(&context, &socket, &raw(asked)), Ok(expected));
    }

    #[test]
    fn nothing_else_is_refused(context in any_context(), socket in any_socket(), asked in any_address()) {
        let asked = for_family(asked, socket.family);
        if Family::of(asked.ip()) != socket.family {
            return Ok(());
        }
        let ip = canonical(asked).ip();
        let bound = bind(&context, &socket, &raw(asked));
        if is_in_order(&context, &socket, asked) {
            prop_assert_eq!(canonical(bound.unwrap().address).ip(), ip);
        } else if ip.is_unspecified() || ip == IpAddr::from([127, 0, 0, 1]) {
            let has = context.has_family(Family::of(ip)) || (ip.is_ipv6() && !socket.v6only);
            prop_assert_eq!(bound.is_ok(), has && (ip.is_unspecified() || context.loopback != Loopback::Deny));
        } else if ip != IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]) {
            prop_assert_eq!(bound.unwrap_err().errno, EADDRNOTAVAIL);
        }
    }
}
