//! The functions that ours stand before: those of the next library that has them, in the end the C library's.

use core::ffi::{CStr, c_void};
use core::sync::atomic::{AtomicUsize, Ordering};

macro_rules! functions {
    ($($name:ident: $symbol:literal;)*) => {
        $(pub(super) static $name: AtomicUsize = AtomicUsize::new(0);)*

        /// Looks for all of them: dlsym(3) must not be called from a signal handler, so it is done at the start.
        pub(super) fn find() {
            $($name.store(find_next($symbol), Ordering::Relaxed);)*
        }
    };
}

functions! {
    EXECVE: c"execve";
    EXECVPE: c"execvpe";
    FEXECVE: c"fexecve";
    POSIX_SPAWN: c"posix_spawn";
    POSIX_SPAWNP: c"posix_spawnp";
    GETIFADDRS: c"getifaddrs";
    FREEIFADDRS: c"freeifaddrs";
    IF_NAMEINDEX: c"if_nameindex";
    CHK_FAIL: c"__chk_fail";
}

fn find_next(name: &CStr) -> usize {
    // SAFETY: a text that ends with a zero byte.
    unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) as *const c_void as usize }
}

/// The first of all libraries that has it.
pub(super) fn find_symbol(name: &CStr) -> usize {
    // SAFETY: a text that ends with a zero byte.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) as *const c_void as usize }
}

/// A buffer would overflow: ends the process as the C library does.
pub(super) fn overflow() -> ! {
    let at = CHK_FAIL.load(Ordering::Relaxed);
    if at != 0 {
        // SAFETY: the C library's function of this name has this type.
        let fail = unsafe { core::mem::transmute::<usize, extern "C" fn() -> !>(at) };
        fail();
    }
    super::end(127)
}
