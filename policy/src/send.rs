//! `sendto(2)`, `sendmsg(2)` and `sendmmsg(2)`: rows 42 to 49 and 53.

use crate::connect::{self, Connect, associate};
use crate::context::Context;
use crate::errno::Errno;
use crate::host::Host;
use crate::local::{LocalAddr, Standing, standing};
use crate::sockaddr::{canonical, for_family, to_connect, to_send, with_scope};
use crate::socket::{Family, Socket, Transport};
use crate::source::{select, target, towards_from_wildcard};
use crate::target::{Target, Way, is_localhost};
use crate::verdict::{Reason, Refusal, Verdict};
use crate::wildcard::{covers_several, narrow};
use core::net::SocketAddr;

/// Send one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Send {
    /// Where to, in the form of the socket's family; `None` to the connected peer.
    pub destination: Option<SocketAddr>,
    /// Who speaks.
    pub source: Source,
}

/// The source of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The address that the socket has.
    Own,
    /// The socket has no address: it is bound to this one first (port 0, taking no port, in the form of the socket's
    /// family).
    Pin(SocketAddr),
    /// The socket has no address, and is to have more than one: it is bound first to the wildcard `any` (port 0, in the form
    /// of the socket's family), provided that it hears [what the context may hear](Context::heard) and nothing else. The
    /// message names its source. Where the socket cannot be kept to that it is pinned to `otherwise`.
    Open {
        /// The wildcard to bind to.
        any: SocketAddr,
        /// The source of this message (canonical, port 0).
        named: SocketAddr,
        /// As in [`Source::Pin`].
        otherwise: SocketAddr,
    },
    /// The socket has a port but no address, or none of the family of the destination: the message names this source
    /// (canonical, port 0).
    Named(SocketAddr),
}

/// Judges one message with the caller's address as bytes (`None` where there is none). `flags` are those of the call. Control messages are judged by
/// [`control::check`](crate::control::check).
///
/// # Errors
///
/// On a stream those of [`connect`](connect::connect()), if `MSG_FASTOPEN` and an address are given; and EOPNOTSUPP
/// where that address is `AF_UNSPEC`.
///
/// On other sockets, in this order:
///
/// - The address is not understood (net/ipv4/udp.c, net/ipv6/udp.c): EINVAL where it is too short. Of another family it
///   is EAFNOSUPPORT on an IPv4 socket and EINVAL on an IPv6 one; but a `sockaddr_in` is ENETUNREACH on one that speaks
///   IPv6 alone, and fine on others. UDP also says EOPNOTSUPP to `MSG_OOB` towards IPv4, then EINVAL to port 0.
/// - EDESTADDRREQ: there is no address, and the socket is not bound; as the kernel says, but not after giving it a port
///   on every address of the host.
/// - The [destination](crate::connect#errors-of-a-destination).
/// - EADDRNOTAVAIL, [`Reason::BoundOutside`]: the socket is bound to an address that is not the context's. (127.0.0.1
///   and ::1 can speak to the host's loopback.)
pub fn send(
    context: &Context,
    socket: &Socket,
    local: LocalAddr,
    address: Option<&[u8]>,
    flags: i32,
    host: &dyn Host,
) -> Verdict<Send> {
    match socket.transport {
        Transport::Tcp => stream(context, socket, local, address, flags, host),
        Transport::Udp | Transport::Ping | Transport::RawIcmp => datagram(context, socket, local, address, flags, host),
    }
}

/// TCP looks at an address only to connect by `MSG_FASTOPEN` (`tcp_sendmsg_fastopen`).
fn stream(
    context: &Context,
    socket: &Socket,
    local: LocalAddr,
    address: Option<&[u8]>,
    flags: i32,
    host: &dyn Host,
) -> Result<Send, Refusal> {
    let Some(address) = address.filter(|_| flags & libc::MSG_FASTOPEN != 0) else {
        return Ok(Send { destination: None, source: Source::Own });
    };
    let unsupported = Err(Refusal::native(Errno::EOPNOTSUPP));
    let Some(asked) = to_connect(socket, address)? else { return unsupported };
    let Connect::To { destination, source } = associate(context, socket, local, canonical(asked), host)? else {
        return unsupported;
    };
    let source = match source {
        connect::Source::Own => Source::Own,
        connect::Source::Pin(at) | connect::Source::Try(at) => Source::Pin(at),
        connect::Source::Fix(_) => return unsupported,
    };
    Ok(Send { destination: Some(destination), source })
}

