//! How much memory may be taken on behalf of callers: what they send has to be copied, and each of the calls that block
//! keeps its copy.

use crate::supervisor::caller::outcome::Stop;
use crate::sys::Errno;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// For all callers together, in bytes.
const BYTES_MAX: usize = 256 << 20;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// A part of the budget, until this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Share(usize);

impl Share {
    /// ENOBUFS where there is not so much left.
    pub(crate) fn of(bytes: usize) -> Result<Self, Stop> {
        if TAKEN.fetch_add(bytes, Relaxed).saturating_add(bytes) > BYTES_MAX {
            TAKEN.fetch_sub(bytes, Relaxed);
            return Err(Stop::Fail(Errno::ENOBUFS));
        }
        Ok(Share(bytes))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        TAKEN.fetch_sub(self.0, Relaxed);
    }
}

/// As many zero bytes; ENOBUFS where there is no memory, for that call alone.
pub(crate) fn zeroes(len: usize) -> Result<Vec<u8>, Stop> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Stop::Fail(Errno::ENOBUFS))?;
    bytes.resize(len, 0);
    Ok(bytes)
}

/// Room for payload, that grows.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    share: Share,
}

impl Buffer {
    /// The first `len` bytes.
    pub(crate) fn first(&mut self, len: usize) -> Result<&mut [u8], Stop> {
        if self.bytes.len() < len {
            *self = Buffer::default();
            self.share = Share::of(len)?;
            self.bytes = zeroes(len)?;
        }
        Ok(self.bytes.get_mut(..len).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let half = BYTES_MAX / 2 + 1;
        for _ in 0..3 {
            let share = Share::of(half);
            assert!(share.is_ok());
            assert_eq!(Share::of(half).map(drop), Err(Stop::Fail(Errno::ENOBUFS)));
            assert!(Share::of(usize::MAX / 2).is_err());
        }
    }
}
