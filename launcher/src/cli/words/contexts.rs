//! Numbers and names of contexts.

use super::form::Words;
use super::form::said;
use crate::contexts::Error;

impl Words for Error {
    fn sentence(&self) -> String {
        match self {
            Error::NumberTaken(nid) => {
                format!(
                    "nid {nid} is in use: a context has it, or programs of a dead context still serve on its loopback address"
                )
            }
            Error::NoNumberFree => "all numbers for contexts are in use".to_owned(),
            Error::HoldNumber(errno) => format!("cannot reserve a number for the context: {}", said(*errno)),
            Error::HoldName(errno) => format!("cannot reserve the name of the context: {}", said(*errno)),
            Error::FindName(errno) => format!("cannot look for the name: {}", said(*errno)),
            Error::AskHolder(errno) => format!("cannot ask who holds a name: {}", said(*errno)),
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Error::NumberTaken(_) => Some("without --nid a free number is chosen"),
            _ => None,
        }
    }
}
