//! What a process asks of itself.

use super::call::raw;
use super::register::number;

/// Ends the process: it must not run as if it were in a context.
pub(crate) fn end(status: i32) -> ! {
    loop {
        // SAFETY: a plain number in, and no way back.
        let _ = unsafe { raw(libc::SYS_exit_group, [number(status), 0, 0, 0, 0, 0]) };
    }
}

/// The process id.
pub(crate) fn own_pid() -> i32 {
    // SAFETY: no arguments.
    unsafe { raw(libc::SYS_getpid, [0; 6]) }.map_or(0, |pid| pid as i32)
}

/// The name of the calling thread (`PR_GET_NAME`): up to 15 bytes and a zero byte.
pub(crate) fn own_name() -> [u8; 16] {
    let mut name = [0; 16];
    // SAFETY: the kernel writes 16 bytes.
    let _ = unsafe { raw(libc::SYS_prctl, [number(libc::PR_GET_NAME), name.as_mut_ptr() as usize, 0, 0, 0, 0]) };
    name
}

/// The real user and group.
pub(crate) fn real_ids() -> (u32, u32) {
    // SAFETY: no arguments.
    let user = unsafe { raw(libc::SYS_getuid, [0; 6]) };
    // SAFETY: no arguments.
    let group = unsafe { raw(libc::SYS_getgid, [0; 6]) };
    (user.unwrap_or_default() as u32, group.unwrap_or_default() as u32)
}

/// Whether no program can give this process rights (`PR_SET_NO_NEW_PRIVS`).
pub(crate) fn keeps_rights() -> bool {
    // SAFETY: plain numbers.
    let said = unsafe { raw(libc::SYS_prctl, [number(libc::PR_GET_NO_NEW_PRIVS), 0, 0, 0, 0, 0]) };
    said == Ok(1)
}
