//! Paths, without a heap to keep them on.

use core::ffi::CStr;
use core::fmt::{self, Write};

/// linux/limits.h
pub(crate) const PATH_MAX: usize = 4096;

/// A path with its zero byte.
#[derive(Clone)]
pub(crate) struct Path {
    bytes: [u8; PATH_MAX],
    len: usize,
}

impl Path {
    /// `None` if it is empty, too long, or has a zero byte.
    pub(crate) fn new(path: &[u8]) -> Option<Self> {
        let mut bytes = [0; PATH_MAX];
        let is_one = !path.is_empty() && path.len() < PATH_MAX && !path.contains(&0);
        for (to, from) in bytes.iter_mut().zip(path) {
            *to = *from;
        }
        is_one.then_some(Path { bytes, len: path.len() })
    }

    pub(crate) fn as_c_str(&self) -> &CStr {
        self.bytes.get(..=self.len).and_then(|bytes| CStr::from_bytes_with_nul(bytes).ok()).unwrap_or(c"")
    }

    pub(crate) fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.bytes.iter().take(self.len) {
            f.write_char(if byte.is_ascii_graphic() { char::from(*byte) } else { '?' })?;
        }
        Ok(())
    }
}
