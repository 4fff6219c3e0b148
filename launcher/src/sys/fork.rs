//! fork(2).

use super::Number as _;
use super::{Errno, cerr, small};
use libc::pid_t;
use std::fs;

/// The two sides of a fork.
pub(crate) enum Fork {
    /// In the parent: the child's process id.
    Parent(pid_t),
    /// In the child.
    Child,
}

/// Why there is no child.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// This process has other threads. chbind starts none before it serves; a library that was preloaded may.
    OtherThreads,
    /// The kernel refused, or its list of threads cannot be read.
    Failed(Errno),
}

/// Makes a child, if this process has one thread.
pub(crate) fn fork() -> Result<Fork, Error> {
    let threads = fs::read_dir("/proc/self/task").map_err(|error| Error::Failed(error.errno()))?;
    if threads.count() != 1 {
        return Err(Error::OtherThreads);
    }
    // SAFETY: the one thread is this one, and nobody else could start another meanwhile.
    unsafe { fork_among_threads() }.map_err(Error::Failed)
}

/// fork(2).
///
/// # Safety
///
/// The child has the calling thread alone, and the memory of all: a lock that another thread held is never released in it,
/// and what that thread was changing stays half changed. Either this process has one thread, or the child does, until it
/// ends or executes a program, only what is safe in a signal handler (signal-safety(7)).
pub(super) unsafe fn fork_among_threads() -> super::Result<Fork> {
    // SAFETY: as the caller promises.
    match small(cerr(unsafe { libc::fork() })?) {
        0 => Ok(Fork::Child),
        child => Ok(Fork::Parent(child)),
    }
}

/// How a child ends that does this: for tests, whose process has threads.
#[cfg(test)]
pub(crate) fn in_child(act: impl FnOnce() -> i32) -> nix::sys::wait::WaitStatus {
    // SAFETY: not quite what is asked for. Tests make system calls and allocate, which the C library prepares for a child;
    // none prints or looks at the environment there.
    match unsafe { fork_among_threads() }.unwrap() {
        Fork::Child => super::process::exit_now(act()),
        Fork::Parent(child) => nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(child), None).unwrap(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::exit_now;
    use nix::sys::wait::WaitStatus;

    #[test]
    fn not_among_threads() {
        let (tell, told) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || told.recv());
        assert_eq!(fork().err(), Some(Error::OtherThreads));
        drop(tell);
        assert!(other.join().unwrap().is_err());
    }

    #[test]
    fn of_one_thread() {
        let ended = in_child(|| match fork() {
            Ok(Fork::Child) => exit_now(0),
            Ok(Fork::Parent(_)) => 7,
            Err(_) => 1,
        });
        assert!(matches!(ended, WaitStatus::Exited(_, 7)), "{ended:?}");
    }
}
