//! Where the rules do not do yet what the table says. Each is left out of the comparison, and has an example that must
//! still disagree: when the rule is mended the example fails, and both go.

use super::world::World;
use super::worlds::world;
use super::{LOCALHOST4, LOCALHOST6, connect, hear, interface, plain, read};
use crate::common::*;
use chbind_policy::connect::{Connect, Source};
use chbind_policy::{Family, Host, Loopback, Socket, Transport};
use libc::{EADDRNOTAVAIL, ECONNREFUSED, ENETUNREACH};
use std::net::{IpAddr, SocketAddr};

/// Those of connect and send.
pub(crate) fn of_a_peer(world: &World, socket: &Socket, bound: SocketAddr, asked: SocketAddr, host: &FakeHost) -> bool {
    foreign_loopback(world, bound)
        || link_local_twice(world)
        || link_local_elsewhere(world, asked)
        || v6only_to_the_hosts_loopback(world, socket, asked)
        || port_of_a_socket_without_ports(world, socket, asked)
        || resolver_behind_another(world, socket, asked, host)
}

/// What the rule and the table say of a connect: where to and from what, or the errno. Own is no address.
type Both = [Result<(SocketAddr, Option<SocketAddr>), i32>; 2];

fn connects(world: &World, socket: &Socket, bound: Option<&str>, asked: &str, host: &FakeHost) -> Both {
    let bound = bound.map_or(unbound(socket), at);
    let rule = world.ask(|context| chbind_policy::connect::connect(context, socket, bound, &bytes(asked), host));
    let rule = match rule {
        Ok(Connect::To { destination, source: Source::Own }) => Ok((destination, None)),
        Ok(Connect::To { destination, source: Source::Pin(from) | Source::Settle(from) }) => {
            Ok((destination, Some(from)))
        }
        Ok(Connect::Disconnect) => unreachable!("an address was given"),
        Err(refusal) => Err(refusal.errno),
    };
    let asked = read::for_connect(socket, &bytes(asked)).unwrap();
    let table = match connect::connect(world, socket, bound, asked, host) {
        Ok(connect::Connected::To { to, source: connect::Source::Own }) => Ok((to, None)),
        Ok(connect::Connected::To { to, source: connect::Source::Given(from) | connect::Source::AtItsPort(from) }) => {
            Ok((to, Some(from)))
        }
        Ok(connect::Connected::Dissolved) => unreachable!("an address was given"),
        Err(errno) => Err(errno),
    };
    [rule, table]
}

fn to(destination: &str, source: Option<&str>) -> Result<(SocketAddr, Option<SocketAddr>), i32> {
    Ok((at(destination), source.map(at)))
}

/// Row 22: a socket from outside that is bound to another address of 127/8 (another context's L, say) passes for an own
/// one: towards the host's loopback where that is open, and towards everybody where all of it is.
pub(crate) fn foreign_loopback(world: &World, bound: SocketAddr) -> bool {
    let ip = plain(bound).ip();
    ip.is_loopback() && ip != LOCALHOST4 && ip != LOCALHOST6 && !world.is_own(ip, 0) && !world.is_l(ip)
}

#[test]
fn gap_row_22_foreign_loopback() {
    let host_all = World { loopback: Loopback::Host, ..world(&["10.0.0.1/24"]) };
    let both = connects(&host_all, &TCP4, Some("127.3.233.1:4000"), "198.51.100.7:80", &host());
    assert_eq!(both, [to("198.51.100.7:80", None), Err(EADDRNOTAVAIL)]);
    let one_port = World { host_loopback: vec![7000], ..world(&["10.0.0.1/24"]) };
    let both = connects(&one_port, &TCP4, Some("127.3.233.1:4000"), "127.0.0.1:7000", &host());
    assert_eq!(both, [to("127.0.0.1:7000", None), Err(EADDRNOTAVAIL)]);
}

/// Rows 2, 32 and 33: of one link-local address on two interfaces the first is chosen, for a destination by the other
/// interface too; and the line does not name the one that is not served.
pub(crate) fn link_local_twice(world: &World) -> bool {
    world.own.iter().filter(|own| own.ip.to_string() == "fe80::1").count() > 1
}

#[test]
fn gap_row_32_link_local_twice() {
    let twice = world(&["fe80::1/64%2", "fe80::1/64%3"]);
    let prefers = FakeHost::default().route("fe80::/10", "fe80::1");
    let both = connects(&twice, &TCP6, None, "[fe80::9%3]:80", &prefers);
    assert_eq!(both, [to("[fe80::9%3]:80", Some("[fe80::1%2]:0")), to("[fe80::9%3]:80", Some("[fe80::1%3]:0"))]);
}

/// Rows 32 and 33: a link-local address is chosen towards another interface, where the kernel takes none but its own.
pub(crate) fn link_local_elsewhere(world: &World, asked: SocketAddr) -> bool {
    world.own.iter().any(|own| own.interface != 0 && interface(asked) != 0 && own.interface != interface(asked))
}

