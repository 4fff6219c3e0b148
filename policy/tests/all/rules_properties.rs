//! Rules for ports and peers against a naive reading of them: rows 25 and 51.

use crate::common::*;
use Transport::{Tcp, Udp};
use chbind_policy::bind::bind;
use chbind_policy::connect::{Connect, connect};
use chbind_policy::rules::{ConnectRule, Ports, Rules, Service};
use chbind_policy::send::send;
use chbind_policy::sockaddr::canonical;
use chbind_policy::{Context, Family, Loopback, Transport};
use libc::{EACCES, MSG_FASTOPEN};
use proptest::prelude::*;
use std::net::{IpAddr, SocketAddr};

fn any_transport() -> impl Strategy<Value = Option<Transport>> {
    proptest::sample::select(vec![None, Some(Tcp), Some(Udp)])
}

fn any_service() -> impl Strategy<Value = Service> {
    let port = || prop_oneof![4 => proptest::sample::select(vec![1u16, 53, 54, 7000, 7001, 65535]), 1 => any::<u16>()];
    let some = (port(), port()).prop_map(|(one, other)| Ports::new(one.min(other), one.max(other)).unwrap());
    (any_transport(), prop_oneof![1 => Just(Ports::ALL), 2 => some])
        .prop_map(|(transport, ports)| Service { transport, ports })
}

fn any_peers() -> impl Strategy<Value = Option<ipnet::IpNet>> {
    let net = (any_ip(), prop_oneof![3 => Just(128u8), 1 => 0u8..=128]).prop_map(|(ip, prefix)| {
        let ip = ip.to_canonical();
        Some(ipnet::IpNet::new(ip, prefix.min(if ip.is_ipv4() { 32 } else { 128 })).unwrap())
    });
    prop_oneof![1 => Just(None), 6 => net]
}

fn any_rules() -> impl Strategy<Value = Rules<'static>> {
    let services = || proptest::collection::vec(any_service(), 0..3);
    let rule = || (any_peers(), any_service()).prop_map(|(peers, service)| ConnectRule { peers, service });
    let peers = || proptest::collection::vec(rule(), 0..3);
    (services(), services(), peers(), peers()).prop_map(|(allow_bind, deny_bind, allow, deny)| Rules {
        allow_bind: allow_bind.leak(),
        deny_bind: deny_bind.leak(),
        allow_connect: allow.leak(),
        deny_connect: deny.leak(),
        granted: &[],
    })
}

/// Whether rules let through what they name: the sentence in the manual, read aloud.
fn passes(allow: &[bool], deny: &[bool]) -> bool {
    if allow.contains(&true) {
        return true;
    }
    if deny.contains(&true) {
        return false;
    }
    allow.is_empty()
}

fn named(service: &Service, transport: Transport, port: u16) -> bool {
    let all = (0..=u16::MAX).all(|port| service.ports.contains(port));
    match (transport, service.transport) {
        (Tcp | Udp, Some(of)) if of != transport => false,
        (Tcp | Udp, _) => service.ports.contains(port),
        (_, of) => of.is_none() && all,
    }
}

