//! What a process that outlives its parent lets go of.

use super::error::{Error, Step};
use crate::sys::descriptors;
use crate::sys::signal::ignore;
use nix::sys::signal::Signal;
use nix::unistd::{chdir, setsid};
use std::os::fd::BorrowedFd;

/// Leaves session, directory and terminal, and all descriptors but `kept`, which are all that this process will use.
pub(super) fn detach(kept: &[BorrowedFd]) -> Result<(), Error> {
    setsid().map_err(Error::step(Step::Detach))?;
    ignore_signals()?;
    chdir("/").map_err(Error::step(Step::Detach))?;
    descriptors::keep_only(kept).map_err(Error::step(Step::DropDescriptors))
}

/// A supervisor ends with its context, by nothing less than SIGKILL.
fn ignore_signals() -> Result<(), Error> {
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
        ignore(which as i32).map_err(Error::step(Step::IgnoreSignals))?;
    }
    Ok(())
}
