//! Sockets of this network namespace, as the kernel lists them (sock_diag(7)).
//!
//! The kernel is asked for those alone that matter, for a host may have very many. What it lists is looked at all the same.

use super::{Errno, Result, cerr, socket};
use chbind_policy::Transport;
use chbind_policy::sock_diag::{self, List, Listed, Message};
use libc::c_void;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, OwnedFd};

/// `1 << TCP_LISTEN`; UDP sockets without a peer are in `TCP_CLOSE`, others in `TCP_ESTABLISHED`
/// (include/net/tcp_states.h).
const LISTENING: u32 = 1 << 10;
const UNCONNECTED: u32 = 1 << 7;
const CONNECTED: u32 = 1 << 1;
/// Size of `struct nlattr`, in bytes.
const ATTRIBUTE: usize = 4;
/// `INET_DIAG_REQ_BYTECODE`, and `INET_DIAG_BC_S_COND`, which asks for a local address (linux/inet_diag.h).
const BYTECODE: u16 = 1;
const HAS_SOURCE: u8 = 7;

/// Whether a TCP socket listens on `ip`, or a UDP socket receives there; also one of IPv6, which knows it as a v4-mapped
/// address.
pub(crate) fn is_served(ip: Ipv4Addr) -> Result<bool> {
    is_served_by(ip, &has_source(ip))
}

