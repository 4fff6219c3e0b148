//! The filter on a process: how it ends.

use super::program;
use crate::sys::fork::{self, fork, in_child};
use crate::sys::{Errno, process, seccomp};
use nix::sys::prctl::set_no_new_privs;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use std::os::unix::fs::OpenOptionsExt;

/// How a child ends that does this under the filter.
fn under_it(act: impl FnOnce() -> bool) -> WaitStatus {
    let program = program(false).unwrap();
    in_child(|| {
        let confined = set_no_new_privs().is_ok() && seccomp::confine(&program).is_ok();
        if !confined { 99 } else { act().into() }
    })
}

#[test]
fn no_programs_processes_code_or_files() {
    let killed = |status| matches!(status, WaitStatus::Signaled(_, Signal::SIGSYS, _));
    let held = |status| matches!(status, WaitStatus::Exited(_, 1));
    assert!(killed(under_it(|| process::exec(&c"/bin/true".to_owned(), &[], &[]) == Errno(0))));
    assert!(killed(under_it(|| nix::unistd::setsid().is_ok())));
    assert!(held(under_it(|| matches!(fork(), Err(fork::Error::Failed(Errno::EPERM))))));
    assert!(held(under_it(|| std::fs::File::create("/tmp/never").is_err())));
    let mut without_name = std::fs::OpenOptions::new();
    without_name.write(true).custom_flags(libc::O_TMPFILE);
    assert!(held(under_it(|| without_name.open("/tmp").is_err())));
    assert!(held(under_it(
        || crate::sys::socket::socket(libc::AF_PACKET, libc::SOCK_RAW, 0).err() == Some(Errno(libc::EPERM))
    )));
    assert!(held(under_it(|| crate::sys::signal::own_tid() > 0)));
}
