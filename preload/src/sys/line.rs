//! A line on standard error.

use super::socket::Fd;
use chbind_policy::wire::{ParseError, VARIABLE};
use core::fmt::{self, Write};

pub(crate) const STANDARD_ERROR: Fd = Fd(libc::STDERR_FILENO);

/// A line as long as it may be; what is too long is cut off.
pub(crate) struct Line {
    bytes: [u8; 1024],
    len: usize,
}

impl Line {
    pub(crate) const fn new() -> Self {
        Line { bytes: [0; 1024], len: 0 }
    }

    pub(crate) fn push(&mut self, byte: u8) {
        // The last one is for the end of the line.
        if self.len + 1 < self.bytes.len()
            && let Some(place) = self.bytes.get_mut(self.len)
        {
            *place = byte;
            self.len += 1;
        }
    }

    pub(crate) fn said(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Written at once: lines of others do not come in between.
    pub(crate) fn say(mut self) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = b'\n';
            self.len += 1;
        }
        // A pipe that nobody reads any more would end the process, and one that is full would hold it up.
        if STANDARD_ERROR.takes_more() {
            // Nobody is left to be told that it failed.
            let _ = STANDARD_ERROR.write(self.said());
        }
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.push(byte));
        Ok(())
    }
}

/// The context cannot be read, and the process ends.
pub(super) fn damaged(damage: Option<ParseError>) {
    let mut line = Line::new();
    let _ = match damage {
        Some(damage) => {
            write!(line, "chbind: the context in {VARIABLE} is damaged: {damage}; not running outside of it")
        }
        None => write!(line, "chbind: the context is missing ({VARIABLE} is not set); not running outside of it"),
    };
    line.say();
}
