//! `--enforce preload`: no filter and no supervisor; a small process holds the number and the name of the context.

use super::detach::detach;
use super::error::{Error, Step};
use super::handshake::{execute, listening};
use crate::plan::Plan;
use crate::privileges::capabilities;
use crate::sys::fork::{Fork, fork};
use crate::sys::process::exit_now;
use crate::sys::{Errno, pidfd, socket};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, getpid};
use std::convert::Infallible;
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// This process becomes the command, under the shim alone. A grandchild holds the number of the context until it ends.
pub(super) fn run(plan: Plan) -> Result<Infallible, Error> {
    const STEP: Step = Step::HoldNumber;
    let handle = pidfd::open(getpid().as_raw(), pidfd::Of::Process).map_err(Error::step(STEP))?;
    match fork().map_err(Error::forking(STEP))? {
        Fork::Child => match fork() {
            Ok(Fork::Child) => hold(plan, handle),
            Ok(Fork::Parent(_)) => exit_now(0),
            Err(_) => exit_now(1),
        },
        Fork::Parent(intermediate) => match waitpid(Pid::from_raw(intermediate), None).map_err(Error::step(STEP))? {
            WaitStatus::Exited(_, 0) => {}
            _ => return Err(Error::Step(STEP, Errno(libc::EAGAIN))),
        },
    }
    drop(handle);
    capabilities::shed_capabilities(&plan.keep)?;
    execute(&plan, std::env::vars_os().collect())
}

/// Waits for the end of the command, with the number and the name in hand.
fn hold(plan: Plan, command: OwnedFd) -> ! {
    let held_name = plan.held_name.and_then(|held| listening(held).ok());
    let mut kept: Vec<BorrowedFd> = vec![command.as_fd(), plan.nid.holder.as_fd()];
    kept.extend(held_name.as_ref().map(AsFd::as_fd));
    let ready = detach(&kept);
    if let Ok(name) = CString::new(format!("chbind/{}", plan.nid.number)) {
        let _ = prctl::set_name(&name);
    }
    while ready.is_ok() {
        let mut fds = vec![PollFd::new(command.as_fd(), PollFlags::POLLIN)];
        fds.extend(held_name.as_ref().map(|held| PollFd::new(held.as_fd(), PollFlags::POLLIN)));
        let done = poll(&mut fds, PollTimeout::NONE);
        let is_ready = |fd: &PollFd| fd.revents().is_some_and(|events| !events.is_empty());
        if done.is_ok() && fds.first().is_none_or(is_ready)
            || done.is_err_and(|errno| errno != nix::errno::Errno::EINTR)
        {
            break;
        }
        if let Some(held) = &held_name {
            socket::accept_and_close(held.as_fd());
        }
    }
    exit_now(0)
}
