//! The shim in programs with threads, children and signal handlers, and in those that execute others.

use chbind_tests::net::A;
use chbind_tests::{Case, Outcome, SOON, Test, cases, ensure, ensure_eq, text};

use crate::rows::{M, S};
use crate::shim::with_shim;

pub(crate) fn cases() -> Vec<Case> {
    with_shim(cases![
        both: children, cancelled, cancellation_disabled, interrupted, restarted, signal_handler_sends, small_stacks,
            executed, executed_on_small_stacks, no_program
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

/// Calls by a thread with the smallest stack that there is.
fn small_stacks(t: &Test) -> Outcome {
    t.bed().shim_programs()?;
    for program in ["shown", "shown-musl"] {
        for options in [S, M] {
            for address in [A, "127.0.0.1"] {
                let done = t.chbind(options, &format!("{program} {address} small")).run()?.ok()?;
                ensure!(done.stdout.contains(&format!("recvmmsg={address} errno=kept")), "{done}");
            }
        }
    }
    Ok(())
}

/// Fails unless a program is inside, by whichever function it was executed.
fn execs(t: &Test, small: &str) -> Outcome {
    t.bed().shim_programs()?;
    let probe = t.bed().bin().join("probe").display().to_string();
    for program in ["execs", "execs-musl"] {
        let words = format!("{program} {small} probe {probe} tcp4 bind 0.0.0.0:0 name");
        let done = t.chbind(S, &words).run()?.ok()?;
        let ways: Vec<(&str, &str)> = done.stdout.lines().filter_map(|line| line.split_once(": ")).collect();
        ensure!(ways.len() >= 12, "{done}");
        for (way, outcome) in ways {
            ensure!(text::matches(&format!("bind=ok name={A}:*"), outcome), "{way}: {outcome}\n{done}");
        }
    }
    Ok(())
}

fn executed(t: &Test) -> Outcome {
    execs(t, "")
}

/// Crash reporters, too, start programs from what little stack a signal handler has.
fn executed_on_small_stacks(t: &Test) -> Outcome {
    execs(t, "small")
}

/// What is no program fails as it does outside, and at once.
fn no_program(t: &Test) -> Outcome {
    let script = "import os\n\
        os.mkfifo('fifo', 0o755); os.mkdir('directory'); open('text', 'w').write('?'); os.chmod('text', 0o755)\n\
        for name in ('fifo', 'directory', 'text', 'missing', '/dev/null', 'x' * 5000):\n\
        \x20 try: os.execv(name, [name])\n\
        \x20 except OSError as error: print(error.errno, end=' ')";
    let done = t.chbind(S, "python3 -c").arg(script).limit(SOON).run()?.ok()?;
    let errors = [libc::EACCES, libc::EACCES, libc::ENOEXEC, libc::ENOENT, libc::EACCES, libc::ENAMETOOLONG];
    ensure_eq!(done.stdout.trim(), errors.map(|errno| errno.to_string()).join(" "));
    Ok(())
}
