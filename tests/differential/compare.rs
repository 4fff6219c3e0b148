//! Runs sequences, and shows where one comes to different things inside and outside, the shortest of each kind.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use chbind_tests::{Failed, Outcome, SOON, Test, ensure, net};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::difference::Difference;
use crate::host::{self, Host, Outcomes, Pair};
use crate::known::{self, History};
use crate::sequence::sequences;

/// The seed of the sequences that are the same in every run.
const SEED: u64 = 1;
/// How many there are of them, and of those that are new where they are asked for.
const FIXED: u32 = 4000;
const FRESH: u32 = 100;
const FEW: u32 = 500;
/// How many kinds of differences are shown at once.
const SHOWN: usize = 20;

/// The fixed sequences, and fresh ones. `CHBIND_SEED` in the environment repeats those of another run by their number, or with
/// `none` leaves them away; `CHBIND_SEQUENCES` says how many.
pub(crate) fn run(t: &Test, host: &Host, model: &str) -> Outcome {
    let pair = RefCell::new(Pair::start(t, host, model)?);
    let mut seeds = vec![(SEED, FIXED)];
    let fresh = std::env::var("CHBIND_SEQUENCES").map_or(Ok(FRESH), |number| number.parse())?;
    match std::env::var("CHBIND_SEED").as_deref() {
        Ok("none") => {}
        Ok(seed) => seeds.push((seed.parse()?, fresh)),
        Err(_) => seeds.push((SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64, fresh)),
    }
    // All, so that a run shows all that it has found.
    let runs: Vec<_> = seeds.into_iter().map(|(seed, cases)| run_seed(&pair, host.several, seed, cases)).collect();
    let failed: Vec<_> = runs.iter().filter_map(|run| run.as_ref().err()).map(text).collect();
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

/// A cgroup with nobody in it.
struct Cgroup(PathBuf);

impl Cgroup {
    fn new() -> Outcome<Self> {
        let mounts = std::fs::read_to_string("/proc/self/mounts")?;
        let unified = mounts.lines().find_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let place = fields.next()?;
            (fields.next()? == "cgroup2").then_some(place)
        });
        let unified = Path::new(unified.ok_or("no cgroup2 file system")?);
        let cgroup = Self(unified.join(format!("chbind-test-{}", std::process::id())));
        std::fs::create_dir(&cgroup.0)?;
        Ok(cgroup)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// Fewer of the fixed ones, while somebody has a program for connect attached to a cgroup.
pub(crate) fn with_connect_program(t: &Test) -> Outcome {
    let cgroup = Cgroup::new()?;
    let program = t.as_root("connect_program").arg(cgroup.0.display().to_string());
    let mut program = program.stdin(Stdio::piped()).start()?;
    program.wait_stdout("attached\n")?;
    let compared = [&host::SEVERAL, &host::ONE].into_iter().try_for_each(|host| {
        // Each in a network namespace of its own.
        std::thread::scope(|scope| {
            let compared = scope.spawn(|| {
                net::enter_new_namespace()?;
                let pair = RefCell::new(Pair::start(t, host, "")?);
                run_seed(&pair, host.several, SEED, FEW)
            });
            compared.join().unwrap_or_else(|_| Err("the comparison panicked".into()))
        })
    });
    program.hang_up();
    program.finish(SOON)?.ok()?;
    compared
}

/// What the sequences of one seed came to.
struct Seen {
    sequences: u32,
    /// Those whose first difference is a known one.
    known: u32,
    /// What is not known, each kind once, with the shortest sequence that shows it.
    new: Vec<(Difference, String)>,
}

fn run_seed(pair: &RefCell<Pair>, several: bool, seed: u64, cases: u32) -> Outcome {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let seen = RefCell::new(Seen { sequences: 0, known: 0, new: Vec::new() });
    let tried = runner.run(&sequences(several), |sequence| {
        let (pair, seen) = (&mut *pair.borrow_mut(), &mut *seen.borrow_mut());
        look(pair, several, sequence.steps(), seen).map_err(|error| TestCaseError::fail(text(&error)))
    });
    let Seen { sequences, known, new } = seen.into_inner();
    print(&format!("CHBIND_SEED={seed}: {sequences} sequences, {known} of them end at a known difference"));
    let shown: String = new.iter().map(|(difference, table)| format!("\n{difference}\n{table}")).collect();
    ensure!(new.is_empty(), "CHBIND_SEED={seed}\n{shown}");
    tried.map_err(|error| format!("CHBIND_SEED={seed}\n{error}"))?;
    // A hundred may have more of them by chance.
    ensure!(
        known * 10 <= sequences || sequences < FIXED,
        "{known} of {sequences} sequences end at a known difference: too little is compared"
    );
    Ok(())
}

#[expect(clippy::print_stderr, reason = "without it a run could not be repeated, nor what it has compared be told")]
fn print(line: &str) {
    eprintln!("{line}");
}

fn text(error: &Failed) -> String {
    error.message().unwrap_or_default().to_owned()
}

/// Runs a sequence. A difference that was not seen before is looked at closer; when there are many, it ends.
fn look(pair: &mut Pair, several: bool, steps: Vec<String>, seen: &mut Seen) -> Outcome {
    let outcomes = pair.run(&steps)?;
    let differences = Difference::all(&steps, &outcomes);
    seen.sequences += 1;
    let is_known = |difference: &Difference| reason(difference, several, &steps, &outcomes).is_some();
    let Some(new) = differences.iter().find(|difference| !is_known(difference)) else {
        seen.known += u32::from(!differences.is_empty());
        return Ok(());
    };
    if !seen.new.iter().any(|(difference, _)| difference.is_like(new)) {
        let steps = shorten(pair, several, new, steps)?;
        seen.new.push((new.clone(), format!("{}\n{}", steps.join("; "), table(&steps, &pair.run(&steps)?))));
    }
    ensure!(seen.new.len() < SHOWN, "and maybe more");
    Ok(())
}

/// Leaves out what is not needed for that difference: steps, then words at their ends.
fn shorten(pair: &mut Pair, several: bool, wanted: &Difference, mut steps: Vec<String>) -> Outcome<Vec<String>> {
    let mut shows = |steps: &[String]| -> Outcome<bool> {
        let outcomes = pair.run(steps)?;
        let is_it = |found: &Difference| found.is_like(wanted) && reason(found, several, steps, &outcomes).is_none();
        Ok(Difference::all(steps, &outcomes).iter().any(is_it))
    };
    ensure!(shows(&steps)?, "seen once and not again: {wanted}\n{steps:#?}");
    for n in (0..steps.len()).rev() {
        let mut fewer = steps.clone();
        fewer.remove(n);
        if shows(&fewer)? {
            steps = fewer;
        }
    }
    for n in 0..steps.len() {
        while let Some((fewer, _)) = steps[n].rsplit_once(' ').filter(|(_, last)| last.contains('=')) {
            let mut simpler = steps.clone();
            simpler[n] = fewer.to_owned();
            if !shows(&simpler)? {
                break;
            }
            steps = simpler;
        }
    }
    Ok(steps)
}

/// Why they differ, if that is known.
fn reason(difference: &Difference, several: bool, steps: &[String], [outside, _]: &Outcomes) -> Option<&'static str> {
    let at = difference.at;
    known::reason(difference, &History { several, steps: &steps[..at], outcomes: &outside[..at] })
}

