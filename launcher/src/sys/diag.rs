//! Sockets of this network namespace, as the kernel lists them (sock_diag(7)).

use super::{Result, cerr, socket};
use chbind_policy::{Transport, served};
use libc::{c_int, c_void};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsRawFd;

/// `SOCK_DIAG_BY_FAMILY` (linux/sock_diag.h).
const BY_FAMILY: u16 = 20;
/// `1 << TCP_LISTEN`; UDP sockets without a peer are in `TCP_CLOSE`, others in `TCP_ESTABLISHED`
/// (include/net/tcp_states.h).
const LISTENING: u32 = 1 << 10;
const UNCONNECTED: u32 = 1 << 7;
const CONNECTED: u32 = 1 << 1;
/// Sizes of `struct nlmsghdr` and `struct inet_diag_req_v2`, in bytes.
const HEADER: usize = 16;
const REQUEST: usize = HEADER + 56;
/// Where `struct inet_diag_msg` has the local port and address (`id.idiag_sport`, `id.idiag_src`) and the cookie
/// (`id.idiag_cookie`), counted from the `nlmsghdr`.
const PORT: usize = HEADER + 4;
const SOURCE: usize = HEADER + 4 + 4;
const COOKIE: usize = SOURCE + 16 + 16 + 4;

/// Whether a TCP socket listens on `ip`, or a UDP socket receives there.
pub fn is_served(ip: Ipv4Addr) -> Result<bool> {
    let is_there = |message: &[u8]| message.get(SOURCE..SOURCE + 4) == Some(ip.octets().as_slice());
    Ok(find(libc::AF_INET, libc::IPPROTO_TCP, LISTENING, is_there)?
        || find(libc::AF_INET, libc::IPPROTO_UDP, UNCONNECTED, is_there)?)
}

/// Whether a TCP socket listens on this address and port, or a UDP socket receives there, one that is bound to the address.
pub fn is_served_at(transport: Transport, ip: IpAddr, port: u16) -> Result<bool> {
    let Some(question) = served::question(transport, ip, port) else { return Ok(false) };
    let diag = socket::socket(libc::AF_NETLINK, libc::SOCK_DGRAM, libc::NETLINK_SOCK_DIAG)?;
    // SAFETY: the kernel reads as many bytes as `question` has.
    cerr(unsafe { libc::send(diag.as_raw_fd(), question.as_ptr().cast::<c_void>(), question.len(), 0) } as i64)?;
    let mut answer = [0u8; 512];
    // SAFETY: the kernel writes at most as many bytes as `answer` has.
    let read =
        unsafe { libc::recv(diag.as_raw_fd(), answer.as_mut_ptr().cast::<c_void>(), answer.len(), libc::MSG_DONTWAIT) };
    let read = cerr(read as i64)? as usize;
    Ok(served::is_there(answer.get(..read).unwrap_or_default(), ip))
}

/// Where a UDP socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Its local address, as it has it.
    pub ip: IpAddr,
    /// `SO_COOKIE`
    pub cookie: u64,
}

/// The UDP sockets that have the port `port`.
pub fn datagram_sockets(port: u16) -> Result<Vec<Bound>> {
    let mut there = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        find(family, libc::IPPROTO_UDP, UNCONNECTED | CONNECTED, |message| {
            if message.get(PORT..PORT + 2) == Some(port.to_be_bytes().as_slice()) {
                there.extend(bound(family, message));
            }
            false
        })?;
    }
    Ok(there)
}

fn bound(family: c_int, message: &[u8]) -> Option<Bound> {
    let source = message.get(SOURCE..)?;
    let ip = match family {
        libc::AF_INET => IpAddr::from(*source.first_chunk::<4>()?),
        _ => IpAddr::from(*source.first_chunk::<16>()?),
    };
    Some(Bound { ip, cookie: u64::from_ne_bytes(*message.get(COOKIE..)?.first_chunk()?) })
}

/// Whether `is_it` says so of one of the sockets that are listed.
fn find(family: c_int, protocol: c_int, states: u32, mut is_it: impl FnMut(&[u8]) -> bool) -> Result<bool> {
    let diag = socket::socket(libc::AF_NETLINK, libc::SOCK_DGRAM, libc::NETLINK_SOCK_DIAG)?;
    let mut request = [0u8; REQUEST];
    let mut put = |at: usize, field: &[u8]| {
        for (to, from) in request.iter_mut().skip(at).zip(field) {
            *to = *from;
        }
    };
    put(0, &(REQUEST as u32).to_ne_bytes());
    put(4, &BY_FAMILY.to_ne_bytes());
    put(6, &((libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16).to_ne_bytes());
    put(HEADER, &[family as u8, protocol as u8]);
    put(HEADER + 4, &states.to_ne_bytes());
    // SAFETY: the kernel reads as many bytes as `request` has.
    cerr(unsafe { libc::send(diag.as_raw_fd(), request.as_ptr().cast::<c_void>(), REQUEST, 0) } as i64)?;
    let mut answer = vec![0u8; 32 * 1024];
    loop {
        // SAFETY: the kernel writes at most as many bytes as `answer` has.
        let read = unsafe { libc::recv(diag.as_raw_fd(), answer.as_mut_ptr().cast::<c_void>(), answer.len(), 0) };
        let read = cerr(read as i64)? as usize;
        let mut rest = answer.get(..read).unwrap_or_default();
        if rest.is_empty() {
            return Ok(false);
        }
        while let Some((kind, message, next)) = split(rest) {
            if kind != BY_FAMILY {
                // NLMSG_DONE or NLMSG_ERROR: there is no more.
                return Ok(false);
            }
            if is_it(message) {
                return Ok(true);
            }
            rest = next;
        }
    }
}

/// The first message: its type, itself, and what follows (netlink(7): length, type, …; aligned to 4 bytes).
fn split(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let len = u32::from_ne_bytes(*bytes.first_chunk()?) as usize;
    let kind = u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
    if len < HEADER {
        return None;
    }
    let next = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    Some((kind, bytes.get(..len)?, next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, UdpSocket};

    #[test]
    fn servers_are_seen() {
        let (tcp, udp, none) =
            (Ipv4Addr::new(127, 77, 3, 1), Ipv4Addr::new(127, 77, 3, 2), Ipv4Addr::new(127, 77, 3, 3));
        let _listener = TcpListener::bind((tcp, 0)).unwrap();
        let _receiver = UdpSocket::bind((udp, 0)).unwrap();
        assert_eq!([tcp, udp, none].map(|ip| is_served(ip).unwrap()), [true, true, false]);
    }
}
