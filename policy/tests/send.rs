//! `sendto`, `sendmsg`, `sendmmsg`: rows 42 to 53.
#![allow(clippy::unwrap_used)]

mod common;

use chbind_policy::connect::{self, Connect, connect};
use chbind_policy::send::{Send, Source, send};
use chbind_policy::sockaddr::{canonical, for_family};
use chbind_policy::{Context, Family, Loopback, Reason, Refusal, Socket, Transport, Verdict};
use common::*;
use libc::{
    AF_INET, AF_INET6, AF_UNSPEC, EADDRNOTAVAIL, EAFNOSUPPORT, ECONNREFUSED, EINVAL, ENETUNREACH, EOPNOTSUPP, EPERM,
    MSG_FASTOPEN,
};
use proptest::prelude::*;
use std::net::{IpAddr, SocketAddr};

const ALL4: [Socket; 3] = [UDP4, PING4, RAW4];
/// Those that are given one address, whatever they may want to send next.
const NARROW4: [Socket; 2] = [PING4, RAW4];

const AS_IT_IS: Verdict<Send> = Ok(Send { destination: None, source: Source::Own });

fn to(destination: &str, source: Source) -> Verdict<Send> {
    Ok(Send { destination: Some(at(destination)), source })
}

fn pin(address: &str) -> Source {
    Source::Pin(at(address))
}

fn named(address: &str) -> Source {
    Source::Named(at(address))
}

