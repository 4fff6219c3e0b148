//! What is different where the C library is musl: its `msghdr` and `cmsghdr` have an `int` and padding where the kernel has 64
//! bits (bits/socket.h), and its own functions see to it that the padding is zero.

use super::next::find_symbol;
use core::sync::atomic::{AtomicBool, Ordering};
use libc::msghdr;

static IS_MUSL: AtomicBool = AtomicBool::new(false);

/// The most control messages that musl sends, in bytes (src/network/sendmsg.c).
pub(super) const CONTROL_MAX: usize = 1024;

pub(super) fn find() {
    IS_MUSL.store(find_symbol(c"gnu_get_libc_version") == 0, Ordering::Relaxed);
}

#[inline]
pub(super) fn is_musl() -> bool {
    IS_MUSL.load(Ordering::Relaxed)
}

/// The lower half: the number, without the padding behind it.
const NUMBER: usize = 0xffff_ffff;

/// Makes the padding of a message zero.
pub(super) fn clean(message: &mut msghdr) {
    if is_musl() {
        message.msg_iovlen &= NUMBER;
        message.msg_controllen &= NUMBER;
    }
}

/// The same in a copy of control messages. The length of the header and what follows it are 4 bytes each.
pub(super) fn clean_control(list: &mut [u8]) {
    let mut rest = list;
    while let Some(([a, b, c, d], behind)) = rest.split_first_chunk_mut::<4>() {
        let len = u32::from_ne_bytes([*a, *b, *c, *d]) as usize;
        if let Some(padding) = behind.first_chunk_mut::<4>() {
            *padding = [0; 4];
        }
        let next = len.next_multiple_of(size_of::<usize>()).max(size_of::<usize>());
        rest = core::mem::take(&mut rest).get_mut(next..).unwrap_or_default();
    }
}
