//! The main function of a test program: sets up what the trials share, runs them, clears up.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Trial};

use crate::only::Only;
use crate::{Bed, Case};

/// More trials than this at once only make each other slow.
const MOST_THREADS: usize = 3;

/// What the trials share. Static, as a trial that hangs outlives its test.
static BED: OnceLock<Bed> = OnceLock::new();

/// Runs the cases that the program's arguments ask for: those of libtest, or `--only FILE` (see [`crate::only`]).
pub fn main(cases: Vec<Case>) -> ExitCode {
    let mut words: Vec<String> = std::env::args().collect();
    let mut trials: Vec<Trial> = cases.into_iter().flat_map(|case| case.trials(&BED)).collect();
    if let Err(message) = choose(&mut trials, &mut words) {
        complain(&message);
        return ExitCode::FAILURE;
    }
    let mut arguments = Arguments::from_iter(words);
    if arguments.test_threads.is_none() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        arguments.test_threads = Some(cores.min(MOST_THREADS));
    }
    if !arguments.list {
        match prepare() {
            Ok(bed) => _ = BED.set(bed),
            Err(message) => {
                complain(&message);
                return ExitCode::FAILURE;
            }
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(bed) = BED.get() {
        bed.remove();
    }
    conclusion.exit_code()
}

/// Leaves those of the list, if the arguments name one.
fn choose(trials: &mut Vec<Trial>, words: &mut Vec<String>) -> Result<(), String> {
    // Built as NAME-HASH.
    let program = std::env::current_exe().ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let program = program.as_deref().and_then(|name| Some(name.rsplit_once('-')?.0)).unwrap_or_default();
    if let Some(only) = Only::take(words, program)? {
        only.check(trials.iter().map(Trial::name))?;
        trials.retain(|trial| only.has(trial.name()));
    }
    Ok(())
}

/// Sets up what the trials share; says in words why it cannot.
pub fn prepare() -> Result<Bed, String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("these tests need root: they make network namespaces and an ordinary user".to_owned());
    }
    let chbind = chbind().ok_or("cannot tell where chbind was built: set CHBIND")?;
    Bed::new(&chbind).map_err(|error| error.message().unwrap_or("cannot set up").to_owned())
}

/// $CHBIND, or the one that was built along with this very binary (which is in the directory `deps` beside it).
fn chbind() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CHBIND") {
        return Some(path.into());
    }
    Some(std::env::current_exe().ok()?.parent().and_then(Path::parent)?.join("chbind"))
}

#[expect(clippy::print_stderr, reason = "the one place that tells why nothing was run")]
fn complain(message: &str) {
    eprintln!("cannot test: {message}");
}
