//! The kernel, the C library and the program's memory, with names and types.

mod alloc;
mod call;
mod cancel;
mod errno;
mod exec;
mod exports;
mod musl;
mod netif;
mod next;
mod socket;
mod state;

pub(crate) use call::Result;
pub(crate) use cancel::cancellable;
pub(crate) use socket::{Fd, Own, Pieces, as_it_is, is_executable_at, number, open_at, past, socket, stat_at};
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

/// The real user and group.
pub(crate) fn real_ids() -> (u32, u32) {
    // SAFETY: no arguments.
    let user = unsafe { call::raw(libc::SYS_getuid, [0; 6]) };
    // SAFETY: no arguments.
    let group = unsafe { call::raw(libc::SYS_getgid, [0; 6]) };
    (user.unwrap_or_default() as u32, group.unwrap_or_default() as u32)
}

/// Whether no program can give this process rights (`PR_SET_NO_NEW_PRIVS`).
pub(crate) fn keeps_rights() -> bool {
    // SAFETY: plain numbers.
    let said = unsafe { call::raw(libc::SYS_prctl, [number(libc::PR_GET_NO_NEW_PRIVS), 0, 0, 0, 0, 0]) };
    said == Ok(1)
}

/// Whether the file has capabilities (capabilities(7)).
pub(crate) fn has_capabilities(fd: Fd) -> bool {
    let args = [number(fd.0), c"security.capability".as_ptr() as usize, 0, 0, 0, 0];
    // SAFETY: the kernel reads the name up to its zero byte, and with no room writes nothing.
    unsafe { call::raw(libc::SYS_fgetxattr, args) }.is_ok()
}
