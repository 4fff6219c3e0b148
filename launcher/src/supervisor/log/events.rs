//! Audience the person: one line for each distinct event, repeated ones counted.

use crate::procfs::{self, Status};
use chbind_policy::{Audience, Context, Note, Refusal, Subject, Transport};
use libc::pid_t;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::sync::{Mutex, PoisonError};

/// Distinct events that are told of; a program can make up any number.
const DISTINCT: usize = 256;
/// Lines kept while the other end does not read.
const QUEUE: usize = 64;
/// A write of this many bytes or fewer is never mixed with another (pipe(7), `PIPE_BUF`).
const LINE: usize = 4096;
/// Priority of a line in the system log: facility daemon, severity warning (RFC 3164).
const PRIORITY: u8 = 3 * 8 + 4;
/// Where programs hand lines to the system log (syslog(3)).
const SYSTEM_LOG: &str = "/dev/log";

enum Sink {
    /// What chbind was given as standard error: shared with the command, and let go of when the command ends, so that
    /// whoever reads it sees its end.
    Inherited(OwnedFd),
    /// The system log, for what daemons do after that.
    System(UnixDatagram),
    Nowhere,
}

struct Tally {
    count: u64,
    told: u64,
}

struct Told {
    sink: Sink,
    seen: HashMap<String, Tally>,
    queue: VecDeque<String>,
    lost: u64,
}

pub(crate) struct Log {
    name: String,
    verbose: bool,
    state: Mutex<Told>,
}

impl Log {
    pub(crate) fn new(name: String, messages: Option<OwnedFd>, verbose: bool) -> Self {
        let sink = messages.map_or(Sink::Nowhere, Sink::Inherited);
        let state = Told { sink, seen: HashMap::new(), queue: VecDeque::new(), lost: 0 };
        Log { name, verbose, state: Mutex::new(state) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Told> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call was refused.
    pub(crate) fn refused(&self, tid: pid_t, subject: &Subject, refusal: &Refusal, context: &Context) {
        match refusal.reason.audience() {
            Audience::Nobody => return,
            Audience::Verbose if !self.verbose => return,
            Audience::Verbose | Audience::Everybody => {}
        }
        self.tell(tid, format_args!("refused {subject}: {}", refusal.reason.describe(context)));
    }

    /// A bind was done, but not in full.
    pub(crate) fn note(&self, tid: pid_t, asked: SocketAddr, transport: Transport, note: Note, context: &Context) {
        self.tell(tid, format_args!("bind to {asked}/{} {}", transport.name(), note.describe(context)));
    }

    /// One line from a thread of the context.
    pub(crate) fn tell(&self, tid: pid_t, what: std::fmt::Arguments) {
        let comm = procfs::comm(tid).unwrap_or_else(|| "?".to_owned());
        let event = format!("{comm}: {what}");
        let mut state = self.state();
        if matches!(state.sink, Sink::Nowhere) {
            return;
        }
        let full = state.seen.len() >= DISTINCT;
        let count = match state.seen.get_mut(&event) {
            Some(tally) => {
                tally.count += 1;
                if !is_power_of_ten(tally.count) {
                    return;
                }
                tally.told = tally.count;
                tally.count
            }
            None if full => {
                state.lost += 1;
                return;
            }
            None => {
                state.seen.insert(event.clone(), Tally { count: 1, told: 1 });
                1
            }
        };
        let pid = Status::of(tid).map_or(tid, |status| status.tgid);
        let times = if count > 1 { format!(" ({count} times)") } else { String::new() };
        state.say(format!("chbind: {}[{pid}] {event}{times}\n", self.name));
    }

    /// The command has ended: lets go of its standard error.
    pub(crate) fn command_ended(&self) {
        let mut state = self.state();
        state.sum_up(&self.name);
        if let Sink::Inherited(_) = state.sink {
            let log = UnixDatagram::unbound().and_then(|socket| {
                socket.connect(SYSTEM_LOG)?;
                socket.set_nonblocking(true)?;
                Ok(socket)
            });
            state.sink = log.map_or(Sink::Nowhere, Sink::System);
            state.queue.clear();
        }
    }

    /// Writes what waits, as far as it is read.
    pub(crate) fn drain(&self) {
        self.state().drain();
    }

    /// Whether lines wait for a reader.
    pub(crate) fn has_backlog(&self) -> bool {
        !self.state().queue.is_empty()
    }

    /// The last words.
    pub(crate) fn finish(&self) {
        self.state().sum_up(&self.name);
    }
}

impl Told {
    /// How often things happened that were told of once.
    fn sum_up(&mut self, name: &str) {
        let untold = self.seen.iter_mut().filter(|(_, tally)| tally.count > tally.told);
        let mut lines: Vec<String> = untold
            .map(|(event, tally)| {
                tally.told = tally.count;
                format!("chbind: {name}: {event} ({} times in all)\n", tally.count)
            })
            .collect();
        lines.sort();
        let lost = std::mem::take(&mut self.lost);
        if lost > 0 {
            lines.push(format!("chbind: {name}: {lost} more messages were not shown\n"));
        }
        lines.into_iter().for_each(|line| self.say(line));
        self.drain();
    }

    fn say(&mut self, mut line: String) {
        if line.len() > LINE {
            let end = (0..LINE).rev().find(|n| line.is_char_boundary(*n)).unwrap_or(0);
            line.truncate(end);
            line.push('\n');
        }
        if self.queue.len() >= QUEUE {
            self.lost += 1;
            return;
        }
        self.queue.push_back(line);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(line) = self.queue.front() {
            let done = match &mut self.sink {
                // A line is at most PIPE_BUF bytes: a pipe that is writable takes it whole.
                Sink::Inherited(fd) if is_writable(fd.as_fd()) => match fd.try_clone().map(File::from) {
                    Ok(mut file) => {
                        !matches!(file.write(line.as_bytes()), Err(e) if e.kind() == std::io::ErrorKind::WouldBlock)
                    }
                    Err(_) => true,
                },
                Sink::Inherited(_) => false,
                Sink::System(socket) => {
                    let text = line.trim_end().trim_start_matches("chbind: ");
                    let _ = socket.send(format!("<{PRIORITY}>chbind: {text}").as_bytes());
                    true
                }
                Sink::Nowhere => true,
            };
            if !done {
                return;
            }
            self.queue.pop_front();
        }
    }
}

fn is_writable(fd: BorrowedFd) -> bool {
    let mut fds = [PollFd::new(fd, PollFlags::POLLOUT)];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|n| n > 0)
}

fn is_power_of_ten(mut n: u64) -> bool {
    while n >= 10 && n.is_multiple_of(10) {
        n /= 10;
    }
    n == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_told_at_powers_of_ten() {
        let told: Vec<u64> = (1..=1000).filter(|n| is_power_of_ten(*n)).collect();
        assert_eq!(told, [1, 10, 100, 1000]);
    }
}
