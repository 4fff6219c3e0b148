//! sendto, sendmsg and sendmmsg: address, control messages and payload are copied, judged and sent from the copy.

use crate::supervisor::caller::budget::{Buffer, Share};
use crate::supervisor::caller::memory::Memory;
use crate::supervisor::caller::message::{self, Message};
use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::calls::send_one::DATAGRAM_MAX;
use crate::supervisor::threads::worker::{Likely, RawAddress, Worker};
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::signal;
use chbind_policy::{Family, Socket, Subject, Transport};
use std::os::fd::{AsFd, BorrowedFd};

/// `UIO_MAXIOV` (linux/uio.h): messages of one sendmmsg.
const MESSAGES_MAX: u64 = 1024;
/// The size of `struct mmsghdr` on a 64-bit kernel, in bytes.
const HEADER_MANY: u64 = 64;
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

impl Worker {
    pub(crate) fn sendto(&mut self, call: &Notification) -> Result<Answer, Stop> {
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

    pub(crate) fn sendmsg(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let flags = known(call.args[2] as i32)?;
        let Some((fd, socket)) = self.inet(call, Likely::Datagram)? else {
            return self.sendmsg_other(call, no_fast_open(flags)?);
        };
        let message = self.message(call, call.args[1], flags)?;
        let sent = self.transmit(call, fd.as_fd(), &socket, message)?;
        Ok(Answer::Return(sent as i64))
    }

    pub(crate) fn sendmmsg(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let flags = known(call.args[3] as i32)?;
        let Some((fd, socket)) = self.inet(call, Likely::Datagram)? else {
            return self.sendmmsg_other(call, no_fast_open(flags)?);
        };
        self.send_each(call, flags, |worker, message| worker.transmit(call, fd.as_fd(), &socket, message).map(Some))
    }

    /// Sends the messages of a sendmmsg by `send`, which gives the number of bytes, or `None` if the caller is to do it. As
    /// many as can be sent; an error counts only if it is the first's (`__sys_sendmmsg`, net/socket.c).
    pub(crate) fn send_each(
        &mut self,
        call: &Notification,
        flags: i32,
        mut send: impl FnMut(&mut Self, Message) -> Result<Option<usize>, Stop>,
    ) -> Result<Answer, Stop> {
        let [_, at, many, ..] = call.args;
        let many = (many & u64::from(u32::MAX)).min(MESSAGES_MAX);
        let memory = Memory::open(&self.shared.listener, call)?;
        let mut done = 0;
        while done < many {
            let at = at.wrapping_add(done * HEADER_MANY);
            let mut len = 0;
            let mut measured = |message: Message| {
                len = message.len();
                message
            };
            let sent = match self.message(call, at, flags).and_then(|message| send(self, measured(message))) {
                Ok(None) if done == 0 => return Ok(Answer::Continue),
                // What has been sent must not be sent again.
                Ok(None) => break,
                Ok(Some(sent)) => memory
                    .write(at.wrapping_add(message::HEADER as u64), &(sent as u32).to_ne_bytes())
                    .map(|()| sent == len),
                Err(stop) => Err(stop),
            };
            match sent {
                Ok(true) => done += 1,
                // What comes after half a message would not be where it belongs.
                Ok(false) => {
                    done += 1;
                    break;
                }
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
}
