//! The exec model: the command takes the place of this process, and its supervisor is detached.

use super::handshake::{answer, become_command, supervise, talk};
use crate::error::Error;
use crate::plan::Plan;
use crate::sys::process::{Fork, exit_now, fork};
use nix::unistd::{Pid, getpid};

/// This process becomes the command; a grandchild, nobody's child, the supervisor.
pub(super) fn run(plan: Plan) -> Result<u8, Error> {
    let (ours, theirs) = talk()?;
    let command = getpid();
    match fork().map_err(Error::step("start the supervisor"))? {
        Fork::Child => match fork() {
            // The command must not have a child that it did not start: the one in between ends at once.
            Ok(Fork::Parent(_)) => exit_now(0),
            Ok(Fork::Child) => {
                drop(ours);
                supervise(plan, theirs, command, None)
            }
            Err(errno) => {
                answer(&theirs, Err(Error::Step("start the supervisor", errno)));
                exit_now(1)
            }
        },
        Fork::Parent(between) => {
            drop(theirs);
            become_command(&plan, ours, Some(Pid::from_raw(between)), std::env::vars_os().collect())
        }
    }
}
