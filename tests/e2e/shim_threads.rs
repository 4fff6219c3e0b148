//! The shim in programs with threads, children and signal handlers.

use chbind_tests::net::A;
use chbind_tests::{Case, Outcome, Test, cases, ensure_eq};

use crate::rows::S;
use crate::shim::with_shim;

pub(crate) fn cases() -> Vec<Case> {
    with_shim(cases![
        both: children, cancelled, cancellation_disabled, interrupted, restarted, signal_handler_sends
    ])
    .collect()
}

/// Children share memory with their parents, or have the shim as it was when they were made.
fn children(t: &Test) -> Outcome {
    t.bed().shim_programs()?;
    let wanted = ["fork", "vfork", "thread", "fork-of-thread", "clone"].map(|child| format!("{child}={A}"));
    for program in ["children", "children-musl"] {
        ensure_eq!(t.chbind(S, program).run()?.ok()?.stdout.trim(), wanted.join(" "), "{program}");
    }
    Ok(())
}

/// Calls that wait, to the context's own address; and to its loopback, which in hybrid is for the supervisor to judge.
const CALLS: [(&str, &str); 9] = [
    ("accept", A),
    ("accept4", A),
    ("recvfrom", A),
    ("recvmsg", A),
    ("recvmmsg", A),
    ("connect", A),
    ("connect", "127.0.0.1"),
    ("sendto", A),
    ("sendmsg", A),
];

/// Fails unless a thread that waits in a call gets out of it like this.
fn blocked(t: &Test, how: &str, wanted: &str) -> Outcome {
    t.bed().shim_programs()?;
    for program in ["blocked", "blocked-musl"] {
        for (call, address) in CALLS {
            let done = t.chbind(S, &format!("{program} {call} {how} {address}")).run()?.ok()?;
            ensure_eq!(done.stdout.trim(), wanted, "{program} {call} {address}");
        }
    }
    Ok(())
}

/// A thread is cancelled while it waits, and cleans up (pthreads(7), "Cancellation points").
fn cancelled(t: &Test) -> Outcome {
    blocked(t, "cancel", "cancelled")
}

fn cancellation_disabled(t: &Test) -> Outcome {
    blocked(t, "disabled", "ok")
}

fn interrupted(t: &Test) -> Outcome {
    blocked(t, "alarm", "EINTR")
}

fn restarted(t: &Test) -> Outcome {
    blocked(t, "restart", "ok")
}

fn signal_handler_sends(t: &Test) -> Outcome {
    blocked(t, "handler", "ok sent=hello")
}
