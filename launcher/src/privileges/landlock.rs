//! The Landlock floor under the supervisor (landlock(7)).

use crate::error::Error;
use landlock::{
    ABI, Access, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope,
};

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
