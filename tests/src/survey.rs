//! What test programs share that fill in a table instead of running trials: which entries are asked for, the jobs, some at a
//! time, and the clearing up.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::only::Only;
use crate::{Bed, Failed, Outcome, Who, suite};

/// As whom everything is done.
pub const IDENTITIES: [(Who, &str); 2] = [(Who::Root, "root"), (Who::User, "user")];

/// What all runs share. Static, as one that hangs outlives its test.
static BED: OnceLock<Bed> = OnceLock::new();

/// A test program by its name.
#[derive(Clone, Copy, Debug)]
pub struct Survey(pub &'static str);

impl Survey {
    /// The entries that the program's arguments ask for: those with one of the words in their name, all without a word, or those
    /// of a list (`--only FILE`: see [`crate::only`]). With `--list` they are only shown.
    pub fn chosen<T>(
        self,
        mut all: Vec<T>,
        name: impl Fn(&T) -> &str,
        shown: impl Fn(&T) -> String,
    ) -> Result<Vec<T>, ExitCode> {
        let mut words: Vec<String> = std::env::args().skip(1).collect();
        let only = Only::take(&mut words, self.0).map_err(|message| self.give_up(&message))?;
        if let Some(only) = &only {
            only.check(all.iter().map(&name)).map_err(|message| self.give_up(&message))?;
        }
        all.retain(|entry| only.as_ref().is_none_or(|only| only.has(name(entry))));
        if words.iter().any(|word| word == "--list") {
            all.iter().for_each(|entry| print(&shown(entry)));
            return Err(ExitCode::SUCCESS);
        }
        let is_chosen = |entry: &T| words.is_empty() || words.iter().any(|word| name(entry).contains(word.as_str()));
        let chosen: Vec<T> = all.into_iter().filter(is_chosen).collect();
        if chosen.is_empty() {
            return Err(self.give_up("nothing has that in its name: see --list"));
        }
        Ok(chosen)
    }

    /// Sets up, has the table filled in, clears up. It is true if all is as it should be.
    pub fn conduct(self, fill_in: impl FnOnce(&'static Bed) -> Outcome<bool>) -> ExitCode {
        match suite::prepare() {
            Ok(bed) => _ = BED.set(bed),
            Err(message) => return self.give_up(&message),
        }
        let Some(bed) = BED.get() else { return ExitCode::FAILURE };
        let outcome = fill_in(bed);
        bed.remove();
        match outcome {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => self.give_up(&words_of(&error)),
        }
    }

    /// Says why there is no table.
    pub fn give_up(self, message: &str) -> ExitCode {
        print(&format!("{}: {message}", self.0));
        ExitCode::FAILURE
    }
}

/// An error in words.
pub fn words_of(error: &Failed) -> String {
    error.message().unwrap_or("failed").to_owned()
}

/// Runs the jobs in so many threads, and gives what they came to in their order. After each of them `look` sees what is there
/// by then.
pub fn run_jobs<J: Sync, R: Send>(
    threads: usize,
    jobs: &[J],
    run: impl Fn(&J) -> R + Sync,
    look: impl FnMut(&[Option<R>]) + Send,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take = || {
        let at = next.fetch_add(1, Ordering::Relaxed);
        jobs.get(at).map(|job| (at, job))
    };
    let done = Mutex::new((jobs.iter().map(|_| None).collect::<Vec<_>>(), look));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, job)) = take() {
                    let outcome = run(job);
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    let (outcomes, look) = &mut *done;
                    if let Some(slot) = outcomes.get_mut(at) {
                        *slot = Some(outcome);
                    }
                    look(outcomes);
                }
            });
        }
    });
    let (outcomes, _) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Each has been run: a thread that panicked would have been felt at the end of the scope.
    outcomes.into_iter().flatten().collect()
}

/// Tells a person.
#[expect(clippy::print_stdout, reason = "this is where tables are printed")]
pub fn print(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_in_the_order_of_the_jobs() {
        let jobs: Vec<usize> = (0..50).collect();
        let mut seen = Vec::new();
        let outcomes = run_jobs(3, &jobs, |job| job * 2, |all| seen.push(all.iter().flatten().count()));
        assert_eq!(outcomes, (0..50).map(|n| n * 2).collect::<Vec<_>>());
        assert_eq!(seen, (1..=50).collect::<Vec<_>>());
    }
}
