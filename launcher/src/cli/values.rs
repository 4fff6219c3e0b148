//! Words that options take, and what they mean.

use crate::plan::Enforcement;
use crate::preflight::ProcessModel;
use chbind_policy::Loopback;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// A word, what is said of it, and what it means.
pub(super) type Word<T> = (&'static str, &'static str, T);

/// What 127.0.0.1 means inside.
pub(super) const LOOPBACK: [Word<Loopback>; 3] = [
    ("remap", "The context's own loopback address", Loopback::Remap),
    ("host", "The loopback of the host", Loopback::Host),
    ("deny", "Nothing: it can be neither bound nor reached", Loopback::Deny),
];

/// Which process the command is.
pub(super) const PROCESS: [Word<ProcessModel>; 2] = [
    ("exec", "The command takes the place of chbind, under its process ID", ProcessModel::Exec),
    ("parent", "chbind stays, passes signals on and ends as the command does", ProcessModel::Parent),
];

/// How the context is enforced.
pub(super) const ENFORCEMENT: [Word<Enforcement>; 3] = [
    ("seccomp", "By a filter in the kernel and a supervisor, for every program", Enforcement::Seccomp),
    (
        "hybrid",
        "By a library inside the program, which is trusted, and a supervisor for all that it misses",
        Enforcement::Hybrid,
    ),
    (
        "preload",
        "By the library alone, for programs that cooperate where seccomp is not to be had",
        Enforcement::Preload,
    ),
];

/// A parser that takes one of these words.
pub(super) fn one_of<T>(words: &'static [Word<T>]) -> impl TypedValueParser<Value = T>
where
    T: Clone + Send + Sync + 'static,
{
    let known = words.iter().map(|(word, about, _)| PossibleValue::new(*word).help(*about));
    PossibleValuesParser::new(known).try_map(|typed| {
        let meant = words.iter().find(|(word, ..)| *word == typed).map(|(.., meaning)| meaning.clone());
        meant.ok_or("not one of the words that it takes")
    })
}

/// The word for this.
pub(super) fn word_for<T: PartialEq>(words: &[Word<T>], meant: &T) -> &'static str {
    words.iter().find(|(.., meaning)| meaning == meant).map(|(word, ..)| *word).unwrap_or_default()
}
