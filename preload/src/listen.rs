//! listen.

use crate::facts::identify;
use crate::stop::{Stop, answer, ask_if_possible};
use crate::sys::{self, Fd, shim};
use chbind_policy::perform::{self, Look};
use chbind_policy::sockaddr::canonical;
use chbind_policy::{Socket, Subject, Transport, listen};
use libc::{SO_ACCEPTCONN, SOL_SOCKET, c_int};

/// listen(2)
pub(crate) fn listen_call(fd: Fd, backlog: c_int, ask: impl FnOnce() -> sys::Result<usize>) -> sys::Result<usize> {
    let subject = || match (fd.local(), identify(fd)) {
        (Ok(Some(bound)), Ok(Some(socket))) => Subject::Address("listen on", canonical(bound), socket.transport),
        _ => Subject::Call("listen"),
    };
    answer(listening(fd, backlog).map(|()| 0), subject, ask)
}

fn listening(fd: Fd, backlog: c_int) -> Result<(), Stop> {
    // The supervisor remembers what is served.
    ask_if_possible()?;
    if let Some(socket) = identify(fd)? {
        prepare(fd, &socket)?;
    }
    Ok(fd.listen(backlog)?)
}

/// Row 12 (docs/semantics.md#row-12): it has an address, and a port that may be listened on.
fn prepare(fd: Fd, socket: &Socket) -> Result<(), Stop> {
    let context = &shim().config.context;
    let local = perform::local(&fd)?;
    let listening = fd.option(SOL_SOCKET, SO_ACCEPTCONN)? != 0;
    let action = listen::listen(context, socket, local, listening)?;
    if let Some(address) = action.bind_first {
        perform::take_port(&fd, address)?;
        listen::listen(context, socket, perform::local(&fd)?, false)?;
    } else if !listening && socket.transport == Transport::Tcp && context.rules.restrict_ports() {
        perform::keep_port(&fd, local)?;
    }
    Ok(())
}
