//! The one place that prints.

use crate::error::Error;
use std::io::Write;

/// One line on standard error. Nobody is left to tell if that fails.
pub fn line(text: &str) {
    let _ = std::io::stderr().write_all(format!("chbind: {text}\n").as_bytes());
}

/// An error, and what can be done about it where that is known.
pub fn error(error: &Error) {
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    line(&format!("{error}{hint}"));
}
