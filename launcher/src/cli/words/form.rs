//! The form of a message: what is wrong, what can be done, and how the process ends.

use crate::cli::exit::FAILED;
use crate::sys::{Errno, Number};

/// What a person is told of an error.
pub trait Words {
    /// What is wrong, in lower case, the culprit first, without a full stop.
    fn sentence(&self) -> String;

    /// What can be done about it, where that is known.
    fn hint(&self) -> Option<&'static str> {
        None
    }

    /// The exit status that goes with it.
    fn status(&self) -> u8 {
        FAILED
    }
}

impl Words for std::io::Error {
    /// It is standard output that cannot be written to: nothing else is left to the one who says it.
    fn sentence(&self) -> String {
        format!("cannot write to standard output: {}", said(self.errno()))
    }
}

/// The kernel's words for an error number.
pub(super) fn said(errno: Errno) -> String {
    let text = std::io::Error::from_raw_os_error(errno.0).to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(text, _)| text).to_owned()
}
