//! Helpers of the end-to-end tests.
//!
//! A trial gets a network namespace of its own (addresses on `lo`, nothing that leads out), a directory of its own, and
//! an identity: root, or an ordinary user that exists only while the tests run. It starts `chbind` there as a person
//! would and looks at the outcome from outside the context: with its own sockets, which live in the same namespace,
//! and through /proc. A trial can therefore neither disturb another nor the machine, and all of them may run at once.

#![forbid(unsafe_code)]
#![allow(clippy::missing_errors_doc, reason = "an error here is the words for a trial that has failed")]

pub mod bed;
pub mod case;
pub mod command;
pub mod diag;
pub mod net;
pub mod only;
pub mod patience;
pub mod procs;
pub mod shell;
pub mod storm;
pub mod suite;
pub mod survey;
pub mod text;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub use bed::{Bed, Who};
pub use case::Case;
pub use command::{Cmd, Done, Proc};
pub use libtest_mimic::Failed;
pub use patience::{Patience, at_most, wait_for};
pub use shell::Shell;

/// What a test, and each of its steps, comes to.
pub type Outcome<T = ()> = Result<T, Failed>;

/// How long a step may take that should be done at once, on a machine that has nothing else to do (see [`patience`]).
/// Generous: only a failure waits this long.
pub const SOON: Duration = Duration::from_secs(10);

/// Fails the test with a formatted message unless the condition holds.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+).into());
        }
    };
}

/// Fails the test unless both sides are equal, showing both.
#[macro_export]
macro_rules! ensure_eq {
    ($left:expr, $right:expr) => {
        $crate::ensure_eq!($left, $right, "")
    };
    ($left:expr, $right:expr, $($message:tt)+) => {
        match (&$left, &$right) {
            (left, right) => {
                if left != right {
                    return Err(format!("got {left:?}, wanted {right:?} {}", format_args!($($message)+)).into());
                }
            }
        }
    };
}

/// One running trial: who it is, and where it may leave things.
#[derive(Debug)]
pub struct Test {
    bed: &'static Bed,
    who: Who,
    dir: PathBuf,
    namespace: String,
    commands: AtomicU32,
    enforce: Option<&'static str>,
}

impl Test {
    pub(crate) fn new(bed: &'static Bed, who: Who, dir: PathBuf, namespace: String) -> Self {
        Self { bed, who, dir, namespace, commands: AtomicU32::new(0), enforce: None }
    }

    /// The same trial, with `--enforce HOW` for all that it starts in contexts.
    pub(crate) fn enforced(&self, how: &'static str) -> Self {
        let (dir, namespace) = (self.dir.clone(), self.namespace.clone());
        Self { bed: self.bed, who: self.who, dir, namespace, commands: AtomicU32::new(0), enforce: Some(how) }
    }

    /// Whether a shim is in the programs, which masks what accept and recvfrom show.
    pub fn has_shim(&self) -> bool {
        self.enforce.is_some_and(|how| how != "seccomp")
    }

    /// How contexts are enforced in this trial, if it says so.
    pub fn enforcement(&self) -> Option<&'static str> {
        self.enforce
    }

    /// The identity under which this trial runs its commands.
    pub fn who(&self) -> Who {
        self.who
    }

    /// The trial's own directory: HOME and TMPDIR of its commands, writable by them.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What all trials share: the binaries and the ordinary user.
    pub fn bed(&self) -> &'static Bed {
        self.bed
    }

    /// The trial's network namespace, as /proc/PID/ns/net shows it.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Writes a file that the trial's commands can read.
    pub fn write(&self, name: &str, text: &str) -> Outcome<PathBuf> {
        let path = self.dir.join(name);
        std::fs::write(&path, text)?;
        self.bed.give(&path, self.who)?;
        Ok(path)
    }

    /// A command under the trial's identity, outside of any context. Words are split at blanks.
    pub fn native(&self, words: &str) -> Cmd {
        self.command(self.who, words)
    }

    /// A command as root, whoever the trial is.
    pub fn as_root(&self, words: &str) -> Cmd {
        self.command(Who::Root, words)
    }

    /// `chbind OPTIONS -- COMMAND` under the trial's identity; both are split at blanks.
    pub fn chbind(&self, options: &str, command: &str) -> Cmd {
        let enforce = self.enforce.map(|how| format!("--enforce {how}")).unwrap_or_default();
        self.command(self.who, "chbind").words(options).words(&enforce).arg("--").words(command)
    }

    fn command(&self, who: Who, words: &str) -> Cmd {
        let serial = self.commands.fetch_add(1, Ordering::Relaxed);
        Cmd::new(self.bed, who, &self.dir, serial).words(words)
    }
}
