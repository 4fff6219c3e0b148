//! `bind`: rows 1 to 22.
#![allow(clippy::unwrap_used)]

mod common;

use chbind_policy::bind::{Bind, Place, bind};
use chbind_policy::sockaddr::{canonical, for_family, with_scope};
use chbind_policy::{Context, Family, Loopback, Note, Reason, Refusal, Socket, Transport, Verdict};
use common::*;
use libc::{AF_INET, AF_INET6, AF_UNSPEC, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL};
use proptest::prelude::*;
use std::net::{IpAddr, SocketAddr};

fn ask(context: &Context, socket: &Socket, address: &str) -> Verdict<Bind> {
    bind(context, socket, &bytes(address))
}

/// The socket comes to `place`, and the note is this.
fn comes_to(context: &Context, sockets: &[Socket], asked: &str, place: Place, note: Option<Note>) {
    let wildcard = canonical(at(asked)).ip().is_unspecified();
    for socket in sockets {
        assert_eq!(ask(context, socket, asked), Ok(Bind { place, wildcard, note }), "{socket:?} {asked}");
    }
}

/// One address, and nothing of what was asked for is missing.
fn binds(context: &Context, sockets: &[Socket], asked: &str, bound: &str) {
    comes_to(context, sockets, asked, Place::At(at(bound)), None);
}

/// One address, where the wildcard of `family` would have covered more.
fn narrows(context: &Context, sockets: &[Socket], asked: &str, bound: &str, family: Option<Family>) {
    let note = Note::Narrowed { served: canonical(at(bound)).ip(), family };
    comes_to(context, sockets, asked, Place::At(at(bound)), Some(note));
}

/// The wildcard is kept, and where that cannot be, `otherwise` is bound with the note.
fn widens(context: &Context, sockets: &[Socket], asked: &str, otherwise: &str, note: Option<Note>) {
    let place = Place::Open { any: at(asked), otherwise: at(otherwise) };
    comes_to(context, sockets, asked, place, note);
}

fn narrowed(served: &str, family: Option<Family>) -> Option<Note> {
    Some(Note::Narrowed { served: ip(served), family })
}

fn refuses(context: &Context, sockets: &[Socket], asked: &str, errno: i32, reason: Reason) {
    for socket in sockets {
        assert_eq!(ask(context, socket, asked), Err(refusal(errno, reason)), "{socket:?} {asked}");
    }
}

fn foreign(context: &Context, sockets: &[Socket], asked: &str) {
    refuses(context, sockets, asked, EADDRNOTAVAIL, Reason::NotAssigned);
}

const ALL4: [Socket; 4] = [TCP4, UDP4, PING4, RAW4];
/// Those whose wildcard is narrowed: only datagrams of UDP can be told apart by their destination.
const NARROW4: [Socket; 3] = [TCP4, PING4, RAW4];
const DUAL: [Socket; 2] = [TCP6, UDP6];
const ONLY6: [Socket; 4] = [TCP6ONLY, UDP6ONLY, PING6, RAW6];

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
        assert_eq!(bind(&s(), &TCP4, &v4[..len]), Err(Refusal::native(EINVAL)), "{len} bytes");
    }
    let v6 = bytes("[fd00:1::1]:80");
    for len in 0..24 {
        assert_eq!(bind(&d(), &TCP6, &v6[..len]), Err(Refusal::native(EINVAL)), "{len} bytes");
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
    narrows(&many, &[TCP6ONLY, PING6, RAW6], "[::]:80", "[fd00:1::1]:80", Some(Family::V6));
    widens(&many, &[UDP6ONLY], "[::]:80", "[fd00:1::1]:80", narrowed("fd00:1::1", Some(Family::V6)));
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
        narrows(&context, &[TCP6], "[::]:80", bound, None);
        // Datagrams are served in both.
        widens(&context, &[UDP6], "[::]:80", bound, narrowed(served, None));
    }
    widens(&m(), &[UDP6], "[::]:80", "[::ffff:10.0.0.1]:80", narrowed("10.0.0.1", None));
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
    // It stands for IPv4 alone.
    narrows(&m(), &[TCP6], "[::ffff:0.0.0.0]:80", "[::ffff:10.0.0.1]:80", Some(Family::V4));
    let note = narrowed("10.0.0.1", Some(Family::V4));
    widens(&m(), &[UDP6], "[::ffff:0.0.0.0]:80", "[::ffff:10.0.0.1]:80", note);
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

/// Read from the contract: the context may be this address.
fn is_own(context: &Context, bound: SocketAddr) -> bool {
    is_assigned(context, bound) || is_own_loopback(context, canonical(bound).ip())
}

/// What reaches all, and only for datagrams.
fn is_to_all(context: &Context, socket: &Socket, ip: IpAddr) -> bool {
    let to_all = is_own_broadcast(context, ip) || (context.multicast && ip.is_multicast());
    socket.transport == Transport::Udp && to_all
}

/// Whether the wildcard `any` (canonical) may stay one on this socket, by counting what it stands for.
fn stays_wide(context: &Context, socket: &Socket, any: IpAddr) -> bool {
    let covered = context.addresses.iter().filter(|own| match (own.ip(), any) {
        (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => true,
        (IpAddr::V4(_), IpAddr::V6(_)) => !socket.v6only,
        (IpAddr::V6(_), IpAddr::V4(_)) => false,
    });
    socket.transport == Transport::Udp && (context.multicast || covered.count() > 1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_foreign_is_ever_bound(context in any_context(), socket in any_socket(), address in any_bytes()) {
        match bind(&context, &socket, &address) {
            Ok(bind) => {
                let (at, otherwise) = match bind.place {
                    Place::At(at) => {
                        let to_all = !bind.wildcard && is_to_all(&context, &socket, canonical(at).ip());
                        prop_assert!(is_own(&context, at) || to_all, "{bind:?}");
                        (at, None)
                    }
                    Place::Open { any, otherwise } => {
                        let ip = canonical(any).ip();
                        prop_assert!(bind.wildcard && ip.is_unspecified(), "{bind:?}");
                        prop_assert!(is_own(&context, otherwise), "{bind:?}");
                        prop_assert!(stays_wide(&context, &socket, ip), "{bind:?}");
                        (any, Some(otherwise))
                    }
                };
                for at in [Some(at), otherwise].into_iter().flatten() {
                    prop_assert_eq!(Family::of(at.ip()), socket.family);
                    prop_assert_eq!(&at.port().to_be_bytes()[..], &address[2..4]);
                }
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
        let expected = Bind { place: Place::At(asked), wildcard: false, note: None };
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
        if is_own(&context, asked) || is_to_all(&context, &socket, ip) {
            let place = bound.unwrap().place;
            prop_assert!(matches!(place, Place::At(at) if canonical(at).ip() == ip), "{place:?}");
        } else if ip.is_unspecified() || ip == IpAddr::from([127, 0, 0, 1]) {
            let has = context.has_family(Family::of(ip)) || (ip.is_ipv6() && !socket.v6only);
            prop_assert_eq!(bound.is_ok(), has && (ip.is_unspecified() || context.loopback != Loopback::Deny));
            if let Ok(bound) = bound {
                let kept = ip.is_unspecified() && stays_wide(&context, &socket, ip);
                prop_assert_eq!(matches!(bound.place, Place::Open { .. }), kept);
            }
        } else if ip != IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]) {
            prop_assert_eq!(bound.unwrap_err().errno, EADDRNOTAVAIL);
        }
    }
}
