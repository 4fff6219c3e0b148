//! Which contexts, hosts and addresses are compared.

use super::rules::{Rule, Typed};
use super::world::{Own, World};
use super::written;
use crate::common::{FakeHost, L, any_ip, ip};
use chbind_policy::{Family, Loopback, Socket, Transport};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::net::{IpAddr, SocketAddr};

/// A and B, A6 and another, link-local ones of two interfaces, loopback ones, and prefixes of every kind.
const POOL: &[&str] = &[
    "10.0.0.1/24",
    "10.0.0.2/24",
    "10.0.0.255/16",
    "10.9.9.8/31",
    "10.8.0.1/16",
    "127.0.0.1/32",
    "127.0.0.2/8",
    "fd00:1::1/64",
    "fd00:1::2/128",
    "fe80::1/64%2",
    "fe80::1/64%3",
    "::1/128",
];

/// S, M, D, P and D with IPv6 first.
const TABLE: [&[&str]; 5] = [
    &["10.0.0.1/24"],
    &["10.0.0.1/24", "10.0.0.2/24"],
    &["10.0.0.1/24", "fd00:1::1/64"],
    &["fd00:1::1/64"],
    &["fd00:1::1/64", "10.0.0.1/24"],
];

pub(crate) fn world(own: &[&str]) -> World {
    World {
        own: own.iter().map(|text| Own::typed(text)).collect(),
        lback: L,
        lback6: None,
        loopback: Loopback::Remap,
        host_loopback: Vec::new(),
        resolvers: Vec::new(),
        multicast: false,
        raw_icmp: false,
        rules: Typed::default(),
    }
}

/// The contexts of the table, and others of any addresses in any order; all with any flags.
pub(crate) fn any_world() -> impl Strategy<Value = World> {
    let pool = subsequence(POOL.to_vec(), 1..=6).prop_shuffle();
    let own = prop_oneof![select(TABLE.to_vec()).prop_map(<[_]>::to_vec), pool];
    let loopback = prop_oneof![6 => Just(Loopback::Remap), 2 => Just(Loopback::Host), 1 => Just(Loopback::Deny)];
    let lback = prop_oneof![4 => Just(L), 1 => Just([10, 0, 0, 77].into())];
    let lback6 = prop_oneof![2 => Just(None), 1 => Just(Some("fd00:1::99".parse().unwrap()))];
    let ports = subsequence(vec![53, 7000], 0..=2);
    let resolvers = ["127.0.0.53", "127.0.0.1", "127.3.232.1", "::1"].map(ip).to_vec();
    let resolvers = prop_oneof![Just(Vec::new()), subsequence(resolvers, 0..=4)];
    let some = |of: u32| prop::bool::weighted(1.0 / f64::from(of));
    let rules = prop_oneof![3 => Just(Typed::default()), 1 => any_rules()];
    (own, loopback, lback, lback6, (ports, some(2)), resolvers, some(4), some(3), rules).prop_map(
        |(own, loopback, lback, lback6, (ports, opens), resolvers, multicast, raw_icmp, rules)| World {
            loopback,
            lback,
            lback6,
            host_loopback: if opens { ports } else { Vec::new() },
            resolvers,
            multicast,
            raw_icmp,
            rules,
            ..world(&own)
        },
    )
}

/// Few of each, so that often one decides; of ports and peers that are asked for.
fn any_rules() -> impl Strategy<Value = Typed> {
    let protocol = || select(vec![None, Some(Transport::Tcp), Some(Transport::Udp)]);
    let ports = || select(vec![None, None, Some((53, 53)), Some((54, 7000)), Some((7001, 7001)), Some((1, 65535))]);
    let peers = (any_ip(), select(vec![0u8, 8, 24, 31, 32, 64, 128])).prop_map(|(ip, bits)| {
        let ip = ip.to_canonical();
        Some(Own { ip, bits: if ip.is_ipv4() { bits.min(32) } else { bits }, interface: 0 })
    });
    let rule =
        |peers| (protocol(), peers, ports()).prop_map(|(protocol, peers, ports)| Rule { protocol, peers, ports });
    let to_bind = rule(Just(None).boxed());
    let to_connect = rule(prop_oneof![1 => Just(None), 4 => peers].boxed());
    let bind = prop::collection::vec(to_bind, 0..3);
    let connect = prop::collection::vec(to_connect, 0..3);
    (bind.clone(), bind, connect.clone(), connect).prop_map(|(allow_bind, deny_bind, allow_connect, deny_connect)| {
        Typed { allow_bind, deny_bind, allow_connect, deny_connect }
    })
}

