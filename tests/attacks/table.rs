//! The attacks as data.

use crate::stage::{Report, Stage};
use chbind_tests::Outcome;

/// A mode of chbind: a pair of columns of the matrix.
#[derive(Debug)]
pub(crate) struct Mode {
    pub(crate) name: &'static str,
    /// The option that asks for it: `--help` says whether there is one.
    pub(crate) options: &'static str,
    /// No attack may be open.
    pub(crate) shut: bool,
}

pub(crate) const MODES: [Mode; 2] =
    [Mode { name: "default", options: "", shut: false }, Mode { name: "`--strict`", options: "--strict", shut: true }];

/// What becomes of an attack without chbind. One that never gets anywhere would say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Natively {
    /// It gets out, whoever carries it out.
    Open,
    /// It gets out if root carries it out; others the kernel refuses.
    OpenToRoot,
    /// The kernel holds it: then the context must, too.
    Held,
    /// It cannot be told, for this reason.
    Unknown(&'static str),
}

/// A line of the matrix.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// The program with its words.
    pub(crate) command: &'static str,
    /// Further options of the context.
    pub(crate) options: &'static str,
    /// What is done, where it is more than to run the program.
    pub(crate) play: fn(&Stage) -> Outcome<Report>,
    /// What must have been seen for a race to have taken place: `done`, names of errnos.
    pub(crate) shows: &'static [&'static str],
    /// What a refused call must say, where programs rely on that.
    pub(crate) errno: Option<&'static str>,
    pub(crate) natively: Natively,
    /// The modes in which it is known to get out, by name, and why.
    pub(crate) open: &'static [(&'static str, &'static str)],
}

impl Attack {
    /// An attack that is its program alone, and that gets out without chbind.
    pub(crate) const fn new(name: &'static str, command: &'static str) -> Self {
        Self {
            name,
            command,
            options: "",
            play: |stage| stage.attack(),
            shows: &[],
            errno: None,
            natively: Natively::Open,
            open: &[],
        }
    }

    pub(crate) const fn natively(mut self, natively: Natively) -> Self {
        self.natively = natively;
        self
    }

    pub(crate) const fn shows(mut self, shows: &'static [&'static str]) -> Self {
        self.shows = shows;
        self
    }

    pub(crate) const fn refused_with(mut self, errno: &'static str) -> Self {
        self.errno = Some(errno);
        self
    }

    pub(crate) const fn options(mut self, options: &'static str) -> Self {
        self.options = options;
        self
    }

    pub(crate) const fn play(mut self, play: fn(&Stage) -> Outcome<Report>) -> Self {
        self.play = play;
        self
    }

    pub(crate) const fn open(mut self, open: &'static [(&'static str, &'static str)]) -> Self {
        self.open = open;
        self
    }

    /// Why it is open in that mode, if it is known to be.
    pub(crate) fn reason(&self, mode: &Mode) -> Option<&'static str> {
        self.open.iter().find(|(name, _)| *name == mode.name).map(|(_, reason)| *reason)
    }
}
