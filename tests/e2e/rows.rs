//! Rows of the semantics, as data: in a context, the probe makes these calls and must report these outcomes. Each is made
//! twice, by a dynamic program and by a static one that makes bare system calls.

use chbind_tests::{Case, Outcome, Test};

/// The contexts by the names that the semantics give them.
pub(crate) const S: &str = "--ip 10.0.0.1/24";
pub(crate) const M: &str = "--ip 10.0.0.1/24 --ip 10.0.0.2/24";
pub(crate) const D: &str = "--ip 10.0.0.1/24 --ip fd00:1::1/64";
pub(crate) const P: &str = "--ip fd00:1::1/64";
pub(crate) const Z: &str = "--ip 10.0.0.1/24 --loopback deny";
/// S with a number, and so with a loopback address, that is known: 127.3.232.1.
pub(crate) const S1000: &str = "--ip 10.0.0.1/24 --nid 1000";

/// The probe, and the same with bare system calls.
pub(crate) const PROBES: [&str; 2] = ["probe", "probe-raw"];

/// Options of chbind, words of the probe, what it has to print.
pub(crate) type Step = (&'static str, &'static str, &'static str);

/// A name and its steps.
pub(crate) type Row = (&'static str, &'static [Step]);

/// The rows as tests for both identities.
pub(crate) fn both(module: &str, rows: &'static [Row]) -> Vec<Case> {
    rows.iter().map(|(name, steps)| Case::both(&format!("{module}::{name}"), |t| run(t, steps))).collect()
}

/// The same for root alone.
pub(crate) fn root(module: &str, rows: &'static [Row]) -> Vec<Case> {
    rows.iter().map(|(name, steps)| Case::root(&format!("{module}::{name}"), |t| run(t, steps))).collect()
}

/// The same for the ordinary user alone.
pub(crate) fn user(module: &str, rows: &'static [Row]) -> Vec<Case> {
    rows.iter().map(|(name, steps)| Case::user(&format!("{module}::{name}"), |t| run(t, steps))).collect()
}

/// Runs the steps. All of them, even after one that fails: a row is read as a whole.
pub(crate) fn run(t: &Test, steps: &[Step]) -> Outcome {
    let mut wrong = Vec::new();
    for &(options, words, wanted) in steps {
        for probe in PROBES {
            let done = t.chbind(options, probe).words(words).run()?;
            if let Err(error) = done.ok().and_then(|done| done.printed(wanted)) {
                wrong.push(error.message().unwrap_or_default().to_owned());
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}
