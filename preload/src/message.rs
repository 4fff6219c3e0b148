//! What arrives: the names of peers, and descriptors.

use crate::sys::shim;
use crate::{foreign_sockets, name};
use chbind_policy::Loopback;
use chbind_policy::control::{SOURCE_LEN, arrived};
use libc::{SCM_RIGHTS, SOL_SOCKET, c_int};

/// A message has been received: its sender's address and its control messages, as the kernel has written them.
pub(crate) fn received(address: &mut [u8], control: &mut [u8]) {
    name::mask(address);
    if control.is_empty() {
        return;
    }
    let context = &shim().config.context;
    let is_masked = context.loopback == Loopback::Remap;
    arrived(control, |level, kind, data| match (level, kind) {
        (SOL_SOCKET, SCM_RIGHTS) => {
            for fd in data.chunks_exact(size_of::<c_int>()) {
                foreign_sockets::note_received(fd.first_chunk().map_or(-1, |fd| c_int::from_ne_bytes(*fd)));
            }
        }
        _ if is_masked && data.len() <= SOURCE_LEN => chbind_policy::control::mask(context, level, kind, data),
        _ => {}
    });
}
