//! socket and socketpair.

use super::caller::Stop;
use super::pin::pin;
use super::worker::{Subject, Worker};
use crate::procfs::Status;
use crate::sys::process::on_account_of;
use crate::sys::seccomp::{Answer, Notification};
use crate::sys::{self, socket};
use chbind_policy::socket::{Create, TYPE_MASK, create};
use chbind_policy::{Family, Socket, Transport};
use libc::{SOCK_CLOEXEC, SOCK_NONBLOCK};
use nix::sys::prctl;
use std::net::SocketAddr;
use std::os::fd::AsFd;

impl Worker {
    pub(super) fn create(&mut self, call: &Notification) -> Result<Answer, Stop> {
        let [domain, kind, protocol] = [call.args[0] as i32, call.args[1] as i32, call.args[2] as i32];
        self.subject = Subject::Kind { domain, kind: kind & TYPE_MASK, protocol };
        match create(self.shared.context, domain, kind, protocol)? {
            Create::AsAsked => Ok(Answer::Continue),
            // __sys_socketpair asks for AF_UNIX; __sys_socket for no other flags (net/socket.c).
            Create::At(_) if call.nr != libc::SYS_socket => Ok(Answer::Continue),
            Create::At(_) if kind & !(TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK) != 0 => Err(Stop::Fail(libc::EINVAL)),
            // Nothing can be done here with the sockets of another network namespace: it may make its own.
            Create::At(_) if self.shared.network.has_left(call.tid) => Ok(Answer::Continue),
            Create::At(address) => self.create_at(call, [domain, kind, protocol], address),
        }
    }

    /// Makes the socket here, on the caller's account, and hands it over with its address.
    fn create_at(
        &self,
        call: &Notification,
        [domain, kind, protocol]: [i32; 3],
        address: SocketAddr,
    ) -> Result<Answer, Stop> {
        let user = Status::of(call.tid).ok_or(Stop::Gone)?.fs_user;
        self.still_waiting(call)?;
        let made = on_account_of(user, || socket::socket(domain, kind & !SOCK_CLOEXEC, protocol));
        // The change of user has reset whether this process is dumpable, to fs.suid_dumpable.
        prctl::set_dumpable(false).map_err(sys::Errno::from)?;
        let made = made?;
        let made_as = Socket { family: Family::of(address.ip()), transport: Transport::Udp, v6only: false };
        pin(made.as_fd(), &made_as, address)?;
        self.shared.listener.give(call.id, made.as_fd(), kind & SOCK_CLOEXEC != 0)?;
        Ok(Answer::Given)
    }
}
