//! How a connect is carried out.

use crate::connect::{self, Connect, Source};
use crate::context::Context;
use crate::errno::Errno;
use crate::local::LocalAddr;
use crate::perform::shell::{ATTEMPTS, Permit, Shell, has_failed, recover};
use crate::perform::socket::{Endpoint, dry_run, fix_source, holds_port, local, repin, unfix_source};
use crate::sockaddr;
use crate::socket::{Socket, Transport};
use core::net::SocketAddr;

/// Who carries out a connect.
pub trait Connects: Shell {
    /// Whether the address of a stream that shows the port of `shown` may have been chosen for the program. If not, it is the
    /// program's whatever has become of the port.
    ///
    /// The supervisor knows it from what it remembers. The shim has only its mark to go by.
    fn may_be_pinned(&self, permit: &Self::Permit, shown: SocketAddr) -> bool;

    /// What the kernel says to a stream whatever the address: that it is connected, being connected or listening, or how a
    /// connection before has ended (`__inet_stream_connect`, net/ipv4/af_inet.c); `None` if nothing.
    ///
    /// The supervisor has asked before it gets here, for the answer may take its time, and others may act on the socket
    /// meanwhile: it says `None`. The shim spares the question until it matters.
    fn said_before_the_address(&mut self, permit: &Self::Permit) -> Option<Result<(), Self::Stop>>;

    /// A stream at `before` has been dissolved.
    ///
    /// The supervisor finds out at the next connect what has become of its address. The shim takes it away if its mark says
    /// that it can.
    fn dissolved(&mut self, permit: &Self::Permit, before: LocalAddr);

    /// Whether a datagram socket at `local` may be given a source at the port that it has.
    ///
    /// The supervisor does so only with sockets that it has kept to the context: one from outside would lose the address again
    /// when it is dissolved, while another thread writes. The shim leaves it to the supervisor, if there is one.
    ///
    /// # Errors
    ///
    /// In the supervisor EADDRNOTAVAIL, [`Reason::BoundOutside`](crate::Reason::BoundOutside), for a wildcard that is
    /// not kept to the context. The shim asks the supervisor.
    fn may_fix_source(&mut self, permit: &Self::Permit, local: LocalAddr) -> Result<(), Self::Stop>;

    /// connect(2).
    ///
    /// The supervisor gives up its place in what [`enter`](Shell::enter) protects before it blocks. In the shim the thread may be
    /// cancelled.
    ///
    /// # Errors
    ///
    /// What connect(2) says; EINPROGRESS is the kernel's word for one that goes on in the background ([`has_failed`]).
    /// In the supervisor also EINTR or a restart where a signal ends the wait, ENOBUFS where no thread is left to go on
    /// with other calls meanwhile, and that the caller no longer waits.
    fn connect(&mut self, permit: &mut Self::Permit, destination: SocketAddr) -> Result<(), Self::Stop>;
}

