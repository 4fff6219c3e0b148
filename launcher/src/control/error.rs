//! Why `chbindctl` has no answer.

use crate::program::locate;
use crate::{contexts, program};

/// Why there is nothing to be told.
#[derive(Debug)]
pub(crate) enum Error {
    /// The program is not there, or cannot be executed.
    Locate(locate::Error),
    /// The program cannot be inspected.
    Program(program::Error),
    /// No running context has this name.
    NoContext(String),
    /// Contexts could not be looked for.
    Contexts(contexts::Error),
}
