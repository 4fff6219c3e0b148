//! Privileged ports and raw sockets: calls done on behalf of a caller must not have more rights than the caller (row
//! 15: docs/semantics.md#row-15), unless its context grants the port.

use crate::procfs::{self, Status};
use crate::sys::process::{self, Identity};
use crate::sys::signal::own_tid;
use caps::{CapSet, Capability};
use libc::pid_t;

/// Runs `act` as the thread `tid`, as far as the kernel asks or others are told who did it: with its users and groups, and
/// with no capability that it has not. Only the process id stays this one's. `None` if this process may not, or the thread
/// is gone.
pub(crate) fn as_caller<T>(own: &Identity, tid: pid_t, act: impl FnOnce() -> T) -> Option<T> {
    let (who, status) = (procfs::identity(tid)?, Status::of(tid)?);
    let before = caps::read(None, CapSet::Effective).ok()?;
    let is_other = who != *own;
    let lends = |capability: &&Capability| status.effective & capability.bitmask() != 0;
    let taken = (|| {
        if is_other {
            process::impersonate(&who).ok()?;
        }
        let fewer = caps::read(None, CapSet::Effective).ok()?.iter().filter(lends).copied().collect();
        caps::set(None, CapSet::Effective, &fewer).ok()
    })();
    let done = taken.map(|()| act());
    // What gives the identity back takes capabilities, and changes them.
    let again = || caps::set(None, CapSet::Effective, &before).is_ok();
    let itself = || !is_other || procfs::identity(own_tid()).as_ref() == Some(own) || process::impersonate(own).is_ok();
    if !(again() && itself() && again()) {
        // A thread that is somebody else must not serve another call.
        std::process::abort();
    }
    done
}
