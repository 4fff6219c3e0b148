//! sendto, sendmsg and sendmmsg: address, control messages and payload are copied, judged and sent from the copy.

use super::acts::Section;
use super::caller::{self, Stop};
use super::connect::ATTEMPTS;
use super::pin::{local, mend, pin};
use super::room::Memory;
use super::route::Asker;
use super::worker::{Likely, RawAddress, Subject, Worker};
use crate::sys::memory::{Pages, Piece};
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::{self, Errno, signal, socket};
use chbind_policy::send::{self, Source};
use chbind_policy::sockaddr::LEN_MAX;
use chbind_policy::{Socket, Transport, control};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

/// No datagram is longer, in bytes (net/ipv4/udp.c): longer ones are EMSGSIZE before anything is looked at.
const DATAGRAM_MAX: usize = 0xffff;
/// A stream is sent in pieces of this many bytes.
const CHUNK: usize = 256 * 1024;
/// `UIO_MAXIOV` (linux/uio.h): pieces of one message, and messages of one sendmmsg.
const IOV_MAX: u64 = 1024;
/// Control messages of more bytes than this are ENOBUFS; the kernel's own bound, `net.core.optmem_max`, is lower.
const CONTROL_MAX: u64 = 128 * 1024;
/// `MAX_RW_COUNT` (linux/fs.h): the most bytes of one call.
const RW_MAX: usize = 0x7fff_f000;
/// The size of `struct msghdr` and `struct mmsghdr` on a 64-bit kernel, in bytes.
const HEADER: usize = 56;
const HEADER_MANY: u64 = 64;

/// A send on a socket of another family runs as it is, but never with `MSG_FASTOPEN`: should another thread put a TCP
/// socket in its place meanwhile, that flag would connect it, which the Landlock floor does not see.
fn other_family(flags: i32) -> Result<Answer, Stop> {
    if flags & libc::MSG_FASTOPEN != 0 { Err(Stop::Fail(libc::EOPNOTSUPP)) } else { Ok(Answer::Continue) }
}

/// One message as the caller described it: our copy of the description; the payload is still with the caller.
struct Message {
    address: Option<RawAddress>,
    payload: Vec<Piece>,
    control: Vec<u8>,
    flags: i32,
}

/// One sendmsg, judged.
struct Departure<'a> {
    destination: Option<SocketAddr>,
    payload: &'a [u8],
    control: &'a [u8],
    flags: i32,
}

impl Message {
    fn len(&self) -> usize {
        self.payload.iter().map(Piece::len).sum()
    }
}

impl Worker {
    pub(super) fn sendto(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let flags = call.args[3] as i32;
        let Some((fd, socket)) = self.inet(call, Likely::Datagram)? else { return other_family(flags) };
        let [_, at, len, _, address, address_len] = call.args;
        let message = Message {
            address: Some(self.address(call, address, address_len)?),
            payload: vec![Piece::new(at, usize::try_from(len).unwrap_or(RW_MAX).min(RW_MAX))],
            control: Vec::new(),
            flags,
        };
        let sent = self.transmit(call, fd.as_fd(), &socket, message)?;
        Ok(Answer::Return(sent as i64))
    }

    pub(super) fn sendmsg(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let flags = call.args[2] as i32;
        let Some((fd, socket)) = self.inet(call, Likely::Datagram)? else { return other_family(flags) };
        let message = self.message(call, call.args[1], flags)?;
        let sent = self.transmit(call, fd.as_fd(), &socket, message)?;
        Ok(Answer::Return(sent as i64))
    }

