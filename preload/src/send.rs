//! sendto, sendmsg and sendmmsg.

use crate::bind::{bind_to, is_of_others};
use crate::connect::{self, is_near};
use crate::facts::identify;
use crate::foreign_sockets;
use crate::host::Asker;
use crate::option;
use crate::stop::{Stop, answer, ask_if_possible};
use crate::sys::{self, Fd, Pieces, cancellable, shim};
use chbind_policy::bind::Place;
use chbind_policy::control::{self, Reader, SOURCE_LEN};
use chbind_policy::perform;
use chbind_policy::send::{self, Source};
use chbind_policy::sockaddr::{self, SockAddr, canonical};
use chbind_policy::{Errno, Family, LocalAddr, Socket, Subject, Transport};
use libc::{MSG_FASTOPEN, c_int};

/// Another thread may give the socket an address between the look at it and the act: then the rule is asked again.
const ATTEMPTS: usize = 3;
/// Control messages that can be changed, in bytes; longer ones are for the supervisor, or for nobody.
const CONTROL_MAX: usize = 1024;

/// A message as the program has it, but for what it says of addresses, which is a copy.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    /// `None` where there is none.
    pub(crate) address: Option<&'a [u8]>,
    pub(crate) control: &'a [u8],
    pub(crate) pieces: Pieces,
    pub(crate) flags: c_int,
}

impl Message<'_> {
    /// Whether the kernel does with it what the rules say, whatever socket it is for.
    #[inline]
    pub(crate) fn goes_as_it_is(&self) -> bool {
        if !self.control.is_empty() && control::names_way(self.control) {
            return false;
        }
        match self.address {
            _ if self.flags & MSG_FASTOPEN != 0 => false,
            // To whom it is connected, or nobody.
            None => true,
            Some(address) => is_plain(address) || is_of_others(address),
        }
    }
}

/// Whether the destination is what it is called, and every socket that can send there sends from an address of the context.
#[inline]
fn is_plain(address: &[u8]) -> bool {
    let shim = shim();
    let Some(asked) = sockaddr::decode(address) else { return false };
    if shim.single != Some(Family::of(asked.ip())) || asked.port() == 0 {
        return false;
    }
    let ip = asked.ip();
    let is_usual = match ip {
        core::net::IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_unspecified(),
        core::net::IpAddr::V6(ip) => !ip.is_loopback() && ip.to_ipv4().is_none(),
    };
    (is_usual || shim.config.context.is_assigned(ip, 0)) && foreign_sockets::is_own()
}

/// One message. `ask` sends it as the program did.
pub(crate) fn send_call(fd: Fd, message: &Message, ask: impl FnOnce() -> sys::Result<usize>) -> sys::Result<usize> {
    let shown = message.address.and_then(sockaddr::decode);
    let subject = || match (shown, identify(fd)) {
        (Some(shown), Ok(Some(socket))) => Subject::Address("send to", canonical(shown), socket.transport),
        _ => Subject::Call("send"),
    };
    answer(sent(fd, message), subject, || cancellable(ask))
}

