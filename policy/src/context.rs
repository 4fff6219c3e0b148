//! The context itself: an ordered set of addresses, and its loopback.

use crate::rules::Rules;
use crate::socket::Family;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What 127.0.0.1 means inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loopback {
    /// It stands for the context's own loopback address.
    #[default]
    Remap,
    /// It is the host's.
    Host,
    /// There is none.
    Deny,
}

/// An address assigned to the context, with the prefix of its subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigned {
    net: IpNet,
    scope: u32,
}

impl Assigned {
    /// `net` is the address with its prefix length; `scope` the interface index of a link-local address, otherwise 0.
    /// The address must be canonical: never v4-mapped.
    pub const fn new(net: IpNet, scope: u32) -> Self {
        Assigned { net, scope }
    }

    /// The address.
    pub fn ip(&self) -> IpAddr {
        self.net.addr()
    }

    /// The length of the prefix of its subnet.
    pub fn prefix_len(&self) -> u8 {
        self.net.prefix_len()
    }

    /// The interface index that belongs to a link-local address, otherwise 0.
    pub fn scope(&self) -> u32 {
        self.scope
    }

    /// Whether `ip` lies in the subnet of this address.
    pub fn subnet_contains(&self, ip: IpAddr) -> bool {
        self.net.contains(&ip)
    }

    /// The directed broadcast address of the subnet. Subnets of one or two addresses have none (RFC 3021).
    pub fn directed_broadcast(&self) -> Option<Ipv4Addr> {
        match self.net {
            IpNet::V4(net) if net.prefix_len() < 31 => Some(net.broadcast()),
            _ => None,
        }
    }
}

/// 224.0.0.0/4 (RFC 5771) and ff00::/8 (RFC 4291).
const MULTICAST_V4: IpNet = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4));
const MULTICAST_V6: IpNet = IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8));

/// A network context. All addresses in it are canonical (never v4-mapped).
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The assigned addresses; the first of a family is that family's primary, the first of all is the primary.
    pub addresses: &'a [Assigned],
    /// L, the address that stands for 127.0.0.1.
    pub lback: Ipv4Addr,
    /// The address that stands for ::1, where one was given.
    pub lback6: Option<Ipv6Addr>,
    /// What loopback means.
    pub loopback: Loopback,
    /// Ports of the host's own loopback that may be reached all the same.
    pub host_loopback: &'a [u16],
    /// Loopback addresses of the host's name servers: reachable on port 53.
    pub resolvers: &'a [IpAddr],
    /// Whether multicast groups may be bound and heard.
    pub multicast: bool,
    /// Whether raw sockets of ICMP may be made.
    pub raw_icmp: bool,
    /// Whether a datagram socket keeps the one address of the context, and is never given a wildcard or another: so that it
    /// can send without being looked at (the shim). What it sends to loopback comes from that address then.
    pub keeps_one: bool,
    /// Which ports may be bound and which peers be reached.
    pub rules: Rules<'a>,
}

impl<'a> Context<'a> {
    /// A context of these addresses whose loopback is `lback`, and nothing out of the ordinary.
    pub const fn new(addresses: &'a [Assigned], lback: Ipv4Addr) -> Self {
        Context {
            addresses,
            lback,
            lback6: None,
            loopback: Loopback::Remap,
            host_loopback: &[],
            resolvers: &[],
            multicast: false,
            raw_icmp: false,
            keeps_one: false,
            rules: Rules::NONE,
        }
    }
}

impl Context<'_> {
    /// Whether [`keeps_one`](Self::keeps_one) can be: there is one address, and nothing that a socket could need besides.
    pub fn can_keep_one(&self) -> bool {
        let is_plain = self.loopback != Loopback::Host && self.host_loopback.is_empty();
        self.addresses.len() == 1 && is_plain && !self.multicast
    }

    /// The primary address of `family`.
    pub fn primary_of(&self, family: Family) -> Option<Assigned> {
        self.of_family(family).next()
    }

    /// The family of the first address of all.
    pub fn primary_family(&self) -> Family {
        self.addresses.first().map_or(Family::V4, |first| Family::of(first.ip()))
    }

    /// The addresses of one family, in order.
    pub fn of_family(&self, family: Family) -> impl Iterator<Item = Assigned> {
        self.addresses.iter().copied().filter(move |a| Family::of(a.ip()) == family)
    }

    /// Whether sockets of `family` are of any use here: it has an address, or a loopback.
    pub fn has_family(&self, family: Family) -> bool {
        self.primary_of(family).is_some() || self.loopback_of(family).is_some()
    }

    /// Whether there is any loopback.
    pub fn has_loopback(&self) -> bool {
        self.loopback != Loopback::Deny
    }

    /// Whether `ip` (canonical, with the interface index `scope` if link-local) is assigned.
    pub fn is_assigned(&self, ip: IpAddr, scope: u32) -> bool {
        self.addresses.iter().any(|a| a.ip() == ip && (a.scope == 0 || a.scope == scope))
    }

    /// The address that loopback of `family` really is.
    pub fn loopback_of(&self, family: Family) -> Option<IpAddr> {
        match (self.loopback, family) {
            (Loopback::Remap, Family::V4) => Some(IpAddr::V4(self.lback)),
            (Loopback::Remap, Family::V6) => self.lback6.map(IpAddr::V6),
            (Loopback::Host, Family::V4) => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            (Loopback::Host, Family::V6) => Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            (Loopback::Deny, _) => None,
        }
    }

    /// Whether a program may ask for `ip` (canonical) as a source by name.
    pub fn may_be_named(&self, ip: IpAddr, scope: u32) -> bool {
        self.is_assigned(ip, scope) || self.loopback_of(Family::of(ip)) == Some(ip)
    }

    /// The address that `ip` (canonical) stands for where a program asks for it as a source; `None` where it may not.
    pub fn known_inside(&self, ip: IpAddr, scope: u32) -> Option<IpAddr> {
        if self.may_be_named(ip, scope) {
            Some(ip)
        } else if ip == IpAddr::V4(Ipv4Addr::LOCALHOST) || ip == IpAddr::V6(Ipv6Addr::LOCALHOST) {
            self.loopback_of(Family::of(ip))
        } else {
            None
        }
    }

    /// What a socket that is bound to a wildcard may hear: the destinations of datagrams, each with the interface index
    /// that goes with it (0 for any).
    pub fn heard(&self) -> impl Iterator<Item = (IpNet, u32)> {
        let exactly = |ip: IpAddr| (IpNet::from(ip), 0);
        let assigned = self.addresses.iter().map(|a| (IpNet::from(a.ip()), a.scope()));
        let loopback = [Family::V4, Family::V6].into_iter().filter_map(|family| self.loopback_of(family));
        let directed = self.addresses.iter().filter_map(Assigned::directed_broadcast);
        let groups = self.multicast.then_some([(MULTICAST_V4, 0), (MULTICAST_V6, 0)]);
        let single = loopback.chain(directed.chain([Ipv4Addr::BROADCAST]).map(IpAddr::V4)).map(exactly);
        assigned.chain(single).chain(groups.into_iter().flatten())
    }

    /// Whether `ip` is an IPv4 broadcast address that may be bound.
    pub fn is_broadcast(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => ip.is_broadcast() || self.addresses.iter().any(|a| a.directed_broadcast() == Some(ip)),
            IpAddr::V6(_) => false,
        }
    }
}
