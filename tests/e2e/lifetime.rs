//! The supervisor lives exactly as long as there is somebody to supervise; when it dies, nothing gets through.

use std::process::Stdio;

use chbind_tests::net::{self, F, Peer};
use chbind_tests::{Case, Outcome, SOON, Test, cases, ensure, ensure_eq, in_both_models, procs, wait_for};
use nix::sys::signal::Signal;

use crate::rows::{PROBES, S};

pub(crate) fn cases() -> Vec<Case> {
    let mut all =
        in_both_models![gone_after_the_end, gone_after_a_daemon, gone_after_kill, fails_closed_without_supervisor];
    all.extend(cases![both: signals_do_not_end_the_supervisor, supervisor_keeps_nothing_of_its_caller,
        supervisor_is_in_the_callers_cgroup, supervisor_is_small, no_listener_of_ones_own_without_supervisor]);
    all
}

fn nothing_left(t: &Test) -> Outcome {
    ensure!(wait_for(SOON, || t.processes().is_empty()), "left: {:?}", t.processes());
    Ok(())
}

fn gone_after_the_end(t: &Test, model: &str) -> Outcome {
    for command in ["true", "false", "probe tcp4 bind 0.0.0.0:8080"] {
        t.chbind(&format!("{S} {model}"), command).run()?;
        nothing_left(t)?;
    }
    Ok(())
}

/// The command ends, its daemon stays: so does the supervision, until the daemon ends as well.
fn gone_after_a_daemon(t: &Test, model: &str) -> Outcome {
    let fifo = t.dir().join("fifo");
    t.native("mkfifo").arg(fifo.display().to_string()).run()?.ok()?;
    // Detached in every way that daemons know, it waits for a line, and then binds.
    let daemon = format!("read line <{}; probe tcp4 bind 0.0.0.0:8080 name >after", fifo.display());
    let script = format!("setsid sh -c '{daemon}' <&- >&- 2>&- & echo $!");
    let start = t.chbind(&format!("{S} {model}"), "sh -c").arg(script).start()?;
    let daemon_lives = || t.processes_named("sh").iter().any(|process| process.pid != start.pid());
    ensure!(wait_for(SOON, daemon_lives), "the daemon does not start: {}", start.stderr());
    if model.is_empty() {
        start.finish(SOON)?.ok()?;
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    ensure!(!t.supervisors().is_empty(), "the supervisor left while the daemon lives");
    std::fs::write(&fifo, "go\n")?;
    nothing_left(t)?;
    ensure_eq!(std::fs::read_to_string(t.dir().join("after"))?.trim(), "bind=ok name=10.0.0.1:8080");
    Ok(())
}

fn gone_after_kill(t: &Test, model: &str) -> Outcome {
    let words = "probe tcp4 bind 0.0.0.0:8080 listen wait";
    let mut probe = t.chbind(&format!("{S} {model}"), words).stdin(Stdio::piped()).start()?;
    probe.wait_stdout("waiting")?;
    let it = t.processes_named("probe").first().map(|process| process.pid).ok_or("no probe")?;
    ensure!(procs::send(it, Signal::SIGKILL), "no probe");
    probe.finish(SOON)?.killed_by(Signal::SIGKILL)?;
    nothing_left(t)
}

/// With the supervisor dead, what it would have judged fails.
fn fails_closed_without_supervisor(t: &Test, model: &str) -> Outcome {
    let peer = Peer::listen(&format!("{F}:7300"))?;
    for program in PROBES {
        let words = "tcp4 udp4 bind 0.0.0.0:8080 wait \
            use 0 bind 10.0.0.3:8081 name bind 0.0.0.0:8081 name listen name connect 10.0.0.3:7300 \
            udp4 bind 10.0.0.3:8081 tcp4";
        let mut probe = t.chbind(&format!("{S} {model}"), program).words(words).stdin(Stdio::piped()).start()?;
        probe.wait_stdout("bind=ok waiting")?;
        // The probe's output and status are read from its files: in the parent model its parent dies here.
        let it = t.processes_named(program).first().map(|process| process.pid).ok_or("no probe")?;
        kill_supervisors(t)?;
        probe.say("go")?;
        let gone = wait_for(SOON, || !procs::in_namespace(t.namespace()).iter().any(|process| process.pid == it));
        ensure!(gone, "hangs without its supervisor: {}", probe.stdout());
        // In the parent model the command may as well die with chbind: then there is no outcome, and nothing got through.
        let outcome = probe.stdout();
        let outcome = outcome.trim().trim_start_matches("bind=ok waiting").trim();
        let none = outcome.is_empty() && !model.is_empty();
        ensure!(none || !outcome.contains("=ok"), "something got through: {outcome}");
        ensure!(none || outcome.starts_with("bind=ENOSYS "), "wanted ENOSYS: {outcome}");
        for address in ["10.0.0.3:", "10.0.0.1:"] {
            ensure!(!outcome.contains(&format!("name={address}")), "something got through: {outcome}");
        }
    }
    ensure!(!peer.was_reached(), "a connect got through");
    ensure!(net::listening_on(8081)?.is_empty(), "something listens");
    Ok(())
}

/// Who kills the supervisor does not take its place.
fn no_listener_of_ones_own_without_supervisor(t: &Test) -> Outcome {
    let mut probe = t.chbind(S, &format!("listener {F}")).stdin(Stdio::piped()).start()?;
    probe.wait_stdout("ready")?;
    kill_supervisors(t)?;
    probe.say("go")?;
    probe.wait_stdout(" listen=")?;
    ensure_eq!(net::listening_on(8080)?, Vec::<std::net::IpAddr>::new());
    probe.hang_up();
    let wanted = "ready\nlistener=EBUSY killable=EBUSY upper-bits=EBUSY listener32=ENOSYS \
        udp=ENOSYS wildcard=ENOSYS tcp=ENOSYS listen=ENOSYS";
    probe.finish(SOON)?.ok()?.printed(wanted)?;
    Ok(())
}

/// Kills the trial's supervisors, of which there is at least one.
pub(crate) fn kill_supervisors(t: &Test) -> Outcome {
    let supervisors = t.supervisors();
    ensure!(!supervisors.is_empty(), "no supervisor");
    supervisors.iter().for_each(|process| _ = procs::send(process.pid, Signal::SIGKILL));
    ensure!(wait_for(SOON, || t.supervisors().is_empty()), "SIGKILL does not end the supervisor");
    Ok(())
}

/// What ends ordinary processes, at logout or by a service manager's stop, comes to the supervisor as well. It stays.
fn signals_do_not_end_the_supervisor(t: &Test) -> Outcome {
    let words = "probe tcp4 wait bind 0.0.0.0:8080 name";
    let mut probe = t.chbind(S, words).stdin(Stdio::piped()).start()?;
    probe.wait_stdout("waiting")?;
    let supervisors = t.supervisors();
    ensure_eq!(supervisors.len(), 1);
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGPIPE] {
        ensure!(procs::send(supervisors[0].pid, signal), "gone before {signal}");
    }
    probe.say("go")?;
    probe.finish(SOON)?.ok()?.printed("waiting bind=ok name=10.0.0.1:8080")?;
    nothing_left(t)
}

