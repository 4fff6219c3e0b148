//! What is known of the sockets of a context, together.

use super::lock::{Locked, SocketLocks};
use super::loopback_services::LoopbackServices;
use super::recent::RecentSockets;
use super::routes::RouteTable;
use super::wildcard_filter::WildcardFilter;
use crate::supervisor::caller::duplicate::Duplicate;
use crate::supervisor::caller::outcome::Stop;
use chbind_policy::Context;

/// What is known of the sockets of a context, and who is at work on which.
pub(crate) struct Sockets {
    pub(super) context: &'static Context<'static>,
    /// Whether the shim binds sockets as well, past the supervisor.
    pub(super) hybrid: bool,
    locks: SocketLocks,
    pub(crate) loopback_services: LoopbackServices,
    pub(crate) wildcard_filter: WildcardFilter,
    /// Those that were given a wildcard which they may share. One that is forgotten makes the next socket on its port take one
    /// address.
    pub(crate) sharing: RecentSockets,
    /// Those that the program bound to an address and no port. One that is forgotten counts as pinned (see
    /// [`chbind_policy::perform`]).
    pub(crate) explicitly_bound: RecentSockets,
    pub(super) routes: RouteTable,
}

impl Sockets {
    pub(crate) fn new(context: &'static Context<'static>, hybrid: bool) -> Self {
        Sockets {
            context,
            hybrid,
            locks: SocketLocks::default(),
            loopback_services: LoopbackServices::new(context),
            wildcard_filter: WildcardFilter::new(context),
            sharing: RecentSockets::at_most(1024),
            explicitly_bound: RecentSockets::at_most(8192),
            routes: RouteTable::default(),
        }
    }

    /// Enters the section of the socket: nobody else here looks at it, judges it or acts on it until that is left.
    pub(crate) fn lock(&self, of: &Duplicate) -> Result<Locked<'_>, Stop> {
        self.locks.lock(of)
    }
}
