//! Sockets that something is remembered of, by their cookies (`SO_COOKIE`): the kernel does not tell when one is closed, so
//! those that were entered first are forgotten first.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A set of sockets, as large as it may get.
pub(crate) struct RecentSockets {
    most: usize,
    sockets: Mutex<Sockets>,
}

#[derive(Default)]
struct Sockets {
    there: HashSet<u64>,
    /// From the first to the last.
    order: VecDeque<u64>,
}

impl RecentSockets {
    pub(crate) fn at_most(most: usize) -> Self {
        RecentSockets { most, sockets: Mutex::default() }
    }

    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, cookie: u64) {
        let mut sockets = self.sockets();
        if !sockets.there.insert(cookie) {
            return;
        }
        sockets.order.push_back(cookie);
        if sockets.order.len() > self.most
            && let Some(first) = sockets.order.pop_front()
        {
            sockets.there.remove(&first);
        }
    }

    pub(crate) fn remove(&self, cookie: u64) {
        let mut sockets = self.sockets();
        if sockets.there.remove(&cookie) {
            sockets.order.retain(|other| *other != cookie);
        }
    }

    pub(crate) fn has(&self, cookie: u64) -> bool {
        self.sockets().there.contains(&cookie)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sockets().there.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_forgotten() {
        let sockets = RecentSockets::at_most(2);
        assert!(sockets.is_empty());
        for cookie in [1, 1, 2] {
            sockets.add(cookie);
        }
        assert_eq!([1, 2, 3].map(|cookie| sockets.has(cookie)), [true, true, false]);
        sockets.add(3);
        assert_eq!([1, 2, 3].map(|cookie| sockets.has(cookie)), [false, true, true]);
        sockets.remove(2);
        sockets.add(1);
        assert_eq!([1, 2, 3].map(|cookie| sockets.has(cookie)), [true, false, true]);
    }
}
