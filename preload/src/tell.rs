//! Telling the person, where there is no supervisor to do it: a line on standard error, as long as that is the file which the
//! command was started with.

use crate::sys::{self, Fd, shim};
use chbind_policy::wire::{ParseError, VARIABLE};
use chbind_policy::{Note, Refusal, Subject, Telling, Transport};
use core::fmt::{self, Display, Write};
use core::net::SocketAddr;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

const STANDARD_ERROR: Fd = Fd(libc::STDERR_FILENO);

/// A line as long as it may be; what is too long is cut off.
struct Line {
    bytes: [u8; 1024],
    len: usize,
}

impl Line {
    const fn new() -> Self {
        Line { bytes: [0; 1024], len: 0 }
    }

    fn push(&mut self, byte: u8) {
        // The last one is for the end of the line.
        if self.len + 1 < self.bytes.len()
            && let Some(place) = self.bytes.get_mut(self.len)
        {
            *place = byte;
            self.len += 1;
        }
    }

    fn said(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Written at once: lines of others do not come in between.
    fn say(mut self) {
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
pub(crate) fn damaged(damage: Option<ParseError>) {
    let mut line = Line::new();
    let _ = match damage {
        Some(damage) => {
            write!(line, "chbind: the context in {VARIABLE} is damaged: {damage}; not running outside of it")
        }
        None => write!(line, "chbind: the context is missing ({VARIABLE} is not set); not running outside of it"),
    };
    line.say();
}

/// A call was refused.
pub(crate) fn refused(subject: &Subject, refusal: &Refusal) {
    let config = &shim().config;
    match refusal.reason.telling() {
        Telling::Never => return,
        Telling::Verbose if !config.verbose => return,
        Telling::Verbose | Telling::Always => {}
    }
    tell(&fmt::from_fn(|f| write!(f, "refused {subject}: {}", refusal.reason.describe(&config.context))));
}

/// A bind was done, but not in full.
pub(crate) fn note(asked: SocketAddr, transport: Transport, note: Note) {
    let context = &shim().config.context;
    tell(&fmt::from_fn(|f| write!(f, "bind to {asked}/{} {}", transport.name(), note.describe(context))));
}

/// One line from this process.
pub(crate) fn tell(what: &dyn Display) {
    let config = &shim().config;
    if config.quiet || !is_as_started(config.stderr) {
        return;
    }
    let mut event = Line::new();
    // Names of threads are bytes: what is not a letter of ASCII could be half of one.
    for byte in sys::own_name().into_iter().take_while(|byte| *byte != 0) {
        event.push(if byte.is_ascii_graphic() || byte == b' ' { byte } else { b'?' });
    }
    let _ = write!(event, ": {what}");
    let count = count(event.said());
    if !is_power_of_ten(count) {
        return;
    }
    let mut line = Line::new();
    let _ = line.write_str("chbind: ");
    config.name.bytes().for_each(|byte| line.push(byte));
    let _ = write!(line, "[{}] ", sys::own_pid());
    event.said().iter().for_each(|byte| line.push(*byte));
    if count > 1 {
        let _ = write!(line, " ({count} times)");
    }
    line.say();
}

fn is_as_started(stderr: Option<(u64, u64)>) -> bool {
    STANDARD_ERROR.stat().is_ok_and(|of| Some((of.st_dev, of.st_ino)) == stderr)
}

/// Distinct events that are told of by one process.
const DISTINCT: usize = 64;

/// By a number that is made from its text, and how often.
static SEEN: [(AtomicU64, AtomicU32); DISTINCT] = [const { (AtomicU64::new(0), AtomicU32::new(0)) }; DISTINCT];

/// How often this has happened by now; 0 where there is no more room for it.
fn count(event: &[u8]) -> u32 {
    let key = event
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum: u64, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    for (seen, count) in &SEEN {
        let there = match seen.compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => key,
            Err(there) => there,
        };
        if there == key {
            return count.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        }
    }
    0
}

fn is_power_of_ten(count: u32) -> bool {
    count.checked_ilog10().is_some_and(|digits| 10u32.pow(digits) == count)
}
