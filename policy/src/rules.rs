//! Rules for ports and peers: rows 25 and 51, and the ports of row 15 (docs/semantics.md#row-15) that a context grants.
//! What they come to is said in `access.rs`.
//!
//! What an allow rule names is allowed. Of the rest, what a deny rule names is refused. Of the rest, everything is
//! refused if there is an allow rule of that kind, and nothing if there is none. Addresses come first: a rule never
//! makes an address usable that the context does not have.

use crate::socket::Transport;
use core::net::IpAddr;
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
    pub(crate) fn names(&self, transport: Transport, port: u16) -> bool {
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
    pub(crate) fn names(&self, transport: Transport, ip: IpAddr, port: u16) -> bool {
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

    /// Row 15 (docs/semantics.md#row-15): whether `port` may be bound without a privilege. It must still be allowed.
    pub fn is_granted(&self, port: u16) -> bool {
        self.granted.iter().any(|ports| ports.contains(port))
    }
}

/// The protocols that rules know by name.
pub(crate) fn has_ports(transport: Transport) -> bool {
    matches!(transport, Transport::Tcp | Transport::Udp)
}
