//! The functions that list interfaces and addresses, with the types of the C library (getifaddrs(3), if_nameindex(3),
//! netdevice(7)).

use crate::netif::{hides, is_shown};
use crate::sys::errno::{failed, last};
use crate::sys::musl::is_musl;
use crate::sys::{Result, as_it_is, next, number, shim};
use chbind_policy::Errno;
use chbind_policy::sockaddr::{LEN_V4, LEN_V6, decode};
use core::ffi::{CStr, c_char, c_int, c_ulong};
use core::net::SocketAddr;
use core::ptr::null_mut;
use core::slice;
use libc::{AF_INET, AF_INET6, IFF_LOOPBACK, if_nameindex as Named, ifaddrs, ifreq, sockaddr};

/// An address as the C library or the kernel has written it; `None` for other families.
///
/// # Safety
///
/// `at` is null, or a whole address of its family is there.
unsafe fn address(at: *const sockaddr) -> Option<SocketAddr> {
    if at.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    let len = match c_int::from(unsafe { (*at).sa_family }) {
        AF_INET => LEN_V4,
        AF_INET6 => LEN_V6,
        _ => return None,
    };
    // SAFETY: as the caller promises.
    decode(unsafe { slice::from_raw_parts(at.cast(), len) })
}

/// The entries of a list that the C library has made.
///
/// # Safety
///
/// The list must not change meanwhile, but for what is before the entry that was given last.
unsafe fn entries(first: *mut ifaddrs) -> impl Iterator<Item = *mut ifaddrs> {
    let mut at = first;
    core::iter::from_fn(move || {
        let entry = at;
        if entry.is_null() {
            return None;
        }
        // SAFETY: as the caller promises.
        at = unsafe { (*entry).ifa_next };
        Some(entry)
    })
}

/// The name without that of an alias (`eth0:1`).
///
/// # Safety
///
/// `name` ends with a zero byte.
unsafe fn interface<'a>(name: *const c_char) -> &'a [u8] {
    // SAFETY: as the caller promises.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    name.split(|byte| *byte == b':').next().unwrap_or(name)
}

/// Whether an entry alone makes its interface the context's.
///
/// # Safety
///
/// The entry is one of the C library's.
unsafe fn is_own(entry: *const ifaddrs) -> bool {
    let context = &shim().config.context;
    // SAFETY: as the caller promises.
    let entry = unsafe { &*entry };
    let has_loopback = entry.ifa_flags & IFF_LOOPBACK as u32 != 0 && context.has_loopback();
    // SAFETY: as the caller promises.
    has_loopback || unsafe { address(entry.ifa_addr) }.is_some_and(|address| is_shown(context, address))
}

/// Whether an interface of this name is the context's.
///
/// # Safety
///
/// The list is one of the C library's.
unsafe fn is_own_interface(first: *mut ifaddrs, name: &[u8]) -> bool {
    // SAFETY: as the caller promises, and it does not change here.
    unsafe { entries(first) }.any(|entry| {
        // SAFETY: as the caller promises.
        let own_name = unsafe { (*entry).ifa_name };
        // SAFETY: as the caller promises.
        let has_name = unsafe { interface(own_name) } == name;
        // SAFETY: as the caller promises.
        has_name && unsafe { is_own(entry) }
    })
}

/// Asks the C library for all of them.
fn all() -> Result<*mut ifaddrs> {
    let next = next::getifaddrs().ok_or(Errno::ENOSYS)?;
    let mut first = null_mut();
    // SAFETY: it writes where the list begins.
    match unsafe { next(&raw mut first) } {
        0 => Ok(first),
        _ => Err(last()),
    }
}

/// Does something with the list of all of them.
fn with_all<T>(look: impl FnOnce(*mut ifaddrs) -> T) -> Result<T> {
    let first = all()?;
    let found = look(first);
    if let Some(free) = next::freeifaddrs() {
        // SAFETY: the list is its own, and not used after this.
        unsafe { free(first) };
    }
    Ok(found)
}

