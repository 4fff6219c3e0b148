//! The main thread: watches what the threads that answer calls cannot.

use super::serve;
use crate::supervisor::log::port_conflict::tell_collisions;
use crate::supervisor::shared::Shared;
use crate::supervisor::status::Report;
use crate::sys::process::{exit_now, next_change};
use crate::sys::socket;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signalfd::SignalFd;
use nix::unistd::Pid;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// The command as a child of the supervisor (the parent model).
pub(crate) struct Child {
    /// Its process id.
    pub pid: Pid,
    /// Where changes of its state are reported: see [`Report`].
    pub reports: File,
    /// SIGCHLD, blocked in all threads.
    pub signals: SignalFd,
    /// Its end has been reported.
    pub ended: bool,
}

/// How often a message that nobody reads is tried again.
const UNREAD: Duration = Duration::from_millis(100);
/// How long such a message is kept at the end of the context.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What there is to watch; the order is that of the descriptors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    /// Something new to look at: a blocked call, a collision.
    Woken,
    /// The last task of the context is gone.
    Over,
    /// The command has ended.
    CommandEnded,
    /// A child of this process changed.
    ChildChanged,
    /// Somebody has found the context by its name.
    Found,
}

/// Watches until the context is empty, then ends the process.
pub(crate) fn run(shared: &'static Shared, command: OwnedFd, mut child: Option<Child>) -> ! {
    let mut command = Some(command);
    let mut over = false;
    let mut seen = 0;
    // From Linux 6.11 on a context is empty before its last task has been waited for.
    while !over || child.as_ref().is_some_and(|child| !child.ended) {
        let leader = shared.leader.look(&mut seen, shared.follower());
        if shared.leader.is_vacated() {
            serve::shed_load(shared);
        }
        let next = shared.blocked.look(&shared.listener);
        let backlog = shared.log.has_backlog().then_some(UNREAD);
        let mut events = vec![(Event::Woken, PollFd::new(shared.blocked.wake.as_fd(), PollFlags::POLLIN))];
        if !over {
            events.push((Event::Over, PollFd::new(shared.listener.fd().as_fd(), PollFlags::empty())));
        }
        if let Some(command) = &command {
            events.push((Event::CommandEnded, PollFd::new(command.as_fd(), PollFlags::POLLIN)));
        }
        if let Some(child) = &child {
            events.push((Event::ChildChanged, PollFd::new(child.signals.as_fd(), PollFlags::POLLIN)));
        }
        if let Some(held) = &shared.held_name {
            events.push((Event::Found, PollFd::new(held.as_fd(), PollFlags::POLLIN)));
        }
        let happened = wait(events, leader.into_iter().chain(next).chain(backlog).min());
        if happened.contains(&Event::Woken) {
            // Only a wake-up that came meanwhile is lost, and what it was for is looked at next.
            let _ = shared.blocked.wake.read();
            tell_collisions(&shared.collisions, &shared.log);
        }
        if let Some(child) = child.as_mut().filter(|_| happened.contains(&Event::ChildChanged)) {
            child.reap();
        }
        if let Some(held) = shared.held_name.as_ref().filter(|_| happened.contains(&Event::Found)) {
            socket::accept_and_close(held.as_fd());
        }
        over |= happened.contains(&Event::Over);
        if happened.contains(&Event::CommandEnded) {
            command = None;
            // With nobody left there is nothing to let go for.
            if !over {
                shared.log.command_ended();
            }
        }
        shared.log.drain();
    }
    end(shared)
}

/// What happened, after `timeout` at the latest.
fn wait(events: Vec<(Event, PollFd)>, timeout: Option<Duration>) -> Vec<Event> {
    let timeout = timeout.map_or(PollTimeout::NONE, |wait| PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX));
    let (names, mut fds): (Vec<Event>, Vec<PollFd>) = events.into_iter().unzip();
    match poll(&mut fds, timeout) {
        Ok(_) | Err(Errno::EINTR) => {}
        // Out of memory: nothing is lost by trying again.
        Err(_) => std::thread::sleep(Duration::from_millis(10)),
    }
    let is_ready = |fd: &PollFd| fd.revents().is_some_and(|events| !events.is_empty());
    names.into_iter().zip(&fds).filter(|(_, fd)| is_ready(fd)).map(|(name, _)| name).collect()
}

/// The last words, and the end.
fn end(shared: &Shared) -> ! {
    tell_collisions(&shared.collisions, &shared.log);
    shared.log.finish();
    if shared.log.has_backlog() {
        std::thread::sleep(LAST_WORDS);
        shared.log.drain();
    }
    exit_now(0)
}

impl Child {
    /// Takes note of every child that changed: the command's changes are reported, orphans of the context are buried.
    fn reap(&mut self) {
        while self.signals.read_signal().is_ok_and(|signal| signal.is_some()) {}
        while let Ok(Some((pid, change))) = next_change() {
            if pid == self.pid.as_raw() {
                let report = Report::of(change);
                // EPIPE: nobody waits for the command any more.
                let _ = self.reports.write_all(&report.to_bytes());
                self.ended |= report.is_last();
            }
        }
    }
}
