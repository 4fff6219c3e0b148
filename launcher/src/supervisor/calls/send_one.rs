//! One message, or the first piece of one: judged, given a source, and sent from the copy.

use super::acting::{Acting, Leave};
use super::worker::Worker;
use crate::supervisor::caller::budget::{Buffer, Share};
use crate::supervisor::caller::duplicate::Duplicate;
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::message::Message;
use crate::supervisor::caller::outcome::Stop;
use crate::sys::memory::Pages;
use crate::sys::socket::Payload;
use crate::sys::{Errno, socket};
use chbind_policy::control;
use chbind_policy::perform::{self, Permit, Sends, Shell};
use chbind_policy::send::Send;
use chbind_policy::sockaddr::{SockAddr, canonical};
use chbind_policy::{LocalAddr, Socket, Transport};
use std::net::SocketAddr;

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
        let judged = perform::Message {
            address: message.address.as_ref().map(SockAddr::bytes),
            control: &message.control,
            flags: message.flags,
        };
        let (context, interface) = (self.shared.context, control::interface(&message.control));
        let what = Sending { message, payload, missing, control: Vec::new() };
        let mut acting = Acting::new(self, caller, (duplicate, socket), interface, what);
        perform::send(&mut acting, context, socket, judged)
    }

    /// A further piece of a stream: there is nothing left to judge.
    pub(crate) fn send_rest(
        &mut self,
        caller: &mut Caller,
        (duplicate, socket): (&Duplicate, &Socket),
        message: &Message,
        sent: usize,
        buffer: &mut Buffer,
    ) -> Result<usize, Stop> {
        let (payload, missing) = message.load(caller, sent, buffer)?;
        let flags = message.flags & !libc::MSG_FASTOPEN;
        let mut acting = Acting::new(self, caller, (duplicate, socket), 0, ());
        let mut leave = acting.enter(false)?;
        acting.send_piece(&mut leave, Outgoing { destination: None, payload, missing, control: &[], flags })
    }
}

impl<'a, W> Acting<'a, W> {
    /// One sendmsg. It is tried without blocking first, unless it connects: that says EINPROGRESS where it should wait.
    /// What may block is done with the socket in flight.
    fn send_piece(&mut self, leave: &mut Leave<'a>, piece: Outgoing) -> Result<usize, Stop> {
        let fd = leave.fd;
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
                Err(Errno::EAGAIN) if wants_to_block()? => {}
                done => return Ok(done?),
            }
        }
        leave.take_off();
        if !wants_to_block()? {
            return Ok(send(libc::MSG_DONTWAIT)?);
        }
        self.worker.block(self.caller, fd, || send(0))
    }
}

/// A message, and what goes with it.
struct Sending<'a> {
    message: &'a Message,
    payload: &'a [u8],
    missing: usize,
    control: Vec<u8>,
}

impl<'a> Sends for Acting<'a, Sending<'_>> {
    fn is_to_judge(&mut self, _: &Leave<'a>, _: LocalAddr) -> Result<(), Stop> {
        Ok(())
    }

    fn withholds(&mut self, leave: &Leave<'a>, judged: &Send, far: Option<SocketAddr>) -> Result<(), Stop> {
        if self.socket.transport != Transport::Udp || !far.is_some_and(|far| canonical(far).is_ipv4()) {
            return Ok(());
        }
        if judged.destination.is_some() && self.what.message.len() > DATAGRAM_MAX {
            // udp_sendmsg looks at the length before all else.
            self.give_port(leave);
            return Err(Stop::Fail(Errno::EMSGSIZE));
        }
        if judged.destination.is_none() && self.what.message.address.is_some() {
            // AF_UNSPEC is no address, but goes past the turning to IPv4 (udpv6_sendmsg, net/ipv6/udp.c).
            return Err(Stop::Fail(Errno::ENETUNREACH));
        }
        Ok(())
    }

    fn room(&mut self, len: usize) -> Result<&mut [u8], Stop> {
        self.what.control.resize(len, 0);
        Ok(&mut self.what.control)
    }

    fn open(&mut self, leave: &Leave<'a>, any: SocketAddr, otherwise: SocketAddr) -> Result<bool, Stop> {
        let sockets = &self.worker.shared.sockets;
        if sockets.wildcard_filter.place(leave.fd) {
            let opened = socket::bind(leave.fd, any);
            if opened.is_err_and(|errno| errno != Errno::EINVAL) {
                sockets.repin(leave.fd, self.socket);
            }
            opened?;
            if self.worker.keeps_chosen_port(leave.fd)? {
                return Ok(true);
            }
        }
        perform::pin(leave.socket(), self.socket, otherwise)?;
        Ok(false)
    }

    fn send(&mut self, leave: &mut Leave<'a>, destination: Option<SocketAddr>) -> Result<usize, Stop> {
        let Sending { message, payload, missing, .. } = self.what;
        let control = std::mem::take(&mut self.what.control);
        self.send_piece(leave, Outgoing { destination, payload, missing, control: &control, flags: message.flags })
    }
}
