//! No memory is ever allocated: a crate that we use could, in parts of it that we do not.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::null_mut;

struct Nothing;

// SAFETY: null says that there is no memory (`GlobalAlloc::alloc`), so there is nothing to be given back either.
unsafe impl GlobalAlloc for Nothing {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static NOTHING: Nothing = Nothing;
