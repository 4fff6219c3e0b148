//! Sends on sockets of other families, on the caller's behalf: with `--strict`, of callers with several threads.

use super::non_inet::NonInetSocket;
use super::worker::Worker;
use crate::supervisor::caller::address;
use crate::supervisor::caller::budget::{Buffer, Share};
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::identity::as_caller;
use crate::supervisor::caller::message::{self, Message};
use crate::supervisor::caller::outcome::Stop;
use crate::sys::seccomp::Answer;
use crate::sys::socket::Payload;
use crate::sys::{Errno, socket};
use chbind_policy::non_inet::Call;
use chbind_policy::sockaddr::SockAddr;
use chbind_policy::{Reason, Refusal};
use libc::{AF_ALG, AF_UNIX, SOL_SOCKET};
use std::os::fd::{AsRawFd, OwnedFd};

/// Descriptors of one message (`SCM_MAX_FD`, include/net/scm.h).
const DESCRIPTORS_MAX: usize = 253;
/// The size of `struct cmsghdr` on a 64-bit kernel, and what control messages are aligned to, in bytes.
const CONTROL_HEADER: usize = 16;
const CONTROL_ALIGN: usize = 8;

const NAMED_SENDER: Stop = Stop::Refused(Refusal::new(Errno::EPERM, Reason::NamedSender));

impl Worker {
    pub(crate) fn sendto_non_inet(&mut self, caller: &mut Caller, flags: i32) -> Result<Answer, Stop> {
        if !self.shared.strict {
            return Ok(Answer::Continue);
        }
        let [_, at, len, _, address, address_len] = caller.args();
        let payload = vec![message::piece(at, len)?];
        let address = Some(address::read(caller, address, address_len)?);
        let message = Message { address, payload, control: Vec::new(), flags, _share: Share::default() };
        Ok(self.transmit_non_inet(caller, message)?.map_or(Answer::Continue, |sent| Answer::Return(sent as i64)))
    }

    pub(crate) fn sendmsg_non_inet(&mut self, caller: &mut Caller, flags: i32) -> Result<Answer, Stop> {
        if !self.shared.strict {
            return Ok(Answer::Continue);
        }
        let message = Message::read(caller, caller.args()[1], flags)?;
        Ok(self.transmit_non_inet(caller, message)?.map_or(Answer::Continue, |sent| Answer::Return(sent as i64)))
    }

    pub(crate) fn sendmmsg_non_inet(&mut self, caller: &mut Caller, flags: i32) -> Result<Answer, Stop> {
        if !self.shared.strict {
            return Ok(Answer::Continue);
        }
        // It comes to `None` behind the first where the other threads have ended meanwhile.
        self.send_each(caller, flags, |worker, caller, message| worker.transmit_non_inet(caller, message))
    }

    /// Sends one message on the caller's behalf, and gives the number of bytes; `None` if the caller is to do it.
    fn transmit_non_inet(&mut self, caller: &mut Caller, message: Message) -> Result<Option<usize>, Stop> {
        let address = message.address.as_ref().map_or(&[][..], SockAddr::bytes);
        let Some((held, address)) = self.judge_address(caller, Call::Send, address)? else { return Ok(None) };
        let (control, _descriptors) = Self::translate(caller, &held, &message.control)?;
        let is_stream = held.domain == AF_UNIX && held.kind == libc::SOCK_STREAM;
        let total = message.len();
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut sent = 0;
        let outcome = loop {
            let control = if sent == 0 { &control[..] } else { &[] };
            match self.piece(caller, &held, &message, sent, (address.bytes(), control, &mut buffer)) {
                Ok(0) => break Ok(sent),
                Ok(n) => sent += n,
                Err(Stop::Gone) => break Err(Stop::Gone),
                Err(_) if sent > 0 => break Ok(sent),
                Err(stop) => break Err(stop),
            }
            if sent >= total || !is_stream {
                break Ok(sent);
            }
        };
        self.buffer = buffer;
        let quiet = message.flags & libc::MSG_NOSIGNAL != 0 || held.domain != AF_UNIX || held.kind == libc::SOCK_DGRAM;
        if outcome == Err(Stop::Fail(Errno::EPIPE)) && !quiet {
            caller.break_pipe();
        }
        outcome.map(Some)
    }