#[test]
fn gap_row_33_link_local_elsewhere() {
    let one = world(&["fd00:1::1/64", "fe80::1/64%2"]);
    let prefers = FakeHost::default().route("fe80::/10", "fe80::7");
    let both = connects(&one, &TCP6, None, "[fe80::9%3]:80", &prefers);
    assert_eq!(both, [to("[fe80::9%3]:80", Some("[fe80::1%2]:0")), to("[fe80::9%3]:80", Some("[fd00:1::1]:0"))]);
    // Nor is it of use as the primary.
    let single = world(&["fe80::1/128%2", "fe80::7/128%3"]);
    let both = connects(&single, &TCP6, None, "[fe80::9%3]:80", &FakeHost::default());
    assert_eq!(both, [to("[fe80::9%3]:80", Some("[fe80::1%2]:0")), to("[fe80::9%3]:80", Some("[fe80::7%3]:0"))]);
}

/// Row 9: a context without an IPv4 address may bind 255.255.255.255, and a kept wildcard does not hear it.
pub(crate) fn broadcast_without_ipv4(world: &World, ip: IpAddr) -> bool {
    world.primary4().is_none() && ip.to_string() == "255.255.255.255"
}

#[test]
fn gap_row_09_broadcast_without_ipv4() {
    let (world, everybody) = (world(&["fd00:1::1/64"]), ip("255.255.255.255"));
    let bound = world.ask(|context| chbind_policy::bind::bind(context, &UDP4, &bytes("255.255.255.255:67")));
    assert!(bound.is_ok() && hear::hears(&world, everybody, 0));
    assert!(!world.ask(|context| context.heard().any(|(net, _)| net.contains(&everybody))));
}

/// Row 38: with the host's loopback a V6ONLY socket gets ECONNREFUSED for 127.0.0.1, and from the kernel ENETUNREACH.
pub(crate) fn v6only_to_the_hosts_loopback(world: &World, socket: &Socket, asked: SocketAddr) -> bool {
    world.loopback == Loopback::Host && socket.v6only && plain(asked).is_ipv4()
}

#[test]
fn gap_row_38_v6only_to_the_hosts_loopback() {
    let world = World { loopback: Loopback::Host, ..world(&["10.0.0.1/24", "fd00:1::1/64"]) };
    let both = connects(&world, &TCP6ONLY, None, "[::ffff:127.0.0.1]:80", &host());
    assert_eq!(both, [Err(ECONNREFUSED), Err(ENETUNREACH)]);
}

/// Rows 37 and 38: a port in the address opens the host's loopback to a socket that has none.
pub(crate) fn port_of_a_socket_without_ports(world: &World, socket: &Socket, asked: SocketAddr) -> bool {
    let no_ports = [Transport::Ping, Transport::RawIcmp].contains(&socket.transport);
    let opens = |port| world.host_loopback.contains(&port) || (port == 53 && !world.resolvers.is_empty());
    no_ports && opens(asked.port())
}

#[test]
fn gap_row_37_port_of_a_socket_without_ports() {
    let world = World { resolvers: vec![ip("127.0.0.53")], host_loopback: vec![7000], ..world(&["10.0.0.1/24"]) };
    for socket in [PING4, RAW4] {
        let both = connects(&world, &socket, None, "127.0.0.53:53", &host());
        assert_eq!(both, [to("127.0.0.53:53", Some("127.3.232.1:0")), to("127.3.232.1:53", Some("127.3.232.1:0"))]);
        let both = connects(&world, &socket, None, "127.0.0.1:7000", &host());
        assert_eq!(both, [to("127.0.0.1:7000", Some("127.0.0.1:0")), to("127.3.232.1:7000", Some("127.3.232.1:0"))]);
    }
}

/// Row 37: the host's name server at ::1 is lost to a socket that cannot reach what the context serves on 127.0.0.1:53.
pub(crate) fn resolver_behind_another(world: &World, socket: &Socket, asked: SocketAddr, host: &FakeHost) -> bool {
    let serves = |family| host.serves(socket.transport, family, 53).is_some();
    let apart = socket.v6only || world.l6().is_some();
    let is_resolver = asked.port() == 53 && world.resolvers.contains(&LOCALHOST6);
    is_resolver && apart && serves(Family::V4) && !serves(Family::V6)
}

#[test]
fn gap_row_37_resolver_behind_another() {
    let plain = World { resolvers: vec![LOCALHOST6], ..world(&["10.0.0.1/24", "fd00:1::1/64"]) };
    let serving = host().serve(Transport::Udp, 53, "127.3.232.1");
    let both = connects(&plain, &UDP6ONLY, None, "[::1]:53", &serving);
    assert_eq!(both, [Err(ECONNREFUSED), to("[::1]:53", Some("[::1]:0"))]);
    let given = World { lback6: Some("fd00:1::99".parse().unwrap()), ..plain };
    let both = connects(&given, &UDP6, None, "[::1]:53", &serving);
    assert_eq!(both, [to("[fd00:1::99]:53", Some("[fd00:1::99]:0")), to("[::1]:53", Some("[fd00:1::99]:0"))]);
}
