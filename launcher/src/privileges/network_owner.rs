//! Whose rights count in the network namespace: privileged ports and raw sockets are judged by the caller's (row 15:
//! docs/semantics.md#row-15).

use super::capabilities::with_all_rights;
use super::error::Error;
use crate::procfs::{self, NamespaceId, Status};
use crate::sys::Number as _;
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
    pub fn of_this_process() -> Result<Self, Error> {
        Self::lineage().map_err(|error| Error::NetworkOwner(error.errno()))
    }

    fn lineage() -> io::Result<Self> {
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
    pub(crate) fn has_left(&self, tid: pid_t) -> bool {
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
    pub(crate) fn grants(&self, tid: pid_t, capability: Capability) -> bool {
        let holds = |status: Status| status.effective & capability.bitmask() != 0;
        Status::of(tid).is_some_and(holds)
            && procfs::namespace(tid, "user").is_some_and(|user| self.lineage.contains(&user))
    }
}
