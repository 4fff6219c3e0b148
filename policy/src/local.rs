//! The local address of a socket, and what it means.

use crate::context::Context;
use crate::sockaddr::{canonical, scope};
use crate::socket::Family;
use core::net::SocketAddr;

/// The local address of a socket. Each variant holds it as the kernel shows it (getsockname(2)), in the form of the socket's
/// family.
///
/// A socket that has an address and no port is *pinned* to it: every packet of the socket has that source, and nobody else is
/// kept from a port. The kernel knows such a socket where `IP_BIND_ADDRESS_NO_PORT` was set for the bind, and where one has lost
/// the port that the kernel had chosen for it. It never takes it for the wildcard. What the kernel does not know is who wanted the
/// address, which makes the difference between [`Pinned`](Self::Pinned) and [`Chosen`](Self::Chosen).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalAddr {
    /// Neither an address nor a port.
    Unbound(SocketAddr),
    /// An address without a port that was chosen *for* the program. To the rules such a socket is not bound, and it may be pinned
    /// again.
    Pinned(SocketAddr),
    /// An address without a port that the program has asked for.
    Chosen(SocketAddr),
    /// A port at every address.
    Wildcard(SocketAddr),
    /// An address and a port. A TCP socket whose connection has failed or was dissolved shows the port that it had, though
    /// that is free again: what it means then is found out when it is [connected](crate::perform::connect()) again.
    Bound(SocketAddr),
}

impl LocalAddr {
    /// What `shown` means. `is_explicitly_bound` is asked only where it counts: whether the program has bound the socket to an
    /// address and no port.
    pub fn of(shown: SocketAddr, is_explicitly_bound: impl FnOnce() -> bool) -> Self {
        match shown.port() {
            0 if shown.ip().is_unspecified() => LocalAddr::Unbound(shown),
            0 if is_explicitly_bound() => LocalAddr::Chosen(shown),
            0 => LocalAddr::Pinned(shown),
            _ if shown.ip().to_canonical().is_unspecified() => LocalAddr::Wildcard(shown),
            _ => LocalAddr::Bound(shown),
        }
    }

    /// The address as the program has bound it, which is what it is shown.
    pub fn as_bound(self) -> SocketAddr {
        match self {
            LocalAddr::Pinned(at) => unbound(at),
            LocalAddr::Unbound(at) | LocalAddr::Chosen(at) | LocalAddr::Wildcard(at) | LocalAddr::Bound(at) => at,
        }
    }

    /// Whether the socket has no port.
    pub fn is_portless(self) -> bool {
        !matches!(self, LocalAddr::Wildcard(_) | LocalAddr::Bound(_))
    }
}

/// The wildcard with port 0, in the family of `address`.
pub fn unbound(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(Family::of(address.ip()).unspecified(), 0)
}

/// Whose a local address is in a context. Addresses are canonical.
pub(crate) enum Standing {
    /// Nobody's: to the rules the socket is not bound.
    Unbound,
    /// The context's own.
    Own(SocketAddr),
    /// Of all that there are (the wildcard, a broadcast address, a group), with a port: the kernel would choose the source.
    Anywhere(SocketAddr),
    /// Not the context's.
    Foreign(SocketAddr),
}

/// Finds it out.
pub(crate) fn standing(context: &Context, local: LocalAddr) -> Standing {
    let at = canonical(local.as_bound());
    let ip = at.ip();
    if ip.is_unspecified() {
        if at.port() == 0 { Standing::Unbound } else { Standing::Anywhere(at) }
    } else if context.may_be_named(ip, scope(at)) {
        Standing::Own(at)
    } else if ip.is_multicast() || context.is_broadcast(ip) {
        Standing::Anywhere(at)
    } else {
        Standing::Foreign(at)
    }
}