/// getifaddrs(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn getifaddrs(list: *mut *mut ifaddrs) -> c_int {
    match all() {
        Ok(first) => {
            // SAFETY: the list is the C library's, and nobody else has it yet.
            let shown = if hides() { unsafe { shown_of(first) } } else { first };
            // SAFETY: getifaddrs(3) asks for a place to write to.
            unsafe { list.write(shown) };
            0
        }
        Err(errno) => failed(errno),
    }
}

/// Takes what is hidden out of a list; null if that is all. To glibc the list is one piece of memory that begins with the first
/// entry: what follows is moved into it. To musl every entry is a piece.
///
/// # Safety
///
/// The list is the C library's, and nobody else's.
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one list, and every pointer in it is good")]
unsafe fn shown_of(first: *mut ifaddrs) -> *mut ifaddrs {
    /// A flag that no interface has marks what stays (netdevice(7) knows bits up to 18).
    const STAYS: u32 = 1 << 31;
    let context = &shim().config.context;
    let mut shown = null_mut();
    // SAFETY: as the caller promises; entries move only after all names have been looked at.
    unsafe {
        for entry in entries(first) {
            let is_shown = match address((*entry).ifa_addr) {
                Some(address) => is_shown(context, address),
                None => is_own_interface(first, interface((*entry).ifa_name)),
            };
            if is_shown {
                (*entry).ifa_flags |= STAYS;
            }
        }
        let mut last: *mut ifaddrs = null_mut();
        for entry in entries(first) {
            if (*entry).ifa_flags & STAYS == 0 {
                if is_musl() {
                    libc::free(entry.cast());
                }
                continue;
            }
            (*entry).ifa_flags &= !STAYS;
            if last.is_null() && is_musl() {
                (shown, last) = (entry, entry);
            } else if last.is_null() {
                // It may be the first itself.
                *first = entry.read();
                (shown, last) = (first, first);
            } else {
                (*last).ifa_next = entry;
                last = entry;
            }
        }
        if !last.is_null() {
            (*last).ifa_next = null_mut();
        } else if !is_musl() {
            libc::free(first.cast());
        }
    }
    shown
}

/// if_nameindex(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn if_nameindex() -> *mut Named {
    let Some(next) = next::if_nameindex() else {
        failed(Errno::ENOSYS);
        return null_mut();
    };
    // SAFETY: takes nothing.
    let first = unsafe { next() };
    if !hides() || first.is_null() {
        return first;
    }
    // SAFETY: the array is the C library's, and nobody else's.
    let kept = with_all(|list| unsafe { keep_own(first, list) });
    match kept {
        Ok(()) => first,
        Err(errno) => {
            failed(errno);
            null_mut()
        }
    }
}

/// What is kept of an array moves to the front, and its end, an entry without a name, behind that.
///
/// # Safety
///
/// Array and list are the C library's, and nobody else's.
#[expect(clippy::multiple_unsafe_ops_per_block, reason = "one array, up to its end")]
unsafe fn keep_own(first: *mut Named, list: *mut ifaddrs) {
    let (mut from, mut to) = (first, first);
    // SAFETY: as the caller promises.
    unsafe {
        while !(*from).if_name.is_null() {
            if is_own_interface(list, interface((*from).if_name)) {
                to.write(from.read());
                to = to.add(1);
            } else if !is_musl() {
                // To musl they are one piece with the array.
                libc::free((*from).if_name.cast());
            }
            from = from.add(1);
        }
        to.write(from.read());
    }
}

