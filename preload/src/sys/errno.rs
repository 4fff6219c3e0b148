//! `errno`.

use chbind_policy::Errno;
use core::ffi::c_int;

unsafe extern "C" {
    fn __errno_location() -> *mut c_int;
}

fn place() -> *mut c_int {
    // SAFETY: takes nothing, and gives the calling thread's own.
    unsafe { __errno_location() }
}

/// What the C library said last.
pub(super) fn last() -> Errno {
    // SAFETY: the calling thread's own.
    Errno(unsafe { place().read() })
}

/// The answer of a function that failed.
pub(super) fn failed(errno: Errno) -> c_int {
    // SAFETY: the calling thread's own.
    unsafe { place().write(errno.0) };
    -1
}
