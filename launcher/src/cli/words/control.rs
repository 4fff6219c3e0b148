//! What keeps `chbindctl` from an answer.

use super::form::Words;
use crate::cli::exit::{FAILED, NO_CONTEXT};
use crate::control::Error;

impl Error {
    /// What another room has words for.
    fn cause(&self) -> Option<&dyn Words> {
        match self {
            Error::Locate(error) => Some(error),
            Error::Program(error) => Some(error),
            Error::Contexts(error) => Some(error),
            Error::NoContext(_) => None,
        }
    }
}

impl Words for Error {
    fn sentence(&self) -> String {
        match self {
            Error::NoContext(name) => format!("no running context is called '{name}'"),
            _ => self.cause().map(Words::sentence).unwrap_or_default(),
        }
    }

    fn hint(&self) -> Option<&'static str> {
        self.cause().and_then(Words::hint)
    }

    fn status(&self) -> u8 {
        match self {
            Error::NoContext(_) => NO_CONTEXT,
            _ => self.cause().map_or(FAILED, Words::status),
        }
    }
}
