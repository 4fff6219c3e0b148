//! What a thread has in hand while it answers a call.

use crate::supervisor::caller::budget::Buffer;
use crate::supervisor::caller::duplicate::Duplicate;
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::shared::Shared;
use crate::supervisor::threads::blocked::{Blocked, Standing};
use crate::supervisor::threads::leader::Turn;
use crate::sys::{self, Errno, socket};
use chbind_policy::non_inet;
use chbind_policy::{Reason, Refusal, Socket, Subject};
use libc::AF_INET6;
use std::os::fd::BorrowedFd;

/// The kernel's own number for "interrupted; restart by SA_RESTART, otherwise EINTR" (include/linux/errno.h). It never
/// reaches a program while a signal is pending for it.
const ERESTARTSYS: Errno = Errno(512);

/// What a call is mostly made on: it is asked first whether a socket is that. The answer is the same either way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Likely {
    Stream,
    Datagram,
}

/// What one thread needs.
pub(crate) struct Worker {
    pub(crate) shared: &'static Shared,
    /// For payloads; grows to the largest datagram.
    pub(crate) buffer: Buffer,
    /// What the call is about, for a message.
    pub(crate) subject: Subject,
    turn: Option<Turn>,
    blocked: Option<Blocked<'static>>,
}

impl Worker {
    pub(crate) fn new(shared: &'static Shared) -> Self {
        Worker { shared, buffer: Buffer::default(), subject: Subject::Call(""), turn: None, blocked: None }
    }

    /// A call is to be answered.
    pub(crate) fn begin(&mut self, turn: Turn) {
        self.turn = Some(turn);
    }

    /// It has been answered: signals to the caller are the kernel's business again.
    pub(crate) fn end(&mut self) {
        self.blocked = None;
    }

    /// The duplicate of the caller's socket, and what it is; `None` for the families whose calls run as they are.
    pub(crate) fn inet(&self, caller: &mut Caller, likely: Likely) -> Result<Option<(Duplicate, Socket)>, Stop> {
        let duplicate = caller.duplicate(caller.int(0))?;
        let socket = self.identify(&duplicate, likely)?;
        Ok(socket.map(|socket| (duplicate, socket)))
    }

    fn identify(&self, of: &Duplicate, likely: Likely) -> Result<Option<Socket>, Stop> {
        let domain = of.option(libc::SOL_SOCKET, libc::SO_DOMAIN)?;
        if non_inet::is_non_inet(domain) {
            return Ok(None);
        }
        if of.netns_cookie()? != self.shared.netns_cookie {
            return Err(Refusal::new(Errno::EPERM, Reason::OtherNamespace).into());
        }
        let (kind, protocol) = if likely == Likely::Stream && of.is_plain_tcp() {
            (libc::SOCK_STREAM, libc::IPPROTO_TCP)
        } else {
            let kind = of.option(libc::SOL_SOCKET, libc::SO_TYPE)?;
            (kind, of.option(libc::SOL_SOCKET, libc::SO_PROTOCOL)?)
        };
        let v6only = domain == AF_INET6 && of.option(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY)? != 0;
        Ok(Some(Socket::identify(self.shared.context, domain, kind, protocol, v6only)?))
    }

    /// Does what may block, with the lead handed over first. Ends when the caller has a signal to take.
    pub(crate) fn block<T>(
        &mut self,
        caller: &Caller,
        fd: BorrowedFd,
        act: impl Fn() -> sys::Result<T>,
    ) -> Result<T, Stop> {
        let shared = self.shared;
        // Stays in the table until the call is answered.
        let blocked = self.blocked.get_or_insert_with(|| shared.blocked.enter(caller.id(), caller.tid()));
        if let Some(turn) = self.turn {
            shared.leader.promote_follower(turn, shared.follower()).map_err(|_| Stop::Fail(Errno::ENOBUFS))?;
        }
        loop {
            match act() {
                Err(Errno::EINTR) => match blocked.standing() {
                    Standing::Waiting => {}
                    Standing::Gone => return Err(Stop::Gone),
                    // sock_intr_errno (include/net/sock.h): a call with a time limit is never restarted.
                    Standing::Signalled if !socket::has_send_timeout(fd) => return Err(Stop::Fail(ERESTARTSYS)),
                    Standing::Signalled | Standing::PerhapsSignalled => return Err(Stop::Fail(Errno::EINTR)),
                },
                done => return Ok(done?),
            }
        }
    }
}