    /// Sends what comes after `from`, as much as one call can, without blocking if that can be.
    fn piece(
        &mut self,
        caller: &mut Caller,
        held: &NonInetSocket,
        message: &Message,
        from: usize,
        (address, control, buffer): (&[u8], &[u8], &mut Buffer),
    ) -> Result<usize, Stop> {
        let (bytes, missing) = message.load(caller, from, buffer)?;
        let is_stream = held.domain == AF_UNIX && held.kind == libc::SOCK_STREAM;
        if !is_stream && bytes.len() + missing < message.len() {
            // It cannot be sent in pieces.
            return Err(Stop::Fail(Errno::EMSGSIZE));
        }
        let payload = Payload { bytes, missing };
        let flags = message.flags;
        let send = |fd, more| socket::send_bytes(fd, address, payload, control, flags | more);
        match self.as_caller(caller, |live| send(held.duplicate.act(live), libc::MSG_DONTWAIT)) {
            Err(Stop::Fail(Errno::EAGAIN))
                if flags & libc::MSG_DONTWAIT == 0 && !held.duplicate.is_nonblocking()? => {}
            done => return done,
        }
        let (shared, fd) = (self.shared, held.duplicate.act(caller.live()?));
        // Each time anew: the caller may have gone while it was blocked, and somebody else have its thread id.
        let gone = Errno::EPERM;
        let as_caller_still = || caller.live().map_err(|_| gone).and_then(|live| send(held.duplicate.act(live), 0));
        self.block(caller, fd, || as_caller(&shared.own, caller.tid(), as_caller_still).unwrap_or(Err(gone)))
    }

    /// The control messages with descriptors of this process in the place of the caller's, and what these are.
    fn translate(caller: &mut Caller, held: &NonInetSocket, control: &[u8]) -> Result<(Vec<u8>, Vec<OwnedFd>), Stop> {
        let mut control = control.to_vec();
        let mut descriptors = Vec::new();
        // Numbers of an algorithm, not of descriptors.
        if held.domain == AF_ALG {
            return Ok((control, descriptors));
        }
        let mut at = 0;
        while let Some((len, level, kind)) = header(control.get(at..).unwrap_or_default()) {
            // What is too short or too long ends the list for the kernel, with EINVAL.
            let end = at.checked_add(len).filter(|end| len >= CONTROL_HEADER && *end <= control.len());
            let Some(end) = end else { return Err(Stop::Fail(Errno::EINVAL)) };
            match (level, kind) {
                (SOL_SOCKET, libc::SCM_CREDENTIALS) => return Err(NAMED_SENDER),
                (SOL_SOCKET, libc::SCM_RIGHTS) => {
                    let numbers = control.get_mut(at + CONTROL_HEADER..end).unwrap_or_default();
                    for number in numbers.chunks_exact_mut(4) {
                        if descriptors.len() >= DESCRIPTORS_MAX {
                            return Err(Stop::Fail(Errno::EINVAL));
                        }
                        let theirs = number.first_chunk().map_or(-1, |bytes| i32::from_ne_bytes(*bytes));
                        let ours = caller.duplicate_any(theirs)?;
                        number.copy_from_slice(&ours.as_raw_fd().to_ne_bytes());
                        descriptors.push(ours);
                    }
                }
                _ => {}
            }
            at = end.next_multiple_of(CONTROL_ALIGN);
        }
        caller.live()?;
        Ok((control, descriptors))
    }
}

/// Length, level and type of the control message that begins here.
fn header(bytes: &[u8]) -> Option<(usize, i32, i32)> {
    let len = u64::from_ne_bytes(*bytes.first_chunk()?);
    let level = i32::from_ne_bytes(*bytes.get(8..)?.first_chunk()?);
    let kind = i32::from_ne_bytes(*bytes.get(12..)?.first_chunk()?);
    Some((usize::try_from(len).unwrap_or(usize::MAX), level, kind))
}
