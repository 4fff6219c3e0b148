//! What a process does to itself before it becomes another program, and forking.

use super::{Result, cerr, small};
use libc::{c_uint, pid_t};
use std::ffi::CString;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The two sides of a fork.
pub enum Fork {
    /// In the parent: the child's process id.
    Parent(pid_t),
    /// In the child.
    Child,
}

/// fork(2). The calling process must have one thread only, as chbind has until the supervisor runs.
pub fn fork() -> Result<Fork> {
    // SAFETY: with one thread no lock can be held by somebody who does not exist in the child.
    match small(cerr(unsafe { libc::fork() })?) {
        0 => Ok(Fork::Child),
        child => Ok(Fork::Parent(child)),
    }
}

/// Closes every descriptor of this process from `first` to `last`, both included.
pub fn close_range(first: c_uint, last: c_uint) -> Result<()> {
    // SAFETY: callers give a range in which no live value of this process owns a descriptor.
    cerr(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0 as c_uint) }).map(drop)
}

/// Becomes `path` with `args` and `env`. Returns only if that failed.
pub fn exec(path: &CString, args: &[CString], env: &[CString]) -> super::Errno {
    let pointers = |list: &[CString]| -> Vec<*const libc::c_char> {
        list.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (args, env) = (pointers(args), pointers(env));
    // SAFETY: both lists end with a null pointer and point to strings that outlive the call.
    unsafe { libc::execve(path.as_ptr(), args.as_ptr(), env.as_ptr()) };
    super::Errno::last()
}

/// Ends this process at once, without destructors or buffers: for the short-lived sides of a fork.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(status) }
}

/// The disposition that SIGPIPE had before Rust's runtime set it to "ignore": the command must get that one.
static SIGPIPE_AT_START: AtomicUsize = AtomicUsize::new(libc::SIG_DFL);

extern "C" fn note_sigpipe() {
    let mut old = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: a null new action only asks; the kernel fills `old`.
    let asked = unsafe { libc::sigaction(libc::SIGPIPE, std::ptr::null(), old.as_mut_ptr()) };
    if asked == 0 {
        // SAFETY: the call succeeded, so `old` is initialised.
        let old = unsafe { old.assume_init() };
        SIGPIPE_AT_START.store(old.sa_sigaction, Ordering::Relaxed);
    }
}

// SAFETY: the section holds pointers to functions that the C runtime calls before main; this one touches nothing that
// needs any other part of the program to be set up.
#[unsafe(link_section = ".init_array")]
#[used]
static NOTE_SIGPIPE: extern "C" fn() = note_sigpipe;

/// Gives SIGPIPE the disposition that chbind was started with.
pub fn restore_sigpipe() -> Result<()> {
    // SAFETY: the value is SIG_DFL or SIG_IGN: no handler can be installed before the program starts.
    let old = unsafe { libc::signal(libc::SIGPIPE, SIGPIPE_AT_START.load(Ordering::Relaxed)) };
    if old == libc::SIG_ERR { Err(super::Errno::last()) } else { Ok(()) }
}

/// Keeps this process from writing a core file.
pub fn forbid_core() -> Result<()> {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `none` is a valid limit that the kernel only reads.
    cerr(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) }).map(drop)
}

/// Raises the soft limit of open descriptors to the hard one.
pub fn allow_all_descriptors() -> Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel fills `limit`.
    cerr(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: the kernel only reads `limit`.
    cerr(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }).map(drop)
}