/// Every known difference is still there. What is mended leaves the list.
pub(crate) fn examples(t: &Test, host: &Host) -> Outcome {
    let mut pair = Pair::start(t, host, "")?;
    let mut wrong = String::new();
    let here = if host.several { "several" } else { "one" };
    let examples = known::LIST.iter().flat_map(|known| known.examples.iter().map(|example| (known.reason, example)));
    for (wanted, (_, example)) in examples.filter(|(_, (host, _))| *host == here) {
        let steps: Vec<String> = example.split("; ").map(str::to_owned).collect();
        let outcomes = pair.run(&steps)?;
        let differences = Difference::all(&steps, &outcomes);
        if !differences.iter().any(|found| reason(found, host.several, &steps, &outcomes) == Some(wanted)) {
            wrong += &format!("\n{wanted}:\n{}", table(&steps, &outcomes));
        }
    }
    ensure!(wrong.is_empty(), "known differences that are not there, or are others:\n{wrong}");
    Ok(())
}

/// The steps with what each came to: once where both agree.
fn table(steps: &[String], outcomes: &Outcomes) -> String {
    let mut text = String::new();
    let [outside, inside] = outcomes;
    for n in 0..outside.len().max(inside.len()) {
        let [outside, inside] = [outside, inside].map(|lines| lines.get(n).map_or("(nothing)", String::as_str));
        let step = steps.get(n).map_or("", String::as_str);
        if outside == inside {
            if !(step.is_empty() && outside.ends_with(": none")) {
                text += &format!("    {step:44} {outside}\n");
            }
        } else {
            text += &format!("    {step:44} outside: {outside}\n    {:44} inside:  {inside}\n", "");
        }
    }
    text
}
