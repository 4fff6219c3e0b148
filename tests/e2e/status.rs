//! From outside, a command under chbind looks as without: its status, its standard streams, its children.

use std::process::Stdio;
use std::time::Duration;

use chbind_tests::procs::Process;
use chbind_tests::{Case, Outcome, SOON, Test, cases, ensure, ensure_eq, in_both_models, wait_for};
use nix::sys::signal::Signal;

use crate::rows::S;

pub(crate) fn cases() -> Vec<Case> {
    let mut all = in_both_models![
        own_status,
        status_126_and_127,
        fatal_signals,
        standard_input,
        standard_output_ends_with_the_command,
        arguments_and_environment,
        a_thousand_processes,
        sixteen_threads
    ];
    all.extend(cases![both: keeps_its_process_id, stays_the_parent]);
    all
}

fn own_status(t: &Test, model: &str) -> Outcome {
    for code in [0, 1, 3, 125, 126, 127, 255] {
        t.chbind(S, "sh -c").arg(format!("exit {code}")).run()?.exited(code)?;
        t.chbind(&format!("{S} {model}"), "sh -c").arg(format!("exit {code}")).run()?.exited(code)?;
    }
    Ok(())
}

fn status_126_and_127(t: &Test, model: &str) -> Outcome {
    let options = format!("{S} {model}");
    t.chbind(&options, "no-such-command").run()?.exited(127)?.told(&["chbind:", "no-such-command"])?;
    t.chbind(&options, "/no/such/command").run()?.exited(127)?.told(&["chbind:", "/no/such/command"])?;
    let file = t.write("not-executable", "#!/bin/sh\n")?;
    let path = file.display().to_string();
    t.chbind(&options, &path).run()?.exited(126)?.told(&["chbind:", &path])?;
    t.chbind(&options, "/etc").run()?.exited(126)?.told(&["chbind:", "/etc"])?;
    // Nothing is left of what was prepared for a command that then did not start.
    ensure!(wait_for(SOON, || t.processes().is_empty()), "left: {:?}", t.processes());
    Ok(())
}

fn fatal_signals(t: &Test, model: &str) -> Outcome {
    for signal in [Signal::SIGTERM, Signal::SIGSEGV, Signal::SIGKILL, Signal::SIGINT, Signal::SIGPIPE] {
        let name = signal.as_str().trim_start_matches("SIG");
        let command = t.chbind(&format!("{S} {model}"), "sh -c").arg(format!("ulimit -c 0; kill -{name} $$"));
        command.run()?.killed_by(signal)?;
    }
    // Sent to what was started, as a service manager does.
    let sleep = t.chbind(&format!("{S} {model}"), "sleep 60").start()?;
    ensure!(wait_for(SOON, || !t.processes_named("sleep").is_empty()), "does not start: {}", sleep.stderr());
    sleep.signal(Signal::SIGTERM)?;
    sleep.finish(SOON)?.killed_by(Signal::SIGTERM)?;
    ensure!(wait_for(SOON, || t.processes().is_empty()), "left: {:?}", t.processes());
    Ok(())
}

fn standard_input(t: &Test, model: &str) -> Outcome {
    let mut cat = t.chbind(&format!("{S} {model}"), "cat").stdin(Stdio::piped()).start()?;
    for line in ["one", "two"] {
        cat.say(line)?;
        cat.wait_stdout(line)?;
    }
    cat.hang_up();
    cat.finish(SOON)?.ok()?.printed("one\ntwo")?;
    Ok(())
}

/// A pipe's reader sees the end when the command has closed it, though a daemon, and so the supervisor, lives on.
fn standard_output_ends_with_the_command(t: &Test, model: &str) -> Outcome {
    if model.is_empty() {
        let daemon = "echo started; sleep 60 <&- >&- 2>&- &";
        let script = format!("chbind {S} -- sh -c '{daemon}' 2>/dev/null | cat");
        t.native("sh -c").arg(script).limit(SOON).run()?.ok()?.printed("started")?;
        // The daemon is the shell's child, and becomes `sleep` in its own time.
        ensure!(wait_for(SOON, || t.processes_named("sleep").len() == 1), "no daemon: {:?}", t.processes());
    } else {
        let script = format!("chbind {S} {model} -- echo started | cat");
        t.native("sh -c").arg(script).limit(SOON).run()?.ok()?.printed("started")?;
    }
    Ok(())
}

