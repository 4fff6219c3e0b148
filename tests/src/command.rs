//! Running commands with a bound on their time, and nothing of them left when a test is through with them.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::{Bed, Outcome, Who, patience, procs, wait_for};

/// How long a command may run, unless told otherwise, on a machine that has nothing else to do.
const LIMIT: Duration = Duration::from_secs(30);

/// A command that is yet to be started. What it writes goes to files: a pipe would stay open as long as any process
/// which inherited it lives, and a test that reads it to its end would wait for that process.
#[derive(Debug)]
pub struct Cmd {
    bed: &'static Bed,
    who: Who,
    dir: PathBuf,
    serial: u32,
    words: Vec<String>,
    environment: Vec<(String, String)>,
    stdin: Option<Stdio>,
    terminal: Option<(Stdio, Stdio)>,
    limit: Duration,
}

impl Cmd {
    pub(crate) fn new(bed: &'static Bed, who: Who, dir: &Path, serial: u32) -> Self {
        let (words, environment) = (Vec::new(), Vec::new());
        Self { bed, who, dir: dir.to_owned(), serial, words, environment, stdin: None, terminal: None, limit: LIMIT }
    }

    /// Adds one argument as it is, blanks and all.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.words.push(argument.into());
        self
    }

    /// Adds arguments, split at blanks.
    #[must_use]
    pub fn words(mut self, words: &str) -> Self {
        self.words.extend(words.split_whitespace().map(str::to_owned));
        self
    }

    /// Adds the command line of another command.
    #[must_use]
    pub fn then(mut self, other: Cmd) -> Self {
        self.words.extend(other.words);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Bounds the time of [`Cmd::run`].
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Gives it this as standard input; without, it is empty.
    #[must_use]
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.stdin = Some(stdin.into());
        self
    }

    /// Gives it this as standard output and standard error, in place of files.
    #[must_use]
    pub fn output_to(mut self, stdout: impl Into<Stdio>, stderr: impl Into<Stdio>) -> Self {
        self.terminal = Some((stdout.into(), stderr.into()));
        self
    }

    /// Starts it and lets it run beside the test.
    pub fn start(mut self) -> Outcome<Proc> {
        let shown = self.words.join(" ");
        let mut words = self.words.iter();
        let mut command = Command::new(words.next().ok_or("an empty command")?);
        let (out, err) = (self.file("out"), self.file("err"));
        let (stdout, stderr) = match self.terminal.take() {
            Some(terminal) => terminal,
            None => (create(&out)?.into(), create(&err)?.into()),
        };
        command
            .args(words)
            .current_dir(&self.dir)
            .env_clear()
            .env("PATH", self.bed.path())
            .env("LANG", "C.UTF-8")
            .env("BURDEN", patience::told());
        command.env("HOME", &self.dir).env("TMPDIR", &self.dir).env("TERM", "dumb").envs(self.environment);
        command.stdin(self.stdin.unwrap_or_else(Stdio::null)).stdout(stdout).stderr(stderr);
        if self.who == Who::User {
            // Setting the user makes std drop root's supplementary groups as well.
            let (uid, gid) = self.bed.ids(self.who);
            command.gid(gid).uid(uid);
        }
        let child = command.spawn().map_err(|error| format!("cannot start {shown}: {error}"))?;
        Ok(Proc { child, shown, out, err })
    }

    /// Runs it to its end.
    pub fn run(self) -> Outcome<Done> {
        let limit = self.limit;
        self.start()?.finish(limit)
    }

    fn file(&self, kind: &str) -> PathBuf {
        self.dir.join(format!("{}.{kind}", self.serial))
    }
}

fn create(path: &Path) -> std::io::Result<File> {
    // Appending, as several processes write there, each through a description of its own if it reopens it.
    OpenOptions::new().create(true).append(true).open(path)
}

