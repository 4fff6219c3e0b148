//! Which source the kernel's routing would choose.

use crate::sys::route::{Packet, Routes};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// A way to ask the kernel, opened when it is needed first: contexts of one address of a family never ask.
#[derive(Default)]
pub(crate) struct RouteTable(Mutex<Option<Routes>>);

impl RouteTable {
    /// `None` where there is no route, or nothing to ask by.
    pub(super) fn preferred_source(&self, packet: &Packet) -> Option<IpAddr> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let routes = match slot.as_ref() {
            Some(routes) => routes,
            None => slot.insert(Routes::open().ok()?),
        };
        routes.source(packet).ok().flatten()
    }
}
