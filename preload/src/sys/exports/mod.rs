//! The functions that stand before the C library's, with its types (the headers that the manual pages name).
//!
//! Each looks only at memory that its arguments name, and leaves pointers that cannot be good to the kernel: that says EFAULT.
//! Others end in a fault here, in place of an EFAULT: the kernel asks nobody, and here is nobody to be asked.

mod exec;
mod netif;
mod receive;
mod send;

use crate::sys::call::Result;
use crate::sys::errno::failed;
use crate::sys::{Fd, as_it_is, number};
use crate::{bind, connect, create, listen, name, option};
use chbind_policy::Errno;
use chbind_policy::option::VALUE_MAX;
use chbind_policy::sockaddr::{LEN_MAX, SockAddr};
use core::ffi::{c_int, c_void};
use core::slice;
use libc::{c_long, sockaddr, socklen_t, ssize_t};

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

/// Messages of one sendmmsg or recvmmsg: `UIO_MAXIOV` (linux/uio.h) is what the kernel takes of the former, and the latter may
/// give fewer than it was asked for.
const MESSAGES_MAX: usize = 1024;

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
unsafe fn give(name: &SockAddr, address: *mut sockaddr, len: *mut socklen_t) -> Result<usize> {
    // SAFETY: as the caller promises.
    let has = usize::try_from(unsafe { len.read() } as c_int).map_err(|_| Errno::EINVAL)?;
    let count = name.bytes().len().min(has);
    // SAFETY: as the caller promises.
    let to = unsafe { room(address.cast(), count) }.ok_or(Errno::EFAULT)?;
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
    find: impl FnOnce(Fd) -> Result<Option<SockAddr>>,
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
