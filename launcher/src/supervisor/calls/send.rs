//! sendto, sendmsg and sendmmsg: address, control messages and payload are copied, judged and sent from the copy.

use super::send_one::DATAGRAM_MAX;
use super::worker::{Likely, Worker};
use crate::supervisor::caller::address;
use crate::supervisor::caller::budget::{Buffer, Share};
use crate::supervisor::caller::duplicate::Duplicate;
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::message::{self, Message};
use crate::supervisor::caller::outcome::Stop;
use crate::sys::Errno;
use crate::sys::seccomp::Answer;
use chbind_policy::sockaddr::SockAddr;
use chbind_policy::{Family, Socket, Subject, Transport};

/// `UIO_MAXIOV` (linux/uio.h): messages of one sendmmsg.
const MESSAGES_MAX: u64 = 1024;
/// The size of `struct mmsghdr` on a 64-bit kernel, in bytes.
const HEADER_MANY: u64 = 64;
/// Of a 32-bit program. sendto knows no such flag; the others say EINVAL to it before all else (net/socket.c).
const MSG_CMSG_COMPAT: i32 = i32::MIN;

/// A send on a socket of another family runs as it is, but never with `MSG_FASTOPEN`: should another thread put a TCP
/// socket in its place meanwhile, that flag would connect it, which the Landlock floor does not see.
fn no_fast_open(flags: i32) -> Result<i32, Stop> {
    if flags & libc::MSG_FASTOPEN != 0 { Err(Stop::Fail(Errno::EOPNOTSUPP)) } else { Ok(flags) }
}

fn known(flags: i32) -> Result<i32, Stop> {
    if flags & MSG_CMSG_COMPAT != 0 { Err(Stop::Fail(Errno::EINVAL)) } else { Ok(flags) }
}

impl Worker {
    pub(crate) fn sendto(&mut self, caller: &mut Caller) -> Result<Answer, Stop> {
        let flags = caller.int(3) & !MSG_CMSG_COMPAT;
        let [_, at, len, _, address, address_len] = caller.args();
        let payload = vec![message::piece(at, len)?];
        let Some((duplicate, socket)) = self.inet(caller, Likely::Datagram)? else {
            return self.sendto_non_inet(caller, no_fast_open(flags)?);
        };
        let address = Some(address::read(caller, address, address_len)?);
        let message = Message { address, payload, control: Vec::new(), flags, _share: Share::default() };
        let sent = self.transmit(caller, &duplicate, &socket, message)?;
        Ok(Answer::Return(sent as i64))
    }

    pub(crate) fn sendmsg(&mut self, caller: &mut Caller) -> Result<Answer, Stop> {
        let flags = known(caller.int(2))?;
        let Some((duplicate, socket)) = self.inet(caller, Likely::Datagram)? else {
            return self.sendmsg_non_inet(caller, no_fast_open(flags)?);
        };
        let message = Message::read(caller, caller.args()[1], flags)?;
        let sent = self.transmit(caller, &duplicate, &socket, message)?;
        Ok(Answer::Return(sent as i64))
    }

    pub(crate) fn sendmmsg(&mut self, caller: &mut Caller) -> Result<Answer, Stop> {
        let flags = known(caller.int(3))?;
        let Some((duplicate, socket)) = self.inet(caller, Likely::Datagram)? else {
            return self.sendmmsg_non_inet(caller, no_fast_open(flags)?);
        };
        self.send_each(caller, flags, |worker, caller, message| {
            worker.transmit(caller, &duplicate, &socket, message).map(Some)
        })
    }

    /// Sends the messages of a sendmmsg by `send`, which gives the number of bytes, or `None` if the caller is to do it. As
    /// many as can be sent; an error counts only if it is the first's (`__sys_sendmmsg`, net/socket.c).
    pub(crate) fn send_each(
        &mut self,
        caller: &mut Caller,
        flags: i32,
        mut send: impl FnMut(&mut Self, &mut Caller, Message) -> Result<Option<usize>, Stop>,
    ) -> Result<Answer, Stop> {
        let [_, at, many, ..] = caller.args();
        let many = (many & u64::from(u32::MAX)).min(MESSAGES_MAX);
        let memory = caller.memory()?;
        let mut done = 0;
        while done < many {
            let at = at.wrapping_add(done * HEADER_MANY);
            let mut len = 0;
            let mut measured = |message: Message| {
                len = message.len();
                message
            };
            let sent = match Message::read(caller, at, flags).and_then(|message| send(self, caller, measured(message)))
            {
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
                    self.shared.log.refused(caller.tid(), &self.subject, &refusal, self.shared.context);
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
        caller: &mut Caller,
        duplicate: &Duplicate,
        socket: &Socket,
        message: Message,
    ) -> Result<usize, Stop> {
        let shown = message.address.as_ref().and_then(SockAddr::shown);
        self.subject = match shown {
            Some(shown) => Subject::Address("send to", shown, socket.transport),
            None => Subject::Call("send"),
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        let sent = match socket.transport {
            Transport::Tcp => self.stream(caller, duplicate, socket, &message, &mut buffer),
            _ => match self.early(caller, duplicate, socket, &message) {
                Some(errno) => Err(Stop::Fail(errno)),
                None => self.send_one(caller, duplicate, socket, &message, &mut buffer),
            },
        };
        self.buffer = buffer;
        sent
    }

    /// What the kernel says to a datagram before it looks at the address: not to one of UDP in IPv6 (`udpv6_sendmsg`).
    fn early(&self, caller: &mut Caller, duplicate: &Duplicate, socket: &Socket, message: &Message) -> Option<Errno> {
        let is_late = socket.transport != Transport::Ping && socket.family == Family::V6;
        let errno = match message.flags & libc::MSG_OOB {
            _ if is_late => return None,
            _ if message.len() > DATAGRAM_MAX => Errno::EMSGSIZE,
            0 => return None,
            _ => Errno::EOPNOTSUPP,
        };
        if let Ok(_locked) = self.shared.sockets.lock(duplicate)
            && let Ok(live) = caller.live()
        {
            self.give_port(caller, duplicate.act(live), socket);
        }
        Some(errno)
    }

    /// Piece by piece, as long as the kernel takes them; what was sent before an error counts as success.
    fn stream(
        &mut self,
        caller: &mut Caller,
        duplicate: &Duplicate,
        socket: &Socket,
        message: &Message,
        buffer: &mut Buffer,
    ) -> Result<usize, Stop> {
        let total = message.len();
        let mut sent = 0;
        loop {
            let step = match sent {
                // Only the first piece can connect, and be judged for that.
                0 => self.send_one(caller, duplicate, socket, message, buffer),
                sent => self.send_rest(caller, (duplicate, socket), message, sent, buffer),
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
                Err(Stop::Fail(Errno::EPIPE)) => {
                    if message.flags & libc::MSG_NOSIGNAL == 0 {
                        caller.break_pipe();
                    }
                    return Err(Stop::Fail(Errno::EPIPE));
                }
                Err(stop) => return Err(stop),
            }
        }
    }
}
