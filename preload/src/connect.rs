//! connect.

use crate::bind::is_of_others;
use crate::facts::identify;
use crate::host::Asker;
use crate::option;
use crate::stop::{Stop, answer, ask_if_possible};
use crate::sys::{self, Fd, cancellable, shim};
use chbind_policy::connect::{self, Connect, Source};
use chbind_policy::local::{LocalAddr, unbound};
use chbind_policy::perform::{self, Endpoint, Look};
use chbind_policy::sockaddr::{self, LEN_V6, canonical, scope};
use chbind_policy::{Context, Errno, Socket, Subject, Transport};
use core::net::SocketAddr;
use libc::{AF_UNIX, AF_UNSPEC, IP_BIND_ADDRESS_NO_PORT, IPPROTO_IP};

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
    for _ in 0..ATTEMPTS {
        let local = match socket.transport {
            Transport::Tcp if !dissolves => match local_of_stream(fd, &socket)? {
                Some(local) => local,
                None => return Ok(()),
            },
            _ => perform::local(&fd)?,
        };
        let host = Asker::new(fd, &socket, 0);
        let action = match connect::connect(context, &socket, local, address, &host) {
            Ok(action) => action,
            Err(refusal) if socket.transport != Transport::Tcp || local.is_portless() => return Err(refusal.into()),
            Err(refusal) => return before_the_address(fd).unwrap_or(Err(refusal.into())),
        };
        if host.is_at_a_loss.get() {
            ask_if_possible()?;
        }
        let Connect::To { destination, source } = action else {
            fd.disconnect()?;
            match socket.transport {
                Transport::Tcp if is_marked(fd) => unpin(fd, &socket, local.as_bound()),
                _ => perform::repin(&fd, context, &socket),
            }
            return Ok(());
        };
        if let Source::Try(source) = source {
            perform::dry_run(&fd, &socket, source, destination)?;
        }
        match source {
            Source::Own => {}
            Source::Pin(source) | Source::Try(source) => match pin(fd, &socket, source) {
                Ok(()) => {}
                Err(Errno::EINVAL) => continue,
                Err(errno) => {
                    perform::repin(&fd, context, &socket);
                    return Err(Stop::Fail(errno));
                }
            },
            Source::Fix(source) => {
                ask_if_possible()?;
                return settled(fd, &socket, local, source, destination);
            }
        }
        let done = cancellable(|| fd.connect(destination));
        if let Source::Pin(source) | Source::Try(source) = source
            && socket.transport == Transport::Tcp
            && done.is_err_and(|errno| errno != Errno::EINPROGRESS)
        {
            unpin(fd, &socket, source);
        }
        return Ok(done?);
    }
    Err(Stop::Fail(Errno::EINVAL))
}

/// What the kernel says to a stream whatever the address: that it is connected, being connected, or listening, or how a
/// connection before has ended (`__inet_stream_connect`, net/ipv4/af_inet.c). `None` if nothing.
fn before_the_address(fd: Fd) -> Option<Result<(), Stop>> {
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

/// Pins the socket to `source`. Nothing is remembered of sockets here; so a stream that was given its source by us is left
/// with a mark, `IP_BIND_ADDRESS_NO_PORT`: when the connection has failed or was dissolved its address shows still, and
/// without the mark it is one that the program has asked for.
pub(crate) fn pin(fd: Fd, socket: &Socket, source: SocketAddr) -> sys::Result<()> {
    if socket.transport != Transport::Tcp || option::wants_no_port() {
        return perform::pin(&fd, socket, source);
    }
    mark(fd, true)?;
    let pinned = perform::pin(&fd, socket, source);
    if pinned.is_err() {
        mark(fd, false)?;
    }
    pinned
}

/// Takes the source away again from a stream that could not be connected from it, and the mark.
pub(crate) fn unpin(fd: Fd, socket: &Socket, source: SocketAddr) {
    // EINVAL: it is being connected.
    if perform::pin(&fd, socket, unbound(source)).is_ok() && !option::wants_no_port() {
        // It was set, so it can be.
        let _ = mark(fd, false);
    }
}

pub(crate) fn mark(fd: Fd, on: bool) -> sys::Result<()> {
    fd.set_option(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &i32::from(on).to_ne_bytes())
}

fn is_marked(fd: Fd) -> bool {
    !option::wants_no_port() && fd.option(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT).is_ok_and(|on| on != 0)
}

/// The local address of a stream that is to be connected, as the program has bound it. One whose connection has failed or was
/// dissolved has let go of a port that the kernel chose, and shows it still (`tcp_disconnect`, `inet_put_port`). `None` if it
/// turns out to be connected by now.
fn local_of_stream(fd: Fd, socket: &Socket) -> Result<Option<LocalAddr>, Stop> {
    let context = &shim().config.context;
    let local = perform::local(&fd)?;
    let LocalAddr::Bound(bound) = local else { return Ok(Some(local)) };
    let shown = canonical(bound);
    // One of loopback may have been given by the supervisor, who leaves no mark.
    let may_be_given = is_marked(fd) || option::wants_no_port() || !context.is_assigned(shown.ip(), scope(shown));
    if !may_be_given {
        return Ok(Some(local));
    }
    if let Some(said) = before_the_address(fd) {
        return said.map(|()| None);
    }
    Ok(Some(if perform::holds_port(&fd, socket) { local } else { LocalAddr::Unbound(unbound(bound)) }))
}

fn settled(fd: Fd, socket: &Socket, local: LocalAddr, source: SocketAddr, to: SocketAddr) -> Result<(), Stop> {
    perform::dry_run(&fd, socket, source, to)?;
    let settled = perform::fix_source(&fd, socket, source).and_then(|()| fd.connect(to));
    if settled.is_err() && perform::unfix_source(&fd, local).is_err() {
        perform::repin(&fd, &shim().config.context, socket);
    }
    Ok(settled?)
}