/// No file, pipe or directory of the caller stays in use because of the supervisor, but for standard error.
fn supervisor_keeps_nothing_of_its_caller(t: &Test) -> Outcome {
    let script = format!("exec 7<{}/x; exec chbind {S} -- sleep 60", t.dir().display());
    t.write("x", "")?;
    let sleep = t.native("sh -c").arg(script).start()?;
    ensure!(wait_for(SOON, || !t.processes_named("sleep").is_empty()), "does not start: {}", sleep.stderr());
    let supervisors = t.supervisors();
    ensure_eq!(supervisors.len(), 1);
    let process = format!("/proc/{}", supervisors[0].pid);
    let stderr = std::fs::read_link(format!("/proc/{}/fd/2", sleep.pid()))?;
    for entry in std::fs::read_dir(format!("{process}/fd"))? {
        let target = std::fs::read_link(entry?.path())?;
        ensure!(target == stderr || !target.starts_with(t.dir()), "it holds {}", target.display());
    }
    let directory = std::fs::read_link(format!("{process}/cwd"))?;
    ensure!(!directory.starts_with(t.dir()), "it stands in {}", directory.display());
    Ok(())
}

fn supervisor_is_in_the_callers_cgroup(t: &Test) -> Outcome {
    let sleep = t.chbind(S, "sleep 60").start()?;
    ensure!(wait_for(SOON, || !t.processes_named("sleep").is_empty()), "does not start: {}", sleep.stderr());
    let cgroup = |pid: i32| std::fs::read_to_string(format!("/proc/{pid}/cgroup"));
    let supervisor = t.supervisors().first().ok_or("no supervisor")?.pid;
    ensure_eq!(cgroup(supervisor)?, cgroup(sleep.pid())?);
    Ok(())
}

/// Its proportional share of memory stays below 2 MiB.
fn supervisor_is_small(t: &Test) -> Outcome {
    let mut probe = t.chbind(S, "probe tcp4 bind 0.0.0.0:8080 wait").stdin(Stdio::piped()).start()?;
    probe.wait_stdout("waiting")?;
    let supervisor = t.supervisors().first().ok_or("no supervisor")?.pid;
    let memory = std::fs::read_to_string(format!("/proc/{supervisor}/smaps_rollup"))?;
    let kib = memory.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse::<u32>().ok());
    ensure!(kib.is_some_and(|kib| kib < 2048), "proportional set size: {kib:?} KiB");
    Ok(())
}
