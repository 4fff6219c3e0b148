//! Thread cancellation (pthreads(7)): what may block is a point where a thread may be cancelled, as it is in the C library.

use super::next::find_symbol;
use core::ffi::{c_char, c_int};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// pthread.h
const PTHREAD_CANCEL_ASYNCHRONOUS: c_int = 1;

/// `pthread_setcanceltype`, 0 if there is none.
static SET_TYPE: AtomicUsize = AtomicUsize::new(0);
/// `__libc_single_threaded` (glibc 2.32): not zero while the process has one thread.
static SINGLE: AtomicPtr<c_char> = AtomicPtr::new(null_mut());

pub(super) fn find() {
    SET_TYPE.store(find_symbol(c"pthread_setcanceltype"), Ordering::Relaxed);
    SINGLE.store(find_symbol(c"__libc_single_threaded") as *mut c_char, Ordering::Relaxed);
}

/// Makes a call during which this thread may be cancelled.
#[inline]
pub(crate) fn cancellable<T>(call: impl FnOnce() -> T) -> T {
    let single = SINGLE.load(Ordering::Relaxed);
    // SAFETY: a byte of the C library's, which it alone writes, when there is no other thread.
    if !single.is_null() && unsafe { single.read_volatile() } != 0 {
        return call();
    }
    let at = SET_TYPE.load(Ordering::Relaxed);
    if at == 0 {
        return call();
    }
    // SAFETY: the C library's function of this name has this type.
    let set_type = unsafe { core::mem::transmute::<usize, extern "C" fn(c_int, *mut c_int) -> c_int>(at) };
    let mut before = 0;
    set_type(PTHREAD_CANCEL_ASYNCHRONOUS, &raw mut before);
    let done = call();
    set_type(before, &raw mut before);
    done
}