fn datagram(
    context: &Context,
    socket: &Socket,
    local: LocalAddr,
    address: Option<&[u8]>,
    flags: i32,
    host: &dyn Host,
) -> Result<Send, Refusal> {
    let asked = match address {
        Some(bytes) => to_send(socket, bytes, flags)?,
        None => None,
    };
    let Some(asked) = asked else {
        return match standing(context, local) {
            // As the kernel says, but not after giving the socket a port on every address.
            Standing::Unbound => Err(Refusal::native(Errno::EDESTADDRREQ)),
            // Row 50 (docs/semantics.md#row-50): connected, the source is decided, and write() would go there too.
            _ => Ok(Send { destination: None, source: Source::Own }),
        };
    };
    let target = target(context, socket, canonical(asked), host)?;
    let source = match standing(context, local) {
        Standing::Own(at) | Standing::Anywhere(at) if has_no_way(socket, at, target.destination) => Source::Own,
        // The kernel would make up a source (`LOOPBACK4_IPV6`, include/net/ipv6.h).
        Standing::Own(at) if at.is_ipv6() && target.destination.is_ipv4() => {
            Source::Named(towards_from_wildcard(context, &target, host)?)
        }
        Standing::Own(_) => Source::Own,
        Standing::Foreign(at) if target.is_host && is_localhost(at.ip()) => Source::Own,
        Standing::Foreign(at) => return Err(Refusal::new(Errno::EADDRNOTAVAIL, Reason::BoundOutside(at.ip()))),
        Standing::Unbound => first(context, socket, &target, host)?,
        Standing::Anywhere(_) => Source::Named(towards_from_wildcard(context, &target, host)?),
    };
    Ok(Send { destination: Some(for_family(target.destination, socket.family)), source })
}

/// Whether the kernel has an error of its own for a message from a v4-mapped address: EAFNOSUPPORT on the way to an IPv6
/// address (ip6_dst_lookup_tail, net/ipv6/ip6_output.c; ::ffff:0.0.0.0 is one too), EINVAL for one that is a group (ip_route_output_key_hash_rcu,
/// net/ipv4/route.c). A source that the message names is heeded all the same, and judged.
fn has_no_way(socket: &Socket, bound: SocketAddr, destination: SocketAddr) -> bool {
    let is_mapped = socket.family == Family::V6 && bound.is_ipv4();
    is_mapped && (destination.is_ipv6() || bound.ip().is_multicast())
}

/// The source of the first message of a socket that has no address. The next may go elsewhere: one address is enough only
/// where the context has no other for this socket.
fn first(context: &Context, socket: &Socket, target: &Target, host: &dyn Host) -> Result<Source, Refusal> {
    let any = socket.family.unspecified();
    let named = towards_from_wildcard(context, target, host)?;
    // An assigned address even towards loopback: one bound to L could never reach anybody else. But the host's name servers answer
    // loopback alone, and a socket that asks one asks no others, mostly.
    let single = match select(context, target.destination, host) {
        _ if context.keeps_one && target.is_host => named,
        Ok(assigned) => with_scope(assigned.ip(), 0, assigned.scope()),
        Err(_) => named,
    };
    let otherwise = for_family(single, socket.family);
    let is_loopback = matches!(target.source, Way::Loopback(_)) && !context.keeps_one;
    let leaves_one = is_loopback && narrow(context, socket, any).is_ok_and(|(usual, _)| usual.ip() != named.ip());
    if socket.transport == Transport::Udp && (leaves_one || covers_several(context, socket, any)) {
        return Ok(Source::Open { any: SocketAddr::new(any, 0), named, otherwise });
    }
    Ok(Source::Pin(otherwise))
}
