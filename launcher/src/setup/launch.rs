//! The beginning: which model it is.

use super::error::{Error, Step};
use super::voice::{Progress, Voice};
use super::{exec_model, parent_model, shim_only};
use crate::plan::{Enforcement, Plan};
use crate::preflight::ProcessModel;
use crate::sys::signal::by_default;

/// Carries the plan out. Returns only with an error, or with the exit status of a command that ran as a child.
///
/// # Errors
///
/// [`Error::Step`] says which step failed; those of a process are taken in the order of [`Step`]. The others come in
/// between, and not all in each model:
///
/// - [`Error::OtherThreads`], where a process is to be forked.
/// - [`Error::Privileges`], and [`Error::AlreadyInside`] where the kernel says EBUSY to the filter
///   (`has_duplicate_listener`, kernel/seccomp.c): the command's side cannot confine itself.
/// - [`Error::Supervisor`]: the supervisor has failed, and said why. [`Error::NoSupervisor`]: it has ended without a
///   word to this process.
/// - [`Error::Command`]: the command was not executed.
///
/// In the parent model the command's side is another process. It tells `voice` of its errors by itself, and ends with
/// the status that goes with them; here that is no error but the status of the command.
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
