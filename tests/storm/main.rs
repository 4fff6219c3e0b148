//! A hostile program's random calls, from several processes and threads at one supervisor. Whatever they are, three things
//! hold, seen from outside: no socket has a foreign address, every call returns, and the supervisor holds no more after
//! than before.
//!
//! The seed is printed. `CHBIND_SEED` asks for another one: with `new`, or with the number of another run.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chbind_tests::storm::{Held, Storm, Told, Watched};
use chbind_tests::{Case, Outcome, SOON, Test, ensure, suite, wait_for};

/// The seed of a run that is about something else: what nobody has looked at yet must not fail it.
const SEED: u64 = 1;
/// The first of them makes the supervisor as large as it gets.
const TIMES: u64 = 3;
const TIME: Duration = Duration::from_millis(1500);
/// A busy machine takes longer than that.
const CALLS: u64 = 10_000;
/// Between two looks at all sockets, so that the storm has its share of the machine.
const REST: Duration = Duration::from_millis(1);
/// What memory may become more by, in KiB: stacks and pages of the allocator that the first time did not need, and tables of
/// ports that are kept. A hundred thousand calls that leave 64 bytes each leave more.
const SLACK: u64 = 4096;
/// Handles of calling threads are kept for the next call, 64 at the most, and there are some 20 descriptors of its own.
const HANDLES: usize = 90;

fn main() -> ExitCode {
    suite::main(vec![
        Case::both("one_address", |t| storm(t, false, "")).alone(),
        Case::both("strict", |t| storm(t, true, "--strict")).alone(),
        Case::both("several_addresses::parent", |t| storm(t, true, "--process parent")).alone(),
    ])
}

fn storm(t: &Test, several: bool, model: &str) -> Outcome {
    let seed = match std::env::var("CHBIND_SEED").as_deref() {
        Ok("new") => SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64,
        Ok(seed) => seed.parse()?,
        Err(_) => SEED,
    };
    rounds(t, several, model, seed)
        .map_err(|error| format!("CHBIND_SEED={seed}\n{}", error.message().unwrap_or_default()).into())
}

fn rounds(t: &Test, several: bool, model: &str, seed: u64) -> Outcome {
    let mut storm = Storm::start(t, several, model)?;
    let mut first = None;
    for n in 0..TIMES {
        let (told, watched) = storm.go(seed + n, TIME, CALLS, REST)?;
        storm.drop_all()?;
        let held = settled(&storm, first)?;
        print(&format!("CHBIND_SEED={seed}: {told:?}, {watched:?}, {held:?}"));
        is_a_storm(told, watched)?;
        first.get_or_insert(held);
    }
    storm.end()
}

/// That the promises hold of nothing at all proves nothing.
fn is_a_storm(told: Told, watched: Watched) -> Outcome {
    ensure!(told.held >= CALLS && told.processes > 4 && told.killed > 4, "hardly a storm: {told:?}");
    ensure!(watched.looks > 5 && watched.own > 50 && watched.open > 5, "hardly looked at: {watched:?}");
    Ok(())
}

/// What the supervisor holds when there is nobody left to serve, which must not be more than it was the first time.
fn settled(storm: &Storm, first: Option<Held>) -> Outcome<Held> {
    let mut held = storm.held()?;
    let most = first.unwrap_or(Held { descriptors: HANDLES, resident: 16 * 1024, threads: 8 });
    let is_flat = |held: Held| {
        let few = held.descriptors <= HANDLES && held.threads <= most.threads.max(8);
        few && held.resident <= most.resident + SLACK
    };
    // Threads end, and descriptors are closed, a moment after the calls for which they were there.
    wait_for(SOON, || {
        held = storm.held().unwrap_or(held);
        is_flat(held)
    });
    ensure!(is_flat(held), "the supervisor grows: {held:?}, and the first time {first:?}");
    Ok(held)
}

#[expect(clippy::print_stderr, reason = "without it a run could not be repeated, nor what it has looked at be told")]
fn print(line: &str) {
    eprintln!("{line}");
}