    /// As many as can be sent; an error counts only if it is the first's (`__sys_sendmmsg`, net/socket.c).
    pub(super) fn sendmmsg(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let flags = call.args[3] as i32;
        let Some((fd, socket)) = self.inet(call, Likely::Datagram)? else { return other_family(flags) };
        let [_, at, many, ..] = call.args;
        let many = (many & u64::from(u32::MAX)).min(IOV_MAX);
        let memory = Memory::open(&self.shared.listener, call)?;
        let mut done = 0;
        while done < many {
            let at = at.wrapping_add(done * HEADER_MANY);
            let sent = self
                .message(call, at, flags)
                .and_then(|message| self.transmit(call, fd.as_fd(), &socket, message))
                .and_then(|sent| memory.write(at.wrapping_add(HEADER as u64), &(sent as u32).to_ne_bytes()));
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

    /// A copy of the `struct msghdr` at `at` and of what it points to, with the errors of `copy_msghdr_from_user` and
    /// `____sys_sendmsg` (net/socket.c).
    fn message(&self, call: &Notification, at: u64, flags: i32) -> Result<Message, Stop> {
        let mut header = [0; HEADER];
        caller::read(call, at, &mut header)?;
        let word = |n: usize| {
            header.get(n * 8..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_ne_bytes(*bytes))
        };
        let [name, name_len, pieces, count, control, control_len] = [0, 1, 2, 3, 4, 5].map(word);
        let name_len = name_len as u32 as i32;
        if name != 0 && name_len < 0 {
            return Err(Stop::Fail(libc::EINVAL));
        }
        let address = match (name, name_len) {
            (0, _) | (_, 0) => None,
            _ => Some(self.address(call, name, (name_len as u64).min(LEN_MAX as u64))?),
        };
        if count > IOV_MAX {
            return Err(Stop::Fail(libc::EMSGSIZE));
        }
        let payload = self.pieces(call, pieces, count as usize)?;
        if control_len > CONTROL_MAX {
            return Err(Stop::Fail(libc::ENOBUFS));
        }
        let mut bytes = vec![0; control_len as usize];
        caller::read(call, control, &mut bytes)?;
        Ok(Message { address, payload, control: bytes, flags })
    }

    /// A copy of a `struct iovec` list, with the errors of `import_iovec` (lib/iov_iter.c).
    fn pieces(&self, call: &Notification, at: u64, count: usize) -> Result<Vec<Piece>, Stop> {
        let mut bytes = vec![0; count * 16];
        caller::read(call, at, &mut bytes)?;
        let mut pieces = Vec::with_capacity(count);
        let mut total = 0usize;
        for raw in bytes.chunks_exact(16) {
            let field = |at: usize| {
                raw.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_ne_bytes(*bytes))
            };
            let len = isize::try_from(field(8)).map_err(|_| Stop::Fail(libc::EINVAL))? as usize;
            let len = len.min(RW_MAX - total);
            total += len;
            pieces.push(Piece::new(field(0), len));
        }
        Ok(pieces)
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
            _ if message.len() > DATAGRAM_MAX => Err(Stop::Fail(libc::EMSGSIZE)),
            _ => self.depart(call, fd, socket, &message, &mut buffer),
        };
        self.buffer = buffer;
        sent
    }

