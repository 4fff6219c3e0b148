//! What `-v` tells of the set-up.

use crate::plan::{Enforcement, Plan};
use crate::preflight::ProcessModel;
use crate::setup::Progress;
use chbind_policy::Loopback;

/// The lines for it.
pub(in crate::cli) fn lines(progress: &Progress) -> Vec<String> {
    match progress {
        Progress::Begun(plan) => describe(plan),
        Progress::NoFloor => vec!["no Landlock floor: this kernel lacks it (Linux 6.7 and later have it)".to_owned()],
        Progress::InterruptibleWaits => vec![
            "signals can interrupt calls that wait for the supervisor: this kernel cannot prevent it (5.19 can)"
                .to_owned(),
        ],
    }
}

fn describe(plan: &Plan) -> Vec<String> {
    let addresses: Vec<String> = plan.context.addresses.iter().map(|a| a.ip().to_string()).collect();
    let loopback = match plan.context.loopback {
        Loopback::Remap => format!("127.0.0.1 is {}", plan.context.lback),
        Loopback::Host => "127.0.0.1 is the host's".to_owned(),
        Loopback::Deny => "there is no loopback".to_owned(),
    };
    let (nid, name, addresses) = (plan.nid.number, &plan.name, addresses.join(", "));
    let process = match (plan.enforcement, plan.process_model) {
        (Enforcement::Preload, _) => {
            "the command takes this process's place; the shim in it is all that enforces its context"
        }
        (_, ProcessModel::Exec) => "the command takes this process's place; its supervisor is detached",
        (_, ProcessModel::Parent) => "this process stays, as the command's parent",
    };
    let mut lines = vec![format!("context {nid} ({name}): addresses {addresses}; {loopback}"), process.to_owned()];
    if plan.enforcement == Enforcement::Hybrid {
        lines.push("the shim answers in the command itself; what it does not see meets the supervisor".to_owned());
    }
    lines
}
