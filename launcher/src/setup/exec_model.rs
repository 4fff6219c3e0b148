//! The exec model: the command takes the place of this process, and its supervisor is detached.

use super::error::{Error, Step};
use super::handshake::{answer, become_command, make_channel, supervise};
use super::voice::Voice;
use crate::plan::Plan;
use crate::sys::fork::{Fork, fork};
use crate::sys::process::exit_now;
use nix::unistd::{Pid, getpid};
use std::convert::Infallible;

/// This process becomes the command; a grandchild, nobody's child, the supervisor.
pub(super) fn run(plan: Plan, voice: &dyn Voice) -> Result<Infallible, Error> {
    let (ours, theirs) = make_channel()?;
    let command = getpid();
    match fork().map_err(Error::forking(Step::StartSupervisor))? {
        // The command must not have a child that it did not start: the intermediate process ends at once.
        Fork::Child => match fork().map_err(Error::forking(Step::StartSupervisor)) {
            Ok(Fork::Parent(_)) => exit_now(0),
            Ok(Fork::Child) => {
                drop(ours);
                supervise(plan, theirs, command, None, voice)
            }
            Err(error) => {
                answer(&theirs, Err(voice.words(&error)));
                exit_now(1)
            }
        },
        Fork::Parent(intermediate) => {
            drop(theirs);
            let env = std::env::vars_os().collect();
            become_command(&plan, ours, Some(Pid::from_raw(intermediate)), env, voice)
        }
    }
}
