//! Where the bytes of a program come from: a file, or memory.

use crate::sys::Errno;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// The most that is asked for at once. Callers bound what they ask for; this bounds their mistakes.
pub(super) const PIECE_MAX: usize = 65536;

/// Bytes that can be read at any place.
pub trait Source {
    /// Reads some of the bytes at this place; none beyond the end.
    fn read_at(&self, buffer: &mut [u8], place: u64) -> std::io::Result<usize>;

    /// Up to `length` bytes from this place on: fewer where it ends.
    fn piece(&self, place: u64, length: usize) -> Result<Vec<u8>, Errno> {
        let mut bytes = vec![0; length.min(PIECE_MAX)];
        let mut filled = 0;
        while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
            // No file goes beyond the largest off_t, and pread(2) takes no such place.
            let Some(at) = place.checked_add(filled as u64).filter(|at| i64::try_from(*at).is_ok()) else { break };
            match self.read_at(room, at) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Errno(error.raw_os_error().unwrap_or(libc::EIO))),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// These bytes, or `None` if it ends before.
    fn exactly(&self, place: u64, length: u64) -> Result<Option<Vec<u8>>, Errno> {
        let bytes = self.piece(place, usize::try_from(length).unwrap_or(PIECE_MAX))?;
        Ok(Some(bytes).filter(|bytes| bytes.len() as u64 == length))
    }
}

impl Source for [u8] {
    fn read_at(&self, buffer: &mut [u8], place: u64) -> std::io::Result<usize> {
        let rest = usize::try_from(place).ok().and_then(|place| self.get(place..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }
}

impl Source for File {
    fn read_at(&self, buffer: &mut [u8], place: u64) -> std::io::Result<usize> {
        FileExt::read_at(self, buffer, place)
    }
}