fn sent(fd: Fd, message: &Message) -> Result<usize, Stop> {
    let context = &shim().config.context;
    let socket = match identify(fd)? {
        Some(socket) => socket,
        None => {
            let (address, control) = (message.address.unwrap_or_default(), message.control);
            return Ok(cancellable(|| fd.sendmsg(address, control, message.pieces, message.flags))?);
        }
    };
    let near = message.address.is_some_and(|address| is_near(context, address));
    for _ in 0..ATTEMPTS {
        let local = perform::local(&fd)?;
        let is_opening = socket.transport == Transport::Tcp && message.flags & MSG_FASTOPEN != 0;
        if near || message.flags & MSG_FASTOPEN != 0 {
            if shim().is_hybrid() && is_opening && local.as_bound().ip().is_unspecified() && !option::wants_no_port() {
                // The supervisor is about to pin it.
                connect::mark(fd, true)?;
            }
            ask_if_possible()?;
        }
        let host = Asker::new(fd, &socket, control::interface(message.control));
        let action = send::send(context, &socket, local, message.address, message.flags, &host)?;
        if host.is_at_a_loss.get() {
            ask_if_possible()?;
        }
        let far = match action.destination {
            None if message.address.is_some() || !message.control.is_empty() => fd.peer().ok().flatten(),
            destination => destination,
        };
        let reader = Reader::of(&socket, far);
        let mut room = [0; SOURCE_LEN + CONTROL_MAX];
        // Judged before the socket is changed: a message that is refused leaves nothing behind.
        let mut control = controls(&mut room, message, reader, action.source, local)?;
        match take_place(fd, &socket, action.source) {
            Ok(taken) if taken == action.source => {}
            Ok(taken) => control = controls(&mut room, message, reader, taken, local)?,
            Err(Stop::Fail(Errno::EINVAL)) => continue,
            Err(Stop::Fail(errno)) => {
                perform::repin(&fd, context, &socket);
                return Err(Stop::Fail(errno));
            }
            Err(stop) => return Err(stop),
        }
        let control = room.get(..control).unwrap_or_default();
        let destination = action.destination.map_or(SockAddr::NONE, sockaddr::encode);
        let address = match (action.destination, message.address) {
            (Some(_), _) => destination.bytes(),
            // What is no address to the kernel (AF_UNSPEC to IPv6) it may still look at.
            (None, Some(asked)) if socket.transport != Transport::Tcp => asked,
            (None, _) => &[],
        };
        let flags = message.flags;
        let done = cancellable(|| fd.sendmsg(address, control, message.pieces, flags));
        if let Source::Pin(source) = action.source
            && socket.transport == Transport::Tcp
            && done.is_err_and(|errno| errno != Errno::EINPROGRESS)
        {
            connect::unpin(fd, &socket, source);
        }
        return Ok(done?);
    }
    Err(Stop::Fail(Errno::EINVAL))
}

/// The control messages, judged, for a message with this source from a socket with the address `local`: how many bytes.
fn controls(
    room: &mut [u8],
    message: &Message,
    reader: Reader,
    source: Source,
    local: LocalAddr,
) -> Result<usize, Stop> {
    let (own, named) = match source {
        Source::Own => (local.as_bound(), None),
        Source::Pin(at) => (at, None),
        Source::Open { named, .. } | Source::Named(named) => (named, Some(named)),
    };
    let (naming, before) = named.map_or(([0; SOURCE_LEN], 0), control::naming);
    let after = message.control.len();
    let Some(all) = room.get_mut(..before + after) else {
        ask_if_possible()?;
        return Err(Stop::Fail(Errno::EMSGSIZE));
    };
    for (to, from) in all.iter_mut().zip(naming.iter().take(before).chain(message.control)) {
        *to = *from;
    }
    let own = Some(own.ip().to_canonical()).filter(|own| !own.is_unspecified());
    reader.check(&shim().config.context, all.get_mut(before..).unwrap_or_default(), own)?;
    Ok(before + after)
}

/// Gives a socket without an address what it sends from. Says which source it has come to.
fn take_place(fd: Fd, socket: &Socket, source: Source) -> Result<Source, Stop> {
    match source {
        Source::Own | Source::Named(_) => Ok(source),
        Source::Pin(at) => Ok(connect::pin(fd, socket, at).map(|()| source)?),
        Source::Open { any, otherwise, .. } => {
            foreign_sockets::note_foreign();
            ask_if_possible()?;
            bind_to(fd, socket, Place::Open { any, otherwise })?;
            let is_open = perform::local(&fd)?.as_bound().ip().to_canonical().is_unspecified();
            Ok(if is_open { source } else { Source::Pin(otherwise) })
        }
    }
}
