//! `listen(2)`: row 12 (docs/semantics.md#row-12), the ports of row 25 (docs/semantics.md#row-25), and sockets that
//! came in from outside.

use crate::access;
use crate::context::Context;
use crate::errno::Errno;
use crate::local::{LocalAddr, Standing, standing};
use crate::sockaddr::for_family;
use crate::socket::{Socket, Transport};
use crate::verdict::{Reason, Refusal, Verdict};
use crate::wildcard::narrow;
use core::net::SocketAddr;

/// Listen, after binding to this address where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The socket had no address: the kernel would have taken the wildcard. Or it had no port, and which one it gets must
    /// be known before it listens. Then the question is to be asked again.
    pub bind_first: Option<SocketAddr>,
}

/// Judges `listen`; `listening` if the socket does so already (it was set up outside, by socket activation say, and only its
/// backlog changes).
///
/// # Errors
///
/// Only for a TCP socket that does not listen yet:
///
/// - EADDRNOTAVAIL, [`Reason::BoundOutside`]: it was bound outside, to a wildcard or to an address that is not the
///   context's.
/// - EACCES, [`Reason::PortDenied`] or [`Reason::PortNotAllowed`]: the rules forbid the port that it has (row 25:
///   docs/semantics.md#row-25).
/// - EADDRNOTAVAIL, [`Reason::NoFamily`]: it has no address, and its wildcard stands for none of the context.
pub fn listen(context: &Context, socket: &Socket, local: LocalAddr, listening: bool) -> Verdict<Listen> {
    // Datagram sockets: the kernel refuses by itself.
    if socket.transport != Transport::Tcp || listening {
        return Ok(Listen { bind_first: None });
    }
    match standing(context, local) {
        // It has an address alone (`IP_BIND_ADDRESS_NO_PORT`).
        Standing::Own(at) if local.is_portless() && context.rules.restrict_ports() => {
            Ok(Listen { bind_first: Some(for_family(at, socket.family)) })
        }
        Standing::Own(at) => {
            access::port(&context.rules, socket.transport, at.port())?;
            Ok(Listen { bind_first: None })
        }
        Standing::Unbound => {
            let (address, _) = narrow(context, socket, socket.family.unspecified())?;
            Ok(Listen { bind_first: Some(for_family(address, socket.family)) })
        }
        Standing::Anywhere(at) | Standing::Foreign(at) => {
            Err(Refusal::new(Errno::EADDRNOTAVAIL, Reason::BoundOutside(at.ip())))
        }
    }
}
