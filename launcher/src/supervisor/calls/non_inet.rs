//! Sockets of other families (AF_UNIX, AF_NETLINK, AF_ALG).
//!
//! Their calls run as they are. With `--strict` they do so only where the caller shares its table of descriptors with nobody:
//! else another thread could put an internet socket in the place of what was looked at. The filter sees to it that
//! a table is shared by the threads of one process at most. While its only thread waits nobody can change that.

use super::worker::Worker;
use crate::procfs::{self, Status};
use crate::supervisor::caller::duplicate::Duplicate;
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::identity::as_caller;
use crate::supervisor::caller::live::Live;
use crate::supervisor::caller::outcome::Stop;
use crate::sys::seccomp::Answer;
use crate::sys::{self, Errno, process, socket};
use chbind_policy::non_inet::{self, Call, Doing, NonInet};
use chbind_policy::sockaddr::SockAddr;
use chbind_policy::{Reason, Refusal};
use libc::{AF_UNIX, SOL_SOCKET};
use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// Of `struct sockaddr_un`: where the path begins.
const PATH: usize = 2;

const SHARED: Stop = Stop::Refused(Refusal::new(Errno::EPERM, Reason::SharedTable));

/// A socket of another family that is acted on here, and what is known of it.
pub(crate) struct NonInetSocket {
    pub(crate) duplicate: Duplicate,
    pub(crate) domain: i32,
    pub(crate) kind: i32,
}

/// What is acted with, if the call does not run as it is.
enum Judged {
    AsAsked,
    OnBehalf(NonInetSocket),
    ByPath(NonInetSocket),
}

impl Worker {
    /// Judges a call on a socket of another family.
    fn judge(&self, caller: &mut Caller, what: Call) -> Result<Judged, Stop> {
        // In this order: what has one thread now had the socket that is looked at next, until the call is answered.
        let status = Status::of(caller.tid()).ok_or(Stop::Gone)?;
        let duplicate = caller.duplicate(caller.int(0))?;
        let domain = duplicate.option(SOL_SOCKET, libc::SO_DOMAIN)?;
        if !non_inet::is_non_inet(domain) {
            // It was another a moment ago.
            return Err(Stop::Fail(Errno::EBADF));
        }
        let kind = duplicate.option(SOL_SOCKET, libc::SO_TYPE)?;
        let doing = non_inet::judge(NonInet { domain, kind, shared: status.threads != 1 }, what)?;
        caller.live()?;
        let held = NonInetSocket { duplicate, domain, kind };
        Ok(match doing {
            Doing::AsAsked => Judged::AsAsked,
            Doing::OnBehalf => Judged::OnBehalf(held),
            Doing::ByPath => Judged::ByPath(held),
        })
    }

    /// The same for a call with an address: the socket, and the address by which it is acted on here, if it is.
    pub(crate) fn judge_address<'a>(
        &self,
        caller: &mut Caller,
        what: fn(&'a [u8]) -> Call<'a>,
        address: &'a [u8],
    ) -> Result<Option<(NonInetSocket, Found)>, Stop> {
        Ok(match self.judge(caller, what(address))? {
            Judged::AsAsked => None,
            Judged::OnBehalf(held) => Some((held, Found::given(address))),
            Judged::ByPath(held) => Some((held, self.find(caller, address)?)),
        })
    }

    pub(crate) fn bind_non_inet(&self, caller: &mut Caller, address: Result<SockAddr, Stop>) -> Result<Answer, Stop> {
        self.act_on_non_inet(caller, |address| Call::Bind(address), address, socket::bind_bytes)
    }

    pub(crate) fn connect_non_inet(
        &self,
        caller: &mut Caller,
        address: Result<SockAddr, Stop>,
    ) -> Result<Answer, Stop> {
        self.act_on_non_inet(caller, |address| Call::Connect(address), address, socket::connect_bytes)
    }

    fn act_on_non_inet(
        &self,
        caller: &mut Caller,
        what: fn(&[u8]) -> Call,
        address: Result<SockAddr, Stop>,
        act: fn(BorrowedFd, &[u8]) -> sys::Result<()>,
    ) -> Result<Answer, Stop> {
        if !self.shared.strict {
            return Ok(Answer::Continue);
        }
        let Some((held, address)) = self.judge_address(caller, what, address?.bytes())? else {
            return Ok(Answer::Continue);
        };
        self.as_caller(caller, |live| act(held.duplicate.act(live), address.bytes()))?;
        Ok(Answer::Return(0))
    }

    pub(crate) fn listen_non_inet(&self, caller: &mut Caller) -> Result<Answer, Stop> {
        if !self.shared.strict {
            return Ok(Answer::Continue);
        }
        match self.judge(caller, Call::Listen)? {
            Judged::AsAsked => Ok(Answer::Continue),
            Judged::OnBehalf(held) | Judged::ByPath(held) => {
                socket::listen(held.duplicate.act(caller.live()?), caller.int(1))?;
                Ok(Answer::Return(0))
            }
        }
    }

    /// Assumes the caller's identity and, before `act`, checks that the caller still waits: only then was that identity its
    /// own.
    pub(crate) fn as_caller<'c, T>(
        &self,
        caller: &'c Caller,
        act: impl FnOnce(Live<'c>) -> sys::Result<T>,
    ) -> Result<T, Stop> {
        let done = as_caller(&self.shared.own, caller.tid(), || caller.live().and_then(|live| Ok(act(live)?)));
        done.unwrap_or(Err(SHARED))
    }

    /// What is at the path of an AF_UNIX address for the caller, as an address.
    fn find(&self, caller: &mut Caller, address: &[u8]) -> Result<Found, Stop> {
        let path: Vec<u8> = address.iter().skip(PATH).copied().take_while(|byte| *byte != 0).collect();
        // A relative one begins where the caller is.
        if path.first() != Some(&b'/') || !procfs::has_own_root(caller.tid()) {
            return Err(SHARED);
        }
        let path = CString::new(path).map_err(|_| Stop::Fail(Errno::EINVAL))?;
        let held = self.as_caller(caller, |_| process::find(&path))?;
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
