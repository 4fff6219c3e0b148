//! Audience the person, where there is no supervisor to do it: a line on standard error, as long as that is the file which the
//! command was started with.

use crate::sys::line::{Line, STANDARD_ERROR};
use crate::sys::{self, shim};
use chbind_policy::{Audience, Note, Refusal, Subject, Transport};
use core::fmt::{self, Display, Write};
use core::net::SocketAddr;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A call was refused.
pub(crate) fn refused(subject: &Subject, refusal: &Refusal) {
    let config = &shim().config;
    match refusal.reason.audience() {
        Audience::Nobody => return,
        Audience::Verbose if !config.verbose => return,
        Audience::Verbose | Audience::Everybody => {}
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
