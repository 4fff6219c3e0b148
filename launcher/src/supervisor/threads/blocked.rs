//! Calls that block on behalf of their callers.
//!
//! While a supervisor has a notification, only a fatal signal reaches the caller (`WAIT_KILLABLE_RECV`). So the caller's
//! pending signals are watched, and when there is one to deliver the blocking call is interrupted and the kernel is told
//! to do what it does for any interrupted call (EINTR, or a restart by SA_RESTART).

use crate::procfs::Status;
use crate::sys::seccomp::Listener;
use crate::sys::{self, Number, signal};
use libc::pid_t;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How the wait stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing has happened.
    Waiting,
    /// A signal is pending for exactly this thread: the kernel will find it.
    Signalled,
    /// A signal is pending for the process, and this thread may be the one to take it.
    PerhapsSignalled,
    /// The caller does not wait any more.
    Gone,
}

const STANDINGS: [Standing; 4] = [Standing::Waiting, Standing::Signalled, Standing::PerhapsSignalled, Standing::Gone];

fn standing(of: &AtomicU8) -> Standing {
    STANDINGS.get(usize::from(of.load(Ordering::Acquire))).copied().unwrap_or(Standing::Gone)
}

struct Entry {
    caller: pid_t,
    worker: pid_t,
    since: Instant,
    /// Looks in a row that found a signal that another thread might take.
    doubtful: u8,
    standing: Arc<AtomicU8>,
}

#[derive(Default)]
struct Entries {
    entries: HashMap<u64, Entry>,
    /// Looks since there was anything to look at; `None` while nobody looks, and the next entry must wake somebody.
    idle: Option<u32>,
}

/// The table of blocked calls.
pub(crate) struct BlockedCalls {
    table: Mutex<Entries>,
    /// Readable when there is something new to look at.
    pub(crate) wake: EventFd,
}

/// One blocked call; it leaves the table when this is dropped.
pub(crate) struct Blocked<'a> {
    table: &'a BlockedCalls,
    id: u64,
    standing: Arc<AtomicU8>,
}

impl Blocked<'_> {
    pub(crate) fn standing(&self) -> Standing {
        standing(&self.standing)
    }
}

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        self.table.lock().entries.remove(&self.id);
    }
}

/// The shortest and longest time between two looks at a blocked caller.
const LOOKS: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(40));
/// Looks at an empty table before looking stops.
const IDLE_LOOKS: u32 = 16;
/// Looks after which a signal that is still pending for the process is taken to be this thread's.
const DOUBTFUL: u8 = 3;

impl BlockedCalls {
    pub(crate) fn new() -> sys::Result<Self> {
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK).map_err(Number::errno)?;
        Ok(BlockedCalls { table: Mutex::default(), wake })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters the call `id` of thread `caller`, on which the calling thread is about to block.
    pub(crate) fn enter(&self, id: u64, caller: pid_t) -> Blocked<'_> {
        let standing = Arc::new(AtomicU8::new(Standing::Waiting as u8));
        let entry = Entry {
            caller,
            worker: signal::own_tid(),
            since: Instant::now(),
            doubtful: 0,
            standing: Arc::clone(&standing),
        };
        let mut table = self.lock();
        table.entries.insert(id, entry);
        if table.idle.is_none() {
            table.idle = Some(0);
            self.wake_up();
        }
        Blocked { table: self, id, standing }
    }

    /// Wakes the main thread.
    pub(crate) fn wake_up(&self) {
        // Full only after 2^64 wake-ups, and then it is readable anyway.
        let _ = self.wake.write(1);
    }

    /// Looks at every blocked call, interrupts those that have to end, and says when to look again.
    pub(crate) fn look(&self, listener: &Listener) -> Option<Duration> {
        let mut table = self.lock();
        // Calls that block for a moment come in rows: go on looking for a while rather than be woken for each.
        table.idle = match table.idle {
            Some(looks) if table.entries.is_empty() => (looks < IDLE_LOOKS).then_some(looks + 1),
            Some(_) => Some(0),
            None => None,
        };
        if table.entries.is_empty() {
            return table.idle.map(|_| LOOKS.0);
        }
        // Many blocked calls are looked at less often: the watching stays a small part of a CPU.
        let many = u32::try_from(table.entries.len()).unwrap_or(u32::MAX);
        let least = LOOKS.0.max(Duration::from_micros(100) * many);
        let next =
            table.entries.values().map(|entry| (entry.since.elapsed() / 8).clamp(least, LOOKS.1.max(least))).min();
        let due: Vec<(u64, pid_t)> =
            table.entries.iter().filter(|(_, entry)| entry.is_due()).map(|(id, entry)| (*id, entry.caller)).collect();
        // Looking takes its time; calls that come and go meanwhile must not wait for it.
        drop(table);
        let seen: Vec<(u64, Sight)> =
            due.into_iter().map(|(id, caller)| (id, Sight::of(id, caller, listener))).collect();
        let mut table = self.lock();
        for (id, sight) in seen {
            if let Some(entry) = table.entries.get_mut(&id) {
                entry.take_in(sight);
            }
        }
        for entry in table.entries.values().filter(|entry| entry.standing() != Standing::Waiting) {
            // Again at every look, for the worker may have been just short of blocking. ESRCH: it has ended.
            let _ = signal::interrupt(entry.worker);
        }
        next
    }
}

/// What a look at a blocked caller shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    Nothing,
    /// A signal that this thread will take.
    Signal,
    /// A signal that this thread or another may take.
    SharedSignal,
    Gone,
}

impl Sight {
    fn of(id: u64, caller: pid_t, listener: &Listener) -> Self {
        if !listener.is_waiting(id) {
            return Sight::Gone;
        }
        // Going just now, then: the next look will see it gone.
        let Some(status) = Status::of(caller) else { return Sight::Nothing };
        // Ignored signals are never queued while they are not blocked.
        if status.pending & !status.blocked != 0 {
            Sight::Signal
        } else if status.shared_pending & !status.blocked == 0 {
            // A stop is no pending signal for the other threads of the process, but each is told to stop (do_signal_stop,
            // kernel/signal.c), and the process counts as stopped when all have.
            let stopping = status.tgid != caller && Status::of(status.tgid).is_some_and(|first| first.stopped);
            if stopping { Sight::Signal } else { Sight::Nothing }
        } else if status.tgid == caller {
            // The kernel offers a process's signal to its first thread first (complete_signal, kernel/signal.c).
            Sight::Signal
        } else {
            Sight::SharedSignal
        }
    }
}

impl Entry {
    fn standing(&self) -> Standing {
        standing(&self.standing)
    }

    /// Whether it has blocked long enough to be worth a look.
    fn is_due(&self) -> bool {
        self.since.elapsed() >= LOOKS.0 && self.standing() == Standing::Waiting
    }

    fn take_in(&mut self, sight: Sight) {
        // Another thread that is offered the process's signal would have taken it by the next look if it could.
        self.doubtful = if sight == Sight::SharedSignal { self.doubtful + 1 } else { 0 };
        let standing = match sight {
            Sight::Gone => Standing::Gone,
            Sight::Signal => Standing::Signalled,
            Sight::SharedSignal if self.doubtful >= DOUBTFUL => Standing::PerhapsSignalled,
            Sight::SharedSignal | Sight::Nothing => Standing::Waiting,
        };
        self.standing.store(standing as u8, Ordering::Release);
    }
}
