//! Calls that block on behalf of their callers.
//!
//! While a supervisor has a notification, only a fatal signal reaches the caller (`WAIT_KILLABLE_RECV`). So the caller's
//! pending signals are watched, and when there is one to deliver the blocking call is interrupted and the kernel is told
//! to do what it does for any interrupted call (EINTR, or a restart by SA_RESTART).

use crate::procfs::Status;
use crate::sys::seccomp::Listener;
use crate::sys::{self, signal};
use libc::pid_t;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How the wait stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
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

struct Entry {
    caller: pid_t,
    worker: pid_t,
    since: Instant,
    /// Looks in a row that found a signal that another thread might take.
    doubtful: u8,
    standing: Arc<AtomicU8>,
}

#[derive(Default)]
struct Table {
    entries: HashMap<u64, Entry>,
    /// Looks since there was anything to look at; `None` while nobody looks, and the next entry must wake somebody.
    idle: Option<u32>,
}

/// The table of blocked calls.
pub(super) struct Pending {
    table: Mutex<Table>,
    /// Readable when there is something new to look at.
    pub(super) wake: EventFd,
}

/// One blocked call; it leaves the table when this is dropped.
pub(super) struct Blocked<'a> {
    table: &'a Pending,
    id: u64,
    standing: Arc<AtomicU8>,
}

impl Blocked<'_> {
    pub(super) fn standing(&self) -> Standing {
        STANDINGS.get(usize::from(self.standing.load(Ordering::Acquire))).copied().unwrap_or(Standing::Gone)
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

impl Pending {
    pub(super) fn new() -> sys::Result<Self> {
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Pending { table: Mutex::default(), wake })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters the call `id` of thread `caller`, on which the calling thread is about to block.
    pub(super) fn enter(&self, id: u64, caller: pid_t) -> Blocked<'_> {
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
    pub(super) fn wake_up(&self) {
        // Full only after 2^64 wake-ups, and then it is readable anyway.
        let _ = self.wake.write(1);
    }

    /// Looks at every blocked call, interrupts those that have to end, and says when to look again.
    pub(super) fn look(&self, listener: &Listener) -> Option<Duration> {
        let mut next: Option<Duration> = None;
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
        let entries = &mut table.entries;
        // Many blocked calls are looked at less often: the watching stays a small part of a CPU.
        let least = LOOKS.0.max(Duration::from_micros(100) * u32::try_from(entries.len()).unwrap_or(u32::MAX));
        for (id, entry) in entries.iter_mut() {
            let age = entry.since.elapsed();
            if age >= LOOKS.0 && entry.standing.load(Ordering::Relaxed) == Standing::Waiting as u8 {
                let standing = entry.look(*id, listener);
                entry.standing.store(standing as u8, Ordering::Release);
            }
            if entry.standing.load(Ordering::Relaxed) != Standing::Waiting as u8 {
                // Again at every look, for the worker may have been just short of blocking. ESRCH: it has ended.
                let _ = signal::nudge(entry.worker);
            }
            let wait = (age / 8).clamp(least, LOOKS.1.max(least));
            next = Some(next.map_or(wait, |next| next.min(wait)));
        }
        next
    }
}

impl Entry {
    fn look(&mut self, id: u64, listener: &Listener) -> Standing {
        if !listener.is_waiting(id) {
            return Standing::Gone;
        }
        let Some(status) = Status::of(self.caller) else { return Standing::Gone };
        // Ignored signals are never queued while they are not blocked.
        if status.pending & !status.blocked != 0 {
            return Standing::Signalled;
        }
        if status.shared_pending & !status.blocked == 0 {
            self.doubtful = 0;
            return Standing::Waiting;
        }
        // The kernel offers a process's signal to its first thread first (complete_signal, kernel/signal.c), so that
        // one is known to have been told. Another thread that has the signal on offer would have taken it by the next
        // look if it could.
        if status.tgid == self.caller {
            return Standing::Signalled;
        }
        self.doubtful += 1;
        if self.doubtful >= DOUBTFUL { Standing::PerhapsSignalled } else { Standing::Waiting }
    }
}
