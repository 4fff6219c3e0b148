//! What a process gives up: the command before it runs, and the supervisor for itself.

use crate::error::Error;
use crate::features::has;
use crate::sys::seccomp::{self, Instruction, Wait};
use caps::{CapSet, Capability, CapsHashSet};
use landlock::{
    ABI, Access, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope,
};
use nix::sys::prctl;
use std::os::fd::OwnedFd;
use std::str::FromStr;

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

/// Reads a capability as it is typed: `net_raw`, `CAP_NET_RAW`.
pub fn capability(text: &str) -> Result<Capability, Error> {
    let upper = text.to_ascii_uppercase();
    let name = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
    Capability::from_str(&name).map_err(|_| Error::BadCapability(text.to_owned()))
}

/// The kernel asks a process that is not privileged to renounce set-id programs before it confines itself.
pub fn renounce_if_unprivileged() -> Result<(), Error> {
    if has(Capability::CAP_SYS_ADMIN) {
        return Ok(());
    }
    prctl::set_no_new_privs().map_err(Error::step("set no_new_privs"))
}

/// The floor under the supervisor: no TCP socket can be bound or connected by this process itself, whatever happens
/// between a decision and a call (landlock(7)). The supervisor, outside, still can.
///
/// Says whether the kernel has it (Linux 6.7).
pub fn lay_floor(strict: bool) -> Result<bool, Error> {
    let laid = || -> Result<RulesetStatus, RulesetError> {
        let ruleset = if strict { strict_floor()? } else { floor()? };
        Ok(ruleset.no_new_privs(false).restrict_self()?.ruleset)
    };
    match laid() {
        Ok(status) => Ok(status == RulesetStatus::FullyEnforced),
        Err(_) => Err(Error::Step("confine the command with Landlock", crate::sys::Errno(libc::EINVAL))),
    }
}

fn floor() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(AccessNet::from_all(ABI::V4))?.create()
}

/// With `--strict` there are no signals either to processes outside, and no connections to their abstract names (Linux
/// 6.12). It is laid as a whole or not at all.
pub fn strict_floor() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessNet::from_all(ABI::V4))?
        .scope(Scope::from_all(ABI::V6))?
        .create()
}

/// Puts this process under the filter for good.
pub fn install_filter(program: &[Instruction]) -> Result<(OwnedFd, Wait), Error> {
    seccomp::install(program).map_err(|errno| match errno.0 {
        libc::EBUSY => Error::AlreadyInside,
        _ => Error::Step("install the seccomp filter", errno),
    })
}

/// Drops the capabilities that would undo the context, for this process and all it starts, but for those in `keep`.
pub fn shed_capabilities(keep: &[Capability]) -> Result<(), Error> {
    let failed = |error: caps::errors::CapsError| Error::Capabilities(error.to_string());
    let held = caps::read(None, CapSet::Permitted).map_err(failed)?;
    let undoing: CapsHashSet = UNDOING.into_iter().filter(|capability| !keep.contains(capability)).collect();
    if has(Capability::CAP_SETPCAP) {
        for &capability in &undoing {
            // Kernels that do not know a capability have nothing to drop.
            if caps::has_cap(None, CapSet::Bounding, capability).unwrap_or(false) {
                caps::drop(None, CapSet::Bounding, capability).map_err(failed)?;
            }
        }
    } else {
        // Nothing may be regained by exec then.
        prctl::set_no_new_privs().map_err(Error::step("set no_new_privs"))?;
    }
    if held.is_disjoint(&undoing) {
        return Ok(());
    }
    for set in [CapSet::Ambient, CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        let left: CapsHashSet = caps::read(None, set).map_err(failed)?.difference(&undoing).copied().collect();
        caps::set(None, set, &left).map_err(failed)?;
    }
    Ok(())
}

/// Leaves the supervisor what it needs, given what the command keeps.
pub fn confine_supervisor(keep: &[Capability], strict: bool) -> Result<(), Error> {
    let failed = |error: caps::errors::CapsError| Error::Capabilities(error.to_string());
    prctl::set_no_new_privs().map_err(Error::step("set no_new_privs"))?;
    prctl::set_dumpable(false).map_err(Error::step("protect the supervisor"))?;
    let held = caps::read(None, CapSet::Permitted).map_err(failed)?;
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
            caps::drop(None, CapSet::Bounding, *capability).map_err(failed)?;
        }
    }
    let effective: CapsHashSet = kept.iter().copied().filter(|capability| !AT_NEED.contains(capability)).collect();
    caps::clear(None, CapSet::Ambient).map_err(failed)?;
    caps::set(None, CapSet::Inheritable, &CapsHashSet::new()).map_err(failed)?;
    caps::set(None, CapSet::Effective, &effective).map_err(failed)?;
    caps::set(None, CapSet::Permitted, &kept).map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_as_typed() {
        assert_eq!(capability("net_raw").unwrap(), Capability::CAP_NET_RAW);
        assert_eq!(capability("CAP_NET_ADMIN").unwrap(), Capability::CAP_NET_ADMIN);
        assert_eq!(capability("root").unwrap_err().to_string(), "--keep-cap 'root': not a capability");
    }
}
