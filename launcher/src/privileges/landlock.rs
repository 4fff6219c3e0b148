//! The Landlock floor under the supervisor (landlock(7)).

use super::error::Error;
use landlock::{
    ABI, Access, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope,
};

/// Whether the kernel holds a process to what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Floor {
    /// It does.
    Laid,
    /// It lacks some of it (Linux 6.7 has it all).
    Missing,
}

/// The floor under the supervisor: no TCP socket can be bound or connected by this process itself, whatever happens
/// between a decision and a call (landlock(7)). The supervisor, outside, still can.
pub(crate) fn restrict_with_landlock(strict: bool) -> Result<Floor, Error> {
    let restricted = || -> Result<RulesetStatus, RulesetError> {
        let ruleset = if strict { strict_ruleset()? } else { ruleset()? };
        Ok(ruleset.no_new_privs(false).restrict_self()?.ruleset)
    };
    match restricted().map_err(Error::Landlock)? {
        RulesetStatus::FullyEnforced => Ok(Floor::Laid),
        RulesetStatus::PartiallyEnforced | RulesetStatus::NotEnforced => Ok(Floor::Missing),
    }
}

fn ruleset() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(AccessNet::from_all(ABI::V4))?.create()
}

/// With `--strict` there are no signals either to processes outside, and no connections to their abstract names (Linux
/// 6.12). It is laid as a whole or not at all.
pub(crate) fn strict_ruleset() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessNet::from_all(ABI::V4))?
        .scope(Scope::from_all(ABI::V6))?
        .create()
}
