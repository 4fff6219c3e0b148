//! connect.

use crate::bind::is_of_others;
use crate::facts::identify;
use crate::option;
use crate::shell::{self, Call};
use crate::stop::{Stop, answer, ask_if_possible};
use crate::sys::{self, Fd, cancellable, shim};
use chbind_policy::perform::{self, Connects, Endpoint, Look};
use chbind_policy::sockaddr::{self, LEN_V6, canonical, scope};
use chbind_policy::{Context, Errno, LocalAddr, Subject, Transport};
use core::net::SocketAddr;
use libc::{AF_UNIX, AF_UNSPEC};

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
    let context = &shim().config.context;
    let dissolves = sockaddr::family(address) == Some(AF_UNSPEC);
    if (!dissolves && is_near(context, address)) || option::wants_no_port() {
        ask_if_possible()?;
    }
    let Some(socket) = identify(fd)? else { return Ok(cancellable(|| fd.connect_bytes(address))?) };
    if sockaddr::family(address).is_none() {
        return Err(Stop::Fail(Errno::EINVAL));
    }
    let has_port = || fd.local().is_ok_and(|bound| bound.is_none_or(|bound| bound.port() != 0));
    if socket.transport == Transport::Udp && option::is_unclear() && !has_port() {
        ask_if_possible()?;
    }
    if dissolves && socket.transport != Transport::Tcp {
        ask_if_possible()?;
    }
    perform::connect(&mut Call::new(fd, &socket, 0, Connecting), context, &socket, address)
}

/// A connect.
struct Connecting;

impl Connects for Call<'_, Connecting> {
    fn may_be_pinned(&self, fd: &Fd, shown: SocketAddr) -> bool {
        let shown = canonical(shown);
        // One of loopback may have been given by the supervisor, who leaves no mark.
        let is_assigned = || shim().config.context.is_assigned(shown.ip(), scope(shown));
        shell::is_marked(*fd) || option::wants_no_port() || !is_assigned()
    }

    fn said_before_the_address(&mut self, fd: &Fd) -> Option<Result<(), Stop>> {
        let [a, b] = (AF_UNIX as u16).to_ne_bytes();
        let mut nobody = [0; LEN_V6];
        for (to, from) in nobody.iter_mut().zip([a, b]) {
            *to = from;
        }
        match cancellable(|| fd.connect_bytes(&nobody)) {
            Err(Errno::EAFNOSUPPORT) => None,
            said => Some(said.map_err(Stop::Fail)),
        }
    }

    fn dissolved(&mut self, fd: &Fd, before: LocalAddr) {
        if shell::is_marked(*fd) {
            shell::unpin(*fd, self.socket, before.as_bound());
        }
    }

    fn may_fix_source(&mut self, _: &Fd, _: LocalAddr) -> Result<(), Stop> {
        ask_if_possible()
    }

    fn connect(&mut self, fd: &mut Fd, destination: SocketAddr) -> Result<(), Stop> {
        Ok(cancellable(|| Endpoint::connect(fd, destination))?)
    }
}
