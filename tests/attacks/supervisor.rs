//! Attacks on the supervisor: to get into it, to stop it, to fill it.

use std::fs;
use std::time::Duration;

use chbind_tests::net::{Busy, F};
use chbind_tests::{Outcome, ensure, wait_for};

use crate::outside::SILENT;
use crate::stage::{Report, Stage};
use crate::table::{Attack, Natively};

const NONE: Natively = Natively::Unknown("without chbind there is no supervisor");

pub(crate) const ATTACKS: &[Attack] = &[
    Attack::new("ptrace of the supervisor", "attack-supervisor ptrace").natively(NONE),
    Attack::new("process_vm_readv, process_vm_writev of the supervisor", "attack-supervisor memory").natively(NONE),
    Attack::new("/proc/PID/mem, fd, … of the supervisor", "attack-supervisor files").natively(NONE),
    Attack::new("pidfd_getfd of the supervisor's descriptors", "attack-supervisor descriptors").natively(NONE),
    Attack::new("every signal to the supervisor, up to one that kills it", "attack-supervisor signals").natively(NONE),
    Attack::new("SIGSTOP of the supervisor", "attack-supervisor stop").natively(NONE),
    Attack::new("prlimit, sched_setscheduler, affinity, priority of the supervisor", "attack-supervisor limits")
        .natively(NONE),
    Attack::new("1,000 connects that block, each interrupted", "attack-flood pending")
        .play(|stage| {
            let _busy = Busy::listen(&format!("{F}:{SILENT}"))?;
            flooded(stage)
        })
        .shows(&["done", "EINTR"]),
    Attack::new("1,000 processes and 250 descriptor tables at once", "attack-flood processes").play(flooded),
    Attack::new("64 threads that send a gigabyte in 1,024 pieces", "attack-flood memory")
        .play(flooded)
        .shows(&["EMSGSIZE"]),
];

/// The most that a supervisor may ever have taken, and what it may keep.
const PEAK_KIB: u64 = 64 << 10;
const KEPT_DESCRIPTORS: usize = 128;
const KEPT_THREADS: u64 = 16;

/// What it took to answer it has given back when nobody asks any more.
fn flooded(stage: &Stage) -> Outcome<Report> {
    stage.run_and(stage.inside(stage.command()), || {
        if stage.is_native() {
            return Ok(());
        }
        let supervisor = stage.t.supervisors().first().map(|process| process.pid).ok_or("the supervisor is gone")?;
        let mut now = Holding::of(supervisor)?;
        wait_for(Duration::from_secs(5), || {
            now = Holding::of(supervisor).unwrap_or_default();
            now.descriptors < KEPT_DESCRIPTORS && now.threads < KEPT_THREADS
        });
        ensure!(now.descriptors < KEPT_DESCRIPTORS && now.threads < KEPT_THREADS, "the supervisor keeps {now:?}");
        ensure!(now.peak < PEAK_KIB, "the supervisor took {now:?}");
        Ok(())
    })
}

/// What a process has.
#[derive(Debug, Default)]
struct Holding {
    descriptors: usize,
    threads: u64,
    /// The most memory that it ever had, in KiB.
    peak: u64,
}

impl Holding {
    fn of(pid: i32) -> Outcome<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let number = |name: &str| -> Outcome<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
            Ok(line.split_whitespace().next().ok_or("no number")?.parse()?)
        };
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd"))?.count();
        Ok(Self { descriptors, threads: number("Threads:")?, peak: number("VmHWM:")? })
    }
}
