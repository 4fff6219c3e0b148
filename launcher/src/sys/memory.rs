//! Another process's memory: process_vm_readv(2), and what is mapped where.

use super::{Errno, Result, cerr};
use libc::{c_ulong, c_void, iovec, pid_t};
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::OnceLock;

/// One piece of the caller's memory: address and length in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Piece(iovec);

// SAFETY: a Piece is a number in another address space; nobody here follows it as a pointer.
unsafe impl Send for Piece {}

impl Piece {
    /// `len` bytes at `address`.
    pub(crate) fn new(address: u64, len: usize) -> Self {
        Piece(iovec { iov_base: address as *mut c_void, iov_len: len })
    }

    /// Its address.
    pub(crate) fn address(&self) -> u64 {
        self.0.iov_base as u64
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.0.iov_len
    }
}

/// Reads `pieces` of thread `tid`, one after the other, into `to`. Gives the number of bytes read: fewer than asked for
/// where memory ends.
pub(crate) fn read(tid: pid_t, pieces: &[Piece], to: &mut [u8]) -> Result<usize> {
    let local = iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    // SAFETY: the kernel writes at most `to.len()` bytes into `to`, borrowed mutably for the call; `pieces` has the
    // layout of iovec (repr(transparent)) and its addresses are only used in the other process.
    let n = unsafe { libc::process_vm_readv(tid, &raw const local, 1, pieces.as_ptr().cast(), pieces.len() as u64, 0) };
    cerr(n as i64).map(|n| n as usize)
}

/// Whether a user buffer may end at `end` (`access_ok`). Where the addresses of programs end is found out once, by binary
/// search: sendto(-1, …) reports EFAULT beyond that, and EBADF before (`import_ubuf`, lib/iov_iter.c, comes first).
pub(crate) fn may_end_at(end: u64) -> bool {
    static LAST: OnceLock<u64> = OnceLock::new();
    let ask = |end: u64| {
        let at = end as *const c_void;
        // SAFETY: there is no descriptor -1, so nothing is ever read from `at`.
        cerr(unsafe { libc::sendto(-1, at, 0, 0, std::ptr::null(), 0) } as i64) != Err(Errno(libc::EFAULT))
    };
    let last = LAST.get_or_init(|| {
        let (mut within, mut beyond) = (0, u64::MAX);
        while beyond - within > 1 {
            let middle = within + (beyond - within) / 2;
            if ask(middle) { within = middle } else { beyond = middle }
        }
        within
    });
    end <= *last
}

/// A part of an address space with one protection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// Where it is.
    pub range: Range<u64>,
    /// Whether the process itself may write to it.
    pub writable: bool,
}

/// `struct procmap_query` (linux/fs.h).
#[repr(C)]
#[derive(Default)]
struct Query {
    size: u64,
    flags: u64,
    address: u64,
    start: u64,
    end: u64,
    vma_flags: u64,
    page_size: u64,
    offset: u64,
    inode: u64,
    device: [u32; 2],
    name_size: u32,
    build_id_size: u32,
    name: u64,
    build_id: u64,
}

/// `PROCMAP_QUERY`: `_IOWR('f', 17, struct procmap_query)`.
pub(crate) const PROCMAP_QUERY: c_ulong = 3 << 30 | (size_of::<Query>() as c_ulong) << 16 | (b'f' as c_ulong) << 8 | 17;
const PROCMAP_QUERY_VMA_WRITABLE: u64 = 2;

/// What is mapped at `address` in the address space that `maps`, an open /proc/PID/maps, belongs to. ENOTTY before
/// Linux 6.11.
pub(crate) fn mapping(maps: BorrowedFd, address: u64) -> Result<Option<Mapping>> {
    let mut query = Query { size: size_of::<Query>() as u64, address, ..Query::default() };
    // SAFETY: the kernel reads and writes one `struct procmap_query`, which `query` is; it asks for no name.
    match cerr(unsafe { libc::ioctl(maps.as_raw_fd(), PROCMAP_QUERY as _, &raw mut query) }) {
        Ok(_) => {
            let writable = query.vma_flags & PROCMAP_QUERY_VMA_WRITABLE != 0;
            Ok(Some(Mapping { range: query.start..query.end, writable }))
        }
        Err(Errno(libc::ENOENT)) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// A private anonymous mapping for one MSG_ZEROCOPY send: the kernel keeps its pages until the peer has them, so they
/// must never be written again. Dropping it unmaps them, which leaves the kernel's references alone.
pub(crate) struct Pages {
    at: *mut c_void,
    len: usize,
}

impl Pages {
    /// A fresh mapping that holds `content`.
    pub(crate) fn holding(content: &[u8]) -> Result<Self> {
        let (prot, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let len = content.len().max(1);
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing that exists.
        let at = unsafe { libc::mmap(std::ptr::null_mut(), len, prot, flags, -1, 0) };
        if at == libc::MAP_FAILED {
            return Err(super::last());
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
