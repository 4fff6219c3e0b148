//! `connect(2)`: rows 31 to 41 and 47. Only who you are is checked; whom you talk to is free, except
//! loopback and what the rules for peers say (row 51: docs/semantics.md#row-51).
//!
//! # Errors of a destination
//!
//! [`connect()`] and [`send()`](crate::send::send()) refuse a destination in this order:
//!
//! 1. EPERM, [`Reason::LoopbackDenied`]: it is loopback, or a wildcard, which the kernel takes for loopback; and the
//!    context has none (row 39: docs/semantics.md#row-39).
//! 2. An IPv4 address on a socket that speaks IPv6 alone: ECONNREFUSED if it is loopback and that is not the host's,
//!    else ENETUNREACH, as the kernel says (`tcp_v6_connect`, `udpv6_sendmsg`).
//! 3. ECONNREFUSED: it is loopback, and this socket reaches no loopback address of the context (row 41:
//!    docs/semantics.md#row-41).
//! 4. EACCES, [`Reason::PeerDenied`] or [`Reason::PeerNotAllowed`]: the rules forbid it (row 51:
//!    docs/semantics.md#row-51).
//! 5. ENETUNREACH, [`Reason::NoFamily`]: a source is to be chosen, and the context has no address of that family.

use crate::context::Context;
use crate::errno::Errno;
use crate::host::Host;
use crate::local::{LocalAddr, Standing, standing};
use crate::sockaddr::{canonical, for_family, to_connect};
use crate::socket::{Socket, Transport};
use crate::source::{speaks_to, target, towards, towards_from_wildcard};
use crate::target::is_localhost;
use crate::verdict::{Reason, Refusal, Verdict};
use crate::wildcard::covers_several;
use core::net::SocketAddr;

/// What a connect comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// `AF_UNSPEC`: dissolve the association.
    Disconnect,
    /// Connect to `destination`.
    To {
        /// In the form of the socket's family.
        destination: SocketAddr,
        /// Who speaks.
        source: Source,
    },
}

/// The source of a connection. Addresses are in the form of the socket's family, with port 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The address that the socket has.
    Own,
    /// The socket has no address: it is bound to this one first, taking no port.
    Pin(SocketAddr),
    /// The same for a socket that could have other addresses: one that cannot be connected from this one keeps none, for it
    /// may be connected elsewhere.
    Try(SocketAddr),
    /// The socket has a port on a wildcard, a broadcast address or a group: it must have this address, at that port,
    /// before the kernel can choose one.
    Fix(SocketAddr),
}

/// Judges `connect` with the caller's address as bytes.
///
/// # Errors
///
/// In this order:
///
/// - The address is not understood: EINVAL where it is too short to have a family; EAFNOSUPPORT where an IPv6 datagram
///   socket that speaks IPv6 alone is given a `sockaddr_in` (`__ip6_datagram_connect`); EINVAL where it is too short
///   for the socket's family; EAFNOSUPPORT where it is of another one.
/// - The [destination](self#errors-of-a-destination).
/// - The socket is bound where it cannot speak from: ENETUNREACH to an IPv4 destination from an IPv6 address, for which
///   the kernel would make up a source (`LOOPBACK4_IPV6`, include/net/ipv6.h); EADDRNOTAVAIL, [`Reason::BoundOutside`],
///   from an address that is not the context's, or from a wildcard if it is a stream. (127.0.0.1 and ::1 can speak to
///   the host's loopback.)
pub fn connect(
    context: &Context,
    socket: &Socket,
    local: LocalAddr,
    address: &[u8],
    host: &dyn Host,
) -> Verdict<Connect> {
    match to_connect(socket, address)? {
        None => Ok(Connect::Disconnect),
        Some(asked) => associate(context, socket, local, canonical(asked), host),
    }
}

/// The rule for an address (canonical) that was understood; `sendto` with `MSG_FASTOPEN` comes here too.
pub(crate) fn associate(
    context: &Context,
    socket: &Socket,
    local: LocalAddr,
    asked: SocketAddr,
    host: &dyn Host,
) -> Result<Connect, Refusal> {
    let target = target(context, socket, asked, host)?;
    let outside = |at: SocketAddr| Refusal::new(Errno::EADDRNOTAVAIL, Reason::BoundOutside(at.ip()));
    let shaped = |address| for_family(address, socket.family);
    let source = match standing(context, local) {
        Standing::Own(at) => {
            speaks_to(at, target.destination)?;
            Source::Own
        }
        Standing::Unbound => {
            let at = shaped(towards(context, &target, host)?);
            let is_one_of_several =
                socket.transport == Transport::Udp && covers_several(context, socket, socket.family.unspecified());
            if is_one_of_several { Source::Try(at) } else { Source::Pin(at) }
        }
        // A stream has no way to an address once it has a port.
        Standing::Anywhere(at) if socket.transport == Transport::Tcp => return Err(outside(at)),
        Standing::Anywhere(_) => Source::Fix(shaped(towards_from_wildcard(context, &target, host)?)),
        Standing::Foreign(at) if target.is_host && is_localhost(at.ip()) => Source::Own,
        Standing::Foreign(at) => return Err(outside(at)),
    };
    Ok(Connect::To { destination: shaped(target.destination), source })
}
