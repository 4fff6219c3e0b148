//! The functions that ours stand before: those of the next library that has them, in the end the C library's.

use super::process::end;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::transmute;
use core::sync::atomic::{AtomicUsize, Ordering};
use libc::{if_nameindex as Named, ifaddrs, pid_t};

/// An array of texts that ends with a null pointer.
pub(super) type Texts = *const *const c_char;

pub(super) type Execve = unsafe extern "C" fn(*const c_char, Texts, Texts) -> c_int;
pub(super) type Fexecve = unsafe extern "C" fn(c_int, Texts, Texts) -> c_int;
pub(super) type Spawn =
    unsafe extern "C" fn(*mut pid_t, *const c_char, *const c_void, *const c_void, Texts, Texts) -> c_int;
pub(super) type Getifaddrs = unsafe extern "C" fn(*mut *mut ifaddrs) -> c_int;
pub(super) type Freeifaddrs = unsafe extern "C" fn(*mut ifaddrs);
pub(super) type IfNameindex = unsafe extern "C" fn() -> *mut Named;
pub(super) type Fail = unsafe extern "C" fn() -> !;

macro_rules! functions {
    ($($name:ident, $place:ident: $symbol:literal, $type:ty;)*) => {
        $(
            static $place: AtomicUsize = AtomicUsize::new(0);

            /// The next one of this name, if there is any.
            pub(super) fn $name() -> Option<$type> {
                // SAFETY: the C library's function of this name has this type; 0, which stands for none, is `None`.
                unsafe { transmute::<usize, Option<$type>>($place.load(Ordering::Relaxed)) }
            }
        )*

        /// Looks for all of them: dlsym(3) must not be called from a signal handler, so it is done at the start.
        pub(super) fn find() {
            $($place.store(find_next($symbol), Ordering::Relaxed);)*
        }
    };
}

functions! {
    execve, EXECVE: c"execve", Execve;
    execvpe, EXECVPE: c"execvpe", Execve;
    fexecve, FEXECVE: c"fexecve", Fexecve;
    posix_spawn, POSIX_SPAWN: c"posix_spawn", Spawn;
    posix_spawnp, POSIX_SPAWNP: c"posix_spawnp", Spawn;
    getifaddrs, GETIFADDRS: c"getifaddrs", Getifaddrs;
    freeifaddrs, FREEIFADDRS: c"freeifaddrs", Freeifaddrs;
    if_nameindex, IF_NAMEINDEX: c"if_nameindex", IfNameindex;
    chk_fail, CHK_FAIL: c"__chk_fail", Fail;
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
    if let Some(fail) = chk_fail() {
        // SAFETY: takes nothing and does not come back.
        unsafe { fail() };
    }
    end(127)
}
