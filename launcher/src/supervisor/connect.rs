//! connect: the socket is pinned to its source; then the connection is made; both on the duplicate.

use super::caller::Stop;
use super::pin::{local, pin, pin_again};
use super::worker::{Likely, Subject, Worker};
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::{Errno, socket};
use chbind_policy::Transport;
use chbind_policy::connect::{self, Connect};
use std::os::fd::AsFd;

/// Another thread may give the socket an address between the look at it and the act: then the rule is asked again.
pub(super) const ATTEMPTS: usize = 3;

impl Worker {
    pub(super) fn connect(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let address = self.address(call, call.args[1], call.args[2]);
        let Some((fd, socket)) = self.inet(call, Likely::Stream)? else { return Ok(Answer::Continue) };
        let fd = fd.as_fd();
        let address = address?;
        if let Some(shown) = address.shown() {
            self.subject = Subject::Address("connect to", shown, socket.transport);
        }
        for _ in 0..ATTEMPTS {
            let section = self.shared.acts.enter()?;
            let bound = local(fd)?;
            let action = connect::connect(self.shared.context, &socket, bound, address.bytes(), self.shared)?;
            self.still_waiting(call)?;
            let Connect::To { destination, source } = action else {
                // Row 47. What pinned the socket to its source stays, and counts as no address.
                socket::disconnect(fd)?;
                pin_again(self.shared.context, fd, &socket);
                return Ok(Answer::Return(0));
            };
            section.require_idle(fd, libc::EALREADY)?;
            if let Some(source) = source {
                match pin(fd, &socket, source) {
                    Ok(()) => {}
                    Err(Errno(libc::EINVAL)) => continue,
                    Err(errno) => return Err(errno.into()),
                }
            }
            if socket.transport != Transport::Tcp {
                socket::connect(fd, destination)?;
                return Ok(Answer::Return(0));
            }
            // Whether it blocks can change at any time.
            let _in_flight = section.take_off(fd)?;
            if socket::is_nonblocking(fd)? {
                socket::connect(fd, destination)?;
            } else {
                self.block(call, fd, || socket::connect(fd, destination))?;
            }
            return Ok(Answer::Return(0));
        }
        Err(Stop::Fail(libc::EINVAL))
    }
}
