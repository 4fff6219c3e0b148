//! Questions to the kernel about sockets, and its answers, in bytes (sock_diag(7)): `struct nlmsghdr` (16 bytes), then
//! `struct inet_diag_req_v2` (56) or `struct inet_diag_msg` (72).

use crate::socket::Transport;
use core::net::IpAddr;

/// `SOCK_DIAG_BY_FAMILY` (linux/sock_diag.h).
const BY_FAMILY: u16 = 20;
const HEADER: usize = 16;
/// Where the ports and addresses are: local port, remote port (2 bytes each), local address, remote address (16 each),
/// interface (4), cookie (8); in the question behind family, protocol, extensions, padding, states.
const ID: usize = HEADER + 8;
/// The same in the answer, behind family, state, timer and retransmits.
const ANSWER_ID: usize = HEADER + 4;
/// Behind them there: when it expires, what waits to be read and to be written, the user, the inode.
const ANSWER_REST: usize = ANSWER_ID + 48;

/// The length of a question.
pub const QUESTION: usize = HEADER + 56;

/// A question, with so many bytes to follow it.
fn asked(flags: i32, family: i32, protocol: i32, states: u32, following: usize) -> [u8; QUESTION] {
    let mut bytes = [0; QUESTION];
    put(&mut bytes, 0, &((QUESTION + following) as u32).to_ne_bytes());
    put(&mut bytes, 4, &BY_FAMILY.to_ne_bytes());
    put(&mut bytes, 6, &(flags as u16).to_ne_bytes());
    put(&mut bytes, HEADER, &[family as u8, protocol as u8]);
    put(&mut bytes, HEADER + 4, &states.to_ne_bytes());
    bytes
}

fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    for (to, from) in bytes.iter_mut().skip(at).zip(field) {
        *to = *from;
    }
}

/// The question whether a TCP socket listens on `ip` and `port`, or a UDP socket receives there; `None` for what has no ports.
pub fn question(transport: Transport, ip: IpAddr, port: u16) -> Option<[u8; QUESTION]> {
    // A datagram socket is looked for as for a packet: what is local is its destination (udp_dump_one, net/ipv4/udp_diag.c).
    let (protocol, local) = match transport {
        Transport::Tcp => (libc::IPPROTO_TCP, (ID, ID + 4)),
        Transport::Udp => (libc::IPPROTO_UDP, (ID + 2, ID + 4 + 16)),
        Transport::Ping | Transport::RawIcmp => return None,
    };
    let family = if ip.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let mut bytes = asked(libc::NLM_F_REQUEST, family, protocol, u32::MAX, 0);
    put(&mut bytes, local.0, &port.to_be_bytes());
    match ip {
        IpAddr::V4(ip) => put(&mut bytes, local.1, &ip.octets()),
        IpAddr::V6(ip) => put(&mut bytes, local.1, &ip.octets()),
    }
    // INET_DIAG_NOCOOKIE: any.
    put(&mut bytes, ID + 4 + 32 + 4, &[0xff; 8]);
    Some(bytes)
}

/// Whether the answer names a socket on `ip`: one on the wildcard is somebody else's.
pub fn is_there(answer: &[u8], ip: IpAddr) -> bool {
    Listed::new(answer).and_then(Listed::local).is_some_and(|found| found.to_canonical() == ip)
}

/// Which sockets are to be listed.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// The address family.
    pub family: i32,
    /// The protocol.
    pub protocol: i32,
    /// A bit for each state (include/net/tcp_states.h).
    pub states: u32,
    /// The local port; 0 for any.
    pub port: u16,
}

impl List {
    /// The question, with so many bytes of attributes to follow it.
    pub fn question(&self, attributes: usize) -> [u8; QUESTION] {
        let flags = libc::NLM_F_REQUEST | libc::NLM_F_DUMP;
        let mut bytes = asked(flags, self.family, self.protocol, self.states, attributes);
        put(&mut bytes, ID, &self.port.to_be_bytes());
        bytes
    }
}

/// A socket in an answer, read as far as the answer goes.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a>(&'a [u8]);

impl<'a> Listed<'a> {
    fn new(message: &'a [u8]) -> Option<Self> {
        (kind(message) == Some(BY_FAMILY)).then_some(Self(message))
    }

    fn field<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..)?.first_chunk().copied()
    }

    fn address(self, at: usize) -> Option<IpAddr> {
        match i32::from(*self.0.get(HEADER)?) {
            libc::AF_INET => self.field::<4>(at).map(IpAddr::from),
            libc::AF_INET6 => self.field::<16>(at).map(IpAddr::from),
            _ => None,
        }
    }

    /// Its own address, as it has it.
    pub fn local(self) -> Option<IpAddr> {
        self.address(ANSWER_ID + 4)
    }

    /// Its own port.
    pub fn port(self) -> Option<u16> {
        self.field(ANSWER_ID).map(u16::from_be_bytes)
    }

    /// Whom it speaks to.
    pub fn peer(self) -> Option<(IpAddr, u16)> {
        Some((self.address(ANSWER_ID + 4 + 16)?, self.field(ANSWER_ID + 2).map(u16::from_be_bytes)?))
    }

    /// Its state: 1 is connected, 10 listening, 13 bound (include/net/tcp_states.h).
    pub fn state(self) -> Option<u8> {
        self.0.get(HEADER + 1).copied()
    }

    /// `SO_COOKIE`
    pub fn cookie(self) -> Option<u64> {
        self.field(ANSWER_ID + 4 + 32 + 4).map(u64::from_ne_bytes)
    }

    /// How much waits to be read.
    pub fn unread(self) -> Option<u32> {
        self.field(ANSWER_REST + 4).map(u32::from_ne_bytes)
    }

    /// Which file it is; 0 for one that has none any more.
    pub fn inode(self) -> Option<u32> {
        self.field(ANSWER_REST + 16).map(u32::from_ne_bytes)
    }
}

/// What the kernel has to say.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// A socket.
    Socket(Listed<'a>),
    /// NLMSG_DONE or NLMSG_ERROR: there is no more, or why, as 0 or a negative errno.
    End(i32),
}

/// The messages in what was read, up to one that was cut off (netlink(7): length, type, …; aligned to 4 bytes).
pub fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    core::iter::from_fn(move || {
        let len = u32::from_ne_bytes(*bytes.first_chunk()?) as usize;
        let message = bytes.get(..len).filter(|message| message.len() >= HEADER)?;
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some(Listed::new(message).map_or_else(|| Message::End(status(message)), Message::Socket))
    })
}

fn kind(message: &[u8]) -> Option<u16> {
    message.get(4..)?.first_chunk().map(|kind| u16::from_ne_bytes(*kind))
}

fn status(message: &[u8]) -> i32 {
    message.get(HEADER..).and_then(<[u8]>::first_chunk).map_or(0, |status| i32::from_ne_bytes(*status))
}
