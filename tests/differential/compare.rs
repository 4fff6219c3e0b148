//! Runs sequences until one comes to different things inside and outside, and shows the shortest of its kind.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use chbind_tests::{Outcome, Test};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::host::{Host, Outcomes, Pair};
use crate::sequence::sequences;

/// The seed of the sequences that are the same in every run.
const SEED: u64 = 1;
/// How many there are of them, and of those that are new in each run.
const FIXED: u32 = 4000;
const FRESH: u32 = 1000;

/// The fixed sequences, then fresh ones. `CHBIND_SEED` in the environment repeats those of another run.
pub(crate) fn run(t: &Test, host: &Host, model: &str) -> Outcome {
    let pair = RefCell::new(Pair::start(t, host, model)?);
    let fresh = match std::env::var("CHBIND_SEED") {
        Ok(seed) => seed.parse()?,
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64,
    };
    print_seed(fresh);
    for (seed, cases) in [(SEED, FIXED), (fresh, FRESH)] {
        run_seed(&pair, host.several, seed, cases)?;
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "without it a run could not be repeated")]
fn print_seed(seed: u64) {
    eprintln!("fresh sequences: CHBIND_SEED={seed}");
}

fn run_seed(pair: &RefCell<Pair>, several: bool, seed: u64, cases: u32) -> Outcome {
    let config = Config { cases, failure_persistence: None, max_shrink_time: 30_000, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let tried = runner.run(&sequences(several), |sequence| {
        let steps = sequence.steps();
        let failed = |error: chbind_tests::Failed| error.message().unwrap_or_default().to_owned();
        let outcomes = pair.borrow_mut().run(&steps).map_err(|error| TestCaseError::fail(failed(error)))?;
        if outcomes[0] == outcomes[1] { Ok(()) } else { Err(TestCaseError::fail(table(&steps, &outcomes))) }
    });
    match tried {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, _)) => Err(format!("CHBIND_SEED={seed}\n{reason}").into()),
        Err(TestError::Abort(reason)) => Err(format!("CHBIND_SEED={seed}: no sequence to try: {reason}").into()),
    }
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