fn is_served_by(ip: Ipv4Addr, condition: &[u8]) -> Result<bool> {
    let mut lister = Lister::new()?;
    for (protocol, states) in [(libc::IPPROTO_TCP, LISTENING), (libc::IPPROTO_UDP, UNCONNECTED)] {
        for (family, source) in [(libc::AF_INET, IpAddr::V4(ip)), (libc::AF_INET6, ip.to_ipv6_mapped().into())] {
            let list = List { family, protocol, states, port: 0 };
            if lister.find(&list, condition, |socket| socket.local() == Some(source))? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// One instruction for the kernel to run on each socket (`inet_diag_bc_run`, net/ipv4/inet_diag.c): to the end of it if the
/// local address is `ip`, v4-mapped or not, and beyond the end if not. Whoever comes to the very end is listed.
fn has_source(ip: Ipv4Addr) -> [u8; 16] {
    const LEN: u8 = 16;
    const FAMILY: u8 = libc::AF_INET as u8;
    let ([no, more], [a, b, c, d]) = (u16::from(LEN + 4).to_ne_bytes(), ip.octets());
    // struct inet_diag_bc_op: code, yes, no. struct inet_diag_hostcond: family, bits of the prefix, two of padding, any
    // port (-1), address.
    [HAS_SOURCE, LEN, no, more, FAMILY, 32, 0, 0, 0xff, 0xff, 0xff, 0xff, a, b, c, d]
}

/// Whether a TCP socket listens on this address and port, or a UDP socket receives there, one that is bound to the address.
pub(crate) fn is_served_at(transport: Transport, ip: IpAddr, port: u16) -> Result<bool> {
    let Some(question) = sock_diag::question(transport, ip, port) else { return Ok(false) };
    let diag = socket::socket(libc::AF_NETLINK, libc::SOCK_DGRAM, libc::NETLINK_SOCK_DIAG)?;
    // SAFETY: the kernel reads as many bytes as `question` has.
    cerr(unsafe { libc::send(diag.as_raw_fd(), question.as_ptr().cast::<c_void>(), question.len(), 0) } as i64)?;
    let mut answer = [0u8; 512];
    // SAFETY: the kernel writes at most as many bytes as `answer` has.
    let read =
        unsafe { libc::recv(diag.as_raw_fd(), answer.as_mut_ptr().cast::<c_void>(), answer.len(), libc::MSG_DONTWAIT) };
    let read = cerr(read as i64)? as usize;
    Ok(sock_diag::is_there(answer.get(..read).unwrap_or_default(), ip))
}

/// Where a UDP socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// Its local address, as it has it.
    pub ip: IpAddr,
    /// `SO_COOKIE`
    pub cookie: u64,
}

/// The UDP sockets that have the port `port`.
pub(crate) fn datagram_sockets(port: u16) -> Result<Vec<Bound>> {
    let (mut lister, mut there) = (Lister::new()?, Vec::new());
    for family in [libc::AF_INET, libc::AF_INET6] {
        let list = List { family, protocol: libc::IPPROTO_UDP, states: UNCONNECTED | CONNECTED, port };
        lister.find(&list, &[], |socket| {
            if socket.port() == Some(port) {
                there.extend(bound(socket));
            }
            false
        })?;
    }
    Ok(there)
}

fn bound(socket: Listed<'_>) -> Option<Bound> {
    Some(Bound { ip: socket.local()?, cookie: socket.cookie()? })
}

/// The question for a list, with what the kernel is to run on each socket; empty for nothing.
fn question(list: &List, condition: &[u8]) -> Vec<u8> {
    if condition.is_empty() {
        return list.question(0).to_vec();
    }
    let attribute = ATTRIBUTE + condition.len();
    let header = [(attribute as u16).to_ne_bytes(), BYTECODE.to_ne_bytes()].concat();
    [&list.question(attribute), header.as_slice(), condition].concat()
}

/// A netlink socket to ask, and room for the answers.
struct Lister {
    diag: OwnedFd,
    answer: Vec<u8>,
}

impl Lister {
    fn new() -> Result<Self> {
        let diag = socket::socket(libc::AF_NETLINK, libc::SOCK_DGRAM, libc::NETLINK_SOCK_DIAG)?;
        Ok(Self { diag, answer: vec![0; 32 * 1024] })
    }

    /// Whether `is_it` says so of one of the sockets that are listed. Then there is no asking any more: the rest of the list
    /// is not read.
    fn find(&mut self, list: &List, condition: &[u8], mut is_it: impl FnMut(Listed<'_>) -> bool) -> Result<bool> {
        match self.list(list, condition, &mut is_it) {
            // Where the kernel does not take the condition, all are looked at.
            Err(_) if !condition.is_empty() => self.list(list, &[], &mut is_it),
            done => done,
        }
    }

    fn list(&mut self, list: &List, condition: &[u8], is_it: &mut impl FnMut(Listed<'_>) -> bool) -> Result<bool> {
        let (diag, question) = (self.diag.as_raw_fd(), question(list, condition));
        // SAFETY: the kernel reads as many bytes as `question` has.
        cerr(unsafe { libc::send(diag, question.as_ptr().cast::<c_void>(), question.len(), 0) } as i64)?;
        loop {
            let (at, len) = (self.answer.as_mut_ptr().cast::<c_void>(), self.answer.len());
            // SAFETY: the kernel writes at most as many bytes as `answer` has.
            let read = cerr(unsafe { libc::recv(diag, at, len, 0) } as i64)? as usize;
            let answer = self.answer.get(..read).unwrap_or_default();
            if answer.is_empty() {
                return Ok(false);
            }
            for message in sock_diag::messages(answer) {
                match message {
                    Message::Socket(socket) if is_it(socket) => return Ok(true),
                    Message::Socket(_) => {}
                    Message::End(status) => return ended(status).map(|()| false),
                }
            }
        }
    }
}

/// A kernel without such sockets, or without a list of them, says ENOENT.
fn ended(status: i32) -> Result<()> {
    match status {
        0.. => Ok(()),
        status if status == -libc::ENOENT => Ok(()),
        status => Err(Errno(-status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::AsFd;

    /// An address that no other test has, nor another run of the tests.
    fn at(test: u8, n: u8) -> Ipv4Addr {
        let [_, a, b, c] = std::process::id().to_be_bytes();
        Ipv4Addr::new(127, 64 | a ^ b, c, 16 * test + n)
    }

    #[test]
    fn servers_are_seen() {
        let at = |n| at(1, n);
        let _listener = TcpListener::bind((at(1), 0)).unwrap();
        let _receiver = UdpSocket::bind((at(2), 0)).unwrap();
        let _mapped = TcpListener::bind((at(3).to_ipv6_mapped(), 0)).unwrap();
        let _mapped_receiver = UdpSocket::bind((at(4).to_ipv6_mapped(), 0)).unwrap();
        assert_eq!([1, 2, 3, 4, 5].map(|n| is_served(at(n)).unwrap()), [true, true, true, true, false]);
    }

    #[test]
    fn clients_and_neighbours_are_no_servers() {
        let at = |n| at(2, n);
        // All bits of an address count.
        let server = TcpListener::bind((at(1), 0)).unwrap();
        let bits = [1 << 16, 1 << 8, 1 << 7, 1];
        let _neighbours = bits.map(|bit| TcpListener::bind((Ipv4Addr::from_bits(at(2).to_bits() ^ bit), 0)).unwrap());
        let client = UdpSocket::bind((at(2), 0)).unwrap();
        assert!(is_served(at(2)).unwrap());
        client.connect(server.local_addr().unwrap()).unwrap();
        assert!(!is_served(at(2)).unwrap());
        // The end of a connection that a server has accepted; the server itself is gone.
        let _client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let _accepted = server.accept().unwrap();
        assert!(is_served(at(1)).unwrap());
        drop(server);
        assert!(!is_served(at(1)).unwrap());
    }

    /// How many TCP sockets the kernel lists.
    fn listed(condition: &[u8]) -> Result<usize> {
        let mut count = 0;
        let list = List { family: libc::AF_INET, protocol: libc::IPPROTO_TCP, states: LISTENING, port: 0 };
        Lister::new()?.list(&list, condition, &mut |_| {
            count += 1;
            false
        })?;
        Ok(count)
    }

    #[test]
    fn the_kernel_lists_those_alone_that_are_asked_for() {
        let _listeners = [1, 2, 2].map(|n| TcpListener::bind((at(3, n), 0)).unwrap());
        assert_eq!([1, 2, 3].map(|n| listed(&has_source(at(3, n))).unwrap()), [1, 2, 0]);
        assert!(listed(&[]).unwrap() >= 3);
    }

    #[test]
    fn a_condition_that_is_not_taken_hides_nobody() {
        let (served, not) = (at(4, 1), at(4, 2));
        let _listener = TcpListener::bind((served, 0)).unwrap();
        // It is shorter than it must be.
        let bad = [HAS_SOURCE, 255, 0, 0];
        assert_eq!(listed(&bad), Err(Errno(libc::EINVAL)));
        assert_eq!([served, not].map(|ip| is_served_by(ip, &bad).unwrap()), [true, false]);
        // One that is taken, and lists somebody else: what is listed is looked at.
        assert!(!is_served_by(not, &has_source(served)).unwrap());
    }

    #[test]
    fn datagram_sockets_are_found_by_their_port() {
        let (here, there) = (at(5, 1), at(5, 2));
        let (one, other) = (UdpSocket::bind((here, 0)).unwrap(), UdpSocket::bind((here, 0)).unwrap());
        let port = one.local_addr().unwrap().port();
        let mapped = UdpSocket::bind((there.to_ipv6_mapped(), port)).unwrap();
        let cookie = socket::cookie(mapped.as_fd()).unwrap();
        other.connect((here, port)).unwrap();
        // Others have sockets, too.
        let found = |port| {
            let all: Vec<_> = datagram_sockets(port).unwrap();
            [here, there]
                .map(|ip| all.iter().filter(|at| at.ip.to_canonical() == ip).map(|at| at.cookie).collect::<Vec<_>>())
        };
        let [at_here, at_there] = found(port);
        assert_eq!((at_here.len(), at_there), (1, vec![cookie]));
        let [at_here, at_there] = found(other.local_addr().unwrap().port());
        assert_eq!((at_here.len(), at_there.len()), (1, 0));
        drop(mapped);
        assert_eq!(found(port).map(|all| all.len()), [1, 0]);
    }
}
