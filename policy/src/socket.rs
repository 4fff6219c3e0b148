//! What is known of a socket before it is asked to do something.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use libc::{
    AF_INET, AF_INET6, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM,
};

/// The two families of inet addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `AF_INET`
    V4,
    /// `AF_INET6`
    V6,
}

impl Family {
    /// The family of `ip` as it is written (a v4-mapped address is v6).
    pub fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// Its wildcard.
    pub(crate) fn unspecified(self) -> IpAddr {
        match self {
            Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        }
    }

    /// Its number, for `socket(2)`.
    pub(crate) fn domain(self) -> i32 {
        match self {
            Family::V4 => AF_INET,
            Family::V6 => AF_INET6,
        }
    }
}

/// The protocol of an inet socket that a context may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP
    Tcp,
    /// UDP
    Udp,
    /// The unprivileged echo sockets of icmp(7).
    Ping,
    /// Raw sockets of ICMP or ICMPv6 (raw(7)).
    RawIcmp,
}

impl Transport {
    /// The word after the slash in `10.0.0.1:80/tcp`.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
            Transport::Ping | Transport::RawIcmp => "icmp",
        }
    }
}

/// What is known of an inet socket before it is asked to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// `SO_DOMAIN`
    pub family: Family,
    /// From `SO_TYPE` and `SO_PROTOCOL`
    pub transport: Transport,
    /// `IPV6_V6ONLY`; false for an IPv4 socket
    pub v6only: bool,
}

impl Socket {
    /// The arguments of `socket(2)` that make one like it.
    pub fn arguments(&self) -> (i32, i32, i32) {
        let domain = self.family.domain();
        match self.transport {
            Transport::Tcp => (domain, SOCK_STREAM, IPPROTO_TCP),
            Transport::Udp => (domain, SOCK_DGRAM, IPPROTO_UDP),
            Transport::Ping => (domain, SOCK_DGRAM, icmp_of(self.family)),
            Transport::RawIcmp => (domain, SOCK_RAW, icmp_of(self.family)),
        }
    }
}

/// The protocol of its echo messages.
pub(crate) fn icmp_of(family: Family) -> i32 {
    match family {
        Family::V4 => IPPROTO_ICMP,
        Family::V6 => IPPROTO_ICMPV6,
    }
}
