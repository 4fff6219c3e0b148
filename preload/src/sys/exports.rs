//! The functions that stand before the C library's, with its types (the headers that the manual pages name).
//!
//! Each looks only at memory that its arguments name, and leaves pointers that cannot be good to the kernel: that says EFAULT.
//! Others end in a fault here, in place of an EFAULT: the kernel asks nobody, and here is nobody to be asked.

use super::call::Result;
use super::errno::failed;
use super::musl;
use super::{Fd, Pieces, as_it_is, cancellable, number, past};
use crate::name::Name;
use crate::send::{Message, send_call};
use crate::{bind, connect, create, listen, message, name, option};
use chbind_policy::option::VALUE_MAX;
use chbind_policy::sockaddr::LEN_MAX;
use core::ffi::{c_int, c_uint, c_void};
use core::slice;
use libc::{c_long, iovec, mmsghdr, msghdr, size_t, sockaddr, socklen_t, ssize_t};

/// Below and above nothing is mapped in a process (`vm.mmap_min_addr`, Documentation/arch/x86/x86_64/mm.rst,
/// Documentation/arch/arm64/memory.rst).
const LOWEST: usize = 4096;
#[cfg(target_arch = "x86_64")]
const HIGHEST: usize = 1 << 47;
#[cfg(target_arch = "aarch64")]
const HIGHEST: usize = 1 << 52;

fn is_plausible(at: usize, len: usize) -> bool {
    at >= LOWEST && at.checked_add(len).is_some_and(|end| end <= HIGHEST)
}

/// Memory of the program, to be read; `None` where the kernel is to say what is wrong.
///
/// # Safety
///
/// `at` must be good for reading `len` bytes, unless it is not plausible.
unsafe fn bytes<'a>(at: *const c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: as the caller promises.
    is_plausible(at as usize, len).then(|| unsafe { slice::from_raw_parts(at.cast(), len) })
}

/// The same, to be written.
///
/// # Safety
///
/// `at` must be good for writing `len` bytes, unless it is not plausible.
unsafe fn room<'a>(at: *mut c_void, len: usize) -> Option<&'a mut [u8]> {
    // SAFETY: as the caller promises.
    is_plausible(at as usize, len).then(|| unsafe { slice::from_raw_parts_mut(at.cast(), len) })
}

/// An address of the program's; `None` where the kernel is to say what is wrong with it.
///
/// # Safety
///
/// As for [`bytes`].
#[inline]
unsafe fn address<'a>(at: *const c_void, len: socklen_t) -> Option<&'a [u8]> {
    let len = usize::try_from(len as c_int).ok().filter(|len| *len <= LEN_MAX)?;
    // SAFETY: as the caller promises.
    unsafe { bytes(at, len) }
}

/// The answer of a function of the C library: -1 with `errno`, which success leaves alone.
#[inline]
fn said(done: Result<usize>) -> ssize_t {
    match done {
        Ok(done) => done as ssize_t,
        Err(errno) => failed(errno) as ssize_t,
    }
}

fn int(done: Result<usize>) -> c_int {
    said(done) as c_int
}

/// socket(2)
#[unsafe(no_mangle)]
extern "C" fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int {
    let ask = || as_it_is(libc::SYS_socket, [number(domain), number(kind), number(protocol), 0, 0, 0]);
    int(create::socket_call(domain, kind, protocol, ask))
}

/// bind(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn bind(fd: c_int, address: *const sockaddr, len: socklen_t) -> c_int {
    let ask = || as_it_is(libc::SYS_bind, [number(fd), address as usize, len as usize, 0, 0, 0]);
    // SAFETY: bind(2) asks for the same.
    int(match unsafe { self::address(address.cast(), len) } {
        Some(address) => bind::bind_call(Fd(fd), address, ask),
        None => ask(),
    })
}

/// connect(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn connect(fd: c_int, address: *const sockaddr, len: socklen_t) -> c_int {
    let ask = || as_it_is(libc::SYS_connect, [number(fd), address as usize, len as usize, 0, 0, 0]);
    // SAFETY: connect(2) asks for the same.
    int(match unsafe { self::address(address.cast(), len) } {
        Some(address) => connect::connect_call(Fd(fd), address, ask),
        None => ask(),
    })
}

