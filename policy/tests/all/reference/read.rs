//! Rows 6, 14 and 47: what the kernel reads in a `sockaddr`, for TCP and UDP.

use chbind_policy::{Family, Socket, Transport};
use libc::{AF_INET, AF_INET6, AF_UNSPEC, EAFNOSUPPORT, EINVAL, ENETUNREACH, EOPNOTSUPP, MSG_OOB};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

fn label(bytes: &[u8]) -> i32 {
    u16::from_ne_bytes([bytes[0], bytes[1]]).into()
}

fn port(bytes: &[u8]) -> u16 {
    u16::from_be_bytes([bytes[2], bytes[3]])
}

fn v4(bytes: &[u8]) -> SocketAddr {
    SocketAddr::new(Ipv4Addr::new(bytes[4], bytes[5], bytes[6], bytes[7]).into(), port(bytes))
}

/// The interface counts only where it is there in full (`SIN6_LEN_RFC2133` is 24).
fn v6(bytes: &[u8]) -> SocketAddr {
    let ip: [u8; 16] = bytes[8..24].try_into().unwrap();
    let flow = u32::from_ne_bytes(bytes[4..8].try_into().unwrap());
    let interface = if bytes.len() >= 28 { u32::from_ne_bytes(bytes[24..28].try_into().unwrap()) } else { 0 };
    SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(ip), port(bytes), flow, interface))
}

/// `__inet_bind`, `__inet6_bind`. Row 6: `AF_UNSPEC` passes for `AF_INET` with 0.0.0.0.
pub(crate) fn for_bind(socket: &Socket, bytes: &[u8]) -> Result<SocketAddr, i32> {
    match socket.family {
        Family::V4 if bytes.len() < 16 => Err(EINVAL),
        Family::V4 if label(bytes) == AF_INET => Ok(v4(bytes)),
        Family::V4 if label(bytes) == AF_UNSPEC && bytes[4..8] == [0; 4] => Ok(v4(bytes)),
        Family::V6 if bytes.len() < 24 => Err(EINVAL),
        Family::V6 if label(bytes) == AF_INET6 => Ok(v6(bytes)),
        _ => Err(EAFNOSUPPORT),
    }
}

/// `tcp_v4_connect`, `tcp_v6_connect`, `__ip4_datagram_connect`, `__ip6_datagram_connect`. Row 47: `AF_UNSPEC` is none.
pub(crate) fn for_connect(socket: &Socket, bytes: &[u8]) -> Result<Option<SocketAddr>, i32> {
    if bytes.len() < 2 {
        return Err(EINVAL);
    }
    if label(bytes) == AF_UNSPEC {
        return Ok(None);
    }
    if socket.family == Family::V6 && socket.transport != Transport::Tcp && label(bytes) == AF_INET {
        return match (socket.v6only, bytes.len()) {
            (true, _) => Err(EAFNOSUPPORT),
            (false, ..16) => Err(EINVAL),
            (false, _) => Ok(Some(v4(bytes))),
        };
    }
    match socket.family {
        Family::V4 if bytes.len() < 16 => Err(EINVAL),
        Family::V4 if label(bytes) == AF_INET => Ok(Some(v4(bytes))),
        Family::V6 if bytes.len() < 24 => Err(EINVAL),
        Family::V6 if label(bytes) == AF_INET6 => Ok(Some(v6(bytes))),
        _ => Err(EAFNOSUPPORT),
    }
}

/// `udp_sendmsg`, `udpv6_sendmsg`; `rawv6_sendmsg` where that differs. `None` for no address at all.
pub(crate) fn for_send(socket: &Socket, bytes: &[u8], flags: i32) -> Result<Option<SocketAddr>, i32> {
    if bytes.len() < 2 {
        return Err(EINVAL);
    }
    let raw = socket.transport == Transport::RawIcmp;
    let address = match (socket.family, label(bytes)) {
        (Family::V4, _) if bytes.len() < 16 => Err(EINVAL),
        (Family::V4, AF_INET | AF_UNSPEC) => Ok(Some(v4(bytes))),
        (Family::V4, _) => Err(EAFNOSUPPORT),
        (Family::V6, AF_UNSPEC) if !raw => Ok(None),
        (Family::V6, AF_INET) if socket.v6only => Err(ENETUNREACH),
        // As udp_sendmsg: that first.
        (Family::V6, AF_INET) if socket.transport == Transport::Udp && flags & MSG_OOB != 0 => Err(EOPNOTSUPP),
        (Family::V6, AF_INET) if bytes.len() < 16 => Err(EINVAL),
        (Family::V6, AF_INET) => Ok(Some(v4(bytes))),
        (Family::V6, AF_INET6 | AF_UNSPEC) if bytes.len() >= 24 => Ok(Some(v6(bytes))),
        (Family::V6, _) => Err(EINVAL),
    }?;
    // UDP has no port 0. What is not for the socket at all is told first.
    let not_for_socket = |to: SocketAddr| socket.v6only && super::plain(to).is_ipv4();
    match address {
        Some(to) if socket.transport == Transport::Udp && !not_for_socket(to) => {
            if super::plain(to).is_ipv4() && flags & MSG_OOB != 0 {
                Err(EOPNOTSUPP)
            } else if to.port() == 0 {
                Err(EINVAL)
            } else {
                Ok(Some(to))
            }
        }
        address => Ok(address),
    }
}
