//! getsockname and getpeername: inside, L is called 127.0.0.1.

use super::caller::{self, Stop};
use super::worker::Worker;
use crate::sys;
use crate::sys::seccomp::{Answer, Notification};
use chbind_policy::name::masked;
use chbind_policy::sockaddr;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

impl Worker {
    /// Answers with the name that `of` gives, masked. Where there is nothing to mask the call runs as it is: whatever
    /// it finds then, it is only a name.
    pub(super) fn name(
        &mut self,
        call: &Notification,
        of: fn(BorrowedFd) -> sys::Result<Option<SocketAddr>>,
    ) -> Result<Answer, Stop> {
        let fd = match self.shared.handles.duplicate(&self.shared.listener, call, call.args[0] as i32) {
            Err(Stop::Gone) => return Err(Stop::Gone),
            Err(_) => return Ok(Answer::Continue),
            Ok(fd) => fd,
        };
        let Ok(Some(address)) = of(fd.as_fd()) else { return Ok(Answer::Continue) };
        let Some(name) = masked(self.shared.context, address) else { return Ok(Answer::Continue) };
        let (bytes, len) = sockaddr::encode(name);
        // move_addr_to_user (net/socket.c): as much as there is room for, and the length that it has.
        let mut room = [0; 4];
        caller::read(call, call.args[2], &mut room)?;
        let room = usize::try_from(i32::from_ne_bytes(room)).map_err(|_| Stop::Fail(libc::EINVAL))?;
        let memory = caller::Memory::open(&self.shared.listener, call)?;
        memory.write(call.args[1], bytes.get(..len.min(room)).unwrap_or_default())?;
        memory.write(call.args[2], &(len as u32).to_ne_bytes())?;
        Ok(Answer::Return(0))
    }
}
