//! The context, as it is typed.

use super::rules::Typed;
use chbind_policy::{Assigned, Context, Loopback};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `IP/BITS%INTERFACE`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) ip: IpAddr,
    pub(crate) bits: u8,
    pub(crate) interface: u32,
}

impl Own {
    pub(crate) fn typed(text: &str) -> Self {
        let (text, interface) = text.split_once('%').unwrap_or((text, "0"));
        let (ip, bits) = text.split_once('/').unwrap();
        Own { ip: ip.parse().unwrap(), bits: bits.parse().unwrap(), interface: interface.parse().unwrap() }
    }

    /// Whether `ip` begins with the same bits.
    pub(crate) fn has_in_subnet(&self, ip: IpAddr) -> bool {
        self.ip.is_ipv4() == ip.is_ipv4() && digits(self.ip)[..self.bits.into()] == digits(ip)[..self.bits.into()]
    }

    /// Section 1: the directed broadcast address, all ones behind the prefix. A subnet for two hosts has none (RFC 3021),
    /// nor has a single address.
    pub(crate) fn directed_broadcast(&self) -> Option<IpAddr> {
        if !self.ip.is_ipv4() || self.bits >= 31 {
            return None;
        }
        let ones = format!("{:1<32}", &digits(self.ip)[..self.bits.into()]);
        Some(IpAddr::V4(Ipv4Addr::from(u32::from_str_radix(&ones, 2).unwrap())))
    }
}

/// The address in ones and zeros.
fn digits(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => format!("{:032b}", u32::from(ip)),
        IpAddr::V6(ip) => format!("{:0128b}", u128::from(ip)),
    }
}

/// A context: the table in section 1.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) own: Vec<Own>,
    pub(crate) lback: Ipv4Addr,
    pub(crate) lback6: Option<Ipv6Addr>,
    pub(crate) loopback: Loopback,
    pub(crate) host_loopback: Vec<u16>,
    pub(crate) resolvers: Vec<IpAddr>,
    pub(crate) multicast: bool,
    pub(crate) raw_icmp: bool,
    pub(crate) rules: Typed,
}

impl World {
    /// Row 4: whether it is one of the context's. A link-local address carries its interface.
    pub(crate) fn is_own(&self, ip: IpAddr, interface: u32) -> bool {
        self.own.iter().any(|own| own.ip == ip && (own.interface == 0 || own.interface == interface))
    }

    /// Each family's primary, the first of it.
    pub(crate) fn primary4(&self) -> Option<Own> {
        self.own.iter().find(|own| own.ip.is_ipv4()).copied()
    }

    pub(crate) fn primary6(&self) -> Option<Own> {
        self.own.iter().find(|own| own.ip.is_ipv6()).copied()
    }

    /// L: what 127.0.0.1 is.
    pub(crate) fn l4(&self) -> Option<IpAddr> {
        match self.loopback {
            Loopback::Remap => Some(IpAddr::V4(self.lback)),
            Loopback::Host => Some(super::LOCALHOST4),
            Loopback::Deny => None,
        }
    }

    /// What ::1 is. Row 21: only where it was given with `--lback`, or is the host's.
    pub(crate) fn l6(&self) -> Option<IpAddr> {
        match self.loopback {
            Loopback::Remap => self.lback6.map(IpAddr::V6),
            Loopback::Host => Some(super::LOCALHOST6),
            Loopback::Deny => None,
        }
    }

    pub(crate) fn is_l(&self, ip: IpAddr) -> bool {
        self.l4() == Some(ip) || self.l6() == Some(ip)
    }

    /// Section 1, broadcast.
    pub(crate) fn is_broadcast(&self, ip: IpAddr) -> bool {
        ip.to_string() == "255.255.255.255" || self.own.iter().any(|own| own.directed_broadcast() == Some(ip))
    }

    /// Asks the rules of this context.
    pub(crate) fn ask<T>(&self, rule: impl FnOnce(&Context) -> T) -> T {
        let assigned = |own: &Own| Assigned::new(IpNet::new(own.ip, own.bits).unwrap(), own.interface);
        let addresses: Vec<Assigned> = self.own.iter().map(assigned).collect();
        self.rules.ask(|rules| {
            rule(&Context {
                addresses: &addresses,
                lback: self.lback,
                lback6: self.lback6,
                loopback: self.loopback,
                host_loopback: &self.host_loopback,
                resolvers: &self.resolvers,
                multicast: self.multicast,
                raw_icmp: self.raw_icmp,
                keeps_one: false,
                rules,
            })
        })
    }
}
