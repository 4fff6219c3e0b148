//! Sockets of other families (AF_UNIX, AF_NETLINK, AF_ALG).
//!
//! Their calls run as they are. With `--strict` they do so only where the caller shares its table of descriptors with nobody:
//! else another thread could put an internet socket in the place of what was looked at. The filter sees to it that
//! a table is shared by the threads of one process at most. While its only thread waits nobody can change that.

use crate::procfs::{self, Status};
use crate::supervisor::caller::identity::as_caller;
use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::threads::worker::{RawAddress, Worker};
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::{self, process, socket};
use chbind_policy::others::{self, Call, Doing, Other};
use chbind_policy::{Reason, Refusal};
use libc::{AF_UNIX, SOL_SOCKET};
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Of `struct sockaddr_un`: where the path begins.
const PATH: usize = 2;

const SHARED: Stop = Stop::Refused(Refusal { errno: libc::EPERM, reason: Reason::SharedTable });

/// A socket of another family that is acted on here, and what is known of it.
pub(crate) struct Held {
    pub(crate) fd: OwnedFd,
    pub(crate) domain: i32,
    pub(crate) kind: i32,
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

    /// The same for a call with an address: the socket, and the address by which it is acted on here, if it is.
    pub(crate) fn judge_address<'a>(
        &self,
        call: &Notification,
        what: fn(&'a [u8]) -> Call<'a>,
        address: &'a [u8],
    ) -> Result<Option<(Held, Found)>, Stop> {
        Ok(match self.judge(call, what(address))? {
            Judged::AsAsked => None,
            Judged::OnBehalf(held) => Some((held, Found::given(address))),
            Judged::ByPath(held) => Some((held, self.find(call, address)?)),
        })
    }

    pub(crate) fn bind_other(&self, call: &Notification, address: Result<RawAddress, Stop>) -> Result<Answer, Stop> {
        self.act_on_other(call, |address| Call::Bind(address), address, socket::bind_bytes)
    }

    pub(crate) fn connect_other(&self, call: &Notification, address: Result<RawAddress, Stop>) -> Result<Answer, Stop> {
        self.act_on_other(call, |address| Call::Connect(address), address, socket::connect_bytes)
    }

    fn act_on_other(
        &self,
        call: &Notification,
        what: fn(&[u8]) -> Call,
        address: Result<RawAddress, Stop>,
        act: fn(BorrowedFd, &[u8]) -> sys::Result<()>,
    ) -> Result<Answer, Stop> {
        if !self.shared.strict {
            return Ok(Answer::Continue);
        }
        let Some((held, address)) = self.judge_address(call, what, address?.bytes())? else {
            return Ok(Answer::Continue);
        };
        self.as_caller(call, || act(held.fd.as_fd(), address.bytes()))?;
        Ok(Answer::Return(0))
    }

    pub(crate) fn listen_other(&self, call: &Notification) -> Result<Answer, Stop> {
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

    /// Does something as the caller, who is asked for after that whether it was the caller.
    pub(crate) fn as_caller<T>(&self, call: &Notification, act: impl FnOnce() -> sys::Result<T>) -> Result<T, Stop> {
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
pub(crate) struct Found {
    address: Vec<u8>,
    _held: Option<OwnedFd>,
}

impl Found {
    /// As the caller gives it.
    fn given(address: &[u8]) -> Self {
        Found { address: address.to_vec(), _held: None }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.address
    }
}
