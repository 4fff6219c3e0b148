//! The sockets of a network namespace, as the kernel lists them: sock_diag(7), which also has those that are bound and do
//! nothing yet, and /proc/net for the protocols that it does not know.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

use crate::Outcome;

/// `SOCK_DIAG_BY_FAMILY` (linux/sock_diag.h), `NLM_F_REQUEST | NLM_F_DUMP` (linux/netlink.h).
const BY_FAMILY: u16 = 20;
const DUMP: u16 = 0x301;
/// Size of `struct nlmsghdr`.
const HEADER: usize = 16;

/// What is known of a socket that has a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// tcp, udp, icmp, raw.
    pub protocol: &'static str,
    /// Its own address; a v4-mapped one is the IPv4 address.
    pub ip: IpAddr,
    /// Its own port; 0 where protocols have none.
    pub port: u16,
    /// Whom it speaks to, with the port.
    pub far: (IpAddr, u16),
    /// 1 is connected, 10 listening, 13 bound (include/net/tcp_states.h).
    pub state: u8,
    /// How much waits to be read.
    pub unread: u32,
    /// Which file it is; 0 for one that has none any more.
    pub inode: u32,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen { protocol, ip, port, far: (peer, to), state, inode, .. } = self;
        write!(f, "{protocol} {ip} port {port} to {peer} port {to} in state {state}, file {inode}")
    }
}

/// All inet sockets of the calling thread's namespace that have a local address or a port.
pub fn sockets() -> Outcome<Vec<Seen>> {
    let mut all = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        for (protocol, number) in [("tcp", libc::IPPROTO_TCP), ("udp", libc::IPPROTO_UDP)] {
            listed(protocol, family as u8, number as u8, &mut all)?;
        }
    }
    for (protocol, table) in [("icmp", "icmp"), ("icmp", "icmp6"), ("raw", "raw"), ("raw", "raw6")] {
        // A kernel without a protocol has no table of it, and no sockets.
        let text = std::fs::read_to_string(format!("/proc/thread-self/net/{table}")).unwrap_or_default();
        all.extend(text.lines().skip(1).filter_map(|line| of_line(protocol, line)));
    }
    Ok(all)
}

