//! What the kernel has to offer, asked before anything is set up.

use crate::privileges::capabilities::has;
use crate::privileges::landlock;
use crate::procfs;
use crate::sys::Number as _;
use crate::sys::fork::{self, Fork, fork};
use crate::sys::process::exit_now;
use crate::sys::seccomp::{self, Instruction};
use crate::sys::signal::{by_default, own_tid};
use crate::sys::{Errno, pidfd, socket};
use caps::Capability;
use chbind_policy::wire;
use libc::SECCOMP_RET_USER_NOTIF;
use nix::sys::prctl;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs;
use std::os::fd::BorrowedFd;

/// Which process the command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessModel {
    /// The command takes chbind's place, under its process id.
    Exec,
    /// chbind stays, passes signals on and ends as the command does.
    Parent,
}

/// What a kernel may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Filters can hand calls to a supervisor.
    UserNotification,
    /// A process can get at another's descriptors (`pidfd_getfd`).
    PidfdGetfd,
    /// A socket says which network namespace it is in (`SO_NETNS_COOKIE`).
    NetnsCookie,
    /// There are handles of threads (`PIDFD_THREAD`).
    ThreadHandles,
    /// Landlock knows rules for TCP, and scopes.
    LandlockScopes,
}

/// Why no context can be started here.
#[derive(Debug)]
pub enum Error {
    /// The kernel is too old.
    KernelLacks(Feature),
    /// `--strict` needs it, and it is missing or switched off.
    StrictNeeds(Feature),
    /// /proc is not mounted, or is that of another process id namespace.
    NoProc,
    /// A context is around this process already, or another supervisor of system calls.
    AlreadyInside,
    /// It could not be found out whether a context is around this process.
    FindOut(Errno),
    /// This process has threads that are not its own, and so cannot have children.
    OtherThreads,
    /// Yama, at this scope, forbids looking into other processes.
    Forbidden(u8),
}

/// Fails unless the kernel has what enforcement stands on. `any_socket` is a socket of any kind.
pub(crate) fn require(any_socket: BorrowedFd) -> Result<(), Error> {
    if !seccomp::has_action(SECCOMP_RET_USER_NOTIF) {
        return Err(Error::KernelLacks(Feature::UserNotification));
    }
    if !pidfd::can_duplicate() {
        return Err(Error::KernelLacks(Feature::PidfdGetfd));
    }
    if socket::netns_cookie(any_socket).is_err() {
        return Err(Error::KernelLacks(Feature::NetnsCookie));
    }
    Ok(())
}

/// Fails unless the kernel has what `--strict` promises: the whole floor, handles of threads (Linux 6.9, which has had
/// killable waits for long), and a table of threads that can be counted.
pub(crate) fn require_strict() -> Result<(), Error> {
    if pidfd::open(own_tid(), pidfd::Of::Thread).is_err() {
        return Err(Error::StrictNeeds(Feature::ThreadHandles));
    }
    if landlock::strict_ruleset().is_err() {
        return Err(Error::StrictNeeds(Feature::LandlockScopes));
    }
    if procfs::Status::of(own_tid()).is_none_or(|status| status.threads != 1) {
        return Err(Error::NoProc);
    }
    Ok(())
}

/// Fails unless /proc speaks of the processes that this one sees: callers are looked up there by the numbers that they
/// have here.
pub(crate) fn require_own_proc() -> Result<(), Error> {
    let this = fs::read_link("/proc/self").map_err(|_| Error::NoProc)?;
    if this.to_str() == Some(std::process::id().to_string().as_str()) { Ok(()) } else { Err(Error::NoProc) }
}

/// Fails if chbind's library is in this process: what it would do next is in the hands of a context.
pub(crate) fn require_no_shim() -> Result<(), Error> {
    let is_told = std::env::var_os(wire::VARIABLE).is_some_and(|text| !text.is_empty());
    if is_told { Err(Error::AlreadyInside) } else { Ok(()) }
}

/// Fails if a seccomp listener is above this process: the kernel allows one (`has_duplicate_listener`,
/// kernel/seccomp.c), and only an attempt tells. A child makes it.
pub(crate) fn require_outside() -> Result<(), Error> {
    /// `SECCOMP_MODE_FILTER` (prctl(2), PR_GET_SECCOMP).
    const FILTERED: &str = "2";
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mode = status.lines().find_map(|line| line.strip_prefix("Seccomp:")).map(str::trim);
    if mode.is_some_and(|mode| mode != FILTERED) {
        return Ok(());
    }
    // Whoever ignores it leaves no status of a child to wait for.
    by_default(libc::SIGCHLD).map_err(Error::FindOut)?;
    match fork().map_err(forking)? {
        Fork::Child => {
            let _ = prctl::set_no_new_privs();
            let pass =
                Instruction { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW };
            let taken = matches!(seccomp::install(&[pass]), Err(Errno(libc::EBUSY)));
            exit_now(taken.into())
        }
        Fork::Parent(child) => {
            match waitpid(Pid::from_raw(child), None).map_err(|errno| Error::FindOut(errno.errno()))? {
                WaitStatus::Exited(_, 0) => Ok(()),
                _ => Err(Error::AlreadyInside),
            }
        }
    }
}

fn forking(error: fork::Error) -> Error {
    match error {
        fork::Error::OtherThreads => Error::OtherThreads,
        fork::Error::Failed(errno) => Error::FindOut(errno),
    }
}

/// Which process the command can be. Under Yama an unprivileged supervisor must be an ancestor of those it looks into
/// (Documentation/admin-guide/LSM/Yama.rst).
pub(crate) fn process_model(wanted: Option<ProcessModel>) -> Result<ProcessModel, Error> {
    const SCOPE: &str = "/proc/sys/kernel/yama/ptrace_scope";
    // A kernel without Yama has no such file, and no such limit.
    let scope = fs::read_to_string(SCOPE).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    choose(wanted, scope, has(Capability::CAP_SYS_PTRACE))
}

fn choose(wanted: Option<ProcessModel>, scope: u8, privileged: bool) -> Result<ProcessModel, Error> {
    match (scope, privileged) {
        (0, _) | (1 | 2, true) => Ok(wanted.unwrap_or(ProcessModel::Exec)),
        (1, false) if wanted != Some(ProcessModel::Exec) => Ok(ProcessModel::Parent),
        _ => Err(Error::Forbidden(scope)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_model_under_yama() {
        use ProcessModel::{Exec, Parent};
        let chosen = |wanted, scope, privileged| choose(wanted, scope, privileged).ok();
        assert_eq!(chosen(None, 0, false), Some(Exec));
        assert_eq!(chosen(Some(Parent), 0, false), Some(Parent));
        assert_eq!(chosen(None, 1, false), Some(Parent));
        assert_eq!(chosen(None, 1, true), Some(Exec));
        assert_eq!(chosen(Some(Exec), 1, false), None);
        assert_eq!(chosen(None, 2, false), None);
        assert_eq!(chosen(None, 2, true), Some(Exec));
        assert_eq!(chosen(None, 3, true), None);
    }
}