/// Judges a connect with the caller's address as bytes, and carries it out.
///
/// # Errors
///
/// In this order:
///
/// 1. EINVAL: the address is too short to have a family (`__inet_stream_connect` and `inet_dgram_connect`,
///    net/ipv4/af_inet.c).
/// 2. Those of [`Shell::enter`], and of getsockname(2).
/// 3. On a stream that has a port, what the kernel says whatever the address ([`Connects::said_before_the_address`]).
/// 4. Those of the rule, [`connect`](connect::connect()).
/// 5. Those of [`Shell::has_found_out`] and, unless an association is dissolved, [`Shell::require_idle`].
/// 6. What the kernel says when the socket is given its source, or would be ([`dry_run`], [`Shell::pin`],
///    [`fix_source`]), with those of [`Connects::may_fix_source`] and [`Shell::deafened`]. [`Shell::pin`] has EINVAL
///    where another thread has got the socket a port meanwhile: then all of this is done again, and EINVAL is the
///    answer after the third time.
/// 7. What the kernel says to the call itself, connect(2).
pub fn connect<S: Connects>(shell: &mut S, context: &Context, socket: &Socket, address: &[u8]) -> Result<(), S::Stop> {
    let Some(family) = sockaddr::family(address) else { return Err(Errno::EINVAL.into()) };
    let is_stream = socket.transport == Transport::Tcp;
    for _ in 0..ATTEMPTS {
        let mut permit = shell.enter(true)?;
        let local = match local(permit.socket())? {
            LocalAddr::Bound(shown)
                if is_stream && family != libc::AF_UNSPEC && shell.may_be_pinned(&permit, shown) =>
            {
                if let Some(said) = shell.said_before_the_address(&permit) {
                    return said;
                }
                shown_by_stream(&permit, socket, shown)
            }
            local => local,
        };
        let action = match connect::connect(context, socket, local, address, &*shell) {
            Ok(action) => action,
            Err(refusal) => {
                shell.give_port(&permit);
                let said =
                    (is_stream && !local.is_portless()).then(|| shell.said_before_the_address(&permit)).flatten();
                return said.unwrap_or(Err(refusal.into()));
            }
        };
        shell.has_found_out()?;
        let Connect::To { destination, source } = action else {
            return dissolve(shell, &permit, context, socket, local);
        };
        shell.require_idle(&permit)?;
        if let Source::Try(source) = source
            && let Err(errno) = dry_run(permit.socket(), socket, source, destination)
        {
            shell.give_port(&permit);
            return Err(errno.into());
        }
        let given = match source {
            Source::Own => None,
            Source::Pin(source) | Source::Try(source) => match shell.pin(&permit, source) {
                Ok(()) => Some(source),
                Err(Errno::EINVAL) => continue,
                Err(errno) => {
                    recover(shell, &permit, context, socket)?;
                    return Err(errno.into());
                }
            },
            Source::Fix(source) => {
                shell.may_fix_source(&permit, local)?;
                return connect_from(shell, &permit, context, socket, local, source, destination);
            }
        };
        let done = shell.connect(&mut permit, destination);
        if is_stream && has_failed(&done) {
            shell.unpin(&permit, given);
        }
        return done;
    }
    Err(Errno::EINVAL.into())
}

/// What it means that a stream shows this address and port, if the address may have been chosen for the program. One whose
/// connection has failed or was dissolved has let go of a port that the kernel chose, and shows it still (`tcp_disconnect`,
/// `inet_put_port`): then what goes with the next destination is to be found again.
fn shown_by_stream(permit: &impl Permit, socket: &Socket, mut shown: SocketAddr) -> LocalAddr {
    if holds_port(permit.socket(), socket) {
        return LocalAddr::Bound(shown);
    }
    shown.set_port(0);
    LocalAddr::Pinned(shown)
}

/// Row 47 (docs/semantics.md#row-47): the association is dissolved, and what is left of it does not show.
fn dissolve<S: Connects>(
    shell: &mut S,
    permit: &S::Permit,
    context: &Context,
    socket: &Socket,
    before: LocalAddr,
) -> Result<(), S::Stop> {
    if socket.transport == Transport::Tcp {
        permit.socket().disconnect()?;
        shell.dissolved(permit, before);
        return Ok(());
    }
    let dissolved = shell.deafened(permit, || {
        let dissolved = permit.socket().disconnect();
        repin(permit.socket(), context, socket);
        dissolved
    })?;
    Ok(dissolved?)
}

/// Connects a datagram socket that has a port at `before`, a wildcard, a broadcast address or a group, from `source`.
fn connect_from<S: Connects>(
    shell: &mut S,
    permit: &S::Permit,
    context: &Context,
    socket: &Socket,
    before: LocalAddr,
    source: SocketAddr,
    destination: SocketAddr,
) -> Result<(), S::Stop> {
    let of = permit.socket();
    dry_run(of, socket, source, destination)?;
    let connected = shell.deafened(permit, || {
        let connected = fix_source(of, socket, source).and_then(|()| of.connect(destination));
        if connected.is_err() && unfix_source(of, before).is_err() {
            repin(of, context, socket);
        }
        connected
    })?;
    Ok(connected?)
}
