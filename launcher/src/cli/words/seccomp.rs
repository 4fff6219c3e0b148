//! Filters.

use super::form::Words;
use crate::seccomp::Error;

impl Words for Error {
    fn sentence(&self) -> String {
        match self {
            Error::Condition(cause) => format!("cannot make the filter: {cause}"),
            Error::TooLong => "cannot make the filter: the filter is too long".to_owned(),
        }
    }
}
