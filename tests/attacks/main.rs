//! Attacks on a context, as a hostile program carries them out; what came of each is a matrix, which docs/security.md has.
//!
//! `attacks` runs them all, `attacks WORD...` those with such a word in their name; with CHBIND_WRITE_MATRIX=1 the
//! page's copy is written anew.

#![forbid(unsafe_code)]

mod confined;
mod entries;
mod foreign;
mod kinds;
mod matrix;
mod outside;
mod programs;
mod races;
mod stage;
mod supervisor;
mod table;
mod tables;

use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chbind_tests::survey::{IDENTITIES, Survey, print, run_jobs, words_of};
use chbind_tests::{Bed, Outcome, Who, case, net};

use crate::stage::{Stage, Verdict};
use crate::table::{Attack, MODES, Mode, Natively};

/// Races want CPUs.
const THREADS: usize = 2;

const LIMIT: Duration = Duration::from_secs(120);

/// One attack under one identity, in a mode or without chbind.
#[derive(Clone, Copy)]
struct Job {
    attack: &'static Attack,
    mode: Option<&'static Mode>,
    who: (Who, &'static str),
}

fn attacks() -> Vec<&'static Attack> {
    [
        entries::ATTACKS,
        kinds::ATTACKS,
        races::ATTACKS,
        foreign::ATTACKS,
        programs::ATTACKS,
        confined::ATTACKS,
        supervisor::ATTACKS,
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn main() -> ExitCode {
    let (survey, all) = (Survey("attacks"), attacks());
    let many = all.len();
    match survey.chosen(all, |attack| attack.name, |attack| attack.name.to_owned()) {
        Ok(chosen) => survey.conduct(|bed| {
            bed.attack_programs()?;
            run(bed, &chosen, &offered(bed)?, chosen.len() == many)
        }),
        Err(code) => code,
    }
}

/// The modes that this chbind has.
fn offered(bed: &Bed) -> Outcome<Vec<&'static Mode>> {
    let help = Command::new(bed.bin().join("chbind")).arg("--help").output()?;
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let has = |mode: &&Mode| mode.options.is_empty() || help.split_whitespace().any(|word| word == mode.options);
    Ok(MODES.iter().filter(has).collect())
}

/// Runs the attacks and compares what came of them with docs/security.md. True if all is as it should be.
fn run(bed: &'static Bed, chosen: &[&'static Attack], modes: &[&'static Mode], whole: bool) -> Outcome<bool> {
    let jobs: Vec<Job> = chosen.iter().flat_map(|attack| jobs_of(attack, modes)).collect();
    let outcomes = run_jobs(THREADS, &jobs, |job| run_job(bed, *job), |_| ());
    let (mut passed, mut wrong) = (0, Vec::new());
    let mut lines: Vec<String> = matrix::head(&column_names(modes)).into();
    for attack in chosen {
        let mut cells = Vec::new();
        for (job, outcome) in jobs.iter().zip(&outcomes).filter(|(job, _)| std::ptr::eq(job.attack, *attack)) {
            match judge(job, outcome) {
                Ok(cell) => {
                    passed += 1;
                    cells.extend(cell);
                }
                Err(what) => wrong.push(format!("{}: {what}", job.name())),
            }
        }
        // Where a cell is missing, that is what is wrong.
        if cells.len() == modes.len() * IDENTITIES.len() {
            lines.push(matrix::row(attack.name, &cells));
        }
    }
    if wrong.is_empty() && whole && std::env::var_os(matrix::WRITE).is_some() {
        matrix::write(&lines)?;
    }
    let whole = whole && wrong.is_empty();
    let (as_committed, differences) = matrix::compare(&lines, whole)?;
    passed += as_committed;
    wrong.extend(differences);
    wrong.iter().for_each(|what| print(&format!("WRONG: {what}")));
    let word = if wrong.is_empty() { "ok" } else { "FAILED" };
    let failed = wrong.len();
    print(&format!("\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out"));
    Ok(wrong.is_empty())
}

/// An attack without chbind, where that is telling, and in all modes; under both identities.
fn jobs_of<'a>(attack: &'static Attack, modes: &'a [&'static Mode]) -> impl Iterator<Item = Job> + 'a {
    let of = move |mode| IDENTITIES.iter().map(move |who| Job { attack, mode, who: *who });
    of(None).filter(is_telling).chain(modes.iter().flat_map(move |mode| of(Some(*mode))))
}

fn column_names(modes: &[&Mode]) -> Vec<String> {
    modes.iter().flat_map(|mode| IDENTITIES.iter().map(move |(_, who)| format!("{}, {who}", mode.name))).collect()
}

/// Whether it says something how the attack fares without chbind.
fn is_telling(job: &Job) -> bool {
    match job.attack.natively {
        Natively::Open | Natively::Held => true,
        Natively::OpenToRoot => job.who.0 == Who::Root,
        Natively::Unknown(_) => false,
    }
}

/// The cell of the matrix, if the job has one; or what is wrong.
fn judge(job: &Job, outcome: &Result<Verdict, String>) -> Result<Option<String>, String> {
    match (job.mode, outcome) {
        (_, Err(what)) => Err(what.clone()),
        (None, Ok(verdict)) => {
            let is_open = matches!(verdict, Verdict::Open(_));
            if is_open == (job.attack.natively != Natively::Held) {
                return Ok(None);
            }
            Err(format!("without chbind it is {verdict:?}: it says nothing about chbind"))
        }
        (Some(mode), Ok(Verdict::Open(how))) if mode.shut => Err(format!("open, and must not be: {how}")),
        (Some(mode), Ok(Verdict::Open(how))) => match job.attack.reason(mode) {
            Some(reason) => Ok(Some(format!("open: {reason}"))),
            None => Err(format!("open, and nobody knows why: {how}")),
        },
        (Some(_), Ok(Verdict::Held)) => Ok(Some("held".to_owned())),
        (Some(_), Ok(Verdict::Refused)) => Ok(Some("refused".to_owned())),
    }
}

impl Job {
    fn name(&self) -> String {
        format!("{} [{}, {}]", self.attack.name, self.mode.map_or("without chbind", |mode| mode.name), self.who.1)
    }
}

/// Runs a job, and tells of it.
fn run_job(bed: &'static Bed, job: Job) -> Result<Verdict, String> {
    let began = Instant::now();
    let found = Arc::new(Mutex::new(None));
    let filled = Arc::clone(&found);
    let outcome = case::in_namespace(bed, job.who.0, LIMIT, net::enter_new_namespace, move |t| {
        let verdict = Stage::new(t, job.attack, job.mode)?.verdict()?;
        *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        Ok(())
    });
    let found = found.lock().unwrap_or_else(PoisonError::into_inner).take();
    let seconds = began.elapsed().as_secs_f64();
    match (outcome, found) {
        (Ok(()), Some((verdict, line))) => {
            print(&format!("{}: {verdict:?} ({seconds:.1} s)\n    {line}", job.name()));
            Ok(verdict)
        }
        (Err(error), _) => Err(words_of(&error)),
        (Ok(()), None) => Err("no outcome".to_owned()),
    }
}
