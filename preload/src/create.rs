//! socket.

use crate::foreign_sockets;
use crate::stop::{Stop, answer, ask_if_possible};
use crate::sys::{self, Own, number, past, shim, socket};
use chbind_policy::create::{Create, TYPE_MASK, create};
use chbind_policy::perform::pin_at_birth;
use chbind_policy::{Subject, Transport};
use libc::{AF_INET, AF_INET6, SOCK_DGRAM, c_int};

/// socket(2)
pub(crate) fn socket_call(
    domain: c_int,
    kind: c_int,
    protocol: c_int,
    ask: impl FnOnce() -> sys::Result<usize>,
) -> sys::Result<usize> {
    let subject = || Subject::Kind { domain, kind: kind & TYPE_MASK, protocol };
    answer(made(domain, kind, protocol), subject, ask)
}

fn made(domain: c_int, kind: c_int, protocol: c_int) -> Result<usize, Stop> {
    match create(&shim().config.context, domain, kind, protocol)? {
        Create::AsAsked => {
            if [AF_INET, AF_INET6].contains(&domain) && kind & TYPE_MASK == SOCK_DGRAM {
                // A ping socket: it has no address until it is used.
                foreign_sockets::note_foreign();
            }
            Ok(past(libc::SYS_socket, [number(domain), number(kind), number(protocol), 0, 0, 0])?)
        }
        Create::At(as_what, address) => {
            if as_what.transport == Transport::RawIcmp {
                foreign_sockets::note_foreign();
                ask_if_possible()?;
            }
            let made: Own = socket(domain, kind, protocol)?;
            pin_at_birth(&made.fd(), &as_what, address)?;
            Ok(number(made.release()))
        }
    }
}
