//! One message, or the first piece of one: judged, given a source, and sent from the copy.

use super::connect::ATTEMPTS;
use super::worker::Worker;
use crate::supervisor::caller::budget::{Buffer, Share};
use crate::supervisor::caller::duplicate::Duplicate;
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::message::Message;
use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::socket::host::Asker;
use crate::supervisor::socket::lock::Locked;
use crate::sys::memory::Pages;
use crate::sys::socket::Payload;
use crate::sys::{self, Errno, socket};
use chbind_policy::control::{self, Reader};
use chbind_policy::perform;
use chbind_policy::send::{self, Source};
use chbind_policy::sockaddr::SockAddr;
use chbind_policy::sockaddr::canonical;
use chbind_policy::{LocalAddr, Socket, Transport};
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

/// No datagram is longer, in bytes (net/ipv4/udp.c).
pub(crate) const DATAGRAM_MAX: usize = 0xffff;

/// One sendmsg, judged.
struct Outgoing<'a> {
    destination: Option<SocketAddr>,
    payload: &'a [u8],
    /// How many bytes come after these that cannot be read.
    missing: usize,
    control: &'a [u8],
    flags: i32,
}

impl Worker {
    /// Judges the message and sends it, or the first piece of it. All that is to be sent is read first. What cannot be
    /// read cannot be read by the kernel either: that says so, or what else is wrong, in its own order.
    pub(crate) fn send_one(
        &mut self,
        caller: &mut Caller,
        duplicate: &Duplicate,
        socket: &Socket,
        message: &Message,
        buffer: &mut Buffer,
    ) -> Result<usize, Stop> {
        let (payload, missing) = match socket.transport {
            Transport::Tcp => message.load(caller, 0, buffer)?,
            // Nothing of it is sent.
            _ if message.len() > DATAGRAM_MAX => (&[][..], message.len()),
            _ => message.load(caller, 0, buffer)?,
        };
        let raw = message.address.as_ref().map(SockAddr::bytes);
        for _ in 0..ATTEMPTS {
            // A stream that does not connect has nothing to be judged by.
            let judged = socket.transport != Transport::Tcp || message.flags & libc::MSG_FASTOPEN != 0;
            let locked = judged.then(|| self.shared.sockets.lock(duplicate)).transpose()?;
            let fd = duplicate.act(caller.live()?);
            let local = self.shared.sockets.local(duplicate)?;
            let interface = control::interface(&message.control);
            let host = Asker { sockets: &self.shared.sockets, socket: duplicate, interface };
            let judged = send::send(self.shared.context, socket, local, raw, message.flags, &host);
            if judged.is_err() {
                // It has got a port by then (inet_send_prepare, net/ipv4/af_inet.c).
                self.give_port(caller, fd, socket);
            }
            let action = judged?;
            let is_v4 = action.destination.is_some_and(|to| canonical(to).is_ipv4());
            if socket.transport == Transport::Udp && is_v4 && message.len() > DATAGRAM_MAX {
                // udp_sendmsg looks at the length before all else.
                self.give_port(caller, fd, socket);
                return Err(Stop::Fail(libc::EMSGSIZE));
            }
            // Judged before the socket is changed: a message that is refused leaves nothing behind.
            let far = match action.destination {
                None if raw.is_some() || !message.control.is_empty() => duplicate.peer().ok().flatten(),
                destination => destination,
            };
            let is_unspec = socket.transport == Transport::Udp && raw.is_some() && action.destination.is_none();
            if is_unspec && far.is_some_and(|far| canonical(far).is_ipv4()) {
                // AF_UNSPEC is no address, but goes past the turning to IPv4 (udpv6_sendmsg, net/ipv6/udp.c).
                return Err(Stop::Fail(libc::ENETUNREACH));
            }
            let reader = Reader::of(socket, far);
            let mut control = self.controls(message, reader, action.source, local)?;
            if let Some(locked) =
                locked.as_ref().filter(|_| matches!(action.source, Source::Pin(_) | Source::Open { .. }))
            {
                locked.require_idle(libc::EALREADY)?;
            }
            match self.take_place(fd, socket, action.source) {
                Ok(taken) if taken == action.source => {}
                Ok(taken) => control = self.controls(message, reader, taken, local)?,
                Err(Errno(libc::EINVAL)) => continue,
                Err(errno) => {
                    self.shared.sockets.recover(fd, socket)?;
                    return Err(errno.into());
                }
            }
            let (destination, control, flags) = (action.destination, &control, message.flags);
            return self.send_piece(caller, fd, locked, Outgoing { destination, payload, missing, control, flags });
        }
        Err(Stop::Fail(libc::EINVAL))
    }

