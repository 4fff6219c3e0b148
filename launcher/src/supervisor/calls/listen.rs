//! listen.

use super::worker::{Likely, Worker};
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::outcome::Stop;
use crate::sys::Errno;
use crate::sys::seccomp::Answer;
use crate::sys::socket;
use chbind_policy::sockaddr::canonical;
use chbind_policy::{Subject, Transport, listen, perform};

impl Worker {
    pub(crate) fn listen(&mut self, caller: &mut Caller) -> Result<Answer, Stop> {
        let backlog = caller.int(1);
        let Some((duplicate, socket)) = self.inet(caller, Likely::Stream)? else { return self.listen_non_inet(caller) };
        let locked = self.shared.sockets.lock(&duplicate)?;
        locked.require_idle(Errno::EINVAL)?;
        let local = self.shared.sockets.local(&duplicate)?;
        let listening = duplicate.option(libc::SOL_SOCKET, libc::SO_ACCEPTCONN)? != 0;
        self.subject = Subject::Address("listen on", canonical(local.as_bound()), socket.transport);
        let action = listen::listen(self.shared.context, &socket, local, listening)?;
        let fd = duplicate.act(caller.live()?);
        if let Some(address) = action.bind_first {
            perform::take_port(&self.shared.sockets.tracked(fd), address)?;
            // Which one it got is judged before anybody can connect to it.
            listen::listen(self.shared.context, &socket, self.shared.sockets.local(&duplicate)?, false)?;
        } else if !listening && socket.transport == Transport::Tcp && self.shared.context.rules.restrict_ports() {
            perform::keep_port(&self.shared.sockets.tracked(fd), local)?;
        }
        socket::listen(fd, backlog)?;
        // One that listened before can be shut down at any time: then the kernel has just chosen another port.
        let now = self.shared.sockets.local(&duplicate)?;
        let same = listening && now == local;
        if !same && let Err(refusal) = listen::listen(self.shared.context, &socket, now, false) {
            socket::disconnect(fd)?;
            return Err(refusal.into());
        }
        if let Some(address) = action.bind_first {
            self.note_service(fd, &socket, address, true);
        }
        Ok(Answer::Return(0))
    }
}
