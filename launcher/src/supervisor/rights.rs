//! Privileged ports and raw sockets: calls done on behalf of a caller must not have more rights than the caller (row 15),
//! unless its context grants the port.

use crate::confine::AT_NEED;
use crate::procfs::{self, NamespaceId, Status};
use crate::sys::process::{self, Identity};
use crate::sys::signal::own_tid;
use crate::sys::{self, namespace};
use caps::{CapSet, Capability};
use libc::pid_t;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

/// The user namespace that owns this network namespace, and those above it: capabilities count in these alone
/// (user_namespaces(7)).
#[derive(Debug)]
pub struct NetworkOwner {
    network: NamespaceId,
    lineage: Vec<NamespaceId>,
}

/// The kernel nests user namespaces no deeper.
const DEEPEST: usize = 33;

fn identity(file: File) -> io::Result<NamespaceId> {
    let of = file.metadata()?;
    Ok((of.dev(), of.ino()))
}

impl NetworkOwner {
    /// Of the network namespace of this process. Where the owner is out of sight nobody here has rights in it.
    pub fn of_this_process() -> io::Result<Self> {
        let mut lineage = Vec::new();
        let network = File::open("/proc/self/ns/net")?;
        let mut next = namespace::owner(network.as_fd());
        let network = identity(network)?;
        while let Ok(user) = next {
            next = namespace::parent(user.as_fd());
            lineage.push(identity(File::from(user))?);
            if lineage.len() > DEEPEST {
                break;
            }
        }
        Ok(NetworkOwner { network, lineage })
    }

    /// Whether the thread is known to have moved to another network namespace.
    pub(super) fn has_left(&self, tid: pid_t) -> bool {
        procfs::namespace(tid, "net")
            .or_else(|| with_all_rights(|| procfs::namespace(tid, "net")))
            .is_some_and(|network| network != self.network)
    }

    /// Whether this process could, for others, do what takes CAP_NET_BIND_SERVICE.
    pub fn lets_this_process_bind_privileged(&self) -> bool {
        caps::has_cap(None, CapSet::Permitted, Capability::CAP_NET_BIND_SERVICE).unwrap_or(false)
            && procfs::namespace(sys::signal::own_tid(), "user").is_some_and(|user| self.lineage.contains(&user))
    }

    /// Whether the thread holds this capability where it counts.
    pub(super) fn grants(&self, tid: pid_t, capability: Capability) -> bool {
        let holds = |status: Status| status.effective & capability.bitmask() != 0;
        Status::of(tid).is_some_and(holds)
            && procfs::namespace(tid, "user").is_some_and(|user| self.lineage.contains(&user))
    }
}

/// Runs `act` as the thread `tid`, as far as the kernel asks or others are told who did it: with its users and groups, and
/// with no capability that it has not. Only the process id stays this one's. `None` if this process may not, or the thread
/// is gone.
pub(super) fn as_caller<T>(own: &Identity, tid: pid_t, act: impl FnOnce() -> T) -> Option<T> {
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

/// Runs `act` with the capabilities in effect for this thread that it otherwise only [may have](AT_NEED). (Without
/// CAP_SYS_PTRACE it also takes them to look into a process that has them.)
pub(super) fn with_all_rights<T>(act: impl FnOnce() -> T) -> T {
    let raised = AT_NEED.map(|capability| caps::raise(None, CapSet::Effective, capability).is_ok());
    let done = act();
    for (capability, raised) in AT_NEED.into_iter().zip(raised) {
        if raised && caps::drop(None, CapSet::Effective, capability).is_err() {
            // A thread that cannot give the right back must not serve another call.
            std::process::abort();
        }
    }
    done
}
