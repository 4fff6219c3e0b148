//! What all threads of the supervisor share.

use super::caller::descriptors::Descriptors;
use super::log::events::Log;
use super::log::port_conflict::Collisions;
use super::socket::sockets::Sockets;
use super::threads::blocked::BlockedCalls;
use super::threads::leader::Leadership;
use crate::privileges::network_owner::NetworkOwner;
use crate::sys::process::Identity;
use crate::sys::seccomp::Listener;
use chbind_policy::{Context, Transport};
use libc::pid_t;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

/// What all threads of the supervisor share.
pub(crate) struct Shared {
    pub(crate) listener: Listener,
    pub(crate) context: &'static Context<'static>,
    pub(crate) strict: bool,
    /// Who the supervisor is.
    pub(crate) own: Identity,
    pub(crate) network: NetworkOwner,
    pub(crate) netns_cookie: u64,
    pub(crate) descriptors: Descriptors,
    pub(crate) leader: Leadership,
    pub(crate) blocked: BlockedCalls,
    pub(crate) sockets: Sockets,
    pub(crate) log: Log,
    pub(crate) collisions: Collisions,
    /// What a thread does that answers calls.
    pub(super) serve: fn(&'static Shared),
    pub(super) _nid: OwnedFd,
    pub(crate) held_name: Option<OwnedFd>,
}

impl Shared {
    /// The work of a thread that is to take the lead.
    pub(crate) fn follower(&'static self) -> impl FnOnce() + Send + 'static {
        move || (self.serve)(self)
    }

    /// An address and port that `tid` asked for were taken. Who has them is found out by the main thread, in its time.
    pub(crate) fn collided(&self, tid: pid_t, address: SocketAddr, transport: Transport) {
        if self.collisions.add(tid, address, transport) {
            self.blocked.wake_up();
        }
    }
}
