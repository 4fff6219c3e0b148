//! The kernel, the C library and the program's memory, with names and types.

mod alloc;
mod call;
mod cancel;
mod exports;
mod next;
mod socket;
mod state;

pub(crate) use call::Result;
pub(crate) use cancel::cancellable;
pub(crate) use socket::{Fd, Own, Pieces, as_it_is, number, open, past, socket};
pub(crate) use state::shim;

/// Ends the process: it must not run as if it were in a context.
pub(crate) fn end(status: i32) -> ! {
    loop {
        // SAFETY: a plain number in, and no way back.
        let _ = unsafe { call::raw(libc::SYS_exit_group, [number(status), 0, 0, 0, 0, 0]) };
    }
}

/// The process id.
pub(crate) fn own_pid() -> i32 {
    // SAFETY: no arguments.
    unsafe { call::raw(libc::SYS_getpid, [0; 6]) }.map_or(0, |pid| pid as i32)
}

/// The name of the calling thread (`PR_GET_NAME`): up to 15 bytes and a zero byte.
pub(crate) fn own_name() -> [u8; 16] {
    let mut name = [0; 16];
    // SAFETY: the kernel writes 16 bytes.
    let _ = unsafe { call::raw(libc::SYS_prctl, [number(libc::PR_GET_NAME), name.as_mut_ptr() as usize, 0, 0, 0, 0]) };
    name
}

/// Whether the file has an extended attribute of this name; `path` and `name` end with a zero byte.
pub(crate) fn has_attribute(path: &core::ffi::CStr, name: &core::ffi::CStr) -> bool {
    let args = [path.as_ptr() as usize, name.as_ptr() as usize, 0, 0, 0, 0];
    // SAFETY: the kernel reads the two texts up to their zero bytes, and with no room writes nothing.
    unsafe { call::raw(libc::SYS_getxattr, args) }.is_ok()
}