/// listen(2)
#[unsafe(no_mangle)]
extern "C" fn listen(fd: c_int, backlog: c_int) -> c_int {
    let ask = || as_it_is(libc::SYS_listen, [number(fd), number(backlog), 0, 0, 0, 0]);
    int(listen::listen_call(Fd(fd), backlog, ask))
}

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
        super::next::overflow();
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

/// Messages of one sendmmsg or recvmmsg: `UIO_MAXIOV` (linux/uio.h) is what the kernel takes of the former, and the latter may
/// give fewer than it was asked for.
const MESSAGES_MAX: usize = 1024;

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
        let Some(address) = (unsafe { self::address(address, len) }) else { return ask() };
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
        let to = control.get_mut(..len).ok_or(libc::ENOMEM)?;
        // SAFETY: as the caller promises.
        to.copy_from_slice(unsafe { bytes(message.msg_control, len) }.ok_or(libc::EFAULT)?);
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

/// setsockopt(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn setsockopt(fd: c_int, level: c_int, option: c_int, value: *const c_void, len: socklen_t) -> c_int {
    let call =
        || as_it_is(libc::SYS_setsockopt, [number(fd), number(level), number(option), value as usize, len as usize, 0]);
    if !option::is_judged(level, option) {
        return int(call());
    }
    let readable = usize::try_from(len as c_int).unwrap_or_default().min(VALUE_MAX);
    // SAFETY: setsockopt(2) asks for the same.
    int(match unsafe { bytes(value, readable) } {
        Some(value) => option::set_call(Fd(fd), level, option, value, call),
        None => call(),
    })
}

/// Writes a name where the program wants it (`move_addr_to_user`, net/socket.c): the length that it has, then as much as there
/// is room for.
///
/// # Safety
///
/// As getsockname(2) asks for, but for pointers that are not plausible.
unsafe fn give(name: &Name, address: *mut sockaddr, len: *mut socklen_t) -> Result<usize> {
    // SAFETY: as the caller promises.
    let has = usize::try_from(unsafe { len.read() } as c_int).map_err(|_| libc::EINVAL)?;
    let count = name.bytes().len().min(has);
    // SAFETY: as the caller promises.
    let to = unsafe { room(address.cast(), count) }.ok_or(libc::EFAULT)?;
    for (to, from) in to.iter_mut().zip(name.bytes()) {
        *to = *from;
    }
    // SAFETY: as the caller promises.
    unsafe { len.write(name.bytes().len() as socklen_t) };
    Ok(0)
}

/// Answers with a name, or lets the kernel do so.
///
/// # Safety
///
/// As for [`give`].
unsafe fn named(
    nr: c_long,
    fd: c_int,
    address: *mut sockaddr,
    len: *mut socklen_t,
    find: impl FnOnce(Fd) -> Result<Option<Name>>,
) -> c_int {
    let call = || as_it_is(nr, [number(fd), address as usize, len as usize, 0, 0, 0]);
    let is_good = is_plausible(len as usize, size_of::<socklen_t>()) && is_plausible(address as usize, 1);
    int(match is_good.then(|| find(Fd(fd))) {
        // SAFETY: as the caller promises.
        Some(Ok(Some(name))) => unsafe { give(&name, address, len) },
        Some(Err(errno)) => Err(errno),
        Some(Ok(None)) | None => call(),
    })
}

/// getsockname(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn getsockname(fd: c_int, address: *mut sockaddr, len: *mut socklen_t) -> c_int {
    // SAFETY: getsockname(2) asks for the same.
    unsafe { named(libc::SYS_getsockname, fd, address, len, name::local) }
}

/// getpeername(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn getpeername(fd: c_int, address: *mut sockaddr, len: *mut socklen_t) -> c_int {
    // SAFETY: getpeername(2) asks for the same.
    unsafe { named(libc::SYS_getpeername, fd, address, len, |fd| name::peer(fd).map(Some)) }
}
