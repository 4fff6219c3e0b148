//! The one place that prints.

use crate::error::Error;
use std::io::{ErrorKind, Write};

/// One line on standard error. Nobody is left to tell if that fails.
pub fn line(text: &str) {
    line_of("chbind", text);
}

/// The same, of a program by this name.
pub fn line_of(program: &str, text: &str) {
    let _ = std::io::stderr().write_all(format!("{program}: {text}\n").as_bytes());
}

/// An error, and what can be done about it where that is known.
pub fn error(error: &Error) {
    error_of("chbind", error);
}

/// The same, of a program by this name.
pub fn error_of(program: &str, error: &Error) {
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    line_of(program, &format!("{error}{hint}"));
}

/// What was asked for, on standard output. Whoever closes that wants no more of it.
pub fn answer(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
