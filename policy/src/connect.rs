//! `connect(2)`: rows 31 to 41 and 47. Only who you are is checked; whom you talk to is free, except loopback.

use crate::sockaddr::{canonical, for_family, to_connect};
use crate::source::{Local, local, speaks_to, target, towards};
use crate::{Context, Host, Reason, Refusal, Socket, Verdict};
use core::net::SocketAddr;

/// What a connect comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// `AF_UNSPEC`: dissolve the association.
    Disconnect,
    /// Connect to `destination`, after binding to `source` (port 0, taking no port) where there is one.
    To {
        /// In the form of the socket's family.
        destination: SocketAddr,
        /// In the form of the socket's family.
        source: Option<SocketAddr>,
    },
}

/// Judges `connect` with the caller's address as bytes on a socket whose local address is `bound`.
pub fn connect(
    context: &Context,
    socket: &Socket,
    bound: SocketAddr,
    address: &[u8],
    host: &dyn Host,
) -> Verdict<Connect> {
    decide(context, socket, canonical(bound), address, host)
}

fn decide(
    context: &Context,
    socket: &Socket,
    bound: SocketAddr,
    address: &[u8],
    host: &dyn Host,
) -> Result<Connect, Refusal> {
    match to_connect(socket, address)? {
        None => Ok(Connect::Disconnect),
        Some(asked) => associate(context, socket, bound, canonical(asked), host),
    }
}

/// The rule for an address (canonical) that was understood; `sendto` with `MSG_FASTOPEN` comes here too.
pub(crate) fn associate(
    context: &Context,
    socket: &Socket,
    bound: SocketAddr,
    asked: SocketAddr,
    host: &dyn Host,
) -> Result<Connect, Refusal> {
    let target = target(context, socket, asked, host)?;
    let foreign = Refusal::new(libc::EADDRNOTAVAIL, Reason::BoundOutside(bound.ip()));
    let source = match local(context, bound) {
        Local::Own => {
            speaks_to(bound, target.destination)?;
            None
        }
        Local::Unbound => Some(towards(context, &target, host)?),
        // It cannot be bound again, and what the kernel would choose depends on options of the socket (row 23).
        Local::Anywhere => return Err(foreign),
        Local::Foreign if target.is_host && bound.ip().is_loopback() => None,
        Local::Foreign => return Err(foreign),
    };
    let shaped = |address| for_family(address, socket.family);
    Ok(Connect::To { destination: shaped(target.destination), source: source.map(shaped) })
}
