//! The sockets of a network namespace, as the kernel lists them: sock_diag(7), which also has those that are bound and do
//! nothing yet, and /proc/net for the protocols that it does not know.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};

use chbind_policy::sock_diag::{List, Listed, Message, messages};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

use crate::Outcome;

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
            listed(protocol, family, number, &mut all)?;
        }
    }
    for (protocol, table) in [("icmp", "icmp"), ("icmp", "icmp6"), ("raw", "raw"), ("raw", "raw6")] {
        // A kernel without a protocol has no table of it, and no sockets.
        let text = std::fs::read_to_string(format!("/proc/thread-self/net/{table}")).unwrap_or_default();
        all.extend(text.lines().skip(1).filter_map(|line| of_line(protocol, line)));
    }
    Ok(all)
}

fn listed(protocol: &'static str, family: i32, number: i32, all: &mut Vec<Seen>) -> Outcome {
    let diag =
        socket(AddressFamily::Netlink, SockType::Datagram, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkSockDiag)?;
    let list = List { family, protocol: number, states: u32::MAX, port: 0 };
    send(diag.as_raw_fd(), &list.question(0), MsgFlags::empty())?;
    while answers(&diag, protocol, all)? {}
    Ok(())
}

/// Takes what the kernel has to say; false when that was the last.
fn answers(diag: &OwnedFd, protocol: &'static str, all: &mut Vec<Seen>) -> Outcome<bool> {
    let mut buffer = vec![0; 64 * 1024];
    let read = recv(diag.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
    crate::ensure!(read > 0, "sock_diag: no answer");
    for message in messages(&buffer[..read]) {
        match message {
            Message::Socket(socket) => all.push(seen(protocol, socket).ok_or("sock_diag: a short message")?),
            Message::End(0) => return Ok(false),
            Message::End(status) => return Err(format!("sock_diag: {status}").into()),
        }
    }
    Ok(true)
}

fn seen(protocol: &'static str, socket: Listed<'_>) -> Option<Seen> {
    let (ip, (peer, to)) = (socket.local()?.to_canonical(), socket.peer()?);
    let (port, far, state) = (socket.port()?, (peer.to_canonical(), to), socket.state()?);
    Some(Seen { protocol, ip, port, far, state, unread: socket.unread()?, inode: socket.inode()? })
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