/// What the host may answer: for each prefix a source, often an own one; and servers of the context.
pub(crate) fn any_host(world: &World) -> impl Strategy<Value = FakeHost> + use<> {
    let mut own: Vec<IpAddr> = world.own.iter().map(|own| own.ip).collect();
    let sources = prop_oneof![select(own.clone()), any_ip().prop_map(|ip| ip.to_canonical())];
    own.extend(world.l4());
    own.extend(world.l6());
    let nets = ["0.0.0.0/0", "10.0.0.0/24", "127.0.0.0/8", "198.51.100.0/24", "::/0", "fd00:1::/64", "::1/128"];
    let nets = [&nets[..], &["127.3.232.1/32", "224.0.0.0/4", "fe80::/10"]].concat();
    let route = (select(nets), sources).prop_map(|(net, source)| (net.parse().unwrap(), source));
    let transport = select(vec![Transport::Tcp, Transport::Udp]);
    let served = (transport, select(vec![53u16, 7000, 7001]), select(own));
    let routes = prop::collection::vec(route, 0..6);
    (routes, prop::collection::vec(served, 0..8), any::<bool>()).prop_map(|(routes, served, on_device)| FakeHost {
        routes: routes
            .into_iter()
            .filter(|(net, source): &(ipnet::IpNet, IpAddr)| net.addr().is_ipv4() == source.is_ipv4())
            .collect(),
        served,
        on_device,
    })
}

pub(crate) fn any_world_and_host() -> impl Strategy<Value = (World, FakeHost)> {
    any_world().prop_flat_map(|world| {
        let host = any_host(&world);
        (Just(world), host)
    })
}

/// Ports that mean something, often.
pub(crate) fn any_port() -> impl Strategy<Value = u16> {
    prop_oneof![2 => Just(53u16), 2 => Just(7000), 2 => Just(7001), 1 => Just(0), 1 => any::<u16>()]
}

/// An address that means something, often, and often in the form that the socket takes.
pub(crate) fn any_asked() -> impl Strategy<Value = SocketAddr> {
    let interface = prop_oneof![3 => Just(0u32), 2 => Just(2), 2 => Just(3)];
    let loopback = select(["127.0.0.1", "::1", "::", "::ffff:127.0.0.1"].map(ip).to_vec());
    (prop_oneof![3 => any_ip(), 1 => loopback], any_port(), interface)
        .prop_map(|(ip, port, interface)| super::address(ip, port, interface))
}

/// An address as the kernel shows it for this socket: that of a socket of IPv6 is one of IPv6.
pub(crate) fn in_form(socket: &Socket, asked: SocketAddr) -> SocketAddr {
    match (socket.family, asked) {
        (Family::V4, SocketAddr::V6(_)) => SocketAddr::new([10, 0, 0, 1].into(), asked.port()),
        _ => written(asked, socket),
    }
}

/// The local address of a socket: none yet, the wildcard with a port, or anything.
pub(crate) fn any_bound() -> impl Strategy<Value = Option<SocketAddr>> {
    let own = select(POOL.to_vec()).prop_map(|text| {
        let own = Own::typed(text);
        super::address(own.ip, 4000, own.interface)
    });
    prop_oneof![
        3 => Just(None),
        2 => select(vec!["0.0.0.0:4000", "[::]:4000"]).prop_map(|text| Some(text.parse().unwrap())),
        2 => any_asked().prop_map(Some),
        1 => own.prop_map(Some),
    ]
}

/// [`any_bound`] for this socket. No port and no address is a socket that was never bound.
pub(crate) fn bound_of(socket: &Socket, bound: Option<SocketAddr>) -> SocketAddr {
    let unbound = super::address(
        match socket.family {
            Family::V4 => ip("0.0.0.0"),
            Family::V6 => ip("::"),
        },
        0,
        0,
    );
    match bound {
        None => unbound,
        Some(at) if at.ip().is_unspecified() => SocketAddr::new(unbound.ip(), at.port()),
        Some(at) => in_form(socket, at),
    }
}
