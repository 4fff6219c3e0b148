//! Addresses as they are typed, and whether they are this host's.

use crate::sys::Number as _;
use crate::sys::{self, Errno, socket};
use chbind_policy::sockaddr::with_scope;
use chbind_policy::{Assigned, Family};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;

/// What is wrong with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Text that is not an IP address.
    NotAnAddress(String),
    /// A prefix length or mask that does not fit.
    BadPrefix(String),
    /// An address that names no host: a wildcard, a group, the broadcast address.
    NotAssignable(IpAddr),
    /// A link-local address without an interface, which alone makes it an address.
    NeedsInterface(IpAddr),
    /// An interface after % on an address that takes none.
    TakesNoInterface(IpAddr),
    /// An interface that is not there.
    NoInterface(String, Errno),
    /// The address is not local.
    NotLocal(IpAddr),
    /// The address could not be tried.
    CannotTry(IpAddr, Errno),
}

/// Reads `ADDR[%INTERFACE][/PREFIX]`. The prefix may be a mask (255.255.255.0); without one it is the address alone.
///
/// # Errors
///
/// In this order:
///
/// - [`Error::NotAnAddress`].
/// - Of its interface: [`Error::NeedsInterface`] for a link-local address without, [`Error::TakesNoInterface`] for
///   another one with it, [`Error::NoInterface`] where there is none of that name (ENODEV, if_nametoindex(3)).
/// - [`Error::NotAssignable`].
/// - [`Error::BadPrefix`]: neither a length up to that of the address nor a mask of its family.
pub fn assigned(text: &str) -> Result<Assigned, Error> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let (ip, scope) = with_interface(address)?;
    if ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err(Error::NotAssignable(ip));
    }
    let bits = if ip.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        Some(prefix) => length(prefix, ip).ok_or_else(|| Error::BadPrefix(text.to_owned()))?,
        None => bits,
    };
    let net = IpNet::new(ip, prefix).map_err(|_| Error::BadPrefix(text.to_owned()))?;
    Ok(Assigned::new(net, scope))
}

/// A prefix as a length or a mask that goes with `ip`; lengths are not compared with what `ip` has.
pub fn length(prefix: &str, ip: IpAddr) -> Option<u8> {
    if let Ok(length) = prefix.parse() {
        return Some(length);
    }
    let mask: IpAddr = prefix.parse().ok()?;
    (mask.is_ipv4() == ip.is_ipv4()).then(|| ipnet::ip_mask_to_prefix(mask).ok()).flatten()
}

fn with_interface(text: &str) -> Result<(IpAddr, u32), Error> {
    let (address, interface) = match text.split_once('%') {
        Some((address, interface)) => (address, Some(interface)),
        None => (text, None),
    };
    let ip = plain(address)?;
    let is_link_local = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    match interface {
        Some(name) if is_link_local => {
            let index = nix::net::if_::if_nametoindex(name);
            let index = index.map_err(|errno| Error::NoInterface(name.to_owned(), errno.errno()))?;
            Ok((ip, index))
        }
        Some(_) => Err(Error::TakesNoInterface(ip)),
        None if is_link_local => Err(Error::NeedsInterface(ip)),
        None => Ok((ip, 0)),
    }
}

/// Reads an address; a v4-mapped one is the IPv4 address that it is.
///
/// # Errors
///
/// [`Error::NotAnAddress`] for all but an address alone: an interface or a prefix makes it none, too.
pub fn plain(text: &str) -> Result<IpAddr, Error> {
    let ip: IpAddr = text.parse().map_err(|_| Error::NotAnAddress(text.to_owned()))?;
    Ok(ip.to_canonical())
}

/// Tries whether the address is local to this host, by binding a datagram socket to it.
///
/// # Errors
///
/// [`Error::NotLocal`] where the kernel says EADDRNOTAVAIL (bind(2)), [`Error::CannotTry`] with whatever else it says:
/// EAFNOSUPPORT to IPv6 on a host that has none.
pub fn require_local(ip: IpAddr, scope: u32) -> Result<(), Error> {
    let domain = match Family::of(ip) {
        Family::V4 => libc::AF_INET,
        Family::V6 => libc::AF_INET6,
    };
    let tried: sys::Result<()> = socket::socket(domain, libc::SOCK_DGRAM, 0)
        .and_then(|probe| socket::bind(probe.as_fd(), with_scope(ip, 0, scope)));
    match tried {
        Ok(()) => Ok(()),
        Err(Errno(libc::EADDRNOTAVAIL)) => Err(Error::NotLocal(ip)),
        Err(errno) => Err(Error::CannotTry(ip, errno)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn forms_of_an_address() {
        assert_eq!(assigned("10.0.0.1").unwrap(), Assigned::new(net("10.0.0.1/32"), 0));
        assert_eq!(assigned("10.0.0.1/24").unwrap(), Assigned::new(net("10.0.0.1/24"), 0));
        assert_eq!(assigned("10.0.0.1/255.255.255.0").unwrap(), Assigned::new(net("10.0.0.1/24"), 0));
        assert_eq!(assigned("::ffff:10.0.0.1").unwrap(), Assigned::new(net("10.0.0.1/32"), 0));
        assert_eq!(assigned("2001:db8::1/64").unwrap(), Assigned::new(net("2001:db8::1/64"), 0));
        assert!(assigned("fe80::1%lo").unwrap().scope() > 0);
    }

    #[test]
    fn what_is_no_address() {
        let ip = |text: &str| text.parse().unwrap();
        for (text, error) in [
            ("nginx", Error::NotAnAddress("nginx".into())),
            ("10.0.0.256", Error::NotAnAddress("10.0.0.256".into())),
            ("", Error::NotAnAddress("".into())),
            ("10.0.0.1/33", Error::BadPrefix("10.0.0.1/33".into())),
            ("10.0.0.1/255.0.255.0", Error::BadPrefix("10.0.0.1/255.0.255.0".into())),
            ("0.0.0.0", Error::NotAssignable(ip("0.0.0.0"))),
            ("::", Error::NotAssignable(ip("::"))),
            ("224.0.0.1", Error::NotAssignable(ip("224.0.0.1"))),
            ("fe80::1", Error::NeedsInterface(ip("fe80::1"))),
            ("fe80::1%nosuch0", Error::NoInterface("nosuch0".into(), Errno(libc::ENODEV))),
            ("10.0.0.1%lo", Error::TakesNoInterface(ip("10.0.0.1"))),
        ] {
            assert_eq!(assigned(text), Err(error));
        }
    }
}
