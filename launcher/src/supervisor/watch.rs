//! The main thread: watches what the threads that answer calls cannot.

use super::Shared;
use super::holder::tell_collisions;
use crate::sys::process::exit_now;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// The command as a child of the supervisor (the parent model).
pub struct Child {
    /// Its process id.
    pub pid: Pid,
    /// Where changes of its state are reported: see [`Report`](crate::parent::Report).
    pub reports: File,
    /// SIGCHLD, blocked in all threads.
    pub signals: SignalFd,
}

/// How long after the end of the command a message that nobody reads is kept waiting for, at the end of the context.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Watches until the context is empty, then ends the process.
pub(super) fn run(shared: &'static Shared, command: OwnedFd, mut child: Option<Child>) -> ! {
    let mut command = Some(command);
    loop {
        let next = shared.pending.look(&shared.listener);
        let mut fds = vec![
            PollFd::new(shared.listener.fd().as_fd(), PollFlags::empty()),
            PollFd::new(shared.pending.wake.as_fd(), PollFlags::POLLIN),
        ];
        fds.extend(command.as_ref().map(|command| PollFd::new(command.as_fd(), PollFlags::POLLIN)));
        let signals_at = fds.len();
        fds.extend(child.as_ref().map(|child| PollFd::new(child.signals.as_fd(), PollFlags::POLLIN)));
        let backlog = shared.teller.has_backlog().then_some(Duration::from_millis(100));
        let timeout = next.into_iter().chain(backlog).min();
        let timeout = timeout.map_or(PollTimeout::NONE, |wait| PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX));
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            // Out of memory: nothing is lost by trying again.
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
        let happened = |at: usize| fds.get(at).and_then(|fd| fd.revents()).is_some_and(|events| !events.is_empty());
        let (over, woken) = (happened(0), happened(1));
        let command_ended = command.is_some() && happened(2);
        let child_changed = child.is_some() && happened(signals_at);
        if woken {
            let _ = shared.pending.wake.read();
            tell_collisions(shared);
        }
        if let Some(child) = child.as_mut().filter(|_| child_changed || over) {
            child.reap();
        }
        if over {
            tell_collisions(shared);
            shared.teller.finish();
            if shared.teller.has_backlog() {
                std::thread::sleep(LAST_WORDS);
                shared.teller.drain();
            }
            exit_now(0);
        }
        if command_ended {
            shared.teller.command_ended();
            command = None;
        }
        shared.teller.drain();
    }
}

impl Child {
    /// Takes note of every child that changed: the command's changes are reported, orphans of the context are buried.
    fn reap(&mut self) {
        while self.signals.read_signal().is_ok_and(|signal| signal.is_some()) {}
        let any = WaitPidFlag::WEXITED | WaitPidFlag::WSTOPPED | WaitPidFlag::WCONTINUED | WaitPidFlag::WNOHANG;
        while let Ok(status) = waitid(Id::All, any) {
            if status == WaitStatus::StillAlive {
                return;
            }
            if status.pid() == Some(self.pid)
                && let Some(report) = crate::parent::Report::of(status)
            {
                // EPIPE: nobody waits for the command any more.
                let _ = self.reports.write_all(&report.to_bytes());
            }
        }
    }
}
