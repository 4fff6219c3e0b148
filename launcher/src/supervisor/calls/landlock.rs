//! landlock_create_ruleset: made here, so that what is in it is what was judged.

use crate::supervisor::caller::memory;
use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::threads::worker::Worker;
use crate::sys::landlock;
use crate::sys::seccomp::{Answer, Notification};
use chbind_policy::confinement::{self, LEN_MAX, VERSION};
use std::os::fd::AsFd;

impl Worker {
    pub(crate) fn create_ruleset(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let [at, len, flags, ..] = call.args;
        // sys_landlock_create_ruleset (security/landlock/syscalls.c): whether there is Landlock at all comes first.
        let abi = landlock::version()?;
        match flags as u32 {
            VERSION if at == 0 && len == 0 => return Ok(Answer::Return(confinement::version(abi).into())),
            0 => {}
            _ => return Err(Stop::Fail(libc::EINVAL)),
        }
        let len = usize::try_from(len).ok().filter(|len| *len <= LEN_MAX).ok_or(Stop::Fail(libc::E2BIG))?;
        let mut attributes = vec![0; len];
        memory::read(call, at, &mut attributes)?;
        let files = confinement::ruleset(&attributes)?;
        self.still_waiting(call)?;
        let ruleset = landlock::create_ruleset(files)?;
        self.shared.listener.give(call.id, ruleset.as_fd(), true)?;
        Ok(Answer::Given)
    }
}
