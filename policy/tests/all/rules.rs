//! Rules for ports and peers: rows 25 and 51, and the granted ports of row 15.

use crate::common::*;
use Transport::{Tcp, Udp};
use chbind_policy::bind::bind;
use chbind_policy::connect::{Connect, connect};
use chbind_policy::listen::listen;
use chbind_policy::rules::{ConnectRule, Ports, Rules, Service};
use chbind_policy::send::send;
use chbind_policy::{Audience, Context, Errno, Reason, Refusal, Socket, Transport};
use libc::{AF_UNSPEC, EACCES, EADDRNOTAVAIL, EINVAL, EPERM, MSG_FASTOPEN};
use std::net::IpAddr;

fn range(first: u16, last: u16) -> Ports {
    Ports::new(first, last).unwrap()
}

fn on(transport: Option<Transport>, first: u16, last: u16) -> Service {
    Service { transport, ports: range(first, last) }
}

const ANY: Service = Service { transport: None, ports: Ports::ALL };

fn who(net: &str, service: Service) -> ConnectRule {
    ConnectRule { peers: Some(net.parse().unwrap()), service }
}

/// `context` with these rules for binding.
fn binding(context: Context<'static>, allow: &[Service], deny: &[Service]) -> Context<'static> {
    let rules = Rules { allow_bind: allow.to_vec().leak(), deny_bind: deny.to_vec().leak(), ..Rules::NONE };
    Context { rules, ..context }
}

/// `context` with these rules for connecting.
fn connecting(context: Context<'static>, allow: &[ConnectRule], deny: &[ConnectRule]) -> Context<'static> {
    let rules = Rules { allow_connect: allow.to_vec().leak(), deny_connect: deny.to_vec().leak(), ..Rules::NONE };
    Context { rules, ..context }
}

fn why<T>(verdict: Result<T, Refusal>) -> Option<Refusal> {
    verdict.err()
}

fn bound(context: &Context, socket: &Socket, address: &str) -> Option<Refusal> {
    why(bind(context, socket, &bytes(address)))
}

fn reached(context: &Context, socket: &Socket, address: &str) -> Option<Refusal> {
    why(connect(context, socket, local(unbound(socket)), &bytes(address), &host()))
}

fn sent(context: &Context, socket: &Socket, address: &str, flags: i32) -> Option<Refusal> {
    why(send(context, socket, local(unbound(socket)), Some(&bytes(address)), flags, &host()))
}

const NOT_ALLOWED: Option<Refusal> = Some(Refusal::new(Errno::EACCES, Reason::PeerNotAllowed));
const DENIED: Option<Refusal> = Some(Refusal::new(Errno::EACCES, Reason::PeerDenied));

fn port_not_allowed(port: u16, transport: Transport) -> Option<Refusal> {
    Some(refusal(EACCES, Reason::PortNotAllowed(port, transport)))
}

fn port_denied(port: u16, transport: Transport) -> Option<Refusal> {
    Some(refusal(EACCES, Reason::PortDenied(port, transport)))
}

#[test]
fn row_25_allowed_ports_and_no_others() {
    let context = binding(d(), &[on(Some(Tcp), 80, 80), on(None, 8000, 8999)], &[]);
    for (socket, any) in [(TCP4, "0.0.0.0"), (TCP4, "10.0.0.1"), (TCP4, "127.0.0.1"), (TCP6, "[::]")] {
        assert_eq!(bound(&context, &socket, &format!("{any}:80")), None, "{any}");
        assert_eq!(bound(&context, &socket, &format!("{any}:79")), port_not_allowed(79, Tcp), "{any}");
        assert_eq!(bound(&context, &socket, &format!("{any}:8000")), None, "{any}");
        assert_eq!(bound(&context, &socket, &format!("{any}:9000")), port_not_allowed(9000, Tcp), "{any}");
    }
    assert_eq!(bound(&context, &UDP4, "0.0.0.0:80"), port_not_allowed(80, Udp));
    assert_eq!(bound(&context, &UDP4, "0.0.0.0:8999"), None);
    assert_eq!(bound(&context, &TCP6, "[::ffff:10.0.0.1]:79"), port_not_allowed(79, Tcp));
}

#[test]
fn row_25_denied_ports() {
    let context = binding(s(), &[], &[on(Some(Udp), 53, 53), on(None, 1, 1023)]);
    assert_eq!(bound(&context, &UDP4, "10.0.0.1:53"), port_denied(53, Udp));
    assert_eq!(bound(&context, &TCP4, "10.0.0.1:53"), port_denied(53, Tcp));
    assert_eq!(bound(&context, &TCP4, "10.0.0.1:1024"), None);
}

#[test]
fn an_allow_rule_comes_before_a_deny_rule() {
    let context = binding(s(), &[on(None, 80, 80)], &[on(None, 1, 1023)]);
    assert_eq!(bound(&context, &TCP4, "0.0.0.0:80"), None);
    assert_eq!(bound(&context, &TCP4, "0.0.0.0:81"), port_denied(81, Tcp));
    assert_eq!(bound(&context, &TCP4, "0.0.0.0:1024"), port_not_allowed(1024, Tcp));
    // Rules of one kind say nothing of the other.
    assert_eq!(reached(&context, &TCP4, "198.51.100.7:81"), None);
}

/// The address is judged first, as the kernel does; what the kernel says to a broken address, before both.
#[test]
fn row_25_the_address_comes_first() {
    let context = binding(s(), &[], &[ANY]);
    assert_eq!(bound(&context, &TCP4, "10.0.0.3:80"), Some(refusal(EADDRNOTAVAIL, Reason::NotAssigned)));
    assert_eq!(why(bind(&context, &TCP4, &bytes("10.0.0.1:80")[..8])), Some(Refusal::native(Errno(EINVAL))));
}

#[test]
fn row_25_a_port_of_the_kernels_choice_is_judged_at_listen() {
    for context in [binding(s(), &[on(None, 80, 80)], &[]), binding(s(), &[], &[ANY])] {
        for socket in [TCP4, UDP4] {
            assert_eq!(bound(&context, &socket, "0.0.0.0:0"), None);
            assert_eq!(bound(&context, &socket, "10.0.0.1:0"), None);
        }
        // Echo sockets have no ports, only something that the kernel calls so.
        assert_eq!(bound(&context, &PING4, "0.0.0.0:7"), None);
    }
    let context = binding(s(), &[on(Some(Tcp), 80, 80)], &[]);
    let at_port = |context: &Context, address: &str| listen(context, &TCP4, local(at(address)), false);
    assert_eq!(at_port(&context, "10.0.0.1:80").unwrap().bind_first, None);
    assert_eq!(why(at_port(&context, "10.0.0.1:40000")), port_not_allowed(40000, Tcp));
    assert_eq!(why(at_port(&binding(s(), &[], &[on(None, 1, 65535)]), "10.0.0.1:40000")), port_denied(40000, Tcp));
    // Without a port there is nothing to judge yet: it must have one first.
    assert_eq!(at_port(&context, ANY4).unwrap().bind_first, Some(at("10.0.0.1:0")));
    assert_eq!(at_port(&context, "10.0.0.1:0").unwrap().bind_first, Some(at("10.0.0.1:0")));
    assert_eq!(at_port(&s(), "10.0.0.1:0").unwrap().bind_first, None);
    let six = listen(&binding(d(), &[ANY], &[]), &TCP6, local(at("[::ffff:10.0.0.1]:0")), false);
    assert_eq!(six.unwrap().bind_first, Some(at("[::ffff:10.0.0.1]:0")));
    // It listened before there was a context, or was let to.
    assert_eq!(listen(&context, &TCP4, local(at("10.0.0.1:40000")), true).unwrap().bind_first, None);
    assert_eq!(why(listen(&context, &UDP4, local(at("10.0.0.1:40000")), false)), None);
}

#[test]
fn row_15_granted_ports() {
    let rules = Rules { granted: &[range(80, 80), range(400, 450)], ..Rules::NONE };
    let granted: Vec<u16> = [1, 79, 80, 81, 399, 400, 450, 451].into_iter().filter(|p| rules.is_granted(*p)).collect();
    assert_eq!(granted, [80, 400, 450]);
    assert!(!Rules::NONE.is_granted(80));
    // That it needs no privilege does not make it allowed.
    let context = Context { rules: Rules { allow_bind: &[], deny_bind: &[ANY], ..rules }, ..s() };
    assert_eq!(bound(&context, &TCP4, "0.0.0.0:80"), port_denied(80, Tcp));
}

#[test]
fn row_51_every_way_to_a_peer() {
    let peer = who("198.51.100.0/24", ANY);
    for (context, refused) in [
        (connecting(d(), &[], &[peer]), DENIED),
        (connecting(d(), &[who("10.0.0.0/8", ANY), who("2001:db8::/32", ANY)], &[]), NOT_ALLOWED),
    ] {
        for (socket, to) in [(TCP4, "198.51.100.7:80"), (UDP4, "198.51.100.7:80"), (PING4, "198.51.100.7:0")] {
            assert_eq!(reached(&context, &socket, to), refused);
        }
        for socket in [TCP6, UDP6] {
            assert_eq!(reached(&context, &socket, "[::ffff:198.51.100.7]:80"), refused);
        }
        assert_eq!(reached(&context, &UDP6, "198.51.100.7:80"), refused, "a sockaddr_in on an IPv6 socket");
        for socket in [UDP4, PING4] {
            assert_eq!(sent(&context, &socket, "198.51.100.7:80", 0), refused);
        }
        assert_eq!(sent(&context, &UDP6, "[::ffff:198.51.100.7]:80", 0), refused);
        assert_eq!(sent(&context, &TCP4, "198.51.100.7:80", MSG_FASTOPEN), refused);
        for (socket, to) in [(TCP4, "10.0.0.3:80"), (UDP4, "10.0.0.3:80"), (TCP6, "[2001:db8::7]:80")] {
            assert_eq!(reached(&context, &socket, to), None);
        }
        // Without the flag the address is nothing to TCP.
        assert_eq!(sent(&context, &TCP4, "198.51.100.7:80", 0), None);
        // Connected sockets, and those that are to forget their peer.
        assert_eq!(why(send(&context, &UDP4, local(at("10.0.0.1:5")), None, 0, &host())), None);
        let unspec = relabelled("198.51.100.7:80", AF_UNSPEC);
        assert_eq!(connect(&context, &TCP4, local(unbound(&TCP4)), &unspec, &host()), Ok(Connect::Disconnect));
    }
}

#[test]
fn row_51_protocols_and_ports() {
    let context = connecting(d(), &[who("198.51.100.7/32", on(Some(Tcp), 443, 443))], &[]);
    assert_eq!(reached(&context, &TCP4, "198.51.100.7:443"), None);
    assert_eq!(reached(&context, &TCP4, "198.51.100.7:442"), NOT_ALLOWED);
    assert_eq!(reached(&context, &UDP4, "198.51.100.7:443"), NOT_ALLOWED);
    // What has no ports is named by rules for all of them alone.
    assert_eq!(reached(&context, &PING4, "198.51.100.7:443"), NOT_ALLOWED);
    let some = ConnectRule { peers: None, service: on(None, 1, 65535) };
    assert_eq!(reached(&connecting(s(), &[], &[some]), &PING4, "198.51.100.7:443"), None);
    assert_eq!(reached(&connecting(s(), &[], &[some]), &UDP4, "198.51.100.7:443"), DENIED);
    let all = ConnectRule { peers: None, service: ANY };
    assert_eq!(reached(&connecting(s(), &[], &[all]), &PING4, "198.51.100.7:443"), DENIED);
    // A rule for one family is none for the other, and `any` is for both.
    let six = connecting(d(), &[], &[who("::/0", ANY)]);
    assert_eq!(reached(&six, &TCP4, "198.51.100.7:80"), None);
    assert_eq!(reached(&six, &TCP6, "[::ffff:198.51.100.7]:80"), None);
    assert_eq!(reached(&six, &TCP6, "[2001:db8::7]:80"), DENIED);
    assert_eq!(reached(&connecting(d(), &[], &[all]), &TCP6, "[2001:db8::7]:80"), DENIED);
}

#[test]
fn row_51_the_loopback_of_the_context_by_every_name() {
    let names4 = ["127.0.0.1:80", "0.0.0.0:80", "127.0.0.2:80", "127.255.0.9:80", "127.3.232.1:80"];
    let names6 = ["[::1]:80", "[::]:80", "[::ffff:127.0.0.1]:80", "[::ffff:0.0.0.0]:80", "[::ffff:127.3.232.1]:80"];
    let each = |context: &Context, wanted: Option<Refusal>| {
        for (socket, names) in [(TCP4, names4), (UDP4, names4), (TCP6, names6), (UDP6, names6)] {
            for name in names {
                assert_eq!(reached(context, &socket, name), wanted, "{name}");
            }
        }
    };
    for net in ["127.0.0.1/32", "127.3.232.1/32", "127.0.0.0/8", "0.0.0.0/0"] {
        each(&connecting(d(), &[], &[who(net, ANY)]), DENIED);
        each(&connecting(d(), &[who(net, ANY)], &[]), None);
    }
    each(&connecting(d(), &[who("10.0.0.0/8", ANY)], &[]), NOT_ALLOWED);
    // A word of IPv6 for it does not make a rule for IPv6 one for IPv4.
    let six = connecting(d(), &[], &[who("::/0", ANY)]);
    assert_eq!(reached(&six, &TCP6, "[::1]:80"), DENIED);
    assert_eq!(reached(&six, &TCP6, "[::]:80"), DENIED);
    assert_eq!(reached(&six, &TCP4, "127.0.0.1:80"), None);
    // One that is IPv6 has names of its own.
    let own6 = connecting(with_lback6(d()), &[], &[who("fd00:1::99/128", ANY)]);
    for name in ["[::1]:80", "[::]:80", "[fd00:1::99]:80"] {
        assert_eq!(reached(&own6, &TCP6, name), DENIED, "{name}");
    }
    assert_eq!(reached(&own6, &TCP4, "127.0.0.1:80"), None);
    let word6 = connecting(with_lback6(d()), &[], &[who("::1/128", ANY)]);
    assert_eq!(reached(&word6, &TCP6, "[fd00:1::99]:80"), DENIED);
    // One outside of 127/8.
    let moved = Context { lback: "10.0.0.77".parse().unwrap(), ..s() };
    assert_eq!(reached(&connecting(moved, &[], &[who("127.0.0.1/32", ANY)]), &TCP4, "10.0.0.77:80"), DENIED);
    assert_eq!(reached(&connecting(moved, &[], &[who("10.0.0.77/32", ANY)]), &TCP4, "127.0.0.1:80"), DENIED);
    // An assigned address is itself alone.
    let assigned = connecting(context(&["127.0.0.2/32"]), &[], &[who("127.0.0.1/32", ANY)]);
    assert_eq!(reached(&assigned, &TCP4, "127.0.0.2:80"), None);
    assert_eq!(reached(&assigned, &TCP4, "127.0.0.3:80"), DENIED);
}

#[test]
fn row_51_loopback_that_is_the_hosts() {
    // Each of its addresses is another place.
    let host_wide = connecting(h(), &[], &[who("127.0.0.1/32", ANY)]);
    for name in ["127.0.0.1:80", "0.0.0.0:80"] {
        assert_eq!(reached(&host_wide, &TCP4, name), DENIED, "{name}");
    }
    assert_eq!(reached(&host_wide, &TCP4, "127.0.0.2:80"), None);
    let one_port = Context { host_loopback: &[5432], ..s() };
    assert_eq!(
        reached(&connecting(one_port, &[who("127.0.0.1/32", on(None, 5432, 5432))], &[]), &TCP4, "127.0.0.1:5432"),
        None
    );
    // The host's is not what L stands for.
    for name in ["127.0.0.1:5432", "0.0.0.0:5432"] {
        assert_eq!(reached(&connecting(one_port, &[who("127.3.232.1/32", ANY)], &[]), &TCP4, name), NOT_ALLOWED);
    }
    let resolvers: &[IpAddr] = vec![ip("127.0.0.53")].leak();
    let resolving = Context { resolvers, ..s() };
    let allowed = connecting(resolving, &[who("127.0.0.53/32", on(Some(Udp), 53, 53))], &[]);
    assert_eq!(sent(&allowed, &UDP4, "127.0.0.53:53", 0), None);
    assert_eq!(reached(&allowed, &TCP4, "127.0.0.53:53"), NOT_ALLOWED);
    assert_eq!(sent(&allowed, &UDP4, "127.0.0.1:53", 0), NOT_ALLOWED);
    assert_eq!(sent(&connecting(resolving, &[who("127.0.0.1/32", ANY)], &[]), &UDP4, "127.0.0.53:53", 0), NOT_ALLOWED);
    // Where there is none that is said first.
    let none = connecting(z(), &[], &[who("127.0.0.1/32", ANY)]);
    assert_eq!(reached(&none, &TCP4, "127.0.0.1:80"), Some(refusal(EPERM, Reason::LoopbackDenied)));
}

/// Row 36: what counts is what the program calls it, not where its own listener really is.
#[test]
fn row_51_own_wildcard_listeners_on_loopback() {
    let host = host().serve(Tcp, 80, "10.0.0.1");
    let ask = |context: &Context, to: &str| why(connect(context, &TCP4, local(unbound(&TCP4)), &bytes(to), &host));
    let inner = connecting(s(), &[], &[who("10.0.0.0/8", ANY)]);
    assert_eq!(ask(&inner, "127.0.0.1:80"), None);
    assert_eq!(ask(&inner, "10.0.0.1:80"), DENIED);
    assert_eq!(ask(&connecting(s(), &[], &[who("127.0.0.1/32", ANY)]), "127.0.0.9:80"), DENIED);
    assert_eq!(ask(&connecting(s(), &[who("127.3.232.1/32", ANY)], &[]), "127.0.0.1:80"), None);
    assert_eq!(ask(&connecting(s(), &[who("10.0.0.1/32", ANY)], &[]), "127.0.0.1:80"), NOT_ALLOWED);
}

#[test]
fn the_words_for_it() {
    for (reason, text) in [
        (Reason::PortNotAllowed(80, Tcp), "port 80/tcp is not among those that may be bound (--allow-bind)"),
        (Reason::PortDenied(53, Udp), "port 53/udp may not be bound (--deny-bind)"),
        (Reason::PeerNotAllowed, "not among the peers that may be reached (--allow-connect)"),
        (Reason::PeerDenied, "this peer may not be reached (--deny-connect)"),
    ] {
        assert_eq!(reason.describe(&s()).to_string(), text);
        assert_eq!(reason.audience(), Audience::Everybody);
    }
}

#[test]
fn ranges() {
    assert_eq!(Ports::new(2, 1), None);
    let ports = range(8000, 8999);
    let inside: Vec<u16> = [0, 7999, 8000, 8500, 8999, 9000].into_iter().filter(|p| ports.contains(*p)).collect();
    assert_eq!((inside, ports.first()), (vec![8000, 8500, 8999], 8000));
    assert!(Ports::ALL.contains(0) && Ports::ALL.contains(65535));
}