/// A wildcard of the family of `otherwise`, this message from `named`.
fn open(named: &str, otherwise: &str) -> Source {
    let any = at(if at(otherwise).is_ipv4() { ANY4 } else { ANY6 });
    Source::Open { any, named: at(named), otherwise: at(otherwise) }
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
    let ask_by =
        |socket: &Socket, host: &FakeHost| send(&m(), socket, at(ANY4), Some(&bytes("198.51.100.7:80")), 0, host);
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
    let near =
        send(&many, &UDP6ONLY, at(ANY6), Some(&bytes("[fe80::2%2]:80")), 0, &host().route("fe80::/10", "fe80::1"));
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
fn rows_35_to_40_hold_for_datagrams() {
    for socket in ALL4 {
        for asked in ["127.0.0.1:80", "127.9.9.9:80", "0.0.0.0:80"] {
            // Loopback is all there is: one address is enough.
            assert_eq!(ask(&p(), &socket, asked), to("127.3.232.1:80", pin("127.3.232.1:0")));
            assert_eq!(ask(&z(), &socket, asked), Err(refusal(EPERM, Reason::LoopbackDenied)));
            assert_eq!(from(&s(), &socket, "10.0.0.1:4000", asked), to("127.3.232.1:80", Source::Own));
            assert_eq!(from(&s(), &socket, "127.3.232.1:4000", asked), to("127.3.232.1:80", Source::Own));
        }
    }
    for socket in NARROW4 {
        // From an assigned address: one bound to loopback could never reach anybody else.
        for asked in ["127.0.0.1:80", "127.9.9.9:80", "0.0.0.0:80"] {
            assert_eq!(ask(&s(), &socket, asked), to("127.3.232.1:80", pin("10.0.0.1:0")));
        }
        assert_eq!(ask(&h(), &socket, "127.0.0.1:80"), to("127.0.0.1:80", pin("10.0.0.1:0")));
    }
    let served = host().serve(Transport::Udp, 80, "10.0.0.2");
    let sent = send(&m(), &UDP4, at("10.0.0.1:4000"), Some(&bytes("127.0.0.1:80")), 0, &served);
    assert_eq!(sent, to("10.0.0.2:80", Source::Own));
}

/// What answers on loopback may answer only there, and the next message may go elsewhere.
#[test]
fn row_42_first_towards_loopback_from_loopback() {
    for context in [s(), m(), d()] {
        for asked in ["127.0.0.1:80", "127.9.9.9:80", "0.0.0.0:80"] {
            assert_eq!(ask(&context, &UDP4, asked), to("127.3.232.1:80", open("127.3.232.1:0", "10.0.0.1:0")));
        }
    }
    assert_eq!(ask(&h(), &UDP4, "127.0.0.1:80"), to("127.0.0.1:80", open("127.0.0.1:0", "10.0.0.1:0")));
    assert_eq!(ask(&h(), &UDP4, "127.9.9.9:80"), to("127.9.9.9:80", open("127.0.0.1:0", "10.0.0.1:0")));
    // An own server whose wildcard was narrowed.
    let served = host().serve(Transport::Udp, 80, "10.0.0.1");
    let sent = send(&s(), &UDP4, at(ANY4), Some(&bytes("127.0.0.1:80")), 0, &served);
    assert_eq!(sent, to("10.0.0.1:80", open("127.3.232.1:0", "10.0.0.1:0")));
    // An assigned address of 127/8 is an assigned address.
    let within = context(&["127.0.0.2/32"]);
    assert_eq!(ask(&within, &UDP4, "127.0.0.2:80"), to("127.0.0.2:80", pin("127.0.0.2:0")));
}

#[test]
fn row_37_resolvers_are_asked_from_loopback() {
    let resolvers = [ip("127.0.0.53"), ip("127.0.0.1")];
    for context in [s(), m(), d()] {
        let context = Context { resolvers: &resolvers, ..context };
        for resolver in ["127.0.0.53:53", "127.0.0.1:53"] {
            assert_eq!(ask(&context, &UDP4, resolver), to(resolver, open("127.3.232.1:0", "10.0.0.1:0")));
            assert_eq!(from(&context, &UDP4, "0.0.0.0:4000", resolver), to(resolver, named("127.3.232.1:0")));
            assert_eq!(from(&context, &UDP4, "10.0.0.1:4000", resolver), to(resolver, Source::Own));
            let mapped = format!("[::ffff:{}]:53", at(resolver).ip());
            let dual = ask(&context, &UDP6, &mapped);
            assert_eq!(dual, to(&mapped, open("127.3.232.1:0", "[::ffff:10.0.0.1]:0")));
        }
        assert_eq!(ask(&context, &UDP4, "127.0.0.53:54"), to("127.3.232.1:54", open("127.3.232.1:0", "10.0.0.1:0")));
    }
    let context = Context { resolvers: &resolvers, ..p() };
    assert_eq!(ask(&context, &UDP4, "127.0.0.53:53"), to("127.0.0.53:53", pin("127.3.232.1:0")));
}

/// A socket that is kept to what the context may hear must hear the answer to what it says.
#[test]
fn rows_37_and_38_an_answer_from_the_hosts_loopback_is_heard() {
    let (ports, resolvers) = ([7000], [ip("127.0.0.53"), ip("::1")]);
    for context in [s(), m(), d(), p(), with_lback6(d())] {
        let context = Context { host_loopback: &ports, resolvers: &resolvers, ..context };
        for (socket, bound) in [(UDP4, ANY4), (UDP4, "0.0.0.0:4000"), (UDP6, ANY6), (UDP6, "[::]:4000")] {
            let asked: &[&str] = match socket.family {
                Family::V4 => &["127.0.0.1:7000", "127.0.0.53:53"],
                Family::V6 => &["[::1]:7000", "[::ffff:127.0.0.1]:7000", "[::1]:53", "[::ffff:127.0.0.53]:53"],
            };
            for asked in asked {
                match from(&context, &socket, bound, asked).map(|sent| sent.source) {
                    Ok(Source::Open { named, .. } | Source::Named(named)) => {
                        assert!(hears(&context, named), "{asked} from {bound} is asked as {named}, which is not heard");
                    }
                    // Bound to the one address, nothing keeps the answer away.
                    Ok(Source::Pin(_)) => {}
                    // Nothing of that family to speak from where the answer would be heard.
                    Err(refusal) if refusal.errno == ENETUNREACH => {
                        assert!(asked.contains("::1]") && context.primary_of(Family::V6).is_none(), "{asked}");
                    }
                    other => panic!("{asked} from {bound}: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn row_41_v6_loopback() {
    let own = to("[::ffff:127.3.232.1]:80", open("127.3.232.1:0", "[::ffff:10.0.0.1]:0"));
    for asked in ["[::1]:80", "[::]:80", "[::ffff:127.0.0.1]:80", "[::ffff:0.0.0.0]:80"] {
        for context in [d(), context(&["fd00:1::1/64", "10.0.0.1/24"]), with_lback6(s())] {
            let is_apart = context.lback6.is_some() && canonical(at(asked)).is_ipv6();
            let sent = ask(&context, &UDP6, asked);
            let apart = to("[fd00:1::99]:80", open("[fd00:1::99]:0", "[fd00:1::99]:0"));
            assert_eq!(sent, if is_apart { apart } else { own }, "{asked}");
        }
        let bound = from(&d(), &UDP6, "[::]:4000", asked);
        assert_eq!(bound, to("[::ffff:127.3.232.1]:80", named("127.3.232.1:0")));
    }
    let both = open("[fd00:1::99]:0", "[fd00:1::1]:0");
    assert_eq!(ask(&with_lback6(d()), &UDP6, "[::1]:80"), to("[fd00:1::99]:80", both));
    assert_eq!(ask(&with_lback6(d()), &UDP6ONLY, "[::1]:80"), to("[fd00:1::99]:80", both));
    assert_eq!(ask(&hd(), &UDP6, "[::1]:80"), to("[::1]:80", open("[::1]:0", "[fd00:1::1]:0")));
    assert_eq!(ask(&h(), &UDP6, "[::1]:80"), to("[::1]:80", open("[::1]:0", "[::1]:0")));
    assert_eq!(ask(&d(), &UDP6ONLY, "[::1]:80"), Err(Refusal::native(ECONNREFUSED)));
    assert_eq!(ask(&d(), &UDP6ONLY, "[::ffff:198.51.100.7]:80"), Err(Refusal::native(ENETUNREACH)));
}

/// Loopback addresses given by name need not look like one.
#[test]
fn row_41_a_loopback_that_is_all_the_context_has_of_the_family() {
    let sent = ask(&with_lback6(s()), &UDP6ONLY, "[::1]:80");
    assert_eq!(sent, to("[fd00:1::99]:80", pin("[fd00:1::99]:0")));
    let plain = Context { lback: [10, 0, 0, 77].into(), ..p() };
    assert_eq!(ask(&plain, &UDP4, "127.0.0.1:80"), to("10.0.0.77:80", pin("10.0.0.77:0")));
}

#[test]
fn row_46_fast_open_is_a_connect() {
    let fast = |context: &Context, socket: &Socket, bound: &str, address: &[u8]| {
        send(context, socket, at(bound), Some(address), MSG_FASTOPEN, &host())
    };
    let to_r = bytes("198.51.100.7:80");
    assert_eq!(fast(&s(), &TCP4, ANY4, &to_r), to("198.51.100.7:80", pin("10.0.0.1:0")));
    assert_eq!(fast(&s(), &TCP4, "10.0.0.1:4000", &to_r), to("198.51.100.7:80", Source::Own));
    let own = to("127.3.232.1:80", pin("127.3.232.1:0"));
    assert_eq!(fast(&s(), &TCP4, ANY4, &bytes("127.0.0.1:80")), own);
    assert_eq!(fast(&z(), &TCP4, ANY4, &bytes("127.0.0.1:80")), Err(refusal(EPERM, Reason::LoopbackDenied)));
    let outside = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(ip("10.0.0.3"))));
    assert_eq!(fast(&s(), &TCP4, "10.0.0.3:4000", &to_r), outside);
    // It has a port, and a stream can be given no address then.
    for bound in ["0.0.0.0:4000", "224.0.0.251:4000"] {
        let outside = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(at(bound).ip())));
        assert_eq!(fast(&m(), &TCP4, bound, &to_r), outside);
        assert_eq!(fast(&m(), &TCP4, bound, &bytes("127.0.0.1:80")), outside);
    }
    // tcp_sendmsg_fastopen
    assert_eq!(fast(&s(), &TCP4, ANY4, &relabelled("0.0.0.0:0", AF_UNSPEC)), Err(Refusal::native(EOPNOTSUPP)));
    for len in 0..2 {
        assert_eq!(fast(&s(), &TCP4, ANY4, &to_r[..len]), Err(Refusal::native(EINVAL)));
    }
    // Without the flag TCP does not look at the address, and with it datagram sockets do not look at the flag.
    assert_eq!(send(&s(), &TCP4, at(ANY4), Some(&to_r), 0, &host()), AS_IT_IS);
    assert_eq!(send(&s(), &TCP4, at(ANY4), None, MSG_FASTOPEN, &host()), AS_IT_IS);
    assert_eq!(fast(&s(), &UDP4, ANY4, &to_r), to("198.51.100.7:80", pin("10.0.0.1:0")));
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
        let sent = send(&m(), &UDP4, at("0.0.0.0:4000"), Some(&bytes(asked)), 0, &by_b);
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
    let sent = send(&with_lback6(d()), &RAW6, at("[fd00:1::1]:58"), Some(&loopback), 0, &host());
    assert_eq!(sent, to("[fd00:1::99]:0", Source::Own));
    assert_eq!(ask(&d(), &RAW6, "[::1]:0"), Err(Refusal::native(ECONNREFUSED)));
    assert_eq!(ask(&d(), &RAW6, "[::ffff:198.51.100.7]:0"), Err(Refusal::native(ENETUNREACH)));
}

#[test]
fn row_50_connected_sends_are_not_touched() {
    for context in [s(), z(), h(), p()] {
        for socket in [TCP4, UDP4, PING4, RAW4] {
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
    let bound_to = |address| Ok(Send { destination: None, source: pin(address) });
    for socket in ALL4 {
        assert_eq!(send(&m(), &socket, at(ANY4), None, 0, &host()), bound_to("10.0.0.1:0"));
        assert_eq!(send(&p(), &socket, at(ANY4), None, 0, &host()), bound_to("127.3.232.1:0"));
    }
    assert_eq!(send(&d(), &UDP6, at(ANY6), None, 0, &host()), bound_to("[::ffff:10.0.0.1]:0"));
    assert_eq!(send(&d(), &UDP6ONLY, at(ANY6), None, 0, &host()), bound_to("[fd00:1::1]:0"));
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
    let sent = send(&m(), &UDP4, at("0.0.0.0:4000"), Some(&bytes("198.51.100.7:80")), 0, &by_b);
    assert_eq!(sent, to("198.51.100.7:80", named("10.0.0.2:0")));
    // The route prefers what is not ours: the neighbour, or the primary.
    for (preferred, source) in [("10.0.0.3", "10.0.0.1:0"), ("192.0.2.77", "10.0.0.1:0")] {
        let by = FakeHost::default().route("0.0.0.0/0", preferred);
        let sent = send(&m(), &UDP4, at("0.0.0.0:4000"), Some(&bytes("198.51.100.7:80")), 0, &by);
        assert_eq!(sent, to("198.51.100.7:80", named(source)));
    }
    // A link-local source goes by its interface.
    let linked = context(&["fe80::1/64%2"]);
    let sent = from(&linked, &UDP6, "[::]:4000", "[fe80::2%2]:80");
    assert_eq!(sent, to("[fe80::2%2]:80", named("[fe80::1%2]:0")));
    let none = from(&s(), &UDP6, "[::]:4000", "[2001:db8::7]:80");
    assert_eq!(none, Err(refusal(ENETUNREACH, Reason::NoFamily(Family::V6))));
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
    assert_eq!(from(&context, &UDP4, "127.0.0.1:4000", "127.0.0.1:80"), to("127.0.0.1:80", Source::Own));
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
    assert_eq!(sent, to("127.3.232.1:80", open("127.3.232.1:0", "10.0.0.1:0")));
    // A dual-stack socket takes a plain sockaddr_in.
    let sent = send(&d(), &UDP6, at(ANY6), Some(&relabelled("127.0.0.1:80", AF_INET)), 0, &host());
    assert_eq!(sent, to("[::ffff:127.3.232.1]:80", open("127.3.232.1:0", "[::ffff:10.0.0.1]:0")));
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
        let Ok(Send { destination, source }) =
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
        let unbound_yet = bound.ip().is_unspecified() && bound.port() == 0;
        let pinned = match source {
            Source::Own => None,
            Source::Pin(at) | Source::Open { otherwise: at, .. } => {
                prop_assert!(unbound_yet, "{bound}");
                prop_assert_eq!((at.port(), Family::of(at.ip())), (0, socket.family));
                Some(at)
            }
            Source::Named(_) => {
                prop_assert!(!unbound_yet && socket.transport != Transport::Tcp, "{bound}");
                None
            }
        };
        let named = match source {
            Source::Open { any, named, .. } => {
                prop_assert_eq!(any, unbound(&socket));
                prop_assert_eq!(socket.transport, Transport::Udp);
                Some(named)
            }
            Source::Named(named) => Some(named),
            Source::Own | Source::Pin(_) => None,
        };
        for own in [pinned, named].into_iter().flatten() {
            // Towards the host's loopback, where it is open, it is the kernel's.
            let kernels = open && ["127.0.0.1", "::1"].contains(&canonical(own).ip().to_string().as_str());
            let is_own = is_assigned(&context, own) || is_own_loopback(&context, canonical(own).ip());
            prop_assert!(is_own || kernels, "{own}");
        }
        let Some(destination) = destination else {
            prop_assert!(matches!(source, Source::Own | Source::Pin(_)));
            return Ok(());
        };
        if let Some(named) = named {
            prop_assert_eq!((named.port(), canonical(named)), (0, named));
            prop_assert_eq!(Family::of(named.ip()), Family::of(to), "{} {}", named, destination);
        }
        prop_assert_eq!(Family::of(destination.ip()), socket.family);
        if is_loopback(to) {
            prop_assert!(!to.is_unspecified());
            prop_assert!(open || is_assigned(&context, destination) || is_own_loopback(&context, to));
        }
        if source == Source::Own {
            let own = is_assigned(&context, bound) || is_own_loopback(&context, bound.ip());
            let hosts = is_loopback(bound.ip()) && (open || context.loopback == Loopback::Host);
            prop_assert!(own || hosts, "{bound}");
        }
    }

    /// A message names the source that a connection to the same place would have had.
    #[test]
    fn the_source_of_a_message_is_that_of_a_connection(
        (context, host) in any_context().prop_flat_map(|context| (Just(context), any_host(context))),
        socket in prop::sample::select(vec![UDP4, UDP6, UDP6ONLY]),
        to in any_address(),
        port: u16,
    ) {
        let to = for_family(to, socket.family);
        if Family::of(to.ip()) != socket.family {
            return Ok(());
        }
        let bound = SocketAddr::new(unbound(&socket).ip(), port);
        let sent = send(&context, &socket, bound, Some(&raw(to)), 0, &host);
        let connected = connect(&context, &socket, bound, &raw(to), &host);
        let (Ok(sent), Ok(Connect::To { destination, source })) = (sent, connected) else {
            prop_assert_eq!(sent.map(|_| ()), connected.map(|_| ()));
            return Ok(());
        };
        prop_assert_eq!(sent.destination, Some(destination));
        let (connect::Source::Pin(would) | connect::Source::Settle(would)) = source else {
            return Err(TestCaseError::fail(format!("{source:?}")));
        };
        match sent.source {
            // Towards the host's own loopback a connection has the kernel's source, which is no address of the context.
            Source::Named(named) | Source::Open { named, .. } if hears(&context, would) => {
                prop_assert_eq!(named, canonical(would));
            }
            Source::Named(_) | Source::Open { .. } => prop_assert!(is_loopback(canonical(would).ip())),
            // Pinned for good: to an assigned address, where there is one.
            Source::Pin(at) => prop_assert!(at == would || is_assigned(&context, at)),
            Source::Own => prop_assert!(false, "{bound} is none"),
        }
    }
}
