//! One thread of the supervisor: takes a call, finds its rule, answers it.

use crate::supervisor::Shared;
use crate::supervisor::caller::budget::Buffer;
use crate::supervisor::caller::memory;
use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::calls::sockname::Which;
use crate::supervisor::threads::blocked::{Blocked, Standing};
use crate::supervisor::threads::leader::Turn;
use crate::sys::seccomp::{Answer, Notification, Received};
use crate::sys::{self, Errno, socket};
use chbind_policy::others;
use chbind_policy::sockaddr::{self, LEN_MAX};
use chbind_policy::{Reason, Refusal, Socket, Subject};
use libc::{AF_INET6, c_long};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// The kernel's own number for "interrupted; restart by SA_RESTART, otherwise EINTR" (include/linux/errno.h). It never
/// reaches a program while a signal is pending for it.
const ERESTARTSYS: i32 = 512;

/// What a call is mostly made on: it is asked first whether a socket is that. The answer is the same either way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Likely {
    Stream,
    Datagram,
}

/// An address as the caller gave it: our copy.
pub(crate) struct RawAddress {
    bytes: [u8; LEN_MAX],
    len: usize,
}

impl RawAddress {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// What it says, for a message.
    pub(crate) fn shown(&self) -> Option<SocketAddr> {
        sockaddr::decode(self.bytes()).map(sockaddr::canonical)
    }
}

/// What one thread needs.
pub(crate) struct Worker {
    pub(crate) shared: &'static Shared,
    /// For payloads; grows to the largest datagram.
    pub(crate) buffer: Buffer,
    pub(crate) subject: Subject,
    turn: Option<Turn>,
    blocked: Option<Blocked<'static>>,
}

/// Answers calls until the crew needs this thread no more.
pub(crate) fn run(shared: &'static Shared) {
    while shared.crew.lead() {
        answer_calls(shared);
    }
}

