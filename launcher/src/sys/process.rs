//! What a process does to itself, before it becomes another program or serves one.

use super::{Result, cerr, small};
use libc::pid_t;
use nix::unistd::{Gid, Uid};
use std::ffi::CString;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How a child changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It ended with this status.
    Exited(i32),
    /// It was killed by this signal.
    Killed(i32),
    /// It was stopped by this signal.
    Stopped(i32),
    /// It goes on.
    Continued,
}

/// The next child of this process that changed, if there is one: waitid(2) without waiting. (nix knows no real-time
/// signals, by which a child can die as well.)
pub(crate) fn next_change() -> Result<Option<(pid_t, Change)>> {
    let options = libc::WEXITED | libc::WSTOPPED | libc::WCONTINUED | libc::WNOHANG;
    // SAFETY: all-zero is a valid siginfo_t, and its process id stays zero if no child changed.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel fills `info`.
    cerr(unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, options) })?;
    // SAFETY: waitid fills the fields of SIGCHLD, or leaves zeroes.
    let pid = unsafe { info.si_pid() };
    // SAFETY: as above.
    let status = unsafe { info.si_status() };
    let change = match info.si_code {
        _ if pid == 0 => return Ok(None),
        libc::CLD_EXITED => Change::Exited(status),
        libc::CLD_KILLED | libc::CLD_DUMPED => Change::Killed(status),
        libc::CLD_CONTINUED => Change::Continued,
        _ => Change::Stopped(status),
    };
    Ok(Some((pid, change)))
}

/// Sends `signal` to this process.
pub(crate) fn raise(signal: i32) -> Result<()> {
    let this = std::process::id() as pid_t;
    // SAFETY: plain numbers.
    cerr(unsafe { libc::kill(this, signal) }).map(drop)
}

/// Lets `signal` through to this thread.
pub(crate) fn unblock(signal: i32) -> Result<()> {
    let mut only = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set that it is given.
    unsafe { libc::sigemptyset(only.as_mut_ptr()) };
    // SAFETY: the set is initialised; a number that is no signal is refused.
    cerr(unsafe { libc::sigaddset(only.as_mut_ptr(), signal) })?;
    // SAFETY: the set is initialised, and the old one is not asked for.
    cerr(unsafe { libc::sigprocmask(libc::SIG_UNBLOCK, only.as_ptr(), std::ptr::null_mut()) }).map(drop)
}

/// Becomes `path` with `args` and `env`. Returns only if that failed.
pub(crate) fn exec(path: &CString, args: &[CString], env: &[CString]) -> super::Errno {
    let pointers = |list: &[CString]| -> Vec<*const libc::c_char> {
        list.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (args, env) = (pointers(args), pointers(env));
    // SAFETY: both lists end with a null pointer and point to strings that outlive the call.
    unsafe { libc::execve(path.as_ptr(), args.as_ptr(), env.as_ptr()) };
    super::last()
}

/// Ends this process at once, without destructors or buffers: for the short-lived sides of a fork.
pub(crate) fn exit_now(status: i32) -> ! {
    // SAFETY: _exit has no preconditions.
    unsafe { libc::_exit(status) }
}

/// The dispositions that SIGPIPE and SIGCHLD had when chbind was started: the command must get those.
static AT_START: [AtomicUsize; 2] = [const { AtomicUsize::new(libc::SIG_DFL) }; 2];
const SIGNALS: [i32; 2] = [libc::SIGPIPE, libc::SIGCHLD];

extern "C" fn note_dispositions() {
    for (signal, at_start) in SIGNALS.iter().zip(&AT_START) {
        let mut old = std::mem::MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: a null new action only asks; the kernel fills `old`.
        let asked = unsafe { libc::sigaction(*signal, std::ptr::null(), old.as_mut_ptr()) };
        if asked == 0 {
            // SAFETY: the call succeeded, so `old` is initialised.
            let old = unsafe { old.assume_init() };
            at_start.store(old.sa_sigaction, Ordering::Relaxed);
        }
    }
}

// SAFETY: the section holds pointers to functions that the C runtime calls before main, and so before Rust's own set-up
// ignores SIGPIPE; this one touches nothing that needs any other part of the program to be set up.
#[unsafe(link_section = ".init_array")]
#[used]
static NOTE_DISPOSITIONS: extern "C" fn() = note_dispositions;

/// Gives SIGPIPE and SIGCHLD the dispositions that chbind was started with.
pub(crate) fn restore_signals() -> Result<()> {
    for (signal, at_start) in SIGNALS.iter().zip(&AT_START) {
        // SAFETY: the value is SIG_DFL or SIG_IGN: no handler can be installed before the program starts.
        let old = unsafe { libc::signal(*signal, at_start.load(Ordering::Relaxed)) };
        if old == libc::SIG_ERR {
            return Err(super::last());
        }
    }
    Ok(())
}

/// Runs `act` with `user` as the owner of whatever this thread makes and as the user who opens files, where it may say so
/// (setfsuid(2)). Leaves the process undumpable.
pub(crate) fn on_account_of<T>(user: Uid, act: impl FnOnce() -> T) -> T {
    // SAFETY: setfsuid takes a plain number and gives the old one; a failure leaves it as it was.
    let own = unsafe { libc::setfsuid(user.as_raw()) };
    let done = act();
    // SAFETY: as above; one's own user is always allowed.
    unsafe { libc::setfsuid(own as libc::uid_t) };
    // The change has reset whether this process is dumpable, to fs.suid_dumpable.
    // SAFETY: plain numbers.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
    done
}

/// Who a thread is to the kernel and to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The real user.
    pub user: Uid,
    /// The real group.
    pub group: Gid,
    /// The user by whom files are looked for.
    pub fs_user: Uid,
    /// The group by whom files are looked for.
    pub fs_group: Gid,
    /// The supplementary groups.
    pub groups: Vec<Gid>,
}

