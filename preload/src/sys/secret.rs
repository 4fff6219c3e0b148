//! The secret of the context (`--enforce hybrid`).

use core::sync::atomic::{AtomicUsize, Ordering};

/// The halves, each in the upper half of a register.
static FIRST: AtomicUsize = AtomicUsize::new(0);
static LAST: AtomicUsize = AtomicUsize::new(0);

/// Keeps it, before any call is made.
pub(super) fn keep(secret: u64) {
    let secret = secret as usize;
    FIRST.store(secret & !0xffff_ffff, Ordering::Relaxed);
    LAST.store(secret << 32, Ordering::Relaxed);
}

pub(super) fn halves() -> (usize, usize) {
    (FIRST.load(Ordering::Relaxed), LAST.load(Ordering::Relaxed))
}
