//! The one place that prints.

use super::CHBIND;
use super::words::{Words, progress};
use crate::setup::{self, Progress, Voice};
use std::io::{self, ErrorKind, Write};

/// One line on standard error, from the program of this name. Nobody is left to tell if that fails.
pub fn line(program: &str, text: &str) {
    let _ = io::stderr().write_all(format!("{program}: {text}\n").as_bytes());
}

/// An error, and what can be done about it where that is known. Gives the exit status that goes with it.
pub fn error(program: &str, error: &dyn Words) -> u8 {
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    line(program, &format!("{}{hint}", error.sentence()));
    error.status()
}

/// What was asked for, on standard output. Whoever closes that wants no more of it.
///
/// # Errors
///
/// What write(2) says, but for EPIPE.
pub fn answer(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// Tells what goes on while a context is set up.
pub struct Reporter;

impl Voice for Reporter {
    fn progress(&self, progress: Progress) {
        progress::lines(&progress).iter().for_each(|text| line(CHBIND, text));
    }

    fn failed(&self, failed: &setup::Error) -> u8 {
        error(CHBIND, failed)
    }

    fn words(&self, error: &setup::Error) -> String {
        error.sentence()
    }
}
