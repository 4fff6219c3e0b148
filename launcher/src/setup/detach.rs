//! What a process that outlives its parent lets go of.

use crate::error::Error;
use crate::sys::process::close_range;
use crate::sys::signal::ignore;
use nix::fcntl::{OFlag, open};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use std::os::fd::{OwnedFd, RawFd};

/// A supervisor ends with its context, by nothing less than SIGKILL.
pub(super) fn ignore_signals() -> Result<(), Error> {
    for which in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGQUIT,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGALRM,
        Signal::SIGPIPE,
        Signal::SIGTSTP,
        Signal::SIGTTIN,
        Signal::SIGTTOU,
    ] {
        ignore(which as i32).map_err(Error::step("ignore signals"))?;
    }
    Ok(())
}

/// Closes all descriptors but these, and opens /dev/null as the standard ones.
pub(super) fn keep_only(mut kept: Vec<RawFd>) -> Result<(), Error> {
    const STEP: &str = "detach the supervisor";
    let null: OwnedFd =
        open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).map_err(Error::step(STEP))?;
    nix::unistd::dup2_stdin(&null).map_err(Error::step(STEP))?;
    nix::unistd::dup2_stdout(&null).map_err(Error::step(STEP))?;
    nix::unistd::dup2_stderr(&null).map_err(Error::step(STEP))?;
    drop(null);
    kept.sort_unstable();
    let mut first: u32 = 3;
    for fd in kept {
        let Ok(fd) = u32::try_from(fd) else { continue };
        if fd > first {
            close_range(first, fd - 1).map_err(Error::step(STEP))?;
        }
        first = first.max(fd + 1);
    }
    close_range(first, u32::MAX).map_err(Error::step(STEP))
}
