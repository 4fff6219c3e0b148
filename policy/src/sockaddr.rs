//! `struct sockaddr_in` and `struct sockaddr_in6` as bytes (ip(7), ipv6(7)), and what the kernel makes of odd ones.
//!
//! Layouts: `sockaddr_in` is family (2 bytes, host order), port (2, network order), address (4), padding (8);
//! `sockaddr_in6` is family (2), port (2, network order), flow information (4), address (16), interface index (4,
//! host order).

use crate::errno::Errno;
use crate::socket::{Family, Socket, Transport};
use crate::verdict::Refusal;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use libc::{AF_INET, AF_INET6, AF_UNSPEC};

/// The size of `struct sockaddr_in`.
pub const LEN_V4: usize = 16;
/// The size of `struct sockaddr_in6`.
pub const LEN_V6: usize = 28;
/// What the kernel asks of a `sockaddr_in6`: RFC 2133 had no interface index.
const LEN_V6_MIN: usize = 24;
/// The size of `struct sockaddr_storage`: the kernel takes no longer address.
pub const LEN_MAX: usize = 128;

/// An address of any family, as bytes: our own copy of what a program or the kernel wrote, or what is written for the kernel.
#[derive(Clone, Copy, Debug)]
pub struct SockAddr {
    room: [u8; LEN_MAX],
    len: usize,
}

impl SockAddr {
    /// None: no bytes at all.
    pub const NONE: SockAddr = SockAddr { room: [0; LEN_MAX], len: 0 };

    /// What `write` puts into the room for an address. It says how many bytes that is.
    ///
    /// # Errors
    ///
    /// That of `write`.
    pub fn written<E>(write: impl FnOnce(&mut [u8; LEN_MAX]) -> Result<usize, E>) -> Result<Self, E> {
        let mut address = SockAddr::NONE;
        address.len = write(&mut address.room)?.min(LEN_MAX);
        Ok(address)
    }

    /// The bytes that count.
    pub fn bytes(&self) -> &[u8] {
        self.room.get(..self.len).unwrap_or_default()
    }

    /// What it says; `None` for other families.
    pub fn decode(&self) -> Option<SocketAddr> {
        decode(self.bytes())
    }

    /// The same for a message.
    pub fn shown(&self) -> Option<SocketAddr> {
        self.decode().map(canonical)
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// The address family field, `None` where the bytes are too short to have one.
pub fn family(bytes: &[u8]) -> Option<i32> {
    array(bytes, 0).map(|field| i32::from(u16::from_ne_bytes(field)))
}

fn v4(bytes: &[u8]) -> Option<SocketAddr> {
    if bytes.len() < LEN_V4 {
        return None;
    }
    let port = u16::from_be_bytes(array(bytes, 2)?);
    Some(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::from(array::<4>(bytes, 4)?), port)))
}

fn v6(bytes: &[u8]) -> Option<SocketAddr> {
    if bytes.len() < LEN_V6_MIN {
        return None;
    }
    let port = u16::from_be_bytes(array(bytes, 2)?);
    let flow = u32::from_ne_bytes(array(bytes, 4)?);
    let scope = array(bytes, 24).map_or(0, u32::from_ne_bytes);
    Some(SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(array::<16>(bytes, 8)?), port, flow, scope)))
}

/// An address as the kernel hands it out (`getsockname`), `None` for other families.
pub fn decode(bytes: &[u8]) -> Option<SocketAddr> {
    match family(bytes)? {
        AF_INET => v4(bytes),
        AF_INET6 => v6(bytes),
        _ => None,
    }
}

/// `address` as the kernel takes it.
pub fn encode(address: SocketAddr) -> SockAddr {
    let mut encoded = SockAddr::NONE;
    let mut put = |at: usize, field: &[u8]| {
        for (to, from) in encoded.room.iter_mut().skip(at).zip(field) {
            *to = *from;
        }
    };
    put(2, &address.port().to_be_bytes());
    encoded.len = match address {
        SocketAddr::V4(v4) => {
            put(0, &(AF_INET as u16).to_ne_bytes());
            put(4, &v4.ip().octets());
            LEN_V4
        }
        SocketAddr::V6(v6) => {
            put(0, &(AF_INET6 as u16).to_ne_bytes());
            put(4, &v6.flowinfo().to_ne_bytes());
            put(8, &v6.ip().octets());
            put(24, &v6.scope_id().to_ne_bytes());
            LEN_V6
        }
    };
    encoded
}

/// `address` with a v4-mapped address written as the IPv4 address that it is.
pub fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::V4(SocketAddrV4::new(ip, address.port())),
        IpAddr::V6(_) => address,
    }
}

/// `address` as a socket of `family` takes it: an IPv4 address is v4-mapped for an IPv6 socket.
pub fn for_family(address: SocketAddr, family: Family) -> SocketAddr {
    match (family, address) {
        (Family::V6, SocketAddr::V4(v4)) => {
            SocketAddr::V6(SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0))
        }
        _ => address,
    }
}

