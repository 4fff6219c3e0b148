//! landlock_create_ruleset: made here, so that what is in it is what was judged.

use super::worker::Worker;
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::outcome::Stop;
use crate::sys::Errno;
use crate::sys::landlock;
use crate::sys::seccomp::Answer;
use chbind_policy::confinement::{self, LEN_MAX, VERSION};
use std::os::fd::AsFd;

impl Worker {
    pub(crate) fn create_ruleset(&mut self, caller: &mut Caller) -> Result<Answer, Stop> {
        let [at, len, flags, ..] = caller.args();
        // sys_landlock_create_ruleset (security/landlock/syscalls.c): whether there is Landlock at all comes first.
        let abi = landlock::version()?;
        match flags as u32 {
            VERSION if at == 0 && len == 0 => return Ok(Answer::Return(confinement::version(abi).into())),
            0 => {}
            _ => return Err(Stop::Fail(Errno::EINVAL)),
        }
        let len = usize::try_from(len).ok().filter(|len| *len <= LEN_MAX).ok_or(Stop::Fail(Errno::E2BIG))?;
        let mut attributes = vec![0; len];
        caller.read(at, &mut attributes)?;
        let files = confinement::ruleset(&attributes)?;
        caller.live()?;
        let ruleset = landlock::create_ruleset(files)?;
        self.shared.listener.give(caller.id(), ruleset.as_fd(), true)?;
        Ok(Answer::Given)
    }
}
