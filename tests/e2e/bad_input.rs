//! Bad input: addresses, messages, rooms and numbers that are short, long, odd, overflowing or not there, in every call that
//! names an address.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use chbind_tests::net::{A, A6};
use chbind_tests::procs::Process;
use chbind_tests::{Case, Outcome, Proc, SOON, Test, Who, cases, ensure, ensure_eq, in_both_models, wait_for};

use crate::rows::D;

pub(crate) fn cases() -> Vec<Case> {
    let mut all = in_both_models![the_same_as_without];
    all.extend(cases![both: leaves_nothing_behind].into_iter().map(Case::alone));
    all
}

/// Capabilities that a context takes from root (README, "What is enforced"): what runs without one is to have the same.
const WITHOUT: &str =
    "setpriv --bounding-set -net_admin,-net_raw,-sys_admin,-sys_ptrace,-sys_module,-sys_rawio,-bpf,-perfmon";

/// The list comes to the same, line by line, outside and in a context to which nothing in it is foreign.
fn the_same_as_without(t: &Test, model: &str) -> Outcome {
    let natively = if t.who() == Who::Root { format!("{WITHOUT} bad_input list") } else { "bad_input list".to_owned() };
    let outside = t.native(&natively).run()?.ok()?;
    let command = t.chbind(&format!("{model} -q --ip {A}/24 --ip {A6}/64"), "bad_input list");
    let inside = command.limit(Duration::from_secs(120)).run()?.ok()?;
    let lines = outside.stdout.lines().count();
    ensure!(lines > 50_000, "only {lines} were tried");
    ensure_eq!(inside.stdout.lines().count(), lines);
    let differences = differences(&outside.stdout, &inside.stdout);
    ensure!(differences.is_empty(), "these came to something else:\n{differences}");
    Ok(())
}

/// What is different, with one example of each kind: call, socket, and both outcomes.
fn differences(outside: &str, inside: &str) -> String {
    let mut kinds = BTreeMap::new();
    for (outside, inside) in outside.lines().zip(inside.lines()).filter(|(outside, inside)| outside != inside) {
        let (what, outcome) = outside.rsplit_once(": ").unwrap_or((outside, ""));
        let (_, other) = inside.rsplit_once(": ").unwrap_or((inside, ""));
        // All that the words of a new socket say is numbers.
        let words = if what.starts_with("socket ") { 1 } else { 3 };
        let kind = (what.split(' ').take(words).collect::<Vec<_>>().join(" "), outcome, other);
        let (count, _, _) = kinds.entry(kind).or_insert((0, outside, inside));
        *count += 1;
    }
    kinds.values().map(|(n, outside, inside)| format!("{n} like\n  outside {outside}\n  inside  {inside}\n")).collect()
}

/// How many bad calls are made in one round, and by how many threads.
const CALLS: u32 = 100_000;
const THREADS: u32 = 4;
/// How much the supervisor's memory may grow in a round, in KiB: pages that were not used before, never so many as one
/// byte a call would need.
const SLACK: u64 = 96;

/// A hundred thousand of them, by several threads while another changes what is mapped: the supervisor then does what it did
/// before, and has as many descriptors, threads and pages as before. The first round is there to warm up.
fn leaves_nothing_behind(t: &Test) -> Outcome {
    let mut server = t.chbind(&format!("{D} -q"), "bad_input serve").stdin(Stdio::piped()).start()?;
    let mut checks = 0;
    check(&mut server, &mut checks)?;
    let supervisor = t.supervisors().first().map(|supervisor| supervisor.pid).ok_or("no supervisor")?;
    let mut rounds = 0;
    for _ in 0..2 {
        storm(&mut server, &mut rounds)?;
    }
    let before = Held::by(supervisor)?;
    storm(&mut server, &mut rounds)?;
    check(&mut server, &mut checks)?;
    // A thread that is not needed any more ends by itself.
    let mut after = Held::by(supervisor)?;
    wait_for(SOON, || {
        after = Held::by(supervisor).unwrap_or(after);
        after.descriptors <= before.descriptors && after.threads <= before.threads
    });
    ensure!(
        after.descriptors <= before.descriptors
            && after.threads <= before.threads
            && after.memory <= before.memory + SLACK,
        "before a round of {CALLS}: {before:?}, after it: {after:?}"
    );
    ensure!(Process::read(supervisor).is_some_and(|supervisor| supervisor.state != 'Z'), "the supervisor has ended");
    server.hang_up();
    server.finish(SOON)?.ok()?;
    Ok(())
}

/// What a process holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    descriptors: usize,
    threads: usize,
    /// KiB of its own.
    memory: u64,
}

impl Held {
    fn by(pid: i32) -> Outcome<Self> {
        let count = |what| -> Outcome<usize> { Ok(std::fs::read_dir(format!("/proc/{pid}/{what}"))?.count()) };
        let maps = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let memory =
            maps.lines().find_map(|line| line.strip_prefix("Pss_Anon:")?.trim().strip_suffix(" kB")?.parse().ok());
        Ok(Self { descriptors: count("fd")?, threads: count("task")?, memory: memory.ok_or("no Pss_Anon")? })
    }
}

fn storm(server: &mut Proc, rounds: &mut usize) -> Outcome {
    server.say(&format!("storm {CALLS} {THREADS}"))?;
    *rounds += 1;
    let stormed = |server: &Proc| server.stdout().matches("stormed").count() == *rounds;
    wait_for(Duration::from_secs(50), || stormed(server) || server.status().is_some());
    ensure!(stormed(server), "round {rounds} does not end: {}{}", server.stdout(), server.stderr());
    Ok(())
}

fn check(server: &mut Proc, checks: &mut usize) -> Outcome {
    const RIGHT: &str =
        "checked foreign=EADDRNOTAVAIL wildcard=ok name=10.0.0.1 sent=ok received=checked from=10.0.0.1";
    server.say("check")?;
    *checks += 1;
    server.wait_until(&format!("check {checks}"), |server| {
        server.stdout().lines().filter(|line| line.starts_with("checked")).count() == *checks
    })?;
    let wrong: Vec<_> = server
        .stdout()
        .lines()
        .filter(|line| line.starts_with("checked") && *line != RIGHT)
        .map(str::to_owned)
        .collect();
    ensure_eq!(wrong, Vec::<String>::new());
    Ok(())
}
