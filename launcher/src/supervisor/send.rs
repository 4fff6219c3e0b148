//! sendto, sendmsg and sendmmsg: address, control messages and payload are copied, judged and sent from the copy.

use super::acts::Section;
use super::budget::{Buffer, Share};
use super::caller::Stop;
use super::connect::ATTEMPTS;
use super::message::{self, Message};
use super::room::Memory;
use super::route::Asker;
use super::worker::{Likely, RawAddress, Worker};
use crate::sys::memory::Pages;
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::socket::Payload;
use crate::sys::{self, Errno, signal, socket};
use chbind_policy::control::{self, Reader};
use chbind_policy::perform;
use chbind_policy::send::{self, Source};
use chbind_policy::sockaddr::canonical;
use chbind_policy::{Family, Socket, Subject, Transport};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

/// No datagram is longer, in bytes (net/ipv4/udp.c).
const DATAGRAM_MAX: usize = 0xffff;
/// `UIO_MAXIOV` (linux/uio.h): messages of one sendmmsg.
pub(super) const MESSAGES_MAX: u64 = 1024;
/// The size of `struct mmsghdr` on a 64-bit kernel, in bytes.
pub(super) const HEADER_MANY: u64 = 64;
/// Of a 32-bit program. sendto knows no such flag; the others say EINVAL to it before all else (net/socket.c).
const MSG_CMSG_COMPAT: i32 = i32::MIN;

/// A send on a socket of another family runs as it is, but never with `MSG_FASTOPEN`: should another thread put a TCP
/// socket in its place meanwhile, that flag would connect it, which the Landlock floor does not see.
fn no_fast_open(flags: i32) -> Result<i32, Stop> {
    if flags & libc::MSG_FASTOPEN != 0 { Err(Stop::Fail(libc::EOPNOTSUPP)) } else { Ok(flags) }
}

fn known(flags: i32) -> Result<i32, Stop> {
    if flags & MSG_CMSG_COMPAT != 0 { Err(Stop::Fail(libc::EINVAL)) } else { Ok(flags) }
}

/// One sendmsg, judged.
struct Departure<'a> {
    destination: Option<SocketAddr>,
    payload: &'a [u8],
    /// How many bytes come after these that cannot be read.
    missing: usize,
    control: &'a [u8],
    flags: i32,
}

impl Worker {
    pub(super) fn sendto(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let flags = call.args[3] as i32 & !MSG_CMSG_COMPAT;
        let [_, at, len, _, address, address_len] = call.args;
        let payload = vec![message::piece(at, len)?];
        let Some((fd, socket)) = self.inet(call, Likely::Datagram)? else {
            return self.sendto_other(call, no_fast_open(flags)?);
        };
        let address = Some(self.address(call, address, address_len)?);
        let message = Message { address, payload, control: Vec::new(), flags, _share: Share::default() };
        let sent = self.transmit(call, fd.as_fd(), &socket, message)?;
        Ok(Answer::Return(sent as i64))
    }

    pub(super) fn sendmsg(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let flags = known(call.args[2] as i32)?;
        let Some((fd, socket)) = self.inet(call, Likely::Datagram)? else {
            return self.sendmsg_other(call, no_fast_open(flags)?);
        };
        let message = self.message(call, call.args[1], flags)?;
        let sent = self.transmit(call, fd.as_fd(), &socket, message)?;
        Ok(Answer::Return(sent as i64))
    }

    /// As many as can be sent; an error counts only if it is the first's (`__sys_sendmmsg`, net/socket.c).
    pub(super) fn sendmmsg(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let flags = known(call.args[3] as i32)?;
        let Some((fd, socket)) = self.inet(call, Likely::Datagram)? else {
            return self.sendmmsg_other(call, no_fast_open(flags)?);
        };
        let [_, at, many, ..] = call.args;
        let many = (many & u64::from(u32::MAX)).min(MESSAGES_MAX);
        let memory = Memory::open(&self.shared.listener, call)?;
        let mut done = 0;
        while done < many {
            let at = at.wrapping_add(done * HEADER_MANY);
            let sent = self
                .message(call, at, flags)
                .and_then(|message| self.transmit(call, fd.as_fd(), &socket, message))
                .and_then(|sent| memory.write(at.wrapping_add(message::HEADER as u64), &(sent as u32).to_ne_bytes()));
            match sent {
                Ok(()) => done += 1,
                Err(Stop::Gone) => return Err(Stop::Gone),
                Err(stop) if done == 0 => return Err(stop),
                Err(Stop::Refused(refusal)) => {
                    // The program is told by the count; the person by the line.
                    self.shared.teller.refused(call.tid, &self.subject, &refusal, self.shared.context);
                    break;
                }
                Err(Stop::Fail(_)) => break,
            }
        }
        Ok(Answer::Return(done as i64))
    }

