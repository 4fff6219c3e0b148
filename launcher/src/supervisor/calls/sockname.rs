//! getsockname and getpeername: inside, L is called 127.0.0.1, and a pinned socket is not bound.

use crate::supervisor::caller::memory;
use crate::supervisor::caller::memory::Memory;
use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::threads::worker::Worker;
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::socket;
use chbind_policy::name::{masked, masked_peer};
use chbind_policy::perform::{is_pinned, unbound};
use chbind_policy::sockaddr;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

/// Which name is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Which {
    Local,
    Peer,
}

impl Worker {
    /// Answers with the name that a program inside knows. Where the kernel knows the same the call runs as it is: whatever
    /// it finds then, it is only a name.
    pub(crate) fn name(&mut self, call: &Notification, which: Which) -> Result<Answer, Stop> {
        let fd = match self.shared.handles.duplicate(&self.shared.listener, call, call.args[0] as i32) {
            Err(Stop::Gone) => return Err(Stop::Gone),
            Err(_) => return Ok(Answer::Continue),
            Ok(fd) => fd,
        };
        let Some(name) = self.known_inside(fd.as_fd(), which) else { return Ok(Answer::Continue) };
        let (bytes, len) = sockaddr::encode(name);
        // move_addr_to_user (net/socket.c): the length that it has, then as much as there is room for.
        let mut room = [0; 4];
        memory::read(call, call.args[2], &mut room)?;
        let room = usize::try_from(i32::from_ne_bytes(room)).map_err(|_| Stop::Fail(libc::EINVAL))?;
        let memory = Memory::open(&self.shared.listener, call)?;
        memory.write(call.args[2], &(len as u32).to_ne_bytes())?;
        memory.write(call.args[1], bytes.get(..len.min(room)).unwrap_or_default())?;
        Ok(Answer::Return(0))
    }

    /// The name, where it is not the kernel's.
    fn known_inside(&self, fd: BorrowedFd, which: Which) -> Option<SocketAddr> {
        match which {
            Which::Local => {
                let bound = socket::local(fd).ok()??;
                if is_pinned(&self.shared.held(fd), bound) {
                    Some(unbound(bound))
                } else {
                    masked(self.shared.context, bound)
                }
            }
            Which::Peer => {
                let peer = socket::peer(fd).ok()??;
                masked_peer(self.shared.context, socket::local(fd).ok()??, peer)
            }
        }
    }
}
