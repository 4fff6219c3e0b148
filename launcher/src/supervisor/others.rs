//! Sockets of other families (AF_UNIX, AF_NETLINK, AF_ALG).
//!
//! Their calls run as they are. With `--strict` they do so only where the caller shares its table of descriptors with nobody:
//! else another thread could put an internet socket in the place of what was looked at. The filter sees to it that
//! a table is shared by the threads of one process at most. While its only thread waits nobody can change that.

use super::budget::{Buffer, Share};
use super::caller::Stop;
use super::message::{self, Message};
use super::rights::as_caller;
use super::room::Memory;
use super::send::{HEADER_MANY, MESSAGES_MAX};
use super::worker::{RawAddress, Worker};
use crate::procfs::{self, Status};
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::socket::Payload;
use crate::sys::{self, Errno, process, signal, socket};
use chbind_policy::others::{self, Call, Doing, Other};
use chbind_policy::{Reason, Refusal};
use libc::{AF_ALG, AF_UNIX, SOL_SOCKET};
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Descriptors of one message (`SCM_MAX_FD`, include/net/scm.h).
const DESCRIPTORS_MAX: usize = 253;
/// The size of `struct cmsghdr` on a 64-bit kernel, and what control messages are aligned to, in bytes.
const CONTROL_HEADER: usize = 16;
const CONTROL_ALIGN: usize = 8;
/// Of `struct sockaddr_un`: where the path begins.
const PATH: usize = 2;

const NAMED_SENDER: Stop = Stop::Refused(Refusal { errno: libc::EPERM, reason: Reason::NamedSender });
const SHARED: Stop = Stop::Refused(Refusal { errno: libc::EPERM, reason: Reason::SharedTable });

/// A socket of another family that is acted on here, and what is known of it.
struct Held {
    fd: OwnedFd,
    domain: i32,
    kind: i32,
}

/// What is acted with, if the call does not run as it is.
enum Judged {
    AsAsked,
    OnBehalf(Held),
    ByPath(Held),
}

impl Worker {
    /// Judges a call on a socket of another family.
    fn judge(&self, call: &Notification, what: Call) -> Result<Judged, Stop> {
        // In this order: what has one thread now had the socket that is looked at next, until the call is answered.
        let status = Status::of(call.tid).ok_or(Stop::Gone)?;
        let fd = self.shared.handles.duplicate(&self.shared.listener, call, call.args[0] as i32)?;
        let domain = socket::option(fd.as_fd(), SOL_SOCKET, libc::SO_DOMAIN)?;
        if !others::is_other(domain) {
            // It was another a moment ago.
            return Err(Stop::Fail(libc::EBADF));
        }
        let kind = socket::option(fd.as_fd(), SOL_SOCKET, libc::SO_TYPE)?;
        let doing = others::others(Other { domain, kind, shared: status.threads != 1 }, what)?;
        self.still_waiting(call)?;
        let held = Held { fd, domain, kind };
        Ok(match doing {
            Doing::AsAsked => Judged::AsAsked,
            Doing::OnBehalf => Judged::OnBehalf(held),
            Doing::ByPath => Judged::ByPath(held),
        })
    }

    pub(super) fn bind_other(
        &mut self,
        call: &Notification,
        address: Result<RawAddress, Stop>,
    ) -> Result<Answer, Stop> {
        if !self.shared.strict {
            return Ok(Answer::Continue);
        }
        let address = address?;
        match self.judge(call, Call::Bind(address.bytes()))? {
            Judged::AsAsked => Ok(Answer::Continue),
            Judged::OnBehalf(held) | Judged::ByPath(held) => {
                self.as_caller(call, || socket::bind_bytes(held.fd.as_fd(), address.bytes()))?;
                Ok(Answer::Return(0))
            }
        }
    }

    pub(super) fn listen_other(&mut self, call: &Notification) -> Result<Answer, Stop> {
        if !self.shared.strict {
            return Ok(Answer::Continue);
        }
        match self.judge(call, Call::Listen)? {
            Judged::AsAsked => Ok(Answer::Continue),
            Judged::OnBehalf(held) | Judged::ByPath(held) => {
                socket::listen(held.fd.as_fd(), call.args[1] as i32)?;
                Ok(Answer::Return(0))
            }
        }
    }

