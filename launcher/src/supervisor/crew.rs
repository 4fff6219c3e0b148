//! Leader and followers: one thread at a time receives notifications. (The kernel wakes every waiting thread for every
//! notification, so only one may wait.)

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// Followers kept waiting for the lead; a thread beyond them ends when its work is done.
const IDLE: usize = 2;
/// Threads at the most: as many calls can block at a time, one less. Each costs about 12 KiB.
const MOST: usize = 4096;
/// The stack of a thread, in bytes.
const STACK: usize = 128 * 1024;

#[derive(Default)]
struct State {
    led: bool,
    idle: usize,
    threads: usize,
}

/// The threads that answer calls.
#[derive(Default)]
pub(super) struct Crew {
    state: Mutex<State>,
    vacant: Condvar,
}

/// No further thread could be had.
#[derive(Debug)]
pub(super) struct Exhausted;

impl Crew {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a thread that runs `work`, which is to begin with [`Crew::lead`].
    pub(super) fn enlist(&self, work: impl FnOnce() + Send + 'static) -> Result<(), Exhausted> {
        let mut state = self.state();
        if state.threads >= MOST {
            return Err(Exhausted);
        }
        thread::Builder::new().stack_size(STACK).spawn(work).map_err(|_| Exhausted)?;
        state.threads += 1;
        Ok(())
    }

    /// Waits for the lead. False if the thread is not needed any more and should end.
    pub(super) fn lead(&self) -> bool {
        let mut state = self.state();
        if state.led && state.idle >= IDLE {
            state.threads -= 1;
            return false;
        }
        state.idle += 1;
        while state.led {
            state = self.vacant.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.idle -= 1;
        state.led = true;
        true
    }

    /// Gives up the lead to a follower, or to a new thread that runs `work`. The lead stays where it is if there is
    /// neither.
    pub(super) fn hand_over(&self, work: impl FnOnce() + Send + 'static) -> Result<(), Exhausted> {
        if self.state().idle == 0 {
            self.enlist(work)?;
        }
        self.state().led = false;
        self.vacant.notify_one();
        Ok(())
    }
}
