//! One attack in one column of the matrix.

use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chbind_tests::{Cmd, Outcome, SOON, Test, ensure, wait_for};

use crate::outside::{self, Outside};
use crate::table::{Attack, Mode};

/// No attack takes as long as this, not even on a busy machine.
const LIMIT: Duration = Duration::from_secs(90);

/// Seconds after which a race that somebody must win has been lost.
const PATIENCE: &str = "30";

/// What an attack is carried out with.
pub(crate) struct Stage<'a> {
    pub(crate) t: &'a Test,
    pub(crate) outside: Outside,
    attack: &'static Attack,
    mode: Option<&'static Mode>,
    nid: u16,
}

/// Attacks on a supervisor find it by its number: no two that may run at once have the same, nor those of two test
/// runs.
static SERIAL: AtomicU32 = AtomicU32::new(0);

fn next_nid() -> u16 {
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed) % 256;
    // Below the numbers that chbind hands out.
    u16::try_from(1024 + (std::process::id() % 150) * 256 + serial).unwrap_or(1024)
}

/// What the program tells, and what the world saw.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Calls that took effect within the context.
    pub(crate) done: u64,
    /// Calls that got out, as far as the program can tell.
    pub(crate) out: u64,
    /// How often which errno.
    pub(crate) errnos: Vec<(String, u64)>,
    /// What was seen from outside of calls that got out.
    pub(crate) faults: Vec<String>,
    /// The line itself.
    pub(crate) line: String,
}

impl Report {
    fn parse(line: &str) -> Outcome<Self> {
        let value = |name: &str| -> Outcome<&str> {
            let found = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            found.ok_or_else(|| format!("no {name} in {line:?}").into())
        };
        let number = |name: &str| -> Outcome<u64> { Ok(value(name)?.parse()?) };
        ensure!(number("attempts")? > 0, "nothing was tried: {line}");
        let errnos = value("errnos")?.split(',').filter_map(|word| word.split_once(':'));
        let errnos = errnos.filter_map(|(name, count)| Some((name.to_owned(), count.parse().ok()?))).collect();
        let (done, out) = (number("done")?, number("out")?);
        Ok(Self { done, out, errnos, faults: Vec::new(), line: line.to_owned() })
    }

    /// Whether a word of [`Attack::shows`] applies: `done`, or the name of an errno.
    fn shows(&self, word: &str) -> bool {
        if word == "done" { self.done > 0 } else { self.errnos.iter().any(|(name, _)| name == word) }
    }
}

/// What came of an attack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// What it did, it did within the context.
    Held,
    /// Nothing that it tried took effect.
    Refused,
    /// It got out; how that was seen.
    Open(String),
}

impl<'a> Stage<'a> {
    pub(crate) fn new(t: &'a Test, attack: &'static Attack, mode: Option<&'static Mode>) -> Outcome<Self> {
        let nid = next_nid();
        Ok(Self { t, outside: Outside::new(nid)?, attack, mode, nid })
    }

    /// Carries the attack out and judges it.
    pub(crate) fn verdict(&self) -> Outcome<(Verdict, String)> {
        let report = (self.attack.play)(self)?;
        let verdict = if report.out > 0 || !report.faults.is_empty() {
            let inside = (report.out > 0).then(|| format!("{} calls by their own account", report.out));
            Verdict::Open(inside.into_iter().chain(report.faults.iter().cloned()).collect::<Vec<_>>().join("; "))
        } else if report.done > 0 {
            let missing: Vec<&str> = self.attack.shows.iter().copied().filter(|word| !report.shows(word)).collect();
            ensure!(missing.is_empty(), "no race took place, for {missing:?} was not seen: {}", report.line);
            Verdict::Held
        } else {
            let others: Vec<_> =
                report.errnos.iter().filter(|(name, _)| self.attack.errno.is_some_and(|it| it != name)).collect();
            ensure!(self.mode.is_none() || others.is_empty(), "wanted {:?} alone: {}", self.attack.errno, report.line);
            Verdict::Refused
        };
        Ok((verdict, report.line))
    }

    /// Whether there is a context at all: without one, it is seen whether the attack is one.
    pub(crate) fn is_native(&self) -> bool {
        self.mode.is_none()
    }

    /// Whether the attack is known to get out. Then it has time to; where it never does, it ends before.
    fn gets_out(&self) -> bool {
        self.mode.is_none_or(|mode| self.attack.reason(mode).is_some())
    }

    /// A command in the context, with further options of chbind; without a context the command alone.
    pub(crate) fn inside(&self, command: &str) -> Cmd {
        match self.mode {
            Some(mode) => {
                let context = outside::context(self.nid);
                let options = format!("{context} {} {}", mode.options, self.attack.options);
                // The name of the supervisor, for those who look for it.
                self.t.chbind(&options, command).env("SUPERVISOR", &format!("chbind/{}", self.nid))
            }
            None => self.t.native(command),
        }
    }

    /// The attack's own program with its words.
    pub(crate) fn command(&self) -> &'static str {
        self.attack.command
    }

    /// Lets the attack's own program run in the context.
    pub(crate) fn attack(&self) -> Outcome<Report> {
        self.run(self.inside(self.attack.command))
    }

    /// Lets an attack program run, and looks from outside before it ends.
    pub(crate) fn run(&self, command: Cmd) -> Outcome<Report> {
        self.run_and(command, || Ok(()))
    }

    /// The same, with a further look.
    pub(crate) fn run_and(&self, command: Cmd, look: impl FnOnce() -> Outcome) -> Outcome<Report> {
        let command = if self.gets_out() { command.env("PATIENCE", PATIENCE) } else { command };
        let mut program = command.stdin(Stdio::piped()).start()?;
        let told = |text: &str| text.lines().any(|line| line.starts_with("tried=")) && text.ends_with('\n');
        let ended = wait_for(LIMIT, || told(&program.stdout()) || program.status().is_some());
        let (text, complaints) = (program.stdout(), program.stderr());
        let line = text.lines().find(|line| line.starts_with("tried="));
        let line = line.ok_or_else(|| {
            let how = if ended { "has ended" } else { "hangs" };
            format!("{} {how} and told nothing ({:?})\n{text}{complaints}", self.attack.command, program.status())
        })?;
        let mut report = Report::parse(line)?;
        report.faults = self.outside.faults()?;
        look()?;
        program.hang_up();
        program.finish(SOON)?.ok()?;
        Ok(report)
    }
}
