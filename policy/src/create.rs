//! `socket(2)`: which sockets there may be, and with which address they are made.
//!
//! # Errors of a kind
//!
//! [`create`] and [`Socket::identify`] refuse type and protocol of an inet socket alike:
//!
//! - EPROTONOSUPPORT for streams and datagrams of another protocol than TCP, UDP and ICMP's echo, so that programs fall
//!   back to those: [`Reason::Multipath`] for MPTCP, [`Reason::SocketKind`] for others.
//! - EPERM, [`Reason::SocketKind`], for raw sockets, except those of the family's ICMP where the context may have them.
//! - ESOCKTNOSUPPORT, [`Reason::SocketKind`], for other types.

use crate::context::Context;
use crate::errno::Errno;
use crate::sockaddr::for_family;
use crate::socket::{Family, Socket, Transport, icmp_of};
use crate::verdict::{Reason, Refusal, Verdict};
use crate::wildcard::narrow;
use core::net::SocketAddr;
use libc::{
    AF_ALG, AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_MPTCP, IPPROTO_TCP,
    IPPROTO_UDP, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_RAW, SOCK_STREAM,
};

/// The low bits of the type argument; the others are `SOCK_CLOEXEC` and `SOCK_NONBLOCK` (linux/net.h).
pub const TYPE_MASK: i32 = 0xf;
/// One more than the highest type (linux/net.h).
const SOCK_MAX: i32 = 11;

impl Socket {
    /// The socket with these `SO_DOMAIN`, `SO_TYPE` and `SO_PROTOCOL`, provided that the context may have it.
    ///
    /// # Errors
    ///
    /// EPERM, [`Reason::SocketKind`], for a `domain` that is not inet; then those [of its kind](self#errors-of-a-kind).
    pub fn identify(context: &Context, domain: i32, kind: i32, protocol: i32, v6only: bool) -> Result<Self, Refusal> {
        let family = match domain {
            AF_INET => Family::V4,
            AF_INET6 => Family::V6,
            _ => return Err(KIND),
        };
        let transport = transport(context, family, kind, protocol)?;
        // A raw socket speaks IPv6 alone whatever the option says (rawv6_sendmsg, net/ipv6/raw.c).
        let v6only = v6only || (transport == Transport::RawIcmp && family == Family::V6);
        Ok(Socket { family, transport, v6only })
    }
}

const KIND: Refusal = Refusal::new(Errno::EPERM, Reason::SocketKind);

/// A kind of socket that needs no judgement: one row of the list that a filter passes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The address family.
    pub domain: i32,
    /// Type (without flags) and protocol; `None` for any.
    pub detail: Option<(i32, i32)>,
}

const OTHER_FAMILIES: [i32; 3] = [AF_UNIX, AF_NETLINK, AF_ALG];

const INET_KINDS: [(Family, i32, i32); 4] = [
    (Family::V4, SOCK_STREAM, 0),
    (Family::V4, SOCK_STREAM, IPPROTO_TCP),
    (Family::V6, SOCK_STREAM, 0),
    (Family::V6, SOCK_STREAM, IPPROTO_TCP),
];

/// The kinds that this context may always make; whatever else is asked for goes through [`create`].
pub fn plain_kinds<'a>(context: &'a Context<'a>) -> impl Iterator<Item = Kind> + 'a {
    let inet = INET_KINDS
        .iter()
        .filter(|(family, _, _)| context.has_family(*family))
        .map(|&(family, kind, protocol)| Kind { domain: family.domain(), detail: Some((kind, protocol)) });
    OTHER_FAMILIES.iter().map(|&domain| Kind { domain, detail: None }).chain(inet)
}

/// How a socket is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    /// As the caller asks. All three arguments are its registers, so the call may run as it is.
    AsAsked,
    /// With this address (port 0, taking no port) from the beginning, in the form of the socket's family.
    ///
    /// The first `write` to a UDP socket without an address would give it a port on every address of the host
    /// (`inet_send_prepare`, net/ipv4/af_inet.c), and no rule is asked about `write`. TCP has no such call. A raw socket
    /// without an address hears what comes to every address of the host.
    At(Socket, SocketAddr),
}