fn read(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// A running command. Dropping it kills it; the processes that it started are ended with the trial.
#[derive(Debug)]
pub struct Proc {
    child: Child,
    shown: String,
    out: PathBuf,
    err: PathBuf,
}

impl Proc {
    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// What it has written to its standard output so far.
    pub fn stdout(&self) -> String {
        read(&self.out)
    }

    /// What it, and chbind about it, has written to standard error so far.
    pub fn stderr(&self) -> String {
        read(&self.err)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Outcome {
        crate::ensure!(procs::send(self.pid(), signal), "{}: already gone", self.shown);
        Ok(())
    }

    /// Writes a line to its standard input, which must have been given as a pipe.
    pub fn say(&mut self, line: &str) -> Outcome {
        let pipe = self.child.stdin.as_mut().ok_or("its standard input is no pipe")?;
        Ok(pipe.write_all(format!("{line}\n").as_bytes())?)
    }

    /// Closes its standard input.
    pub fn hang_up(&mut self) {
        self.child.stdin = None;
    }

    /// Its status, if it has ended.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until its standard output holds the text.
    pub fn wait_stdout(&mut self, text: &str) -> Outcome {
        self.wait_until(&format!("{text:?} on standard output"), |proc| proc.stdout().contains(text))
    }

    /// Waits until its standard error holds the text.
    pub fn wait_stderr(&mut self, text: &str) -> Outcome {
        self.wait_until(&format!("{text:?} on standard error"), |proc| proc.stderr().contains(text))
    }

    /// Waits for a condition on it; fails, with what it wrote, when that does not come about.
    pub fn wait_until(&mut self, what: &str, mut condition: impl FnMut(&Proc) -> bool) -> Outcome {
        let met = wait_for(crate::SOON, || condition(self) || (self.status().is_some() && !condition(self)));
        // It may have ended just after it had met the condition.
        crate::ensure!(met && condition(self), "{}: waited in vain for {what}\n{}", self.shown, self.written());
        Ok(())
    }

    /// Waits for its end.
    pub fn finish(mut self, limit: Duration) -> Outcome<Done> {
        let mut status = None;
        wait_for(limit, || {
            status = self.status();
            status.is_some()
        });
        match status {
            Some(status) => {
                let (shown, err) = (self.shown.clone(), self.err.clone());
                Ok(Done { status, stdout: self.stdout(), stderr: self.stderr(), shown, err })
            }
            None => Err(format!("{}: not done after {limit:?}\n{}", self.shown, self.written()).into()),
        }
    }

    fn written(&self) -> String {
        format!("--- stdout:\n{}--- stderr:\n{}---", self.stdout(), self.stderr())
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        // Does nothing to one that has been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that has ended.
#[derive(Debug)]
pub struct Done {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it, and chbind about it, wrote to standard error.
    pub stderr: String,
    shown: String,
    err: PathBuf,
}

impl Done {
    /// Fails unless it ended with that exit status.
    pub fn exited(self, code: i32) -> Outcome<Self> {
        crate::ensure!(self.status.code() == Some(code), "wanted exit status {code}\n{self}");
        Ok(self)
    }

    /// Fails unless it ended well.
    pub fn ok(self) -> Outcome<Self> {
        self.exited(0)
    }

    /// Fails unless it was ended by that signal.
    pub fn killed_by(self, signal: Signal) -> Outcome<Self> {
        crate::ensure!(self.status.signal() == Some(signal as i32), "wanted death by {signal}\n{self}");
        Ok(self)
    }

    /// Fails unless its standard output, without the blanks around it, matches (see [`crate::text::matches`]).
    pub fn printed(self, pattern: &str) -> Outcome<Self> {
        crate::ensure!(crate::text::matches(pattern, self.stdout.trim()), "wanted {pattern:?} to be printed\n{self}");
        Ok(self)
    }

    /// Fails unless its standard error has a line that holds all of these. The supervisor need not have written yet when
    /// the command has ended, so this waits.
    pub fn told(mut self, keywords: &[&str]) -> Outcome<Self> {
        let found = wait_for(Duration::from_secs(2), || {
            self.stderr = read(&self.err);
            self.stderr.lines().any(|line| keywords.iter().all(|word| line.contains(word)))
        });
        crate::ensure!(found, "wanted a line on standard error that says {keywords:?}\n{self}");
        Ok(self)
    }

    /// All of its standard error, once chbind's own processes are gone as well: there is no more to come.
    pub fn all_told(mut self, test: &crate::Test) -> Outcome<String> {
        crate::ensure!(wait_for(crate::SOON, || test.supervisors().is_empty()), "the supervisor stays\n{self}");
        self.stderr = read(&self.err);
        Ok(self.stderr)
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, stdout, stderr, shown, .. } = self;
        write!(f, "{shown}: {status}\n--- stdout:\n{stdout}--- stderr:\n{stderr}---")
    }
}