fn listed(protocol: &'static str, family: u8, number: u8, all: &mut Vec<Seen>) -> Outcome {
    let diag =
        socket(AddressFamily::Netlink, SockType::Datagram, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkSockDiag)?;
    // struct nlmsghdr, then struct inet_diag_req_v2: family, protocol, what else is wanted, padding, all states, any address.
    let mut request = vec![0; HEADER + 56];
    request[..4].copy_from_slice(&((HEADER + 56) as u32).to_ne_bytes());
    request[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
    request[6..8].copy_from_slice(&DUMP.to_ne_bytes());
    request[HEADER..HEADER + 2].copy_from_slice(&[family, number]);
    request[HEADER + 4..HEADER + 8].fill(0xff);
    send(diag.as_raw_fd(), &request, MsgFlags::empty())?;
    while answers(&diag, protocol, all)? {}
    Ok(())
}

/// Takes what the kernel has to say; false when that was the last.
fn answers(diag: &OwnedFd, protocol: &'static str, all: &mut Vec<Seen>) -> Outcome<bool> {
    let mut buffer = vec![0; 64 * 1024];
    let read = recv(diag.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
    let mut rest = &buffer[..read];
    while rest.len() >= HEADER {
        let (len, kind) = (word(rest, 0) as usize, u16::from_ne_bytes([rest[4], rest[5]]));
        if kind != BY_FAMILY {
            crate::ensure!(kind == libc::NLMSG_DONE as u16, "sock_diag: {:?}", &rest[..len.min(40)]);
            return Ok(false);
        }
        all.extend(of_message(protocol, rest.get(HEADER..len).ok_or("sock_diag: a short message")?));
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    crate::ensure!(read > 0, "sock_diag: no answer");
    Ok(true)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |field| u32::from_ne_bytes([field[0], field[1], field[2], field[3]]))
}

/// `struct inet_diag_msg`: family, state, timer, retransmissions; ports and addresses; interface, cookie; expiry, read and
/// write queue, user, inode.
fn of_message(protocol: &'static str, message: &[u8]) -> Option<Seen> {
    let is_v4 = i32::from(*message.first()?) == libc::AF_INET;
    let end = |at: usize, port: usize| {
        let octets: [u8; 16] = message.get(at..at + 16)?.try_into().ok()?;
        let ip = if is_v4 {
            IpAddr::V4(Ipv4Addr::from([octets[0], octets[1], octets[2], octets[3]]))
        } else {
            IpAddr::V6(Ipv6Addr::from(octets)).to_canonical()
        };
        Some((ip, u16::from_be_bytes([message[port], message[port + 1]])))
    };
    let ((ip, port), far) = (end(8, 4)?, end(24, 6)?);
    Some(Seen { protocol, ip, port, far, state: message[1], unread: word(message, 56), inode: word(message, 68) })
}

/// A line of /proc/net: number, local address, remote address, state, queues, …, and the inode as the tenth field.
fn of_line(protocol: &'static str, line: &str) -> Option<Seen> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (ip, port) = of_text(fields.get(1)?)?;
    let unread = fields.get(4)?.split_once(':').and_then(|(_, read)| u32::from_str_radix(read, 16).ok())?;
    Some(Seen {
        protocol,
        ip,
        port,
        far: of_text(fields.get(2)?)?,
        state: u8::from_str_radix(fields.get(3)?, 16).ok()?,
        unread,
        inode: fields.get(9)?.parse().ok()?,
    })
}

/// An address there: numbers in the byte order of the machine, four bytes each, and a port.
fn of_text(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let words: Vec<u8> = (0..address.len() / 8)
        .filter_map(|n| u32::from_str_radix(address.get(n * 8..n * 8 + 8)?, 16).ok())
        .flat_map(u32::to_ne_bytes)
        .collect();
    let ip = match <[u8; 16]>::try_from(words.as_slice()) {
        Ok(octets) => IpAddr::V6(Ipv6Addr::from(octets)).to_canonical(),
        Err(_) => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(words.as_slice()).ok()?)),
    };
    Some((ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, UdpSocket};

    #[test]
    fn sockets_are_seen_as_they_are() {
        let tcp = TcpListener::bind("127.77.4.1:0").unwrap();
        let udp = UdpSocket::bind("[::1]:0").unwrap();
        udp.send_to(b"x", udp.local_addr().unwrap()).unwrap();
        let all = sockets().unwrap();
        let find = |at: std::net::SocketAddr| all.iter().find(|seen| (seen.ip, seen.port) == (at.ip(), at.port()));
        let tcp = find(tcp.local_addr().unwrap()).unwrap();
        assert_eq!((tcp.protocol, tcp.state), ("tcp", 10));
        let udp = find(udp.local_addr().unwrap()).unwrap();
        assert!(udp.protocol == "udp" && udp.unread > 0 && udp.inode > 0, "{udp:?}");
    }

    #[test]
    fn lines_of_proc() {
        let line =
            "  12: 0100000A:0007 00000000:0000 07 00000000:00000010 00:00000000 00000000  1000        0 4711 2 x 0";
        let seen = of_line("icmp", line).unwrap();
        assert_eq!((seen.ip.to_string().as_str(), seen.port, seen.state), ("10.0.0.1", 7, 7));
        assert_eq!((seen.unread, seen.inode), (16, 4711));
        let line =
            "  1: 0000000000000000FFFF00000100000A:0007 00000000:0 07 00000000:00000000 00:00000000 00000000 0 0 1 2";
        assert_eq!(of_line("icmp", line).unwrap().ip.to_string(), "10.0.0.1");
    }
}
