//! Names of sockets and peers: inside, L is called 127.0.0.1, and a pinned socket is not bound.

use crate::option;
use crate::stop::ask_if_possible;
use crate::sys::{self, Fd, shim};
use chbind_policy::Loopback;
use chbind_policy::name::{masked, masked_peer};
use chbind_policy::perform::{Look, is_pinned, unbound};
use chbind_policy::sockaddr::{self, LEN_MAX, LEN_V6};
use core::net::SocketAddr;

/// A name as bytes, and how many of them it has.
pub(crate) struct Name {
    bytes: [u8; LEN_MAX],
    len: usize,
}

impl Name {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn set(&mut self, name: SocketAddr) {
        let (bytes, len) = sockaddr::encode(name);
        for (to, from) in self.bytes.iter_mut().zip(bytes) {
            *to = from;
        }
        self.len = len;
    }
}

/// getsockname(2); `None` where the supervisor knows better.
pub(crate) fn local(fd: Fd) -> sys::Result<Option<Name>> {
    let mut name = Name { bytes: [0; LEN_MAX], len: 0 };
    name.len = fd.local_bytes(&mut name.bytes)?;
    if let Some(bound) = sockaddr::decode(name.bytes()) {
        if is_pinned(&fd, bound) {
            if option::is_unclear() && ask_if_possible().is_err() {
                return Ok(None);
            }
            name.set(unbound(bound));
        } else if let Some(shown) = masked(&shim().charge.context, bound) {
            name.set(shown);
        }
    }
    Ok(Some(name))
}

/// getpeername(2)
pub(crate) fn peer(fd: Fd) -> sys::Result<Name> {
    let mut name = Name { bytes: [0; LEN_MAX], len: 0 };
    name.len = fd.peer_bytes(&mut name.bytes)?;
    let context = &shim().charge.context;
    if context.loopback == Loopback::Remap
        && let Some(peer) = sockaddr::decode(name.bytes())
        && let Ok(Some(own)) = fd.local()
        && let Some(shown) = masked_peer(context, own, peer)
    {
        name.set(shown);
    }
    Ok(name)
}

/// What an address that the kernel has written is called inside, written over it, as far as there is room.
pub(crate) fn mask(bytes: &mut [u8]) {
    let context = &shim().charge.context;
    if context.loopback != Loopback::Remap {
        return;
    }
    // There may have been room for less than all of it: what matters is there, or nothing is shown.
    let mut whole = [0; LEN_V6];
    for (to, from) in whole.iter_mut().zip(&*bytes) {
        *to = *from;
    }
    if let Some(shown) = sockaddr::decode(&whole).and_then(|address| masked(context, address)) {
        let (shown, len) = sockaddr::encode(shown);
        for (to, from) in bytes.iter_mut().zip(shown.into_iter().take(len)) {
            *to = from;
        }
    }
}