    pub(super) fn connect_other(
        &mut self,
        call: &Notification,
        address: Result<RawAddress, Stop>,
    ) -> Result<Answer, Stop> {
        if !self.shared.strict {
            return Ok(Answer::Continue);
        }
        let address = address?;
        match self.judge(call, Call::Connect(address.bytes()))? {
            Judged::AsAsked => return Ok(Answer::Continue),
            Judged::OnBehalf(held) => {
                self.as_caller(call, || socket::connect_bytes(held.fd.as_fd(), address.bytes()))?
            }
            Judged::ByPath(held) => {
                let found = self.find(call, address.bytes())?;
                self.as_caller(call, || socket::connect_bytes(held.fd.as_fd(), found.address()))?
            }
        }
        Ok(Answer::Return(0))
    }

    pub(super) fn sendto_other(&mut self, call: &Notification, flags: i32) -> Result<Answer, Stop> {
        if !self.shared.strict {
            return Ok(Answer::Continue);
        }
        let [_, at, len, _, address, address_len] = call.args;
        let payload = vec![message::piece(at, len)?];
        let address = Some(self.address(call, address, address_len)?);
        let message = Message { address, payload, control: Vec::new(), flags, _share: Share::default() };
        match self.transmit_other(call, message)? {
            Some(sent) => Ok(Answer::Return(sent as i64)),
            None => Ok(Answer::Continue),
        }
    }

    pub(super) fn sendmsg_other(&mut self, call: &Notification, flags: i32) -> Result<Answer, Stop> {
        if !self.shared.strict {
            return Ok(Answer::Continue);
        }
        let message = self.message(call, call.args[1], flags)?;
        match self.transmit_other(call, message)? {
            Some(sent) => Ok(Answer::Return(sent as i64)),
            None => Ok(Answer::Continue),
        }
    }

    pub(super) fn sendmmsg_other(&mut self, call: &Notification, flags: i32) -> Result<Answer, Stop> {
        if !self.shared.strict {
            return Ok(Answer::Continue);
        }
        let [_, at, many, ..] = call.args;
        let many = (many & u64::from(u32::MAX)).min(MESSAGES_MAX);
        let memory = Memory::open(&self.shared.listener, call)?;
        let mut done = 0;
        while done < many {
            let at = at.wrapping_add(done * HEADER_MANY);
            let sent = match self.message(call, at, flags).and_then(|message| self.transmit_other(call, message)) {
                Ok(None) if done == 0 => return Ok(Answer::Continue),
                // The other threads have ended meanwhile. What has been sent must not be sent again.
                Ok(None) => break,
                Ok(Some(sent)) => memory.write(at.wrapping_add(message::HEADER as u64), &(sent as u32).to_ne_bytes()),
                Err(stop) => Err(stop),
            };
            match sent {
                Ok(()) => done += 1,
                Err(Stop::Gone) => return Err(Stop::Gone),
                Err(stop) if done == 0 => return Err(stop),
                Err(_) => break,
            }
        }
        Ok(Answer::Return(done as i64))
    }

