//! getsockname and getpeername: inside, L is called 127.0.0.1, and a pinned socket is not bound.

use super::worker::Worker;
use crate::supervisor::caller::duplicate::Duplicate;
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::outcome::Stop;
use crate::sys::Errno;
use crate::sys::seccomp::Answer;
use chbind_policy::name::{masked_peer, shown};
use chbind_policy::sockaddr;
use std::net::SocketAddr;

/// Which name is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Which {
    Local,
    Peer,
}

impl Worker {
    /// Answers with the name that a program inside knows. Where the kernel knows the same the call runs as it is: whatever
    /// it finds then, it is only a name.
    pub(crate) fn name(&mut self, caller: &mut Caller, which: Which) -> Result<Answer, Stop> {
        let duplicate = match caller.duplicate(caller.int(0)) {
            Err(Stop::Gone) => return Err(Stop::Gone),
            Err(_) => return Ok(Answer::Continue),
            Ok(duplicate) => duplicate,
        };
        let Some(name) = self.known_inside(&duplicate, which) else { return Ok(Answer::Continue) };
        let name = sockaddr::encode(name);
        let bytes = name.bytes();
        // move_addr_to_user (net/socket.c): the length that it has, then as much as there is room for.
        let [_, at, len_at, ..] = caller.args();
        let mut room = [0; 4];
        caller.read(len_at, &mut room)?;
        let room = usize::try_from(i32::from_ne_bytes(room)).map_err(|_| Stop::Fail(Errno::EINVAL))?;
        let memory = caller.memory()?;
        memory.write(len_at, &(bytes.len() as u32).to_ne_bytes())?;
        memory.write(at, bytes.get(..room).unwrap_or(bytes))?;
        Ok(Answer::Return(0))
    }

    /// The name, where it is not the kernel's.
    fn known_inside(&self, of: &Duplicate, which: Which) -> Option<SocketAddr> {
        match which {
            Which::Local => {
                let bound = of.local().ok()??;
                shown(self.shared.context, self.shared.sockets.meaning(of, bound))
            }
            Which::Peer => {
                let peer = of.peer().ok()??;
                masked_peer(self.shared.context, of.local().ok()??, peer)
            }
        }
    }
}
