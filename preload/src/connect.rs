//! connect.

use crate::bind::is_of_others;
use crate::facts::identify;
use crate::host::Asker;
use crate::option;
use crate::stop::{Stop, answer, ask_if_possible};
use crate::sys::{self, Fd, cancellable, shim};
use chbind_policy::connect::{self, Connect, Source};
use chbind_policy::perform::{self, Endpoint};
use chbind_policy::sockaddr::{self, canonical};
use chbind_policy::{Context, Socket, Subject, Transport};
use core::net::SocketAddr;
use libc::{AF_UNSPEC, EINPROGRESS, EINVAL};

/// Another thread may give the socket an address between the look at it and the act: then the rule is asked again.
const ATTEMPTS: usize = 3;

/// connect(2)
pub(crate) fn connect_call(fd: Fd, address: &[u8], ask: impl FnOnce() -> sys::Result<usize>) -> sys::Result<usize> {
    if is_of_others(address) {
        return cancellable(|| fd.connect_bytes(address)).map(|()| 0);
    }
    let subject = || match (sockaddr::decode(address), identify(fd)) {
        (Some(shown), Ok(Some(socket))) => Subject::Address("connect to", canonical(shown), socket.transport),
        _ => Subject::Call("connect"),
    };
    answer(connected(fd, address).map(|()| 0), subject, || cancellable(ask))
}

/// Whether this destination is loopback, where what others serve counts; or none at all.
pub(crate) fn is_near(context: &Context, address: &[u8]) -> bool {
    let ip = sockaddr::decode(address).map(|asked| canonical(asked).ip());
    ip.is_none_or(|ip| (ip.is_loopback() || ip.is_unspecified()) && !context.is_assigned(ip, 0))
}

fn connected(fd: Fd, address: &[u8]) -> Result<(), Stop> {
    let context = &shim().charge.context;
    if is_near(context, address) || option::wants_no_port() {
        ask_if_possible()?;
    }
    let Some(socket) = identify(fd)? else { return Ok(cancellable(|| fd.connect_bytes(address))?) };
    for _ in 0..ATTEMPTS {
        let bound = match socket.transport {
            Transport::Tcp if sockaddr::family(address) != Some(AF_UNSPEC) => perform::local_of_stream(&fd, &socket)?,
            _ => perform::local(&fd)?,
        };
        let host = Asker { fd, socket: &socket, interface: 0 };
        let Connect::To { destination, source } = connect::connect(context, &socket, bound, address, &host)? else {
            fd.disconnect()?;
            perform::mend(&fd, context, &socket);
            return Ok(());
        };
        if let Source::Try(source) = source {
            perform::rehearse(&fd, &socket, source, destination)?;
        }
        match source {
            Source::Own => {}
            Source::Pin(source) | Source::Try(source) => match perform::pin(&fd, &socket, source) {
                Ok(()) => {}
                Err(EINVAL) => continue,
                Err(errno) => {
                    perform::mend(&fd, context, &socket);
                    return Err(Stop::Fail(errno));
                }
            },
            Source::Settle(source) => {
                ask_if_possible()?;
                return settled(fd, &socket, bound, source, destination);
            }
        }
        let done = cancellable(|| fd.connect(destination));
        if socket.transport == Transport::Tcp && done.is_err_and(|errno| errno != EINPROGRESS) {
            perform::unpin(&fd, &socket);
        }
        return Ok(done?);
    }
    Err(Stop::Fail(EINVAL))
}

fn settled(fd: Fd, socket: &Socket, bound: SocketAddr, source: SocketAddr, to: SocketAddr) -> Result<(), Stop> {
    perform::rehearse(&fd, socket, source, to)?;
    let settled = perform::settle(&fd, socket, source).and_then(|()| fd.connect(to));
    if settled.is_err() && perform::unsettle(&fd, bound).is_err() {
        perform::mend(&fd, &shim().charge.context, socket);
    }
    Ok(settled?)
}
