//! Where this context serves the ports of its loopback (row 36).

use chbind_policy::Transport;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// The address of the last bind of each port to a wildcard or to loopback. An entry outlives its socket: it only
/// decides which of the context's own addresses a connect to 127.0.0.1 tries.
#[derive(Default)]
pub(super) struct Served(Mutex<HashMap<(u8, u16), IpAddr>>);

fn key(transport: Transport, port: u16) -> (u8, u16) {
    (transport as u8, port)
}

impl Served {
    pub(super) fn note(&self, transport: Transport, port: u16, at: IpAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key(transport, port), at.to_canonical());
    }

    pub(super) fn at(&self, transport: Transport, port: u16) -> Option<IpAddr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key(transport, port)).copied()
    }
}