    /// The control messages, judged, for a message with this source from a socket at `local`.
    fn controls(&self, message: &Message, reader: Reader, source: Source, local: LocalAddr) -> Result<Vec<u8>, Stop> {
        let (own, named) = match source {
            Source::Own => (local.as_bound(), None),
            Source::Pin(at) => (at, None),
            Source::Open { named, .. } | Source::Named(named) => (named, Some(named)),
        };
        let own = Some(own.ip().to_canonical()).filter(|own| !own.is_unspecified());
        let mut control = message.control.clone();
        reader.check(self.shared.context, &mut control, own)?;
        if let Some(named) = named {
            let (bytes, len) = control::naming(named);
            control.splice(..0, bytes.into_iter().take(len));
        }
        Ok(control)
    }

    /// Gives a socket without an address what it sends from. Says which source it has come to.
    fn take_place(&self, fd: BorrowedFd, socket: &Socket, source: Source) -> sys::Result<Source> {
        let pin = |at| perform::pin(&self.shared.sockets.tracked(fd), socket, at);
        match source {
            Source::Own | Source::Named(_) => Ok(source),
            Source::Pin(at) => pin(at).map(|()| source),
            Source::Open { any, otherwise, .. } => {
                if self.shared.sockets.wildcard_filter.place(fd) {
                    let opened = socket::bind(fd, any);
                    if opened.is_err_and(|errno| errno != Errno(libc::EINVAL)) {
                        self.shared.sockets.repin(fd, socket);
                    }
                    opened?;
                    if self.keeps_chosen_port(fd)? {
                        return Ok(source);
                    }
                }
                pin(otherwise).map(|()| Source::Pin(otherwise))
            }
        }
    }

    /// A further piece of a stream: there is nothing left to judge.
    pub(crate) fn send_rest(
        &mut self,
        caller: &mut Caller,
        duplicate: &Duplicate,
        message: &Message,
        sent: usize,
        buffer: &mut Buffer,
    ) -> Result<usize, Stop> {
        let (payload, missing) = message.load(caller, sent, buffer)?;
        let fd = duplicate.act(caller.live()?);
        let flags = message.flags & !libc::MSG_FASTOPEN;
        self.send_piece(caller, fd, None, Outgoing { destination: None, payload, missing, control: &[], flags })
    }

    /// One sendmsg. It is tried without blocking first, unless it connects: that says EINPROGRESS where it should wait.
    /// What may block is done outside of the section, with the socket in flight.
    fn send_piece(
        &mut self,
        caller: &Caller,
        fd: BorrowedFd,
        locked: Option<Locked<'static>>,
        piece: Outgoing,
    ) -> Result<usize, Stop> {
        let (pages, _share);
        let payload = if piece.flags & libc::MSG_ZEROCOPY != 0 {
            _share = Share::of(piece.payload.len())?;
            pages = Pages::holding(piece.payload)?;
            &*pages
        } else {
            piece.payload
        };
        let parts = Payload { bytes: payload, missing: piece.missing };
        let send = |more| socket::send(fd, piece.destination, parts, piece.control, piece.flags | more);
        let wants_to_block =
            || -> Result<bool, Stop> { Ok(piece.flags & libc::MSG_DONTWAIT == 0 && !socket::is_nonblocking(fd)?) };
        if piece.flags & libc::MSG_FASTOPEN == 0 {
            match send(libc::MSG_DONTWAIT) {
                Err(Errno(libc::EAGAIN)) if wants_to_block()? => {}
                done => return Ok(done?),
            }
        }
        let _in_flight = locked.map(Locked::take_off);
        if !wants_to_block()? {
            return Ok(send(libc::MSG_DONTWAIT)?);
        }
        self.block(caller, fd, || send(0))
    }
}