/// Row 16 (docs/semantics.md#row-16) and the list of section 4 (docs/semantics.md#section-4): may a socket of this kind
/// be made?
///
/// # Errors
///
/// In the kernel's order (`__sys_socket` and `__sock_create`, net/socket.c; `inet_create`, net/ipv4/af_inet.c):
///
/// - EINVAL: flags other than `SOCK_CLOEXEC` and `SOCK_NONBLOCK`.
/// - EAFNOSUPPORT, [`Reason::SocketKind`]: a family other than inet, AF_UNIX, AF_NETLINK and AF_ALG. Of the last three
///   nothing more is asked.
/// - EINVAL: a type or a protocol with a number that there is not.
/// - EAFNOSUPPORT, [`Reason::NoFamily`]: the context has neither an address nor a loopback of that family (row 16:
///   docs/semantics.md#row-16).
/// - Those [of its kind](self#errors-of-a-kind).
pub fn create(context: &Context, domain: i32, kind: i32, protocol: i32) -> Verdict<Create> {
    const EINVAL: Refusal = Refusal::native(Errno::EINVAL);
    // __sys_socket, __sock_create (net/socket.c) and inet_create (net/ipv4/af_inet.c), in their order.
    if kind & !(TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK) != 0 {
        return Err(EINVAL);
    }
    let family = match domain {
        AF_INET => Family::V4,
        AF_INET6 => Family::V6,
        _ if OTHER_FAMILIES.contains(&domain) => return Ok(Create::AsAsked),
        _ => return Err(Refusal::new(Errno::EAFNOSUPPORT, Reason::SocketKind)),
    };
    if kind & TYPE_MASK >= SOCK_MAX || !(0..=IPPROTO_MPTCP).contains(&protocol) {
        return Err(EINVAL);
    }
    if !context.has_family(family) {
        return Err(Refusal::new(Errno::EAFNOSUPPORT, Reason::NoFamily(family)));
    }
    let transport = transport(context, family, kind & TYPE_MASK, protocol)?;
    let socket = Socket { family, transport, v6only: transport == Transport::RawIcmp && family == Family::V6 };
    Ok(birthplace(context, &socket)?.map_or(Create::AsAsked, |at| Create::At(socket, at)))
}

/// The address that such a socket is made with, and that it has whenever it would have none; `None` for those that need not.
///
/// # Errors
///
/// EADDRNOTAVAIL, [`Reason::NoFamily`], where the socket's wildcard stands for no address of the context. [`create`]
/// refuses such a socket before, but one may come from outside.
pub fn birthplace(context: &Context, socket: &Socket) -> Verdict<Option<SocketAddr>> {
    if matches!(socket.transport, Transport::Tcp | Transport::Ping) {
        return Ok(None);
    }
    let (at, _) = narrow(context, socket, socket.family.unspecified())?;
    Ok(Some(for_family(at, socket.family)))
}

/// What `type` and `protocol` make. Anything not named here is refused: MPTCP, SCTP, UDP-Lite and SMC with the errno
/// on which programs fall back to TCP or UDP.
fn transport(context: &Context, family: Family, kind: i32, protocol: i32) -> Result<Transport, Refusal> {
    match (family, kind, protocol) {
        (_, SOCK_STREAM, 0 | IPPROTO_TCP) => Ok(Transport::Tcp),
        (_, SOCK_DGRAM, 0 | IPPROTO_UDP) => Ok(Transport::Udp),
        (Family::V4, SOCK_DGRAM, IPPROTO_ICMP) | (Family::V6, SOCK_DGRAM, IPPROTO_ICMPV6) => Ok(Transport::Ping),
        (_, SOCK_STREAM, IPPROTO_MPTCP) => Err(Refusal::new(Errno::EPROTONOSUPPORT, Reason::Multipath)),
        (_, SOCK_STREAM | SOCK_DGRAM, _) => Err(Refusal::new(Errno::EPROTONOSUPPORT, Reason::SocketKind)),
        (_, SOCK_RAW, _) if context.raw_icmp && protocol == icmp_of(family) => Ok(Transport::RawIcmp),
        (_, SOCK_RAW, _) => Err(KIND),
        _ => Err(Refusal::new(Errno::ESOCKTNOSUPPORT, Reason::SocketKind)),
    }
}
