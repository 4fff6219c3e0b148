//! Names of sockets and peers: inside, L is called 127.0.0.1, and a pinned socket is not bound.

use crate::option;
use crate::stop::ask_if_possible;
use crate::sys::{self, Fd, shim};
use chbind_policy::name::{masked, masked_peer, shown};
use chbind_policy::perform::Look;
use chbind_policy::sockaddr::{LEN_V6, SockAddr, decode, encode};
use chbind_policy::{LocalAddr, Loopback};

/// getsockname(2); `None` where the supervisor knows better.
pub(crate) fn local(fd: Fd) -> sys::Result<Option<SockAddr>> {
    let mut name = fd.local_name()?;
    if let Some(bound) = name.decode() {
        let local = LocalAddr::of(bound, || fd.is_explicitly_bound());
        if matches!(local, LocalAddr::Pinned(_)) && option::is_unclear() && ask_if_possible().is_err() {
            return Ok(None);
        }
        if let Some(shown) = shown(&shim().config.context, local) {
            name = encode(shown);
        }
    }
    Ok(Some(name))
}

/// getpeername(2)
pub(crate) fn peer(fd: Fd) -> sys::Result<SockAddr> {
    let mut name = fd.peer_name()?;
    let context = &shim().config.context;
    if context.loopback == Loopback::Remap
        && let Some(peer) = name.decode()
        && let Ok(Some(own)) = fd.local()
        && let Some(shown) = masked_peer(context, own, peer)
    {
        name = encode(shown);
    }
    Ok(name)
}

/// What an address that the kernel has written is called inside, written over it, as far as there is room.
pub(crate) fn mask(bytes: &mut [u8]) {
    let context = &shim().config.context;
    if context.loopback != Loopback::Remap {
        return;
    }
    // There may have been room for less than all of it: what matters is there, or nothing is shown.
    let mut whole = [0; LEN_V6];
    for (to, from) in whole.iter_mut().zip(&*bytes) {
        *to = *from;
    }
    if let Some(shown) = decode(&whole).and_then(|address| masked(context, address)) {
        for (to, from) in bytes.iter_mut().zip(encode(shown).bytes()) {
            *to = *from;
        }
    }
}
