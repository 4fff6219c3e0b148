//! `listen(2)`: row 12, the ports of row 25, and sockets that came in from outside.

use crate::access;
use crate::context::Context;
use crate::errno::Errno;
use crate::sockaddr::{canonical, for_family};
use crate::socket::{Socket, Transport};
use crate::source::{Local, local};
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

/// Judges `listen` on a socket whose local address is `bound`; `listening` if it does so already (it was set up
/// outside, by socket activation say, and only its backlog changes).
pub fn listen(context: &Context, socket: &Socket, bound: SocketAddr, listening: bool) -> Verdict<Listen> {
    decide(context, socket, canonical(bound), listening)
}

fn decide(context: &Context, socket: &Socket, bound: SocketAddr, listening: bool) -> Result<Listen, Refusal> {
    // Datagram sockets: the kernel refuses by itself.
    if socket.transport != Transport::Tcp || listening {
        return Ok(Listen { bind_first: None });
    }
    match local(context, bound) {
        // It has an address alone (`IP_BIND_ADDRESS_NO_PORT`).
        Local::Own if bound.port() == 0 && context.rules.restrict_ports() => {
            Ok(Listen { bind_first: Some(for_family(bound, socket.family)) })
        }
        Local::Own => {
            access::port(&context.rules, socket.transport, bound.port())?;
            Ok(Listen { bind_first: None })
        }
        Local::Unbound => {
            let (address, _) = narrow(context, socket, socket.family.unspecified())?;
            Ok(Listen { bind_first: Some(for_family(address, socket.family)) })
        }
        Local::Anywhere | Local::Foreign => Err(Refusal::new(Errno::EADDRNOTAVAIL, Reason::BoundOutside(bound.ip()))),
    }
}