/// ioctl(2). (Its third argument is in the same register as that of a function with three.)
#[unsafe(no_mangle)]
unsafe extern "C" fn ioctl(fd: c_int, request: c_ulong, argument: *mut ifreq) -> c_int {
    let done = as_it_is(libc::SYS_ioctl, [number(fd), request as usize, argument as usize, 0, 0, 0]);
    // The kernel looks at the lower half.
    let request = request & c_ulong::from(u32::MAX);
    let looked = match done {
        Ok(_) if request == SIOCGIFCONF && hides() => {
            // SAFETY: the kernel has filled in a `struct ifconf`.
            unsafe { list(argument.cast()) };
            Ok(())
        }
        // SAFETY: the kernel has read and filled in a `struct ifreq`.
        Ok(_) if OF_ONE.contains(&request) && hides() => unsafe { one(request, argument) },
        Ok(_) => Ok(()),
        Err(errno) => Err(errno),
    };
    match (looked, done) {
        (Ok(()), Ok(done)) => done as c_int,
        (Err(errno), _) | (_, Err(errno)) => failed(errno),
    }
}

/// linux/sockios.h
const SIOCGIFCONF: c_ulong = 0x8912;
const SIOCGIFADDR: c_ulong = 0x8915;
/// Those that ask about one interface: SIOCGIFNAME, FLAGS, ADDR, DSTADDR, BRDADDR, NETMASK, METRIC, MTU, HWADDR, INDEX, PFLAGS,
/// TXQLEN, MAP.
const OF_ONE: [c_ulong; 13] =
    [0x8910, 0x8913, SIOCGIFADDR, 0x8917, 0x8919, 0x891b, 0x891d, 0x8921, 0x8927, 0x8933, 0x8935, 0x8942, 0x8970];

/// `struct ifconf`: the room in bytes, and then how many were filled, and where the array is.
#[repr(C)]
struct Configuration {
    len: c_int,
    at: *mut ifreq,
}

/// Takes what is hidden out of an array of interfaces with their IPv4 addresses.
///
/// # Safety
///
/// The kernel has filled it in.
unsafe fn list(configuration: *mut Configuration) {
    // SAFETY: as the caller promises.
    let configuration = unsafe { &mut *configuration };
    // Without an array it was asked how long that would be.
    if configuration.at.is_null() {
        return;
    }
    let context = &shim().config.context;
    let count = usize::try_from(configuration.len).unwrap_or_default() / size_of::<ifreq>();
    // SAFETY: the kernel has written so many.
    let all = unsafe { slice::from_raw_parts_mut(configuration.at, count) };
    let mut kept = 0;
    for n in 0..count {
        let Some(found) = all.get(n).copied() else { break };
        if address_of(&found).is_some_and(|address| is_shown(context, address))
            && let Some(place) = all.get_mut(kept)
        {
            *place = found;
            kept += 1;
        }
    }
    configuration.len = (kept * size_of::<ifreq>()) as c_int;
}

/// The address in it, if that is one.
fn address_of(found: &ifreq) -> Option<SocketAddr> {
    let at = &raw const found.ifr_ifru;
    // SAFETY: a union of addresses and numbers, 24 bytes; every pattern of bits is good for bytes.
    let bytes = unsafe { slice::from_raw_parts(at.cast(), LEN_V4) };
    // Too short for one of IPv6.
    decode(bytes)
}

/// Whether what the kernel says of one interface is for the program.
///
/// # Safety
///
/// The kernel has read and filled it in.
unsafe fn one(request: c_ulong, found: *const ifreq) -> Result<()> {
    // SAFETY: as the caller promises.
    let found = unsafe { &*found };
    // SAFETY: the name ends with a zero byte, or the kernel would not have found it.
    let name = unsafe { interface(found.ifr_name.as_ptr()) };
    // SAFETY: the list is the C library's.
    if !with_all(|list| unsafe { is_own_interface(list, name) })? {
        return Err(Errno::ENODEV);
    }
    let at = address_of(found);
    let is_hidden = |address| !is_shown(&shim().config.context, address);
    // The others belong to the address, which the interface may have besides those of the context.
    if request == SIOCGIFADDR && at.is_some_and(is_hidden) { Err(Errno::EADDRNOTAVAIL) } else { Ok(()) }
}
