//! Leader and followers: one thread at a time receives notifications. (The kernel wakes every waiting thread for every
//! notification, so only one may wait.)
//!
//! A leader gives up the lead before it does what may block. Should it be held up all the same (by memory of the caller
//! that is slow to come, by a socket that another thread has locked or made blocking meanwhile), the lead is taken from
//! it: see [`Leadership::look`].

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Followers kept waiting for the lead; a thread beyond them ends when its work is done.
const IDLE: usize = 2;
/// Threads at the most: as many calls can block at a time, less one. Each costs about 12 KiB.
const THREADS_MAX: usize = 4096;
/// The stack of a thread, in bytes.
const STACK: usize = 128 * 1024;
/// How long one call may keep the lead.
const HELD_UP: Duration = Duration::from_millis(20);
/// Looks at a leader that is held up, with nobody to take the lead, before calls are turned away: half a second. One that is
/// only late for want of a processor is back by then, and slow is better than failed.
const PATIENCE: u32 = 25;

/// A call that the leader answers: an odd number, no two the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn(u64);

#[derive(Default)]
struct Threads {
    led: bool,
    idle: usize,
    threads: usize,
}

/// Who leads, of the threads that answer calls.
#[derive(Default)]
pub(crate) struct Leadership {
    state: Mutex<Threads>,
    vacant: Condvar,
    /// Incremented when a turn starts and when it ends: odd means in progress. Who ends a turn, by incrementing its number,
    /// decides who leads next. The leader itself, having answered, goes on. Anybody else takes the lead from it.
    turns: AtomicU64,
    /// Whether the watchdog looks at turns. If not, who begins a call wakes it.
    watched: AtomicBool,
    /// How many looks at the present turn found nobody to take the lead.
    in_vain: AtomicU32,
    /// A leader is held up and there is nobody to take the lead: the watchdog has it, and turns calls away.
    vacated: AtomicBool,
}

/// No further thread could be had.
#[derive(Debug)]
pub(crate) struct Exhausted;

impl Leadership {
    fn state(&self) -> std::sync::MutexGuard<'_, Threads> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a thread that runs `work`, which is to begin with [`Leadership::lead`].
    pub(crate) fn spawn(&self, work: impl FnOnce() + Send + 'static) -> Result<(), Exhausted> {
        let mut state = self.state();
        if state.threads >= THREADS_MAX {
            return Err(Exhausted);
        }
        thread::Builder::new().stack_size(STACK).spawn(work).map_err(|_| Exhausted)?;
        state.threads += 1;
        Ok(())
    }

    /// Waits for the lead. False if the thread is not needed any more and should end.
    pub(crate) fn lead(&self) -> bool {
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

    /// The leader begins to answer a call. With the turn comes whether nobody watches, so that somebody is to be woken.
    pub(crate) fn begin(&self) -> (Turn, bool) {
        let turn = Turn(self.turns.fetch_add(1, SeqCst) + 1);
        (turn, !self.watched.load(SeqCst) && !self.watched.swap(true, SeqCst))
    }

    /// The call has been answered. False if the thread leads no more.
    pub(crate) fn end(&self, turn: Turn) -> bool {
        self.turns.compare_exchange(turn.0, turn.0 + 1, SeqCst, SeqCst).is_ok()
    }

    /// Takes the lead from whoever has this turn, if it still runs, and gives it to a follower, or to a new thread that
    /// runs `work`. The lead stays where it is if there is neither.
    pub(crate) fn promote_follower(&self, turn: Turn, work: impl FnOnce() + Send + 'static) -> Result<(), Exhausted> {
        if self.turns.load(SeqCst) != turn.0 {
            return Ok(());
        }
        if self.state().idle == 0 {
            self.spawn(work)?;
        }
        if self.end(turn) {
            self.state().led = false;
            self.vacant.notify_one();
        }
        Ok(())
    }

    /// Whether the one who looks has the lead, and no way to answer calls but by turning them away.
    pub(crate) fn is_vacated(&self) -> bool {
        self.vacated.load(SeqCst)
    }

    /// Takes the lead from a thread that has had one turn since the last look, and says when to look again. `seen` is what
    /// the last look saw.
    pub(crate) fn look(&self, seen: &mut u64, work: impl FnOnce() + Send + 'static) -> Option<Duration> {
        if !self.watched.load(SeqCst) {
            return None;
        }
        if self.is_vacated() {
            // Whoever was held up may be back.
            if self.state().idle > 0 || self.spawn(work).is_ok() {
                self.vacated.store(false, SeqCst);
                self.state().led = false;
                self.vacant.notify_one();
            }
            return Some(HELD_UP);
        }
        let turns = self.turns.load(SeqCst);
        if turns != std::mem::replace(seen, turns) {
            self.in_vain.store(0, SeqCst);
            return Some(HELD_UP);
        }
        if turns % 2 == 1 {
            let none = self.promote_follower(Turn(turns), work).is_err();
            if none && self.in_vain.fetch_add(1, SeqCst) >= PATIENCE && self.end(Turn(turns)) {
                self.vacated.store(true, SeqCst);
            }
            return Some(HELD_UP);
        }
        self.watched.store(false, SeqCst);
        // A turn that began just now may have found it watched.
        if self.turns.load(SeqCst) == turns {
            return None;
        }
        self.watched.store(true, SeqCst);
        Some(HELD_UP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_that_is_held_up_loses_the_lead() {
        let leader = Leadership::default();
        assert!(leader.lead());
        let mut seen = 0;
        let (turn, unwatched) = leader.begin();
        assert!(unwatched);
        assert_eq!(leader.look(&mut seen, || {}), Some(HELD_UP), "it may just have begun");
        assert!(leader.state().led);
        assert_eq!(leader.look(&mut seen, || {}), Some(HELD_UP));
        assert!(!leader.state().led);
        assert!(!leader.end(turn));

        assert!(leader.lead());
        let (turn, unwatched) = leader.begin();
        assert!(!unwatched);
        assert!(leader.end(turn));
        assert_eq!(leader.look(&mut seen, || {}), Some(HELD_UP));
        assert_eq!(leader.look(&mut seen, || {}), None, "nothing happens: nobody needs to look");
        assert!(leader.begin().1);
    }

    #[test]
    fn nobody_to_take_the_lead() {
        let leader = Leadership::default();
        assert!(leader.lead());
        leader.state().threads = THREADS_MAX;
        let mut seen = 0;
        let (turn, _) = leader.begin();
        for _ in 0..=PATIENCE {
            leader.look(&mut seen, || {});
            assert!(!leader.is_vacated(), "it may just have begun, or be late");
        }
        leader.look(&mut seen, || {});
        assert!(leader.is_vacated() && leader.state().led);
        assert!(!leader.end(turn));
        // There is a thread to be had again.
        leader.state().threads = 1;
        leader.look(&mut seen, || {});
        assert!(!leader.is_vacated() && !leader.state().led);
    }

    #[test]
    fn the_lead_is_handed_over_once() {
        let leader = Leadership::default();
        assert!(leader.lead());
        let (turn, _) = leader.begin();
        leader.promote_follower(turn, || {}).unwrap();
        assert!(leader.lead());
        leader.promote_follower(turn, || {}).unwrap();
        assert!(leader.state().led, "that turn is over");
        assert!(!leader.end(turn));
    }
}
