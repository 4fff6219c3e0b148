//! Another process's memory: process_vm_readv(2).

use super::{Result, cerr};
use libc::{c_void, iovec, pid_t};

/// One piece of the caller's memory: address and length in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Piece(iovec);

// SAFETY: a Piece is a number in another address space; nobody here follows it as a pointer.
unsafe impl Send for Piece {}

impl Piece {
    /// `len` bytes at `address`.
    pub fn new(address: u64, len: usize) -> Self {
        Piece(iovec { iov_base: address as *mut c_void, iov_len: len })
    }

    /// Its address.
    pub fn address(&self) -> u64 {
        self.0.iov_base as u64
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.0.iov_len
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.iov_len == 0
    }
}

/// Reads `pieces` of thread `tid`, one after the other, into `to`. Gives the number of bytes read: fewer than asked for
/// where memory ends.
pub fn read(tid: pid_t, pieces: &[Piece], to: &mut [u8]) -> Result<usize> {
    let local = iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    // SAFETY: the kernel writes at most `to.len()` bytes into `to`, borrowed mutably for the call; `pieces` has the
    // layout of iovec (repr(transparent)) and its addresses are only used in the other process.
    let n = unsafe { libc::process_vm_readv(tid, &raw const local, 1, pieces.as_ptr().cast(), pieces.len() as u64, 0) };
    cerr(n as i64).map(|n| n as usize)
}

/// A private anonymous mapping for one MSG_ZEROCOPY send: the kernel keeps its pages until the peer has them, so they
/// must never be written again. Dropping it unmaps them, which leaves the kernel's references alone.
pub struct Pages {
    at: *mut c_void,
    len: usize,
}

impl Pages {
    /// A fresh mapping that holds `content`.
    pub fn holding(content: &[u8]) -> Result<Self> {
        let (prot, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let len = content.len().max(1);
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing that exists.
        let at = unsafe { libc::mmap(std::ptr::null_mut(), len, prot, flags, -1, 0) };
        if at == libc::MAP_FAILED {
            return Err(super::Errno::last());
        }
        // SAFETY: the mapping is `len` >= content.len() bytes long, writable, and cannot overlap `content`.
        unsafe { std::ptr::copy_nonoverlapping(content.as_ptr(), at.cast(), content.len()) };
        Ok(Pages { at, len: content.len() })
    }
}

impl std::ops::Deref for Pages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `at` is a live mapping of at least `len` initialised bytes until `self` is dropped.
        unsafe { std::slice::from_raw_parts(self.at.cast(), self.len) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: `at` came from mmap with this length and nothing borrows it any more. A failure would leak a mapping.
        unsafe { libc::munmap(self.at, self.len.max(1)) };
    }
}
