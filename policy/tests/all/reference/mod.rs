//! A naive model of the contract, to compare the rules with: what each call comes to, written straight from the table,
//! a clause a row, in the plainest way. It shares nothing with the rules but the types that go in. Addresses are looked
//! for in lists, prefixes compared digit by digit.
//!
//! Each file takes the calls of the rule of the same name. An answer is what can be seen of the call: the address that it
//! comes to, or the errno.

pub(crate) mod bind;
pub(crate) mod connect;
pub(crate) mod destination;
pub(crate) mod hear;
pub(crate) mod listen;
pub(crate) mod name;
pub(crate) mod option;
pub(crate) mod read;
pub(crate) mod rules;
pub(crate) mod send;
pub(crate) mod socket;
pub(crate) mod source;
pub(crate) mod world;
pub(crate) mod worlds;

use chbind_policy::{Family, Socket};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

pub(crate) const LOCALHOST4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const LOCALHOST6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// An IPv4 address that is written as an IPv6 one (`::ffff:10.0.0.1`), as the IPv4 address that it is.
pub(crate) fn plain(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(IpAddr::V4(v4), v6.port()),
            None => address,
        },
        SocketAddr::V4(_) => address,
    }
}

/// The other way round, for a socket of IPv6.
pub(crate) fn written(address: SocketAddr, socket: &Socket) -> SocketAddr {
    match (address, socket.family) {
        (SocketAddr::V4(v4), Family::V6) => SocketAddr::new(IpAddr::V6(v4.ip().to_ipv6_mapped()), v4.port()),
        _ => address,
    }
}

/// The interface in an address, 0 for none.
pub(crate) fn interface(address: SocketAddr) -> u32 {
    match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(v6) => v6.scope_id(),
    }
}

/// An address of these parts.
pub(crate) fn address(ip: IpAddr, port: u16, interface: u32) -> SocketAddr {
    match ip {
        IpAddr::V4(_) => SocketAddr::new(ip, port),
        IpAddr::V6(ip) => SocketAddr::V6(SocketAddrV6::new(ip, port, 0, interface)),
    }
}
