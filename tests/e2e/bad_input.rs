//! Bad input: addresses, messages, rooms and numbers that are short, long, odd, overflowing or not there, in every call
//! that names an address.

mod known;

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

/// Capabilities that a context takes from root (docs/security.md#root): what runs without one is to have the same.
const WITHOUT: &str =
    "setpriv --bounding-set -net_admin,-net_raw,-sys_admin,-sys_ptrace,-sys_module,-sys_rawio,-bpf,-perfmon";

/// The list comes to the same, line by line, outside and in a context to which nothing in it is foreign; but for what is
/// known to differ, which must still do so.
fn the_same_as_without(t: &Test, model: &str) -> Outcome {
    let natively = if t.who() == Who::Root { format!("{WITHOUT} bad_input list") } else { "bad_input list".to_owned() };
    let outside = t.native(&natively).run()?.ok()?;
    let command = t.chbind(&format!("{model} -q --ip {A}/24 --ip {A6}/64"), "bad_input list");
    let inside = command.limit(Duration::from_secs(120)).run()?.ok()?;
    let lines = outside.stdout.lines().count();
    ensure!(lines > 50_000, "only {lines} were tried");
    ensure_eq!(inside.stdout.lines().count(), lines);
    let found = differences(&outside.stdout, &inside.stdout);
    let known = known::groups();
    let new: String = found
        .iter()
        .filter(|(group, (count, _))| known.get(group.as_str()) != Some(count))
        .map(|(group, (count, example))| format!("{count} {group}\n    like {example}\n"))
        .collect();
    let gone: String = known
        .iter()
        .filter(|(group, count)| found.get(**group).map(|(found, _)| found) != Some(count))
        .map(|(group, count)| format!("{count} {group}\n"))
        .collect();
    ensure!(new.is_empty() && gone.is_empty(), "these came to something else:\n{new}and these are known:\n{gone}");
    Ok(())
}

/// What is different, in groups: call, kind of socket, what is bad, and both outcomes. Each with how often that is, and the
/// first of them.
fn differences<'a>(outside: &'a str, inside: &'a str) -> BTreeMap<String, (usize, &'a str)> {
    let mut groups = BTreeMap::new();
    for (outside, inside) in outside.lines().zip(inside.lines()).filter(|(outside, inside)| outside != inside) {
        let (what, outcome) = outside.rsplit_once(": ").unwrap_or((outside, ""));
        let (same, other) = inside.rsplit_once(": ").unwrap_or((inside, ""));
        // What was written is part of what was tried. Of a new socket it is the family that tells most.
        let written = if what == same { "" } else { " and writes" };
        let words = if what.starts_with("socket ") { 2 } else { 3 };
        let group = what.split(' ').take(words).collect::<Vec<_>>().join(" ");
        let (count, _) = groups.entry(format!("{group} | {outcome} | {other}{written}")).or_insert((0, what));
        *count += 1;
    }
    groups
}

/// How many bad calls are made in one round, and by how many threads.
const CALLS: u32 = 100_000;
const THREADS: u32 = 4;
/// What fewer than one byte a call comes to in a round, in KiB.
const SLACK: u64 = 96;
/// The supervisor's threads keep a buffer of the largest payload that they had: it takes some rounds until they all had
/// it. What leaks grows in each.
const ROUNDS: usize = 12;

/// A hundred thousand of them, by several threads while another changes what is mapped: the supervisor then does what it
/// did before, and has as many descriptors, threads and pages as before. Two such rounds in a row are to be among the
/// first ones.
fn leaves_nothing_behind(t: &Test) -> Outcome {
    let mut server = t.chbind(&format!("{D} -q"), "bad_input serve").stdin(Stdio::piped()).start()?;
    check(&mut server, 1)?;
    let supervisor = t.supervisors().first().map(|supervisor| supervisor.pid).ok_or("no supervisor")?;
    let mut rounds = Vec::new();
    while rounds.len() < ROUNDS && !is_flat(&rounds) {
        storm(&mut server, rounds.len() + 1)?;
        check(&mut server, rounds.len() + 2)?;
        rounds.push(Held::by(supervisor)?);
    }
    ensure!(is_flat(&rounds), "after rounds of {CALLS}: {rounds:#?}");
    ensure!(Process::read(supervisor).is_some_and(|supervisor| supervisor.state != 'Z'), "the supervisor has ended");
    server.hang_up();
    server.finish(SOON)?.ok()?;
    Ok(())
}

/// Whether nothing has grown in the last two rounds.
fn is_flat(rounds: &[Held]) -> bool {
    let flat = |before: &Held, after: &Held| {
        after.descriptors <= before.descriptors
            && after.threads <= before.threads
            && after.memory <= before.memory + SLACK
    };
    matches!(rounds, [.., a, b, c] if flat(a, b) && flat(b, c))
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

fn storm(server: &mut Proc, round: usize) -> Outcome {
    server.say(&format!("storm {CALLS} {THREADS}"))?;
    let stormed = |server: &Proc| server.stdout().matches("stormed").count() == round;
    wait_for(Duration::from_secs(50), || stormed(server) || server.status().is_some());
    ensure!(stormed(server), "round {round} does not end: {}{}", server.stdout(), server.stderr());
    Ok(())
}

/// The supervisor does what it should.
fn check(server: &mut Proc, number: usize) -> Outcome {
    const RIGHT: &str =
        "checked foreign=EADDRNOTAVAIL wildcard=ok name=10.0.0.1 sent=ok received=checked from=10.0.0.1";
    let checked = |server: &Proc| {
        let written = server.stdout();
        written.lines().filter(|line| line.starts_with("checked")).map(str::to_owned).collect::<Vec<_>>()
    };
    server.say("check")?;
    server.wait_until(&format!("check {number}"), |server| checked(server).len() == number)?;
    ensure_eq!(checked(server).last().map(String::as_str), Some(RIGHT));
    Ok(())
}
