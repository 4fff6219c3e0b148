//! The functions by which messages are sent.

use super::{MESSAGES_MAX, bytes, int, is_plausible, said};
use crate::send::{Message, send_call};
use crate::sys::call::Result;
use crate::sys::{Fd, Pieces, as_it_is, cancellable, musl, number, past};
use chbind_policy::Errno;
use chbind_policy::sockaddr::LEN_MAX;
use core::ffi::{c_int, c_uint, c_void};
use core::slice;
use libc::{iovec, mmsghdr, msghdr, size_t, sockaddr, socklen_t, ssize_t};

/// Sends a message with this address, as it is if that will do.
///
/// # Safety
///
/// `address` must be good for reading `len` bytes unless it is not plausible.
#[inline]
unsafe fn send(
    fd: c_int,
    (address, len): (*const c_void, socklen_t),
    control: &[u8],
    pieces: Pieces,
    flags: c_int,
    past: impl FnOnce() -> Result<usize>,
    ask: impl FnOnce() -> Result<usize>,
) -> Result<usize> {
    let address = if address.is_null() || len == 0 {
        None
    } else {
        // SAFETY: as the caller promises.
        let Some(address) = (unsafe { super::address(address, len) }) else { return ask() };
        Some(address)
    };
    let message = Message { address, control, pieces, flags };
    if message.goes_as_it_is() { cancellable(past) } else { send_call(Fd(fd), &message, ask) }
}

/// sendto(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn sendto(
    fd: c_int,
    at: *const c_void,
    count: size_t,
    flags: c_int,
    address: *const sockaddr,
    len: socklen_t,
) -> ssize_t {
    let args = [number(fd), at as usize, count, number(flags), address as usize, len as usize];
    let call = || as_it_is(libc::SYS_sendto, args);
    if address.is_null() {
        return said(cancellable(call));
    }
    let piece = iovec { iov_base: at.cast_mut(), iov_len: count };
    let pieces = Pieces { at: &raw const piece as usize, count: 1 };
    // SAFETY: sendto(2) asks for the same.
    said(unsafe { send(fd, (address.cast(), len), &[], pieces, flags, || past(libc::SYS_sendto, args), call) })
}

/// Sends one message.
///
/// # Safety
///
/// `message` as sendmsg(2) asks for.
unsafe fn send_message(fd: c_int, message: &msghdr, flags: c_int) -> Result<usize> {
    if musl::is_musl() {
        // SAFETY: as the caller promises.
        return unsafe { send_clean(fd, *message, flags) };
    }
    // SAFETY: as the caller promises.
    unsafe { send_as_kernel_has_it(fd, message, flags) }
}

/// The same for a message of musl's, of which this is a copy.
///
/// # Safety
///
/// As for [`send_message`].
#[cold]
unsafe fn send_clean(fd: c_int, mut message: msghdr, flags: c_int) -> Result<usize> {
    let mut control = [0; musl::CONTROL_MAX];
    musl::clean(&mut message);
    let len = message.msg_controllen;
    if len > 0 {
        let to = control.get_mut(..len).ok_or(Errno::ENOMEM)?;
        // SAFETY: as the caller promises.
        to.copy_from_slice(unsafe { bytes(message.msg_control, len) }.ok_or(Errno::EFAULT)?);
        musl::clean_control(to);
        message.msg_control = control.as_mut_ptr().cast();
    }
    // SAFETY: as the caller promises, and the control messages are ours.
    unsafe { send_as_kernel_has_it(fd, &message, flags) }
}

/// # Safety
///
/// As for [`send_message`].
#[inline]
unsafe fn send_as_kernel_has_it(fd: c_int, message: &msghdr, flags: c_int) -> Result<usize> {
    let args = [number(fd), &raw const *message as usize, number(flags), 0, 0, 0];
    let ask = || as_it_is(libc::SYS_sendmsg, args);
    let control = match message.msg_controllen {
        0 => Some([].as_slice()),
        // SAFETY: as the caller promises.
        len => unsafe { bytes(message.msg_control, len) },
    };
    let Some(control) = control else { return ask() };
    let pieces = Pieces { at: message.msg_iov as usize, count: message.msg_iovlen };
    // __copy_msghdr (net/socket.c): longer ones it cuts off, but what is longer than an int can say.
    if !message.msg_name.is_null() && (message.msg_namelen as c_int) < 0 {
        return ask();
    }
    let len = message.msg_namelen.min(LEN_MAX as socklen_t);
    // SAFETY: as the caller promises.
    unsafe { send(fd, (message.msg_name, len), control, pieces, flags, || past(libc::SYS_sendmsg, args), ask) }
}

/// sendmsg(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t {
    if !is_plausible(message as usize, size_of::<msghdr>()) {
        return said(as_it_is(libc::SYS_sendmsg, [number(fd), message as usize, number(flags), 0, 0, 0]));
    }
    // SAFETY: sendmsg(2) asks for a message.
    let message = unsafe { &*message };
    // SAFETY: as above.
    said(unsafe { send_message(fd, message, flags) })
}

/// How many bytes a message has, as far as can be told: what is sent of it is no more.
///
/// # Safety
///
/// As for [`send_message`], and it has been sent.
unsafe fn length_of(message: &msghdr) -> usize {
    let mut header = *message;
    musl::clean(&mut header);
    if header.msg_iovlen == 0 {
        return 0;
    }
    // SAFETY: the kernel has read so many.
    let pieces: &[iovec] = unsafe { slice::from_raw_parts(header.msg_iov, header.msg_iovlen) };
    pieces.iter().map(|piece| piece.iov_len).sum()
}

/// sendmmsg(2): as many as can be sent; an error counts only if it is the first's, and what comes after half a message is not
/// sent (`__sys_sendmmsg`, net/socket.c).
#[unsafe(no_mangle)]
unsafe extern "C" fn sendmmsg(fd: c_int, messages: *mut mmsghdr, count: c_uint, flags: c_int) -> c_int {
    let count = (count as usize).min(MESSAGES_MAX);
    if count == 0 || !is_plausible(messages as usize, count * size_of::<mmsghdr>()) {
        return int(as_it_is(libc::SYS_sendmmsg, [number(fd), messages as usize, count, number(flags), 0, 0]));
    }
    // SAFETY: sendmmsg(2) asks for so many messages.
    let messages = unsafe { slice::from_raw_parts_mut(messages, count) };
    let mut done = 0;
    for message in messages {
        // SAFETY: as for sendmsg.
        match unsafe { send_message(fd, &message.msg_hdr, flags) } {
            Ok(sent) => {
                message.msg_len = sent as c_uint;
                done += 1;
                // SAFETY: it has been sent.
                if sent < unsafe { length_of(&message.msg_hdr) } {
                    break;
                }
            }
            Err(errno) if done == 0 => return int(Err(errno)),
            Err(_) => break,
        }
    }
    done
}
