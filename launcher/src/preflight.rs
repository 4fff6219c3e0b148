//! What the kernel has to offer, asked before anything is set up.

use crate::cli::args::Process;
use crate::error::Error;
use crate::privileges::capabilities::has;
use crate::privileges::landlock;
use crate::procfs;
use crate::sys::seccomp::{self, Instruction};
use crate::sys::signal::{by_default, own_tid};
use crate::sys::{Errno, pidfd, process, socket};
use caps::Capability;
use libc::SECCOMP_RET_USER_NOTIF;
use nix::sys::prctl;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs;
use std::os::fd::BorrowedFd;

/// Fails unless the kernel has what enforcement stands on. `any_socket` is a socket of any kind.
pub fn require(any_socket: BorrowedFd) -> Result<(), Error> {
    if !seccomp::has_action(SECCOMP_RET_USER_NOTIF) {
        return Err(Error::KernelLacks("seccomp user notification", "5.0"));
    }
    if !pidfd::can_duplicate() {
        return Err(Error::KernelLacks("pidfd_getfd", "5.6"));
    }
    if socket::netns_cookie(any_socket).is_err() {
        return Err(Error::KernelLacks("SO_NETNS_COOKIE", "5.14"));
    }
    Ok(())
}

/// Fails unless the kernel has what `--strict` promises: the whole floor, handles of threads (Linux 6.9, which has had
/// killable waits for long), and a table of threads that can be counted.
pub fn require_strict() -> Result<(), Error> {
    if pidfd::open(own_tid(), pidfd::Of::Thread).is_err() {
        return Err(Error::StrictNeeds("handles of threads (pidfd_open with PIDFD_THREAD)", "6.9"));
    }
    if landlock::strict_floor().is_err() {
        return Err(Error::StrictNeeds(
            "Landlock with rules for TCP and scopes for signals and abstract names",
            "6.12",
        ));
    }
    if procfs::Status::of(own_tid()).is_none_or(|status| status.threads != 1) {
        return Err(Error::NoProc);
    }
    Ok(())
}

/// Fails unless /proc speaks of the processes that this one sees: callers are looked up there by the numbers that they
/// have here.
pub fn require_own_proc() -> Result<(), Error> {
    let this = fs::read_link("/proc/self").map_err(|_| Error::NoProc)?;
    if this.to_str() == Some(std::process::id().to_string().as_str()) { Ok(()) } else { Err(Error::NoProc) }
}

/// Fails if a seccomp listener is above this process: the kernel allows one (`has_duplicate_listener`,
/// kernel/seccomp.c), and only an attempt tells. A child makes it.
pub fn require_outside() -> Result<(), Error> {
    const STEP: &str = "find out whether this is a context already";
    /// `SECCOMP_MODE_FILTER` (prctl(2), PR_GET_SECCOMP).
    const FILTERED: &str = "2";
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mode = status.lines().find_map(|line| line.strip_prefix("Seccomp:")).map(str::trim);
    if mode.is_some_and(|mode| mode != FILTERED) {
        return Ok(());
    }
    // Whoever ignores it leaves no status of a child to wait for.
    by_default(libc::SIGCHLD).map_err(Error::step(STEP))?;
    match process::fork().map_err(Error::step(STEP))? {
        process::Fork::Child => {
            let _ = prctl::set_no_new_privs();
            let pass =
                Instruction { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW };
            let taken = matches!(seccomp::install(&[pass]), Err(Errno(libc::EBUSY)));
            process::exit_now(taken.into())
        }
        process::Fork::Parent(child) => match waitpid(Pid::from_raw(child), None).map_err(Error::step(STEP))? {
            WaitStatus::Exited(_, 0) => Ok(()),
            _ => Err(Error::AlreadyInside),
        },
    }
}

/// Which process the command can be. Under Yama an unprivileged supervisor must be an ancestor of those it looks into
/// (Documentation/admin-guide/LSM/Yama.rst).
pub fn process_model(wanted: Option<Process>) -> Result<Process, Error> {
    const SCOPE: &str = "/proc/sys/kernel/yama/ptrace_scope";
    // A kernel without Yama has no such file, and no such limit.
    let scope = fs::read_to_string(SCOPE).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    choose(wanted, scope, has(Capability::CAP_SYS_PTRACE))
}

fn choose(wanted: Option<Process>, scope: u8, privileged: bool) -> Result<Process, Error> {
    match (scope, privileged) {
        (0, _) | (1 | 2, true) => Ok(wanted.unwrap_or(Process::Exec)),
        (1, false) if wanted != Some(Process::Exec) => Ok(Process::Parent),
        _ => Err(Error::Forbidden(scope)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_model_under_yama() {
        use Process::{Exec, Parent};
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
