//! The beginning: which model it is.

use super::error::{Error, Step};
use super::voice::{Progress, Voice};
use super::{exec_model, parent_model, shim_only};
use crate::plan::{Enforcement, Plan};
use crate::preflight::ProcessModel;
use crate::sys::signal::by_default;

/// Carries the plan out. Returns only with an error, or with the exit status of a command that ran as a child.
pub fn launch(plan: Plan, voice: &dyn Voice) -> Result<u8, Error> {
    // Whoever ignores it leaves no status of a child to wait for.
    by_default(libc::SIGCHLD).map_err(Error::step(Step::WatchForChildren))?;
    if plan.verbose {
        voice.progress(Progress::Begun(&plan));
    }
    match (plan.enforcement, plan.process_model) {
        (Enforcement::Preload, _) => shim_only::run(plan).map(|never| match never {}),
        (_, ProcessModel::Exec) => exec_model::run(plan, voice).map(|never| match never {}),
        (_, ProcessModel::Parent) => parent_model::run(plan, voice),
    }
}