/// All that the destination is called, as text. `really` is where the address alone would have led.
fn names(context: &Context, asked: SocketAddr, really: SocketAddr) -> Vec<IpAddr> {
    let said = match canonical(asked).ip() {
        any if any.to_string() == "0.0.0.0" => ip("127.0.0.1"),
        any if any.to_string() == "::" => ip("::1"),
        ip => ip,
    };
    let really = canonical(really).ip();
    let mut names = vec![said];
    if context.loopback == Loopback::Remap {
        let of_host =
            ["127.0.0.1", "::1"].contains(&really.to_string().as_str()) || context.resolvers.contains(&really);
        let is_own = Some(really) == context.lback6.map(IpAddr::V6) || really == IpAddr::V4(context.lback);
        let redirected = really != canonical(asked).ip() && !of_host;
        if is_own || redirected {
            match really {
                IpAddr::V4(_) => names.extend([ip("127.0.0.1"), IpAddr::V4(context.lback)]),
                IpAddr::V6(_) => names.extend([Some(ip("::1")), context.lback6.map(IpAddr::V6)].into_iter().flatten()),
            }
        }
    }
    names
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Rules take away what they take away, and change nothing else.
    #[test]
    fn a_bind_is_refused_exactly_where_the_rules_say(
        context in any_context(), rules in any_rules(), socket in any_socket(), address in any_bytes(),
    ) {
        let free = bind(&context, &socket, &address);
        let ruled = bind(&Context { rules, ..context }, &socket, &address);
        let Ok(granted) = free else { return { prop_assert_eq!(ruled, free); Ok(()) } };
        let (transport, port) = (socket.transport, u16::from_be_bytes([address[2], address[3]]));
        let of = |rules: &[Service]| rules.iter().map(|rule| named(rule, transport, port)).collect::<Vec<_>>();
        let passes = port == 0 || ![Tcp, Udp].contains(&transport) || passes(&of(rules.allow_bind), &of(rules.deny_bind));
        prop_assert_eq!(ruled.is_ok(), passes, "{:?} {:?}", granted, rules);
        match ruled {
            Ok(ruled) => prop_assert_eq!(ruled, granted),
            Err(refusal) => prop_assert_eq!(refusal.errno.0, EACCES),
        }
    }

    #[test]
    fn a_peer_is_refused_exactly_where_the_rules_say(
        (context, host) in any_context().prop_flat_map(|context| (Just(context), any_host(context))),
        rules in any_rules(), socket in any_socket(), address in any_bytes(), flags in prop_oneof![Just(0), Just(MSG_FASTOPEN)],
    ) {
        let restricted = Context { rules, ..context };
        let free = connect(&context, &socket, local(unbound(&socket)), &address, &host);
        let ruled = connect(&restricted, &socket, local(unbound(&socket)), &address, &host);
        let to = |context| send(context, &socket, local(unbound(&socket)), Some(&address), flags, &host);
        let (sent, sent_ruled) = (to(&context), to(&restricted));
        let asked = chbind_policy::sockaddr::decode(&address);
        let allowed = |really: SocketAddr| {
            // To a send AF_UNSPEC is the family of the socket (net/ipv4/udp.c, net/ipv6/raw.c).
            let mut labelled = address.clone();
            let family = if socket.family == Family::V4 { libc::AF_INET } else { libc::AF_INET6 };
            labelled[..2].copy_from_slice(&(family as u16).to_ne_bytes());
            let asked = asked.or(chbind_policy::sockaddr::decode(&labelled)).unwrap();
            let of = |rules: &[ConnectRule]| {
                let named = |ip: &IpAddr, rule: &ConnectRule| {
                    rule.peers.is_none_or(|net| net.contains(ip)) && named(&rule.service, socket.transport, asked.port())
                };
                let names = names(&context, asked, really);
                rules.iter().map(|rule| names.iter().any(|ip| named(ip, rule))).collect::<Vec<_>>()
            };
            passes(&of(rules.allow_connect), &of(rules.deny_connect))
        };
        match free {
            Ok(Connect::To { destination, .. }) if !allowed(destination) => {
                prop_assert_eq!(ruled.err().map(|refusal| refusal.errno.0), Some(EACCES), "{} {:?}", destination, rules);
            }
            // What cannot be reached anyway may be refused for either reason.
            Err(_) => prop_assert!(ruled.is_err()),
            free => prop_assert_eq!(ruled, free),
        }
        match sent {
            Ok(sent) if sent.destination.is_some_and(|to| !allowed(to)) => {
                prop_assert_eq!(sent_ruled.err().map(|refusal| refusal.errno.0), Some(EACCES), "{:?} {:?}", sent, rules);
            }
            Err(_) => prop_assert!(sent_ruled.is_err()),
            sent => prop_assert_eq!(sent_ruled, sent),
        }
    }
}