    /// Piece by piece, as long as the kernel takes them; what was sent before an error counts as success.
    fn stream(
        &mut self,
        call: &Notification,
        fd: BorrowedFd,
        socket: &Socket,
        message: &Message,
        buffer: &mut Vec<u8>,
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

    /// Judges the message and sends it, or the first piece of it. All that is to be sent is read first.
    fn depart(
        &mut self,
        call: &Notification,
        fd: BorrowedFd,
        socket: &Socket,
        message: &Message,
        buffer: &mut Vec<u8>,
    ) -> Result<usize, Stop> {
        let n = self.load(call, message, 0, buffer)?;
        if n < message.len() && (n == 0 || socket.transport != Transport::Tcp) {
            return Err(Stop::Fail(libc::EFAULT));
        }
        let payload = buffer.get(..n).unwrap_or_default();
        let raw = message.address.as_ref().map(RawAddress::bytes);
        for _ in 0..ATTEMPTS {
            // A stream that does not connect has nothing to be judged by.
            let judged = socket.transport != Transport::Tcp || message.flags & libc::MSG_FASTOPEN != 0;
            let section = judged.then(|| self.shared.acts.enter()).transpose()?;
            let bound = local(fd)?;
            let host = Asker { shared: self.shared, socket: fd, interface: control::interface(&message.control) };
            let action = send::send(self.shared.context, socket, bound, raw, message.flags, &host)?;
            // Judged before the socket is changed: a message that is refused leaves nothing behind.
            let mut control = self.controls(message, action.source, bound)?;
            self.still_waiting(call)?;
            if let Some(section) =
                section.as_ref().filter(|_| matches!(action.source, Source::Pin(_) | Source::Open { .. }))
            {
                section.require_idle(fd, libc::EALREADY)?;
            }
            match self.take_place(fd, socket, action.source) {
                Ok(taken) if taken == action.source => {}
                Ok(taken) => control = self.controls(message, taken, bound)?,
                Err(Errno(libc::EINVAL)) => continue,
                Err(errno) => return Err(errno.into()),
            }
            let piece = Departure { destination: action.destination, payload, control: &control, flags: message.flags };
            return self.send_piece(call, fd, section, piece);
        }
        Err(Stop::Fail(libc::EINVAL))
    }

    /// The control messages, judged, for a message with this source from a socket with the address `bound`.
    fn controls(&self, message: &Message, source: Source, bound: SocketAddr) -> Result<Vec<u8>, Stop> {
        let (own, named) = match source {
            Source::Own => (bound, None),
            Source::Pin(at) => (at, None),
            Source::Open { named, .. } | Source::Named(named) => (named, Some(named)),
        };
        let own = Some(own.ip().to_canonical()).filter(|own| !own.is_unspecified());
        let mut control = message.control.clone();
        control::check(self.shared.context, &mut control, own)?;
        if let Some(named) = named {
            let (bytes, len) = control::naming(named);
            control.splice(..0, bytes.into_iter().take(len));
        }
        Ok(control)
    }

    /// Gives a socket without an address what it sends from. Says which source it has come to.
    fn take_place(&self, fd: BorrowedFd, socket: &Socket, source: Source) -> sys::Result<Source> {
        match source {
            Source::Own | Source::Named(_) => Ok(source),
            Source::Pin(at) => pin(fd, socket, at).map(|()| source),
            Source::Open { any, otherwise, .. } => {
                if self.shared.guard.place(fd) {
                    let opened = socket::bind(fd, any);
                    if opened.is_err_and(|errno| errno != Errno(libc::EINVAL)) {
                        mend(self.shared.context, fd, socket);
                    }
                    return opened.map(|()| source);
                }
                pin(fd, socket, otherwise).map(|()| Source::Pin(otherwise))
            }
        }
    }

    /// Copies payload from byte `from` on into `buffer`, as much as one piece may have. Gives the number of bytes.
    fn load(&self, call: &Notification, message: &Message, from: usize, buffer: &mut Vec<u8>) -> Result<usize, Stop> {
        let want = (message.len() - from).min(CHUNK);
        if want == 0 {
            return Ok(0);
        }
        if buffer.len() < want {
            buffer.resize(want, 0);
        }
        let mut skip = from;
        let mut left = want;
        let mut pieces = Vec::with_capacity(message.payload.len());
        for piece in &message.payload {
            let gone = skip.min(piece.len());
            skip -= gone;
            let len = (piece.len() - gone).min(left);
            left -= len;
            if len > 0 {
                pieces.push(Piece::new(piece.address().wrapping_add(gone as u64), len));
            }
        }
        caller::gather(call, &pieces, buffer.get_mut(..want).unwrap_or_default())
    }

    /// A further piece of a stream: there is nothing left to judge.
    fn follow(
        &mut self,
        call: &Notification,
        fd: BorrowedFd,
        message: &Message,
        sent: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<usize, Stop> {
        let n = self.load(call, message, sent, buffer)?;
        if n == 0 {
            return Err(Stop::Fail(libc::EFAULT));
        }
        self.still_waiting(call)?;
        let payload = buffer.get(..n).unwrap_or_default();
        let piece = Departure { destination: None, payload, control: &[], flags: message.flags & !libc::MSG_FASTOPEN };
        self.send_piece(call, fd, None, piece)
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
        let pages;
        let payload = if piece.flags & libc::MSG_ZEROCOPY != 0 {
            pages = Pages::holding(piece.payload)?;
            &*pages
        } else {
            piece.payload
        };
        let send = |more| socket::send(fd, piece.destination, payload, piece.control, piece.flags | more);
        let wants_to_block =
            || -> Result<bool, Stop> { Ok(piece.flags & libc::MSG_DONTWAIT == 0 && !socket::is_nonblocking(fd)?) };
        if piece.flags & libc::MSG_FASTOPEN == 0 {
            match send(libc::MSG_DONTWAIT) {
                Err(Errno(libc::EAGAIN)) if wants_to_block()? => {}
                done => return Ok(done?),
            }
        }
        let _in_flight = section.map(|section| section.take_off(fd)).transpose()?;
        if !wants_to_block()? {
            return Ok(send(libc::MSG_DONTWAIT)?);
        }
        self.block(call, fd, || send(0))
    }
}