/// The interface index in `address`; 0 for IPv4.
pub fn scope(address: SocketAddr) -> u32 {
    match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(v6) => v6.scope_id(),
    }
}

/// An address with an interface index.
pub fn with_scope(ip: IpAddr, port: u16, scope: u32) -> SocketAddr {
    match ip {
        IpAddr::V4(ip) => SocketAddr::V4(SocketAddrV4::new(ip, port)),
        IpAddr::V6(ip) => SocketAddr::V6(SocketAddrV6::new(ip, port, 0, scope)),
    }
}

/// The address given to `bind`, checked as `__inet_bind` and `__inet6_bind` do (net/ipv4/af_inet.c,
/// net/ipv6/af_inet6.c).
pub(crate) fn to_bind(socket: &Socket, bytes: &[u8]) -> Result<SocketAddr, Refusal> {
    let (given, address) = match socket.family {
        Family::V4 => (AF_INET, v4(bytes)),
        Family::V6 => (AF_INET6, v6(bytes)),
    };
    let address = address.ok_or(Refusal::native(Errno::EINVAL))?;
    match family(bytes) {
        Some(family) if family == given => Ok(address),
        // The kernel's compatibility game: AF_UNSPEC passes for AF_INET with the wildcard.
        Some(AF_UNSPEC) if socket.family == Family::V4 && address.ip().is_unspecified() => Ok(address),
        _ => Err(Refusal::native(Errno::EAFNOSUPPORT)),
    }
}

/// The address given to `connect`; `None` for `AF_UNSPEC`, which dissolves an association.
pub(crate) fn to_connect(socket: &Socket, bytes: &[u8]) -> Result<Option<SocketAddr>, Refusal> {
    let given = family(bytes).ok_or(Refusal::native(Errno::EINVAL))?;
    let datagram = socket.transport != Transport::Tcp;
    let (expected, address) = match (socket.family, given) {
        (_, AF_UNSPEC) => return Ok(None),
        // An IPv6 datagram socket takes a plain sockaddr_in (__ip6_datagram_connect).
        (Family::V6, AF_INET) if datagram && socket.v6only => return Err(Refusal::native(Errno::EAFNOSUPPORT)),
        (Family::V6, AF_INET) if datagram => (AF_INET, v4(bytes)),
        (Family::V4, _) => (AF_INET, v4(bytes)),
        (Family::V6, _) => (AF_INET6, v6(bytes)),
    };
    let address = address.ok_or(Refusal::native(Errno::EINVAL))?;
    if given == expected { Ok(Some(address)) } else { Err(Refusal::native(Errno::EAFNOSUPPORT)) }
}

/// The address given to a datagram `sendto`; `None` where the kernel takes it for no address at all
/// (net/ipv4/udp.c, net/ipv6/udp.c).
pub(crate) fn to_send(socket: &Socket, bytes: &[u8], flags: i32) -> Result<Option<SocketAddr>, Refusal> {
    const EINVAL: Refusal = Refusal::native(Errno::EINVAL);
    let given = family(bytes).ok_or(EINVAL)?;
    let address = match (socket.family, given) {
        (Family::V4, AF_INET | AF_UNSPEC) => v4(bytes).map(Some).ok_or(EINVAL),
        (Family::V4, _) if bytes.len() < LEN_V4 => Err(EINVAL),
        (Family::V4, _) => Err(Refusal::native(Errno::EAFNOSUPPORT)),
        (Family::V6, AF_INET6) => v6(bytes).map(Some).ok_or(EINVAL),
        (Family::V6, AF_INET) if socket.v6only => Err(Refusal::native(Errno::ENETUNREACH)),
        // From here on it is udp_sendmsg that looks.
        (Family::V6, AF_INET) if socket.transport == Transport::Udp && flags & libc::MSG_OOB != 0 => {
            return Err(Refusal::native(Errno::EOPNOTSUPP));
        }
        (Family::V6, AF_INET) => v4(bytes).map(Some).ok_or(EINVAL),
        (Family::V6, AF_UNSPEC) if socket.transport == Transport::RawIcmp => v6(bytes).map(Some).ok_or(EINVAL),
        (Family::V6, AF_UNSPEC) => Ok(None),
        (Family::V6, _) => Err(EINVAL),
    }?;
    let Some(at) = address.filter(|_| socket.transport == Transport::Udp) else { return Ok(address) };
    let is_v4 = at.ip().to_canonical().is_ipv4();
    if socket.v6only && is_v4 {
        return Ok(address);
    }
    if is_v4 && flags & libc::MSG_OOB != 0 {
        return Err(Refusal::native(Errno::EOPNOTSUPP));
    }
    if at.port() == 0 { Err(EINVAL) } else { Ok(address) }
}
