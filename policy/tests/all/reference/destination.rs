//! Rows 35 to 41 and 51: where a destination is.

use super::world::World;
use super::{LOCALHOST4, LOCALHOST6, plain, rules};
use crate::common::FakeHost;
use chbind_policy::{Family, Host, Loopback, Socket, Transport};
use libc::{ECONNREFUSED, ENETUNREACH, EPERM};
use std::net::{IpAddr, SocketAddr};

pub(crate) struct Destination {
    /// Plain.
    pub(crate) to: SocketAddr,
    pub(crate) speaks: Speaks,
    /// It is the host's own loopback, not the context's.
    pub(crate) hosts: bool,
}

/// Who speaks to it.
pub(crate) enum Speaks {
    /// Rows 31 to 33.
    ByRoute,
    /// Rows 35 to 38.
    Loopback(IpAddr),
}

/// Whether the kernel takes it for loopback: 127/8, ::1 and the wildcards (row 40).
pub(crate) fn means_loopback(ip: IpAddr) -> bool {
    let text = ip.to_string();
    text.starts_with("127.") && ip.is_ipv4() || ["::1", "0.0.0.0", "::"].contains(&text.as_str())
}

pub(crate) fn destination(
    world: &World,
    socket: &Socket,
    asked: SocketAddr,
    host: &FakeHost,
) -> Result<Destination, i32> {
    let there = stands_for(world, socket, plain(asked), host)?;
    // Row 51.
    rules::peer(world, socket, plain(asked), &there)?;
    Ok(there)
}

fn stands_for(world: &World, socket: &Socket, asked: SocketAddr, host: &FakeHost) -> Result<Destination, i32> {
    let (ip, port) = (asked.ip(), asked.port());
    let not_for_socket = socket.v6only && ip.is_ipv4();
    let at = |ip, speaks, hosts| Ok(Destination { to: SocketAddr::new(ip, port), speaks, hosts });

    // Whom you talk to is free. Section 1: an assigned address of 127/8 is an ordinary one.
    let ordinary = world.is_own(ip, 0) && world.loopback != Loopback::Host;
    if !means_loopback(ip) || ordinary {
        // As the kernel.
        if not_for_socket {
            return Err(ENETUNREACH);
        }
        return Ok(Destination { to: asked, speaks: Speaks::ByRoute, hosts: false });
    }
    // Row 39.
    if world.loopback == Loopback::Deny {
        return Err(EPERM);
    }
    // Row 40.
    let ip = match ip {
        IpAddr::V4(v4) if v4.is_unspecified() => LOCALHOST4,
        IpAddr::V6(v6) if v6.is_unspecified() => LOCALHOST6,
        ip => ip,
    };
    let kernels = if ip.is_ipv4() { LOCALHOST4 } else { LOCALHOST6 };
    // Row 38: lifted for all. What is left is what the kernel says.
    if world.loopback == Loopback::Host {
        // Row 23: by a device, as to anybody.
        let by_device = host.is_on_device() && host.preferred_source(SocketAddr::new(ip, port)) != Some(kernels);
        let speaks = if by_device { Speaks::ByRoute } else { Speaks::Loopback(kernels) };
        return if not_for_socket { Err(ENETUNREACH) } else { at(ip, speaks, true) };
    }
    // Row 41.
    if not_for_socket {
        return Err(ECONNREFUSED);
    }
    let is_localhost = ip == LOCALHOST4 || ip == LOCALHOST6;
    let has_ports = [Transport::Tcp, Transport::Udp].contains(&socket.transport);
    // Row 38: lifted for one port, of 127.0.0.1 and ::1; others of 127/8 may be another context's.
    if has_ports && is_localhost && world.host_loopback.contains(&port) {
        return at(ip, Speaks::Loopback(kernels), true);
    }
    let own = if ip.is_ipv4() { world.l4() } else { world.l6() };
    let own_server = server(world, socket, ip, port, host);
    // Row 37. A context that serves the port of 127.0.0.1 itself means that.
    if has_ports && port == 53 && world.resolvers.contains(&ip) && !(is_localhost && own_server.is_some()) {
        return at(ip, Speaks::Loopback(own.unwrap_or(kernels)), true);
    }
    // Row 36: from L, where there is one of the family.
    if let Some(server) = own_server {
        let l = if server.is_ipv4() { world.l4() } else { world.l6() };
        return at(server, l.map_or(Speaks::ByRoute, Speaks::Loopback), false);
    }
    // Rows 35 and 41.
    match (own, world.l4()) {
        (Some(l), _) => at(l, Speaks::Loopback(l), false),
        (None, Some(l)) if !socket.v6only => at(l, Speaks::Loopback(l), false),
        _ => Err(ECONNREFUSED),
    }
}

/// Row 36: where the context itself serves this port of loopback, if this socket can go there.
fn server(world: &World, socket: &Socket, loopback: IpAddr, port: u16, host: &FakeHost) -> Option<IpAddr> {
    let v4 = host.serves(socket.transport, Family::V4, port);
    let v6 = host.serves(socket.transport, Family::V6, port);
    if loopback.is_ipv4() {
        return v4;
    }
    if v6.is_some() {
        return v6;
    }
    // Row 41: ::1 is 127.0.0.1 on a dual-stack socket. What hears 127.0.0.1 alone does not where ::1 is another address.
    v4.filter(|v4| !socket.v6only && (world.l6().is_none() || world.l4() != Some(*v4)))
}
