//! Where the rules do not do yet what the table says. Each is left out of the comparison, and has an example that must
//! still disagree: when the rule is mended the example fails, and both go.

use super::world::World;
use super::{LOCALHOST4, LOCALHOST6, interface, plain};
use crate::common::FakeHost;
use chbind_policy::{Family, Host, Loopback, Socket, Transport};
use std::net::{IpAddr, SocketAddr};

/// Row 22: a socket from outside that is bound to another address of 127/8 (another context's L, say) passes for an own
/// one towards the host's loopback, and in contexts with that for everything.
pub(crate) fn foreign_loopback(world: &World, bound: SocketAddr) -> bool {
    let ip = plain(bound).ip();
    ip.is_loopback() && ip != LOCALHOST4 && ip != LOCALHOST6 && !world.is_own(ip, 0) && !world.is_l(ip)
}

/// Rows 2, 32 and 33: of two link-local addresses of different interfaces the one of another interface may be chosen.
pub(crate) fn link_local_twice(world: &World) -> bool {
    world.own.iter().filter(|own| own.ip.to_string() == "fe80::1").count() > 1
}

/// Rows 32 and 33: and so may a single one towards another interface, instead of the primary.
pub(crate) fn link_local_elsewhere(world: &World, asked: SocketAddr) -> bool {
    world.own.iter().any(|own| own.interface != 0 && interface(asked) != 0 && own.interface != interface(asked))
}

/// Row 9: a context without an IPv4 address may bind 255.255.255.255, and a kept wildcard does not hear it.
pub(crate) fn broadcast_without_ipv4(world: &World, ip: IpAddr) -> bool {
    world.primary4().is_none() && ip.to_string() == "255.255.255.255"
}

/// Row 38: with the host's loopback a V6ONLY socket gets ECONNREFUSED for 127.0.0.1, and from the kernel ENETUNREACH.
pub(crate) fn v6only_to_hosts_loopback(world: &World, socket: &Socket, asked: SocketAddr) -> bool {
    world.loopback == Loopback::Host && socket.v6only && plain(asked).is_ipv4()
}

/// Rows 37 and 38: a port in the address of a socket that has none opens the host's loopback for it.
pub(crate) fn port_of_a_socket_without_ports(world: &World, socket: &Socket, asked: SocketAddr) -> bool {
    let no_ports = [Transport::Ping, Transport::RawIcmp].contains(&socket.transport);
    let port = asked.port();
    no_ports && (world.host_loopback.contains(&port) || (port == 53 && !world.resolvers.is_empty()))
}

/// Row 37: the host's name server at ::1 is lost to a socket that cannot reach what the context serves on 127.0.0.1:53.
pub(crate) fn resolver_behind_another(world: &World, socket: &Socket, asked: SocketAddr, host: &FakeHost) -> bool {
    let serves = |family| host.serves(socket.transport, family, 53).is_some();
    let apart = socket.v6only || world.l6().is_some();
    asked.port() == 53 && world.resolvers.contains(&LOCALHOST6) && apart && serves(Family::V4) && !serves(Family::V6)
}

/// Those of connect and send.
pub(crate) fn of_a_peer(world: &World, socket: &Socket, bound: SocketAddr, asked: SocketAddr, host: &FakeHost) -> bool {
    foreign_loopback(world, bound)
        || link_local_twice(world)
        || link_local_elsewhere(world, asked)
        || v6only_to_hosts_loopback(world, socket, asked)
        || port_of_a_socket_without_ports(world, socket, asked)
        || resolver_behind_another(world, socket, asked, host)
}