fn arguments_and_environment(t: &Test, model: &str) -> Outcome {
    let script = r#"printf '[%s]' "$@" "$MINE" "$(pwd)""#;
    let command = t.chbind(&format!("{S} {model}"), "sh -c").arg(script).arg("sh");
    let command = command.arg("a b").arg("").arg("--ip").arg("-q").arg("--").env("MINE", "x y");
    command.run()?.ok()?.printed(&format!("[a b][][--ip][-q][--][x y][{}]", t.dir().display()))?;
    // Options end where the command begins, with or without `--`.
    t.native("chbind").words(S).words(model).words("echo -v --nid 5").run()?.ok()?.printed("-v --nid 5")?;
    Ok(())
}

/// The supervisor keeps nothing of a thousand short-lived callers, but for a few handles that it reuses.
fn a_thousand_processes(t: &Test, model: &str) -> Outcome {
    let script = "i=0; bad=0
        loop() { n=0; while [ $n -lt $1 ]; do
            [ \"$(probe tcp4 bind 0.0.0.0:0 name | cut -d: -f1)\" = 'bind=ok name=10.0.0.1' ] || bad=$((bad + 1))
            n=$((n + 1)); done; }
        loop 10; echo warm; read go
        loop 1000; echo bad=$bad; read go";
    let mut shell = t.chbind(&format!("{S} {model}"), "sh -c").arg(script).stdin(Stdio::piped()).start()?;
    shell.wait_stdout("warm")?;
    let held = || -> usize {
        let count = |pid| std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        t.supervisors().iter().map(|process| count(process.pid)).sum()
    };
    ensure!(held() > 0, "no supervisor");
    shell.say("go")?;
    let done = wait_for(Duration::from_secs(90), || shell.stdout().contains("bad="));
    ensure!(done && shell.stdout().contains("bad=0"), "{}{}", shell.stdout(), shell.stderr());
    ensure!(wait_for(SOON, || held() < 128), "the supervisor has {} descriptors open", held());
    Ok(())
}

fn sixteen_threads(t: &Test, model: &str) -> Outcome {
    let command = t.chbind(&format!("{S} {model}"), "threads 16 200 10.0.0.1").limit(Duration::from_secs(60));
    command.run()?.ok()?.printed("ok=3200 elsewhere=0 failed=0 last=*")?;
    Ok(())
}

/// What was started as chbind is the command itself, so that whoever started it can go on knowing it.
fn keeps_its_process_id(t: &Test) -> Outcome {
    let sleep = t.chbind(S, "sleep 60").start()?;
    let it_is = || t.processes_named("sleep").iter().any(|process| process.pid == sleep.pid());
    ensure!(wait_for(SOON, it_is), "chbind does not become the command: {:?}", t.processes());
    let supervisors = t.supervisors();
    ensure_eq!(supervisors.len(), 1, "supervisors: {supervisors:?}");
    ensure!(supervisors[0].parent != sleep.pid(), "the supervisor is the command's child, which may wait for it");
    Ok(())
}

fn stays_the_parent(t: &Test) -> Outcome {
    let sleep = t.chbind(&format!("{S} --process parent"), "sleep 60").start()?;
    let above = |pid| Process::read(pid).map_or(0, |process| process.parent);
    // The supervisor may stand between them, and below the one who was started.
    let below = |process: &Process| [process.parent, above(process.parent)].contains(&sleep.pid());
    let found = || t.processes_named("sleep").iter().any(below);
    ensure!(wait_for(SOON, found), "the command is not below chbind: {:?}", t.processes());
    let supervisors = t.supervisors();
    let ancestors = supervisors.iter().all(|process| process.pid == sleep.pid() || process.parent == sleep.pid());
    ensure!(ancestors, "a supervisor that is no ancestor of the command: {supervisors:?}");
    Ok(())
}
