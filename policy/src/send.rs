//! `sendto(2)`, `sendmsg(2)` and `sendmmsg(2)`: rows 42 to 48.

use crate::bind::{narrow, unspecified};
use crate::connect::{Connect, associate};
use crate::sockaddr::{canonical, for_family, to_send, with_scope};
use crate::source::{Local, local, select, speaks_to, target};
use crate::{Context, Family, Host, Reason, Refusal, Socket, Transport, Verdict};
use core::net::{IpAddr, SocketAddr};

/// Send one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Send {
    /// Where to, in the form of the socket's family; `None` to the connected peer.
    pub destination: Option<SocketAddr>,
    /// Bind here first (port 0, in the form of the socket's family): the socket had no address yet.
    pub bind_first: Option<SocketAddr>,
    /// The socket has no source of its own: the message must name this one (canonical).
    pub source: Option<IpAddr>,
}

impl Send {
    const CONNECTED: Send = Send { destination: None, bind_first: None, source: None };
}

/// Judges one message with the caller's address as bytes (`None` where there is none), on a socket whose local
/// address is `bound`. `flags` are those of the call. Control messages are judged by
/// [`control::check`](crate::control::check).
pub fn send(
    context: &Context,
    socket: &Socket,
    bound: SocketAddr,
    address: Option<&[u8]>,
    flags: i32,
    host: &dyn Host,
) -> Verdict<Send> {
    let bound = canonical(bound);
    match socket.transport {
        Transport::Tcp => stream(context, socket, bound, address, flags, host),
        Transport::Udp | Transport::Ping => datagram(context, socket, bound, address, host),
    }
}

/// TCP looks at an address only to connect by `MSG_FASTOPEN` (`tcp_sendmsg_fastopen`).
fn stream(
    context: &Context,
    socket: &Socket,
    bound: SocketAddr,
    address: Option<&[u8]>,
    flags: i32,
    host: &dyn Host,
) -> Result<Send, Refusal> {
    let Some(address) = address.filter(|_| flags & libc::MSG_FASTOPEN != 0) else { return Ok(Send::CONNECTED) };
    let Some(asked) = crate::sockaddr::to_connect(socket, address)? else {
        return Err(Refusal::native(libc::EOPNOTSUPP));
    };
    match associate(context, socket, bound, canonical(asked), host)? {
        Connect::Disconnect => Err(Refusal::native(libc::EOPNOTSUPP)),
        Connect::To { destination, source } => {
            Ok(Send { destination: Some(destination), bind_first: source, source: None })
        }
    }
}

fn datagram(
    context: &Context,
    socket: &Socket,
    bound: SocketAddr,
    address: Option<&[u8]>,
    host: &dyn Host,
) -> Result<Send, Refusal> {
    let asked = match address {
        Some(bytes) => to_send(socket, bytes)?,
        None => None,
    };
    let target = match asked {
        Some(asked) => Some(target(context, socket, canonical(asked), host)?),
        None => None,
    };
    let destination = target.as_ref().map(|target| for_family(target.destination, socket.family));
    let mut send = Send { destination, bind_first: None, source: None };
    let is_host = target.as_ref().is_some_and(|target| target.is_host);
    match (local(context, bound), target) {
        // The kernel says EDESTADDRREQ, but first it would give the socket a port on every address.
        (Local::Unbound, None) => {
            let (own, _) = narrow(context, socket, unspecified(socket.family))?;
            send.bind_first = Some(for_family(own, socket.family));
        }
        // Row 50: connected, the source is decided, and write() would go there too.
        (_, None) => {}
        (Local::Own, Some(target)) => speaks_to(bound, target.destination)?,
        (Local::Foreign, _) if is_host && bound.ip().is_loopback() => {}
        (Local::Foreign, _) => return Err(Refusal::new(libc::EADDRNOTAVAIL, Reason::BoundOutside(bound.ip()))),
        // An assigned address even towards loopback: one bound to L could never reach anybody else, and one bound to
        // nothing would receive from everywhere.
        (Local::Unbound, Some(target)) => {
            let own = usual_source(context, target.destination.ip(), host)?;
            send.bind_first = Some(for_family(own, socket.family));
        }
        (Local::Anywhere, Some(target)) => {
            send.source = Some(usual_source(context, target.destination.ip(), host)?.ip());
        }
    }
    Ok(send)
}

fn usual_source(context: &Context, destination: IpAddr, host: &dyn Host) -> Result<SocketAddr, Refusal> {
    match (select(context, destination, host), context.loopback_of(Family::of(destination))) {
        (Ok(assigned), _) => Ok(with_scope(assigned.ip(), 0, assigned.scope())),
        (Err(_), Some(loopback)) if destination.is_loopback() || destination == loopback => {
            Ok(SocketAddr::new(loopback, 0))
        }
        (Err(refusal), _) => Err(refusal),
    }
}
