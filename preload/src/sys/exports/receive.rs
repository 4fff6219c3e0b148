//! The functions by which something arrives: what the kernel has written is called what it is called inside.

use super::{MESSAGES_MAX, int, is_plausible, room, said};
use crate::sys::call::Result;
use crate::sys::{as_it_is, cancellable, musl, next, number};
use crate::{message, name};
use core::ffi::{c_int, c_uint, c_void};
use core::slice;
use libc::{mmsghdr, msghdr, size_t, sockaddr, socklen_t, ssize_t};

/// Makes a call that writes somebody's address, and writes what that is called inside.
///
/// # Safety
///
/// `address` and `len` as accept(2) and recvfrom(2) ask for.
unsafe fn with_peer(
    address: *mut sockaddr,
    len: *mut socklen_t,
    call: impl FnOnce() -> Result<usize>,
) -> Result<usize> {
    let is_asked = !address.is_null() && is_plausible(len as usize, size_of::<socklen_t>());
    // SAFETY: as the caller promises.
    let before = if is_asked { unsafe { len.read() } } else { 0 };
    let done = cancellable(call)?;
    if is_asked {
        // SAFETY: the kernel has written it.
        let written = unsafe { len.read() }.min(before);
        // SAFETY: the kernel has written so many bytes there.
        if let Some(bytes) = unsafe { room(address.cast(), written as usize) } {
            name::mask(bytes);
        }
    }
    Ok(done)
}

/// accept(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn accept(fd: c_int, address: *mut sockaddr, len: *mut socklen_t) -> c_int {
    let call = || as_it_is(libc::SYS_accept, [number(fd), address as usize, len as usize, 0, 0, 0]);
    // SAFETY: accept(2) asks for the same.
    int(unsafe { with_peer(address, len, call) })
}

/// accept4(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn accept4(fd: c_int, address: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> c_int {
    let call = || as_it_is(libc::SYS_accept4, [number(fd), address as usize, len as usize, number(flags), 0, 0]);
    // SAFETY: accept(2) asks for the same.
    int(unsafe { with_peer(address, len, call) })
}

/// recvfrom(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn recvfrom(
    fd: c_int,
    at: *mut c_void,
    count: size_t,
    flags: c_int,
    address: *mut sockaddr,
    len: *mut socklen_t,
) -> ssize_t {
    let args = [number(fd), at as usize, count, number(flags), address as usize, len as usize];
    // SAFETY: recvfrom(2) asks for the same.
    said(unsafe { with_peer(address, len, || as_it_is(libc::SYS_recvfrom, args)) })
}

/// What programs call that were compiled with `_FORTIFY_SOURCE`: `size` is the room that the compiler knows of.
#[unsafe(no_mangle)]
unsafe extern "C" fn __recvfrom_chk(
    fd: c_int,
    at: *mut c_void,
    count: size_t,
    size: size_t,
    flags: c_int,
    address: *mut sockaddr,
    len: *mut socklen_t,
) -> ssize_t {
    if count > size {
        next::overflow();
    }
    // SAFETY: as for recvfrom.
    unsafe { recvfrom(fd, at, count, flags, address, len) }
}

/// Looks at a message that was received.
///
/// # Safety
///
/// The kernel has filled the message in; `names` is the room that there was for an address.
unsafe fn look_at(message: *const msghdr, names: socklen_t) {
    // SAFETY: the kernel has read and written it.
    let message = unsafe { &*message };
    let named = message.msg_namelen.min(names) as usize;
    // SAFETY: so many bytes have been written there.
    let address = unsafe { room(message.msg_name, named) };
    // SAFETY: the same.
    let control = unsafe { room(message.msg_control, message.msg_controllen) };
    message::received(address.unwrap_or_default(), control.unwrap_or_default());
}

/// recvmsg(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t {
    let args = [number(fd), message as usize, number(flags), 0, 0, 0];
    let call = || as_it_is(libc::SYS_recvmsg, args);
    if !is_plausible(message as usize, size_of::<msghdr>()) {
        return said(cancellable(call));
    }
    let names = {
        // SAFETY: recvmsg(2) asks for a message.
        let message = unsafe { &mut *message };
        musl::clean(message);
        message.msg_namelen
    };
    let done = cancellable(call);
    if done.is_ok() {
        // SAFETY: the kernel has filled it in.
        unsafe { look_at(message, names) };
    }
    said(done)
}

/// recvmmsg(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn recvmmsg(
    fd: c_int,
    messages: *mut mmsghdr,
    count: c_uint,
    flags: c_int,
    timeout: *mut libc::timespec,
) -> c_int {
    let count = (count as usize).min(MESSAGES_MAX);
    let args = [number(fd), messages as usize, count, number(flags), timeout as usize, 0];
    if count == 0 || !is_plausible(messages as usize, count * size_of::<mmsghdr>()) {
        return int(cancellable(|| as_it_is(libc::SYS_recvmmsg, args)));
    }
    // SAFETY: recvmmsg(2) asks for so many.
    let all = unsafe { slice::from_raw_parts_mut(messages, count) };
    // The kernel writes over how much room there is for a name. It is the same for all, or as much as all have.
    let mut names = socklen_t::MAX;
    for message in all.iter_mut() {
        musl::clean(&mut message.msg_hdr);
        if !message.msg_hdr.msg_name.is_null() {
            names = names.min(message.msg_hdr.msg_namelen);
        }
    }
    let done = cancellable(|| as_it_is(libc::SYS_recvmmsg, args));
    for message in all.iter().take(done.unwrap_or(0)) {
        // SAFETY: the kernel has filled it in.
        unsafe { look_at(&raw const message.msg_hdr, names) };
    }
    int(done)
}
