//! `soak [CALLS [user]]`: a storm until the supervisor has answered so many calls (10,000,000 without a number), of processes
//! that come and go by the thousand. Every ten seconds a line says how fast it was, and what the supervisor holds; at the end
//! it must hold no more than after the first line. Needs root, as the tests do.
//!
//!     cargo build --release --workspace --bins --examples && sudo target/release/examples/soak

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use chbind_tests::storm::{Held, Storm};
use chbind_tests::{Bed, Outcome, SOON, Test, Who, case, ensure, net, suite, wait_for};

const CALLS: u64 = 10_000_000;
const TIME: Duration = Duration::from_secs(10);
/// Between two looks at all sockets. The supervisor is to have the machine.
const REST: Duration = Duration::from_millis(50);
/// No soak takes longer.
const LIMIT: Duration = Duration::from_secs(24 * 3600);
/// As in `storm/main.rs`: handles that are kept, and memory in KiB that the first ten seconds did not need.
const HANDLES: usize = 90;
const SLACK: u64 = 4096;

static BED: OnceLock<Bed> = OnceLock::new();

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let calls = arguments.next().map_or(Ok(CALLS), |text| text.replace('_', "").parse());
    let who = match arguments.next().as_deref() {
        None => Some(Who::Root),
        Some("user") => Some(Who::User),
        Some(_) => None,
    };
    let (Ok(calls), Some(who)) = (calls, who) else {
        print("soak [CALLS [user]]");
        return ExitCode::from(2);
    };
    let outcome = suite::prepare().map_err(Into::into).and_then(|bed| {
        let bed = BED.get_or_init(|| bed);
        let outcome = case::in_namespace(bed, who, LIMIT, net::enter_new_namespace, move |t| soak(t, calls));
        bed.remove();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print(error.message().unwrap_or("failed"));
            ExitCode::FAILURE
        }
    }
}

fn soak(t: &Test, calls: u64) -> Outcome {
    let mut storm = Storm::start(t, true, "")?;
    let (mut done, mut processes, mut seed) = (0, 0, 1);
    let mut first = None;
    print("        calls  calls/s  processes  descriptors  resident KiB  threads");
    while done < calls {
        let begun = Instant::now();
        let (told, _) = storm.go(seed, TIME, 1, REST)?;
        let rate = told.held as f64 / begun.elapsed().as_secs_f64();
        storm.drop_all()?;
        (done, processes, seed) = (done + told.held, processes + told.processes, seed + 1);
        let held = settled(&storm, first)?;
        let Held { descriptors, resident, threads } = held;
        print(&format!("{done:13}  {rate:7.0}  {processes:9}  {descriptors:11}  {resident:12}  {threads:7}"));
        ensure!(told.held > 0, "no calls");
        first.get_or_insert(held);
    }
    storm.end()
}

/// What the supervisor holds between two storms.
fn settled(storm: &Storm, first: Option<Held>) -> Outcome<Held> {
    let mut held = storm.held()?;
    let is_flat = |held: Held| {
        let few = held.descriptors <= HANDLES && held.threads <= 8;
        few && first.is_none_or(|first| held.resident <= first.resident + SLACK)
    };
    wait_for(SOON, || {
        held = storm.held().unwrap_or(held);
        is_flat(held)
    });
    ensure!(is_flat(held), "the supervisor grows: {held:?}, and the first time {first:?}");
    Ok(held)
}

#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn print(line: &str) {
    println!("{line}");
}
