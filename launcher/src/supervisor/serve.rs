//! What a thread does that answers calls: it waits for the lead, takes a call, finds it in the table, answers it.

use crate::supervisor::caller::held::Caller;
use crate::supervisor::calls::{Worker, answer_to};
use crate::supervisor::shared::Shared;
use crate::sys::Errno;
use crate::sys::seccomp::{Answer, Received};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;
use std::time::Duration;

/// Answers calls until this thread is needed no more.
pub(crate) fn run(shared: &'static Shared) {
    while shared.leader.lead() {
        answer_calls(shared);
    }
}

/// Answers calls until the lead is lost.
fn answer_calls(shared: &'static Shared) {
    // Made anew for each time of leading: many threads may wait for the lead, and none keeps more than it needs.
    let mut worker = Worker::new(shared);
    loop {
        match shared.listener.receive() {
            Ok(Received::Call(call)) => {
                let (turn, unwatched) = shared.leader.begin();
                if unwatched {
                    shared.blocked.wake_up();
                }
                let mut caller = Caller::new(&shared.listener, &shared.descriptors, call);
                worker.begin(turn);
                let answer = answer_to(&mut worker, &mut caller);
                // ENOENT: killed, or interrupted on a kernel without killable waits.
                let _ = shared.listener.answer(caller.id(), answer);
                worker.end();
                if !shared.leader.end(turn) {
                    return;
                }
            }
            Ok(Received::Nothing) if is_over(shared) => park(),
            Ok(Received::Nothing) => {}
            // Out of memory: the caller waits; try again when there may be some.
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Calls turned away in a row: who does so has other things to look after.
const TURNED_AWAY: usize = 256;

/// Fails the calls that wait, for there is no thread to answer them.
pub(super) fn shed_load(shared: &'static Shared) {
    let waits = |shared: &Shared| {
        let mut fds = [PollFd::new(shared.listener.fd().as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).is_ok()
            && fds.iter().any(|fd| fd.revents().is_some_and(|events| events.contains(PollFlags::POLLIN)))
    };
    for _ in 0..TURNED_AWAY {
        if !waits(shared) {
            return;
        }
        if let Ok(Received::Call(call)) = shared.listener.receive() {
            let _ = shared.listener.answer(call.id, Answer::Fail(Errno::ENOBUFS));
        }
    }
}

/// Whether the last task of the context is gone. (From Linux 6.11 on a receive says so by failing.)
fn is_over(shared: &Shared) -> bool {
    let mut fds = [PollFd::new(shared.listener.fd().as_fd(), PollFlags::empty())];
    poll(&mut fds, PollTimeout::ZERO).is_ok()
        && fds.iter().any(|fd| fd.revents().is_some_and(|events| events.contains(PollFlags::POLLHUP)))
}

/// The main thread ends the process.
fn park() -> ! {
    loop {
        std::thread::park();
    }
}
