//! What a process gives up: the command before it runs, and the supervisor for itself.

use super::error::Error;
use crate::sys::Number as _;
use caps::{CapSet, Capability, CapsHashSet};
use nix::sys::prctl;

/// Capabilities that would undo a context: another way to the network, into the supervisor, or into the kernel.
const UNDOING: [Capability; 8] = [
    Capability::CAP_NET_ADMIN,
    Capability::CAP_NET_RAW,
    Capability::CAP_SYS_ADMIN,
    Capability::CAP_SYS_PTRACE,
    Capability::CAP_SYS_MODULE,
    Capability::CAP_SYS_RAWIO,
    Capability::CAP_BPF,
    Capability::CAP_PERFMON,
];

/// What a supervisor keeps, where it has it: to look into callers that run as somebody else, to send them SIGPIPE, to
/// find who holds a port, to make sockets that belong to them, and to bind privileged ports for those who may. With `--strict`
/// also CAP_SETGID, to speak as they do on local-domain sockets.
const SUPERVISING: [Capability; 5] = [
    Capability::CAP_SYS_PTRACE,
    Capability::CAP_KILL,
    Capability::CAP_DAC_READ_SEARCH,
    Capability::CAP_SETUID,
    Capability::CAP_NET_BIND_SERVICE,
];

/// What a supervisor may have and does without, so that the kernel refuses privileged ports and raw sockets by itself: it
/// takes these for a moment, for callers that have them.
pub(crate) const AT_NEED: [Capability; 2] = [Capability::CAP_NET_BIND_SERVICE, Capability::CAP_NET_RAW];

/// Whether this process has the capability in effect.
pub(crate) fn has(capability: Capability) -> bool {
    caps::has_cap(None, CapSet::Effective, capability).unwrap_or(false)
}

fn no_new_privs(errno: nix::errno::Errno) -> Error {
    Error::NoNewPrivs(errno.errno())
}

/// The kernel asks a process that is not privileged to renounce set-id programs before it confines itself.
pub(crate) fn renounce_if_unprivileged() -> Result<(), Error> {
    if has(Capability::CAP_SYS_ADMIN) {
        return Ok(());
    }
    prctl::set_no_new_privs().map_err(no_new_privs)
}

/// Drops the capabilities that would undo the context, for this process and all it starts, but for those in `keep`.
pub(crate) fn shed_capabilities(keep: &[Capability]) -> Result<(), Error> {
    let held = caps::read(None, CapSet::Permitted)?;
    let undoing: CapsHashSet = UNDOING.into_iter().filter(|capability| !keep.contains(capability)).collect();
    if has(Capability::CAP_SETPCAP) {
        for &capability in &undoing {
            // Kernels that do not know a capability have nothing to drop.
            if caps::has_cap(None, CapSet::Bounding, capability).unwrap_or(false) {
                caps::drop(None, CapSet::Bounding, capability)?;
            }
        }
    } else {
        // Nothing may be regained by exec then.
        prctl::set_no_new_privs().map_err(no_new_privs)?;
    }
    if held.is_disjoint(&undoing) {
        return Ok(());
    }
    for set in [CapSet::Ambient, CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        let left: CapsHashSet = caps::read(None, set)?.difference(&undoing).copied().collect();
        caps::set(None, set, &left)?;
    }
    Ok(())
}

/// Leaves the supervisor what it needs, given what the command keeps.
pub(crate) fn confine_supervisor(keep: &[Capability], strict: bool) -> Result<(), Error> {
    prctl::set_no_new_privs().map_err(no_new_privs)?;
    prctl::set_dumpable(false).map_err(|errno| Error::Undumpable(errno.errno()))?;
    let held = caps::read(None, CapSet::Permitted)?;
    // Without CAP_SYS_PTRACE a process can only look into those that hold no more than itself (cap_ptrace_access_check,
    // security/commoncap.c): then it must hold what the command holds.
    let needed = |capability: &Capability| match held.contains(&Capability::CAP_SYS_PTRACE) {
        true => {
            SUPERVISING.contains(capability)
                || strict && *capability == Capability::CAP_SETGID
                || AT_NEED.contains(capability) && keep.contains(capability)
        }
        false => !UNDOING.contains(capability) || keep.contains(capability),
    };
    let kept: CapsHashSet = held.iter().copied().filter(needed).collect();
    if has(Capability::CAP_SETPCAP) {
        for capability in caps::runtime::thread_all_supported().difference(&kept) {
            caps::drop(None, CapSet::Bounding, *capability)?;
        }
    }
    let effective: CapsHashSet = kept.iter().copied().filter(|capability| !AT_NEED.contains(capability)).collect();
    caps::clear(None, CapSet::Ambient)?;
    caps::set(None, CapSet::Inheritable, &CapsHashSet::new())?;
    caps::set(None, CapSet::Effective, &effective)?;
    caps::set(None, CapSet::Permitted, &kept)?;
    Ok(())
}

/// Runs `act` with the capabilities in effect for this thread that it otherwise only [may have](AT_NEED). (Without
/// CAP_SYS_PTRACE it also takes them to look into a process that has them.)
pub(crate) fn with_all_rights<T>(act: impl FnOnce() -> T) -> T {
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
