//! Rows 25 and 51: what may be bound and who be reached.
//!
//! What an allow rule names is allowed. Of the rest, what a deny rule names is refused. Of the rest, everything is refused
//! if there is an allow rule of that kind, and nothing if there is none.

use super::destination::{Destination, means_loopback};
use super::world::{Own, World};
use super::{LOCALHOST4, LOCALHOST6};
use chbind_policy::rules::{ConnectRule, Ports, Rules, Service};
use chbind_policy::{Socket, Transport};
use ipnet::IpNet;
use libc::EACCES;
use std::net::{IpAddr, SocketAddr};

/// `PROTOCOL:ADDRESS/PREFIX:PORT-PORT`; what is not there is any. One for binding has no address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) protocol: Option<Transport>,
    pub(crate) peers: Option<Own>,
    pub(crate) ports: Option<(u16, u16)>,
}

/// The options `--allow-bind`, `--deny-bind`, `--allow-connect` and `--deny-connect`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Typed {
    pub(crate) allow_bind: Vec<Rule>,
    pub(crate) deny_bind: Vec<Rule>,
    pub(crate) allow_connect: Vec<Rule>,
    pub(crate) deny_connect: Vec<Rule>,
}

fn has_ports(socket: &Socket) -> bool {
    [Transport::Tcp, Transport::Udp].contains(&socket.transport)
}

impl Rule {
    /// Whether it names this port of a peer that is called all this, or of the socket itself.
    fn names(&self, socket: &Socket, called: &[IpAddr], port: u16) -> bool {
        let peer = self.peers.is_none_or(|peers| called.iter().any(|ip| peers.has_in_subnet(*ip)));
        let service = match has_ports(socket) {
            true => {
                self.protocol.is_none_or(|protocol| protocol == socket.transport)
                    && self.ports.is_none_or(|(first, last)| first <= port && port <= last)
            }
            // Only what names neither is for sockets that have none.
            false => self.protocol.is_none() && self.ports.is_none(),
        };
        peer && service
    }
}

fn judge(allow: &[Rule], deny: &[Rule], names: impl Fn(&Rule) -> bool) -> Result<(), i32> {
    if allow.iter().any(&names) {
        return Ok(());
    }
    if deny.iter().any(&names) || !allow.is_empty() {
        return Err(EACCES);
    }
    Ok(())
}

/// Row 25. Port 0 is for the kernel to choose, and some have none.
pub(crate) fn port(world: &World, socket: &Socket, port: u16) -> Result<(), i32> {
    if port == 0 || !has_ports(socket) {
        return Ok(());
    }
    judge(&world.rules.allow_bind, &world.rules.deny_bind, |rule| rule.names(socket, &[], port))
}

/// Row 51: what counts is how the program calls the peer (plain); every name of the context's loopback is as good as
/// 127.0.0.1, or ::1, and L.
pub(crate) fn peer(world: &World, socket: &Socket, asked: SocketAddr, there: &Destination) -> Result<(), i32> {
    let said = match asked.ip() {
        // Row 40.
        IpAddr::V4(ip) if ip.is_unspecified() => LOCALHOST4,
        IpAddr::V6(ip) if ip.is_unspecified() => LOCALHOST6,
        ip => ip,
    };
    let mut called = vec![said];
    let redirected = means_loopback(asked.ip()) && !world.is_own(asked.ip(), 0);
    if !there.hosts && (redirected || world.is_l(asked.ip())) {
        let (localhost, l) = if there.to.is_ipv4() { (LOCALHOST4, world.l4()) } else { (LOCALHOST6, world.l6()) };
        called.push(localhost);
        called.extend(l);
    }
    let names = |rule: &Rule| rule.names(socket, &called, asked.port());
    judge(&world.rules.allow_connect, &world.rules.deny_connect, names)
}

impl Typed {
    /// Whether any port could be refused.
    pub(crate) fn are_for_ports(&self) -> bool {
        !self.allow_bind.is_empty() || !self.deny_bind.is_empty()
    }

    /// As the rules take them.
    pub(crate) fn ask<T>(&self, rule: impl FnOnce(Rules) -> T) -> T {
        let service = |rule: &Rule| Service {
            transport: rule.protocol,
            ports: rule.ports.map_or(Ports::ALL, |(first, last)| Ports::new(first, last).unwrap()),
        };
        let connect = |rule: &Rule| ConnectRule {
            peers: rule.peers.map(|peers| IpNet::new(peers.ip, peers.bits).unwrap()),
            service: service(rule),
        };
        rule(Rules {
            allow_bind: &self.allow_bind.iter().map(service).collect::<Vec<_>>(),
            deny_bind: &self.deny_bind.iter().map(service).collect::<Vec<_>>(),
            allow_connect: &self.allow_connect.iter().map(connect).collect::<Vec<_>>(),
            deny_connect: &self.deny_connect.iter().map(connect).collect::<Vec<_>>(),
            granted: &[],
        })
    }
}
