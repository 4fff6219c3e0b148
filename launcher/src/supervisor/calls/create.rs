//! socket and socketpair.

use super::worker::Worker;
use crate::privileges::capabilities::with_all_rights;
use crate::procfs::Status;
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::socket::drop_filter::deaf_until;
use crate::sys::process::on_account_of;
use crate::sys::seccomp::Answer;
use crate::sys::{Errno, socket};
use caps::Capability::CAP_NET_RAW;
use chbind_policy::create::{Create, TYPE_MASK, create};
use chbind_policy::perform::pin_at_birth;
use chbind_policy::{Family, Socket, Subject, Transport};
use libc::{SOCK_CLOEXEC, SOCK_NONBLOCK};
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

impl Worker {
    pub(crate) fn create(&mut self, caller: &mut Caller) -> Result<Answer, Stop> {
        let [domain, kind, protocol] = [0, 1, 2].map(|argument| caller.int(argument));
        self.subject = Subject::Kind { domain, kind: kind & TYPE_MASK, protocol };
        match create(self.shared.context, domain, kind, protocol)? {
            Create::AsAsked => Ok(Answer::Continue),
            // __sys_socketpair asks for AF_UNIX; __sys_socket for no other flags (net/socket.c).
            Create::At(..) if caller.nr() != libc::SYS_socket => Ok(Answer::Continue),
            Create::At(..) if kind & !(TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK) != 0 => Err(Stop::Fail(Errno::EINVAL)),
            // Nothing can be done here with the sockets of another network namespace: it may make its own.
            Create::At(..) if self.shared.network.has_left(caller.tid()) => Ok(Answer::Continue),
            Create::At(made, address) => self.create_at(caller, [domain, kind, protocol], made, address),
        }
    }

    /// Makes the socket here, on the caller's account, and hands it over with its address.
    fn create_at(
        &self,
        caller: &Caller,
        [domain, kind, protocol]: [i32; 3],
        made_as: Socket,
        address: SocketAddr,
    ) -> Result<Answer, Stop> {
        let user = Status::of(caller.tid()).ok_or(Stop::Gone)?.fs_user;
        caller.live()?;
        let make = || on_account_of(user, || socket::socket(domain, kind & !SOCK_CLOEXEC, protocol));
        let made = match made_as.transport {
            Transport::RawIcmp => with_all_rights(|| {
                // The rights must be those of the caller, not of a program that took its place.
                let may = self.shared.network.grants(caller.tid(), CAP_NET_RAW) && caller.live().is_ok();
                if may { make() } else { Err(Errno::EPERM) }
            }),
            _ => make(),
        };
        let made = made?;
        let pin = |made: &OwnedFd| pin_at_birth(&self.shared.sockets.tracked(made.as_fd()), &made_as, address);
        if made_as.transport == Transport::RawIcmp {
            // It hears what comes to every address until it has one, and groups it would go on hearing.
            deaf_until(made.as_fd(), || {
                pin(&made)?;
                if made_as.family == Family::V6 && !self.shared.context.multicast {
                    socket::hear_joined_groups_only(made.as_fd())?;
                }
                Ok(())
            })?;
        } else {
            pin(&made)?;
        }
        self.shared.listener.give(caller.id(), made.as_fd(), kind & SOCK_CLOEXEC != 0)?;
        Ok(Answer::Given)
    }
}
