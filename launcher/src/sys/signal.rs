//! Signals between the supervisor's own threads, and to a caller.

use super::{Result, cerr};
use libc::{c_int, pid_t};

/// The signal that ends a worker's blocking call.
fn nudge_signal() -> c_int {
    libc::SIGRTMIN()
}

extern "C" fn nothing(_: c_int) {}

/// Prepares this process so that [`interrupt`] interrupts a blocking call (EINTR) and does nothing else.
pub(crate) fn prepare_interrupt() -> Result<()> {
    // SAFETY: all-zero is a valid sigaction: no flags (so no SA_RESTART), an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as *const () as usize;
    // SAFETY: the handler does nothing, which is safe whenever it is called.
    cerr(unsafe { libc::sigaction(nudge_signal(), &raw const action, std::ptr::null_mut()) }).map(drop)
}

/// Interrupts the blocking call of thread `tid` of this process.
pub(crate) fn interrupt(tid: pid_t) -> Result<()> {
    let process = std::process::id();
    // SAFETY: plain numbers; the handler for this signal is in place.
    cerr(unsafe { libc::syscall(libc::SYS_tgkill, process, tid, nudge_signal()) }).map(drop)
}

/// Sends SIGPIPE to thread `tid`, as a send on a broken stream does to its caller.
pub(crate) fn broken_pipe(tid: pid_t) -> Result<()> {
    // SAFETY: plain numbers.
    cerr(unsafe { libc::syscall(libc::SYS_tkill, tid, libc::SIGPIPE) }).map(drop)
}

/// Ignores `signal` from now on.
pub(crate) fn ignore(signal: c_int) -> Result<()> {
    // SAFETY: "ignore" is no handler: nothing will run.
    let old = unsafe { libc::signal(signal, libc::SIG_IGN) };
    if old == libc::SIG_ERR { Err(super::last()) } else { Ok(()) }
}

/// Gives `signal` its default action.
pub(crate) fn by_default(signal: c_int) -> Result<()> {
    // SAFETY: the default action is no handler: nothing of this process will run.
    let old = unsafe { libc::signal(signal, libc::SIG_DFL) };
    if old == libc::SIG_ERR { Err(super::last()) } else { Ok(()) }
}

/// The id of the calling thread.
pub(crate) fn own_tid() -> pid_t {
    // SAFETY: gettid has no preconditions.
    unsafe { libc::gettid() }
}
