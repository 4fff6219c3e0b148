//! The sequence that puts the command into its context.
//!
//! Two processes take part. The one that becomes the command confines itself and then executes it; the other becomes the
//! supervisor (`handshake`). Which process is the command is the difference between the models.

mod detach;
mod exec_model;
mod handshake;
mod parent_model;
mod shim_only;

use crate::cli::args::{Enforce, Process};
use crate::cli::report;
use crate::error::Error;
use crate::plan::Plan;
use crate::sys::signal::by_default;
use chbind_policy::Loopback;

/// Runs the plan. Returns only with an error, or with the exit status of a command that ran as a child.
pub fn launch(plan: Plan) -> Result<u8, Error> {
    // Whoever ignores it leaves no status of a child to wait for.
    by_default(libc::SIGCHLD).map_err(Error::step("watch for children"))?;
    if plan.verbose {
        describe(&plan);
    }
    match (plan.enforce, plan.process) {
        (Enforce::Preload, _) => shim_only::run(plan),
        (_, Process::Exec) => exec_model::run(plan),
        (_, Process::Parent) => parent_model::run(plan),
    }
}

fn describe(plan: &Plan) {
    let addresses: Vec<String> = plan.context.addresses.iter().map(|a| a.ip().to_string()).collect();
    let loopback = match plan.context.loopback {
        Loopback::Remap => format!("127.0.0.1 is {}", plan.context.lback),
        Loopback::Host => "127.0.0.1 is the host's".to_owned(),
        Loopback::Deny => "there is no loopback".to_owned(),
    };
    let (nid, name, addresses) = (plan.nid.number, &plan.name, addresses.join(", "));
    report::line(&format!("context {nid} ({name}): addresses {addresses}; {loopback}"));
    report::line(match (plan.enforce, plan.process) {
        (Enforce::Preload, _) => {
            "the command takes this process's place; the shim in it is all that enforces its context"
        }
        (_, Process::Exec) => "the command takes this process's place; its supervisor is detached",
        (_, Process::Parent) => "this process stays, as the command's parent",
    });
    if plan.enforce == Enforce::Hybrid {
        report::line("the shim answers in the command itself; what it does not see meets the supervisor");
    }
}
