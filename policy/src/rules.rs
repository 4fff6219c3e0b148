//! Rules for ports and peers: rows 25 and 51, and the ports of row 15 that a context grants.
//!
//! What an allow rule names is allowed. Of the rest, what a deny rule names is refused. Of the rest, everything is
//! refused if there is an allow rule of that kind, and nothing if there is none. Addresses come first: a rule never
//! makes an address usable that the context does not have.

use crate::source::Target;
use crate::{Context, Family, Reason, Refusal, Transport};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use ipnet::IpNet;

/// Ports from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    first: u16,
    last: u16,
}

impl Ports {
    /// All of them, and what has none.
    pub const ALL: Ports = Ports { first: 0, last: u16::MAX };

    /// `None` where `first` comes after `last`.
    pub const fn new(first: u16, last: u16) -> Option<Self> {
        if first <= last { Some(Ports { first, last }) } else { None }
    }

    /// The lowest.
    pub const fn first(self) -> u16 {
        self.first
    }

    /// The highest.
    pub const fn last(self) -> u16 {
        self.last
    }

    /// Whether `port` is one of them.
    pub const fn contains(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }
}

/// A protocol and ports: what a rule for binding names, and part of what one for connecting names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// `None` for every protocol.
    pub transport: Option<Transport>,
    /// [`Ports::ALL`] for any.
    pub ports: Ports,
}

impl Service {
    fn names(&self, transport: Transport, port: u16) -> bool {
        if has_ports(transport) {
            self.transport.is_none_or(|own| own == transport) && self.ports.contains(port)
        } else {
            self.transport.is_none() && self.ports == Ports::ALL
        }
    }
}

/// What a rule for connecting names: peers, a protocol and ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectRule {
    /// Addresses of peers, canonical (never v4-mapped); `None` for all.
    pub peers: Option<IpNet>,
    /// What they are asked for.
    pub service: Service,
}

impl ConnectRule {
    fn names(&self, transport: Transport, ip: IpAddr, port: u16) -> bool {
        self.peers.is_none_or(|peers| peers.contains(&ip)) && self.service.names(transport, port)
    }
}

/// The rules of a context.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules<'a> {
    /// What may be bound.
    pub allow_bind: &'a [Service],
    /// What may not be bound.
    pub deny_bind: &'a [Service],
    /// Who may be reached.
    pub allow_connect: &'a [ConnectRule],
    /// Who may not be reached.
    pub deny_connect: &'a [ConnectRule],
    /// Ports for which no privilege is needed.
    pub granted: &'a [Ports],
}

impl Rules<'_> {
    /// None: everything that the addresses allow.
    pub const NONE: Rules<'static> =
        Rules { allow_bind: &[], deny_bind: &[], allow_connect: &[], deny_connect: &[], granted: &[] };

    /// Whether any port could be refused to a bind.
    pub fn restrict_ports(&self) -> bool {
        !(self.allow_bind.is_empty() && self.deny_bind.is_empty())
    }

    /// Row 15: whether `port` may be bound without a privilege. It must still be allowed.
    pub fn is_granted(&self, port: u16) -> bool {
        self.granted.iter().any(|ports| ports.contains(port))
    }

    /// Row 25: whether a socket may have `port`. Port 0 is the kernel's choice; what it chooses is judged when it matters,
    /// at listen. What has no ports, the kernel calls something else so.
    pub(crate) fn port(&self, transport: Transport, port: u16) -> Result<(), Refusal> {
        if port == 0 || !has_ports(transport) {
            return Ok(());
        }
        let names = |rule: &Service| rule.names(transport, port);
        let reasons = (Reason::PortNotAllowed(port, transport), Reason::PortDenied(port, transport));
        judge(self.allow_bind, self.deny_bind, names, reasons)
    }
}

/// The protocols that rules know by name.
fn has_ports(transport: Transport) -> bool {
    matches!(transport, Transport::Tcp | Transport::Udp)
}

fn judge<R>(
    allow: &[R],
    deny: &[R],
    names: impl Fn(&R) -> bool,
    (not_allowed, denied): (Reason, Reason),
) -> Result<(), Refusal> {
    if allow.iter().any(&names) {
        Ok(())
    } else if deny.iter().any(names) {
        Err(Refusal::new(libc::EACCES, denied))
    } else if allow.is_empty() {
        Ok(())
    } else {
        Err(Refusal::new(libc::EACCES, not_allowed))
    }
}

/// Row 51: whether a program may speak to what it calls `asked` (canonical) and what is in truth `target`.
///
/// What counts is what the program calls it: 127.0.0.1 also where that leads to a wildcard listener of the context itself.
/// But all that stands for the loopback of the context is one place by whatever name, or a deny rule for 127.0.0.1 would
/// not hold for 127.0.0.2.
pub(crate) fn reach(
    context: &Context,
    transport: Transport,
    asked: SocketAddr,
    target: &Target,
) -> Result<(), Refusal> {
    let Rules { allow_connect, deny_connect, .. } = context.rules;
    let (at, family) = (target.destination.ip(), Family::of(target.destination.ip()));
    let said = if asked.ip().is_unspecified() { localhost(Family::of(asked.ip())) } else { asked.ip() };
    let own = context.loopback_of(family);
    let is_own_loopback = !target.is_host && (at != asked.ip() || own == Some(at));
    let other_names = is_own_loopback.then_some([Some(localhost(family)), own]);
    let ips = [Some(said)].into_iter().chain(other_names.into_iter().flatten()).flatten();
    let names = |rule: &ConnectRule| ips.clone().any(|ip| rule.names(transport, ip, asked.port()));
    judge(allow_connect, deny_connect, names, (Reason::PeerNotAllowed, Reason::PeerDenied))
}

fn localhost(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Family::V6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
    }
}
