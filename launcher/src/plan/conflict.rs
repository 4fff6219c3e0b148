//! What does not go together.

use super::request::{Enforcement, Request};
use crate::preflight::ProcessModel;

/// Two parts of a request that exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// A hostile program, and an enforcement that is in the program's hands.
    Strict(Enforcement),
    /// Granted ports, and no supervisor that could bind them.
    GrantWithoutSupervisor,
    /// The parent model, and no supervisor that could be the parent.
    ParentWithoutSupervisor,
    /// Hidden interfaces, and nothing inside the program that could hide them.
    HideWithoutShim,
}

/// Fails where parts do not go together.
pub(super) fn require_none(request: &Request) -> Result<(), Conflict> {
    let enforcement = request.enforcement;
    let is_preload = enforcement == Enforcement::Preload;
    if enforcement != Enforcement::Seccomp && request.strict {
        return Err(Conflict::Strict(enforcement));
    }
    if is_preload && !request.rules.grant.is_empty() {
        return Err(Conflict::GrantWithoutSupervisor);
    }
    if is_preload && request.process_model == Some(ProcessModel::Parent) {
        return Err(Conflict::ParentWithoutSupervisor);
    }
    if enforcement == Enforcement::Seccomp && request.hide_interfaces {
        return Err(Conflict::HideWithoutShim);
    }
    Ok(())
}