    /// Judges and sends one message. Gives the number of bytes sent.
    fn transmit(
        &mut self,
        call: &Notification,
        fd: BorrowedFd,
        socket: &Socket,
        message: Message,
    ) -> Result<usize, Stop> {
        let shown = message.address.as_ref().and_then(RawAddress::shown);
        self.subject = match shown {
            Some(shown) => Subject::Address("send to", shown, socket.transport),
            None => Subject::Call("send"),
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        let sent = match socket.transport {
            Transport::Tcp => self.stream(call, fd, socket, &message, &mut buffer),
            _ => match self.early(call, fd, socket, &message) {
                Some(errno) => Err(Stop::Fail(errno)),
                None => self.depart(call, fd, socket, &message, &mut buffer),
            },
        };
        self.buffer = buffer;
        sent
    }

    /// What the kernel says to a datagram before it looks at the address: not to one of UDP in IPv6 (`udpv6_sendmsg`).
    fn early(&self, call: &Notification, fd: BorrowedFd, socket: &Socket, message: &Message) -> Option<i32> {
        let is_late = socket.transport != Transport::Ping && socket.family == Family::V6;
        let errno = match message.flags & libc::MSG_OOB {
            _ if is_late => return None,
            _ if message.len() > DATAGRAM_MAX => libc::EMSGSIZE,
            0 => return None,
            _ => libc::EOPNOTSUPP,
        };
        if let Ok(_section) = self.shared.acts.enter(fd)
            && self.still_waiting(call).is_ok()
        {
            self.give_port(call, fd, socket);
        }
        Some(errno)
    }

    /// Piece by piece, as long as the kernel takes them; what was sent before an error counts as success.
    fn stream(
        &mut self,
        call: &Notification,
        fd: BorrowedFd,
        socket: &Socket,
        message: &Message,
        buffer: &mut Buffer,
    ) -> Result<usize, Stop> {
        let total = message.len();
        let mut sent = 0;
        loop {
            let step = match sent {
                // Only the first piece can connect, and be judged for that.
                0 => self.depart(call, fd, socket, message, buffer),
                sent => self.follow(call, fd, message, sent, buffer),
            };
            match step {
                Ok(n) => {
                    sent += n;
                    // A completion counts calls, so a call with MSG_ZEROCOPY must be one send.
                    if n == 0 || sent >= total || message.flags & libc::MSG_ZEROCOPY != 0 {
                        return Ok(sent);
                    }
                }
                Err(Stop::Gone) => return Err(Stop::Gone),
                Err(_) if sent > 0 => return Ok(sent),
                Err(Stop::Fail(libc::EPIPE)) => {
                    if message.flags & libc::MSG_NOSIGNAL == 0 && self.still_waiting(call).is_ok() {
                        // ESRCH: it has been killed meanwhile.
                        let _ = signal::broken_pipe(call.tid);
                    }
                    return Err(Stop::Fail(libc::EPIPE));
                }
                Err(stop) => return Err(stop),
            }
        }
    }

    /// Judges the message and sends it, or the first piece of it. All that is to be sent is read first. What cannot be
    /// read cannot be read by the kernel either: that says so, or what else is wrong, in its own order.
    fn depart(
        &mut self,
        call: &Notification,
        fd: BorrowedFd,
        socket: &Socket,
        message: &Message,
        buffer: &mut Buffer,
    ) -> Result<usize, Stop> {
        let (payload, missing) = match socket.transport {
            Transport::Tcp => message.load(call, 0, buffer)?,
            // Nothing of it is sent.
            _ if message.len() > DATAGRAM_MAX => (&[][..], message.len()),
            _ => message.load(call, 0, buffer)?,
        };
        let raw = message.address.as_ref().map(RawAddress::bytes);
        for _ in 0..ATTEMPTS {
            // A stream that does not connect has nothing to be judged by.
            let judged = socket.transport != Transport::Tcp || message.flags & libc::MSG_FASTOPEN != 0;
            let section = judged.then(|| self.shared.acts.enter(fd)).transpose()?;
            let bound = self.shared.local(fd)?;
            let host = Asker { shared: self.shared, socket: fd, interface: control::interface(&message.control) };
            let judged = send::send(self.shared.context, socket, bound, raw, message.flags, &host);
            if judged.is_err() {
                // It has got a port by then (inet_send_prepare, net/ipv4/af_inet.c).
                self.still_waiting(call)?;
                self.give_port(call, fd, socket);
            }
            let action = judged?;
            let is_v4 = action.destination.is_some_and(|to| canonical(to).is_ipv4());
            if socket.transport == Transport::Udp && is_v4 && message.len() > DATAGRAM_MAX {
                // udp_sendmsg looks at the length before all else.
                self.still_waiting(call)?;
                self.give_port(call, fd, socket);
                return Err(Stop::Fail(libc::EMSGSIZE));
            }
            // Judged before the socket is changed: a message that is refused leaves nothing behind.
            let far = match action.destination {
                None if raw.is_some() || !message.control.is_empty() => socket::peer(fd).ok().flatten(),
                destination => destination,
            };
            let is_unspec = socket.transport == Transport::Udp && raw.is_some() && action.destination.is_none();
            if is_unspec && far.is_some_and(|far| canonical(far).is_ipv4()) {
                // AF_UNSPEC is no address, but goes past the turning to IPv4 (udpv6_sendmsg, net/ipv6/udp.c).
                return Err(Stop::Fail(libc::ENETUNREACH));
            }
            let reader = Reader::of(socket, far);
            let mut control = self.controls(message, reader, action.source, bound)?;
            self.still_waiting(call)?;
            if let Some(section) =
                section.as_ref().filter(|_| matches!(action.source, Source::Pin(_) | Source::Open { .. }))
            {
                section.require_idle(libc::EALREADY)?;
            }
            match self.take_place(fd, socket, action.source) {
                Ok(taken) if taken == action.source => {}
                Ok(taken) => control = self.controls(message, reader, taken, bound)?,
                Err(Errno(libc::EINVAL)) => continue,
                Err(errno) => {
                    self.shared.recover(fd, socket)?;
                    return Err(errno.into());
                }
            }
            let (destination, control, flags) = (action.destination, &control, message.flags);
            return self.send_piece(call, fd, section, Departure { destination, payload, missing, control, flags });
        }
        Err(Stop::Fail(libc::EINVAL))
    }

    /// The control messages, judged, for a message with this source from a socket with the address `bound`.
    fn controls(&self, message: &Message, reader: Reader, source: Source, bound: SocketAddr) -> Result<Vec<u8>, Stop> {
        let (own, named) = match source {
            Source::Own => (bound, None),
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
        let pin = |at| perform::pin(&self.shared.held(fd), socket, at).map_err(Errno);
        match source {
            Source::Own | Source::Named(_) => Ok(source),
            Source::Pin(at) => pin(at).map(|()| source),
            Source::Open { any, otherwise, .. } => {
                if self.shared.guard.place(fd) {
                    let opened = socket::bind(fd, any);
                    if opened.is_err_and(|errno| errno != Errno(libc::EINVAL)) {
                        self.shared.mend(fd, socket);
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
    fn follow(
        &mut self,
        call: &Notification,
        fd: BorrowedFd,
        message: &Message,
        sent: usize,
        buffer: &mut Buffer,
    ) -> Result<usize, Stop> {
        let (payload, missing) = message.load(call, sent, buffer)?;
        self.still_waiting(call)?;
        let flags = message.flags & !libc::MSG_FASTOPEN;
        self.send_piece(call, fd, None, Departure { destination: None, payload, missing, control: &[], flags })
    }

    /// One sendmsg. It is tried without blocking first, unless it connects: that says EINPROGRESS where it should wait.
    /// What may block is done outside of the section, with the socket in flight.
    fn send_piece(
        &mut self,
        call: &Notification,
        fd: BorrowedFd,
        section: Option<Section<'static>>,
        piece: Departure,
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
        let _in_flight = section.map(Section::take_off);
        if !wants_to_block()? {
            return Ok(send(libc::MSG_DONTWAIT)?);
        }
        self.block(call, fd, || send(0))
    }
}