/// Answers calls until the lead is lost.
fn answer_calls(shared: &'static Shared) {
    // Made anew for each time of leading: many threads may wait for the lead, and none keeps more than it needs.
    let mut worker = Worker::new(shared);
    loop {
        match shared.listener.receive() {
            Ok(Received::Call(call)) => {
                let (turn, unwatched) = shared.crew.begin();
                if unwatched {
                    shared.pending.wake_up();
                }
                worker.serve(&call, turn);
                if !shared.crew.end(turn) {
                    return;
                }
            }
            Ok(Received::Nothing) if is_over(shared) => park(),
            Ok(Received::Nothing) => {}
            // Out of memory: the caller waits; try again when there may be some.
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Calls turned away in a row: who does so has other things to look after.
const TURNED_AWAY: usize = 256;

/// Fails the calls that wait, for there is no thread to answer them.
pub(crate) fn turn_away(shared: &'static Shared) {
    let waits = |shared: &Shared| {
        let mut fds = [PollFd::new(shared.listener.fd().as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).is_ok()
            && fds.iter().any(|fd| fd.revents().is_some_and(|events| events.contains(PollFlags::POLLIN)))
    };
    for _ in 0..TURNED_AWAY {
        if !waits(shared) {
            return;
        }
        if let Ok(Received::Call(call)) = shared.listener.receive() {
            let _ = shared.listener.answer(call.id, Answer::Fail(libc::ENOBUFS));
        }
    }
}

/// Whether the last task of the context is gone. (From Linux 6.11 on a receive says so by failing.)
fn is_over(shared: &Shared) -> bool {
    let mut fds = [PollFd::new(shared.listener.fd().as_fd(), PollFlags::empty())];
    poll(&mut fds, PollTimeout::ZERO).is_ok()
        && fds.iter().any(|fd| fd.revents().is_some_and(|events| events.contains(PollFlags::POLLHUP)))
}

/// The main thread ends the process.
fn park() -> ! {
    loop {
        std::thread::park();
    }
}

fn name_of(nr: c_long) -> &'static str {
    match nr {
        libc::SYS_bind => "bind",
        libc::SYS_listen => "listen",
        libc::SYS_connect => "connect",
        libc::SYS_sendto | libc::SYS_sendmsg | libc::SYS_sendmmsg => "send",
        _ => "a call",
    }
}

impl Worker {
    fn new(shared: &'static Shared) -> Self {
        Worker { shared, buffer: Buffer::default(), subject: Subject::Call(""), turn: None, blocked: None }
    }

    fn serve(&mut self, call: &Notification, turn: Turn) {
        self.turn = Some(turn);
        let nr = call.nr as c_long;
        self.subject = Subject::Call(name_of(nr));
        let done = match nr {
            libc::SYS_bind => self.bind(call),
            libc::SYS_listen => self.listen(call),
            libc::SYS_connect => self.connect(call),
            libc::SYS_sendto => self.sendto(call),
            libc::SYS_sendmsg => self.sendmsg(call),
            libc::SYS_sendmmsg => self.sendmmsg(call),
            libc::SYS_socket | libc::SYS_socketpair => self.create(call),
            libc::SYS_setsockopt => self.set_option(call),
            libc::SYS_landlock_create_ruleset => self.create_ruleset(call),
            libc::SYS_getsockname => self.name(call, Which::Local),
            libc::SYS_getpeername => self.name(call, Which::Peer),
            // The filter holds nothing else back.
            _ => Err(Stop::Fail(libc::ENOSYS)),
        };
        let answer = match done {
            Ok(answer) => answer,
            Err(Stop::Fail(errno)) => Answer::Fail(errno),
            Err(Stop::Refused(refusal)) => {
                self.shared.teller.refused(call.tid, &self.subject, &refusal, self.shared.context);
                Answer::Fail(refusal.errno)
            }
            // Nobody should be left to read it; should that be wrong, nobody must wait for ever.
            Err(Stop::Gone) => Answer::Fail(libc::EPERM),
        };
        // ENOENT: killed, or interrupted on a kernel without killable waits.
        let _ = self.shared.listener.answer(call.id, answer);
        self.blocked = None;
    }

    /// The duplicate of the caller's socket, and what it is; `None` for the families whose calls run as they are.
    pub(crate) fn inet(&self, call: &Notification, likely: Likely) -> Result<Option<(OwnedFd, Socket)>, Stop> {
        let fd = self.shared.handles.duplicate(&self.shared.listener, call, call.args[0] as i32)?;
        let socket = self.identify(fd.as_fd(), likely)?;
        Ok(socket.map(|socket| (fd, socket)))
    }

    fn identify(&self, fd: BorrowedFd, likely: Likely) -> Result<Option<Socket>, Stop> {
        let domain = socket::option(fd, libc::SOL_SOCKET, libc::SO_DOMAIN)?;
        if others::is_other(domain) {
            return Ok(None);
        }
        if socket::netns_cookie(fd)? != self.shared.netns_cookie {
            return Err(Refusal { errno: libc::EPERM, reason: Reason::OtherNamespace }.into());
        }
        let (kind, protocol) = if likely == Likely::Stream && socket::is_plain_tcp(fd) {
            (libc::SOCK_STREAM, libc::IPPROTO_TCP)
        } else {
            let kind = socket::option(fd, libc::SOL_SOCKET, libc::SO_TYPE)?;
            (kind, socket::option(fd, libc::SOL_SOCKET, libc::SO_PROTOCOL)?)
        };
        let v6only = domain == AF_INET6 && socket::option(fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY)? != 0;
        Ok(Some(Socket::identify(self.shared.context, domain, kind, protocol, v6only)?))
    }

    /// A copy of the caller's address, with the errors of `move_addr_to_kernel` (net/socket.c).
    pub(crate) fn address(&self, call: &Notification, at: u64, len: u64) -> Result<RawAddress, Stop> {
        let len = usize::try_from(len as i32).map_err(|_| Stop::Fail(libc::EINVAL))?;
        let mut address = RawAddress { bytes: [0; LEN_MAX], len };
        let to = address.bytes.get_mut(..len).ok_or(Stop::Fail(libc::EINVAL))?;
        memory::read(call, at, to)?;
        Ok(address)
    }

    /// To be asked after the last read and before each act: if the caller waits now it waited all the time, so nobody else
    /// can have had its thread id, and what was read and duplicated was its own.
    pub(crate) fn still_waiting(&self, call: &Notification) -> Result<(), Stop> {
        if self.shared.listener.is_waiting(call.id) { Ok(()) } else { Err(Stop::Gone) }
    }

    /// Does what may block, with the lead handed over first. Ends when the caller has a signal to take.
    pub(crate) fn block<T>(
        &mut self,
        call: &Notification,
        fd: BorrowedFd,
        act: impl Fn() -> sys::Result<T>,
    ) -> Result<T, Stop> {
        let shared = self.shared;
        // Stays in the table until the call is answered.
        let blocked = self.blocked.get_or_insert_with(|| shared.pending.enter(call.id, call.tid));
        if let Some(turn) = self.turn {
            shared.crew.hand_over(turn, move || run(shared)).map_err(|_| Stop::Fail(libc::ENOBUFS))?;
        }
        loop {
            match act() {
                Err(Errno(libc::EINTR)) => match blocked.standing() {
                    Standing::Waiting => {}
                    Standing::Gone => return Err(Stop::Gone),
                    // sock_intr_errno (include/net/sock.h): a call with a time limit is never restarted.
                    Standing::Signalled if !socket::has_send_timeout(fd) => return Err(Stop::Fail(ERESTARTSYS)),
                    Standing::Signalled | Standing::PerhapsSignalled => return Err(Stop::Fail(libc::EINTR)),
                },
                done => return Ok(done?),
            }
        }
    }
}
