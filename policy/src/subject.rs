//! What a refusal is about.

use crate::socket::Transport;
use core::fmt;
use core::net::SocketAddr;

/// What a call is about, for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Nothing is known but the call.
    Call(&'static str),
    /// Something done with an address.
    Address(&'static str, SocketAddr, Transport),
    /// A new socket.
    Kind {
        /// The address family.
        domain: i32,
        /// The type, without flags.
        kind: i32,
        /// The protocol.
        protocol: i32,
    },
    /// A socket option.
    Option {
        /// Of this level.
        level: i32,
        /// By this name.
        name: i32,
    },
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Call(name) => f.write_str(name),
            Subject::Address(verb, address, transport) => write!(f, "{verb} {address}/{}", transport.name()),
            Subject::Kind { domain, kind, protocol } => {
                write!(f, "a socket (address family {domain}, type {kind}, protocol {protocol})")
            }
            Subject::Option { level, name } => write!(f, "socket option {name} of level {level}"),
        }
    }
}