/// -1: leave it as it is (setresuid(2)).
const AS_IT_IS: libc::uid_t = libc::uid_t::MAX;

/// Makes this thread, and no other, look like `who`; its effective and saved user and group stay.
pub(crate) fn impersonate(who: &Identity) -> Result<()> {
    // By number: the library's functions change all threads.
    let groups: Vec<libc::gid_t> = who.groups.iter().map(|group| group.as_raw()).collect();
    // SAFETY: the kernel reads as many numbers as `groups` has.
    cerr(unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) })?;
    let (user, group) = (who.user.as_raw(), who.group.as_raw());
    // SAFETY: plain numbers.
    cerr(unsafe { libc::syscall(libc::SYS_setresgid, group, AS_IT_IS, AS_IT_IS) })?;
    // SAFETY: plain numbers.
    cerr(unsafe { libc::syscall(libc::SYS_setresuid, user, AS_IT_IS, AS_IT_IS) })?;
    let (user, group) = (who.fs_user.as_raw(), who.fs_group.as_raw());
    for (call, id) in [(libc::SYS_setfsgid, group), (libc::SYS_setfsuid, user)] {
        // They say what was before, and nothing of success: asked again, with a number that is none, they say what is now.
        // SAFETY: plain numbers.
        unsafe { libc::syscall(call, id) };
        // SAFETY: as above.
        if unsafe { libc::syscall(call, AS_IT_IS) } as u32 != id {
            return Err(super::Errno(libc::EPERM));
        }
    }
    // SAFETY: plain numbers. The change has reset whether this process is dumpable, to fs.suid_dumpable.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
    Ok(())
}

/// Finds what is at `path` (absolute, and not by way of this process's own descriptors or directories) without opening it.
pub(crate) fn find(path: &std::ffi::CStr) -> Result<OwnedFd> {
    // SAFETY: all-zero is a valid open_how.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (libc::O_PATH | libc::O_CLOEXEC) as u64;
    how.resolve = libc::RESOLVE_NO_MAGICLINKS;
    let size = size_of::<libc::open_how>();
    // SAFETY: the kernel reads the path to its end and one open_how.
    let fd = cerr(unsafe { libc::syscall(libc::SYS_openat2, libc::AT_FDCWD, path.as_ptr(), &raw const how, size) })?;
    // SAFETY: the descriptor is new, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(small(fd)) })
}

/// Waits until whatever found a socket by its former address is through with it: packets find theirs in an RCU read-side
/// section, and `MEMBARRIER_CMD_GLOBAL` waits for those that have begun (kernel/sched/membarrier.c). Takes some 20 ms.
pub(crate) fn await_packets_in_flight() {
    const MEMBARRIER_CMD_GLOBAL: libc::c_long = 1;
    // SAFETY: plain numbers. Where the kernel does not offer it the answer is EINVAL, and there is no other way.
    unsafe { libc::syscall(libc::SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) };
}

/// Keeps this process from writing a core file.
pub(crate) fn forbid_core() -> Result<()> {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `none` is a valid limit that the kernel only reads.
    cerr(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) }).map(drop)
}

/// Keeps this process from having more memory of its own than this, in bytes (`RLIMIT_DATA`).
pub(crate) fn limit_memory(bytes: u64) -> Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel fills `limit`.
    cerr(unsafe { libc::getrlimit(libc::RLIMIT_DATA, &raw mut limit) })?;
    limit.rlim_max = limit.rlim_max.min(bytes);
    limit.rlim_cur = limit.rlim_cur.min(bytes);
    // SAFETY: the kernel only reads `limit`.
    cerr(unsafe { libc::setrlimit(libc::RLIMIT_DATA, &raw const limit) }).map(drop)
}

/// Raises the soft limit of open descriptors to the hard one.
pub(crate) fn allow_all_descriptors() -> Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel fills `limit`.
    cerr(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: the kernel only reads `limit`.
    cerr(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }).map(drop)
}