    /// Sends one message on the caller's behalf, and gives the number of bytes; `None` if the caller is to do it.
    fn transmit_other(&mut self, call: &Notification, message: Message) -> Result<Option<usize>, Stop> {
        let address = message.address.as_ref().map_or(&[][..], RawAddress::bytes);
        let (held, address) = match self.judge(call, Call::Send(address))? {
            Judged::AsAsked => return Ok(None),
            Judged::OnBehalf(held) => (held, Found::bytes(address)),
            Judged::ByPath(held) => (held, self.find(call, address)?),
        };
        let (control, _descriptors) = self.translate(call, &held, &message.control)?;
        let is_stream = held.domain == AF_UNIX && held.kind == libc::SOCK_STREAM;
        let total = message.len();
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut sent = 0;
        let outcome = loop {
            let control = if sent == 0 { &control[..] } else { &[] };
            match self.piece(call, &held, &message, sent, (address.address(), control, &mut buffer)) {
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
        if outcome == Err(Stop::Fail(libc::EPIPE)) && !quiet && self.still_waiting(call).is_ok() {
            // ESRCH: it has been killed meanwhile.
            let _ = signal::broken_pipe(call.tid);
        }
        outcome.map(Some)
    }

    /// Sends what comes after `from`, as much as one call can, without blocking if that can be.
    fn piece(
        &mut self,
        call: &Notification,
        held: &Held,
        message: &Message,
        from: usize,
        (address, control, buffer): (&[u8], &[u8], &mut Buffer),
    ) -> Result<usize, Stop> {
        let (bytes, missing) = message.load(call, from, buffer)?;
        let is_stream = held.domain == AF_UNIX && held.kind == libc::SOCK_STREAM;
        if !is_stream && bytes.len() + missing < message.len() {
            // It cannot be sent in pieces.
            return Err(Stop::Fail(libc::EMSGSIZE));
        }
        let payload = Payload { bytes, missing };
        let fd = held.fd.as_fd();
        let flags = message.flags;
        let send = |more| socket::send_bytes(fd, address, payload, control, flags | more);
        match self.as_caller(call, || send(libc::MSG_DONTWAIT)) {
            Err(Stop::Fail(libc::EAGAIN)) if flags & libc::MSG_DONTWAIT == 0 && !socket::is_nonblocking(fd)? => {}
            done => return done,
        }
        let (shared, id, tid) = (self.shared, call.id, call.tid);
        // Each time anew: the caller may have gone while it was blocked, and somebody else have its thread id.
        let as_caller_still = || if shared.listener.is_waiting(id) { send(0) } else { Err(Errno(libc::EPERM)) };
        self.block(call, fd, || as_caller(&shared.own, tid, as_caller_still).unwrap_or(Err(Errno(libc::EPERM))))
    }

    /// The control messages with descriptors of this process in the place of the caller's, and what these are.
    fn translate(&self, call: &Notification, held: &Held, control: &[u8]) -> Result<(Vec<u8>, Vec<OwnedFd>), Stop> {
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
            let Some(end) = end else { return Err(Stop::Fail(libc::EINVAL)) };
            match (level, kind) {
                (SOL_SOCKET, libc::SCM_CREDENTIALS) => return Err(NAMED_SENDER),
                (SOL_SOCKET, libc::SCM_RIGHTS) => {
                    let numbers = control.get_mut(at + CONTROL_HEADER..end).unwrap_or_default();
                    for number in numbers.chunks_exact_mut(4) {
                        if descriptors.len() >= DESCRIPTORS_MAX {
                            return Err(Stop::Fail(libc::EINVAL));
                        }
                        let theirs = number.first_chunk().map_or(-1, |bytes| i32::from_ne_bytes(*bytes));
                        let ours = self.shared.handles.duplicate(&self.shared.listener, call, theirs)?;
                        number.copy_from_slice(&ours.as_raw_fd().to_ne_bytes());
                        descriptors.push(ours);
                    }
                }
                _ => {}
            }
            at = end.next_multiple_of(CONTROL_ALIGN);
        }
        self.still_waiting(call)?;
        Ok((control, descriptors))
    }

    /// Does something as the caller, who is asked for after that whether it was the caller.
    fn as_caller<T>(&self, call: &Notification, act: impl FnOnce() -> sys::Result<T>) -> Result<T, Stop> {
        let waiting = || self.still_waiting(call);
        let done = as_caller(&self.shared.own, call.tid, || waiting().and_then(|()| Ok(act()?)));
        done.unwrap_or(Err(SHARED))
    }

    /// What is at the path of an AF_UNIX address for the caller, as an address.
    fn find(&self, call: &Notification, address: &[u8]) -> Result<Found, Stop> {
        let path: Vec<u8> = address.iter().skip(PATH).copied().take_while(|byte| *byte != 0).collect();
        // A relative one begins where the caller is.
        if path.first() != Some(&b'/') || !procfs::has_own_root(call.tid) {
            return Err(SHARED);
        }
        let path = CString::new(path).map_err(|_| Stop::Fail(libc::EINVAL))?;
        let held = self.as_caller(call, || process::find(&path))?;
        let mut address = (AF_UNIX as u16).to_ne_bytes().to_vec();
        address.extend(format!("/proc/self/fd/{}\0", held.as_raw_fd()).into_bytes());
        Ok(Found { address, _held: Some(held) })
    }
}

/// An address, and what keeps it good.
struct Found {
    address: Vec<u8>,
    _held: Option<OwnedFd>,
}

impl Found {
    fn bytes(address: &[u8]) -> Self {
        Found { address: address.to_vec(), _held: None }
    }

    fn address(&self) -> &[u8] {
        &self.address
    }
}

/// Length, level and type of the control message that begins here.
fn header(bytes: &[u8]) -> Option<(usize, i32, i32)> {
    let len = u64::from_ne_bytes(*bytes.first_chunk()?);
    let level = i32::from_ne_bytes(*bytes.get(8..)?.first_chunk()?);
    let kind = i32::from_ne_bytes(*bytes.get(12..)?.first_chunk()?);
    Some((usize::try_from(len).unwrap_or(usize::MAX), level, kind))
}
