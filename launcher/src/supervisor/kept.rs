//! Which sockets on a shared wildcard are this context's own.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// As many are remembered. One that is forgotten makes the next socket on its port take one address.
const MOST: usize = 1024;

/// Sockets that were given a wildcard which they may share, by their cookies.
#[derive(Default)]
pub(super) struct Kept(Mutex<VecDeque<u64>>);

impl Kept {
    /// Adds one, and says which there are.
    pub(super) fn add(&self, cookie: u64) -> Vec<u64> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.contains(&cookie) {
            kept.push_back(cookie);
        }
        if kept.len() > MOST {
            kept.pop_front();
        }
        kept.iter().copied().collect()
    }
}
