//! Whether every datagram socket of this process speaks from an address of the context by itself.
//!
//! In a context that [keeps one address](chbind_policy::Context::keeps_one) those that are made here do: they have that address,
//! or loopback's, whoever has used them, for neither this library nor the supervisor gives them a wildcard. A message of theirs
//! can go as it is, without a look at the socket. Not so sockets that came in from outside, those of other kinds, and those that
//! the program has bound to a broadcast address: as soon as there may be one in this process, every socket is looked at.

use crate::sys::{Fd, open_at, shim};
use chbind_policy::perform::Look;
use chbind_policy::sockaddr::{canonical, scope};
use core::sync::atomic::{AtomicU8, Ordering};
use libc::{AF_INET, AF_INET6, AT_FDCWD, O_DIRECTORY, O_RDONLY, SO_DOMAIN, SO_TYPE, SOCK_STREAM, SOL_SOCKET, c_int};

const UNKNOWN: u8 = 0;
const OWN: u8 = 1;
const FOREIGN: u8 = 2;
static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);

/// There may be one from now on.
pub(crate) fn note_foreign() {
    STATE.store(FOREIGN, Ordering::Relaxed);
}

/// A descriptor has been received from somebody.
pub(crate) fn note_received(fd: c_int) {
    if !speaks_for_itself(Fd(fd)) {
        note_foreign();
    }
}

/// Whether they all do. Found out when it is asked first: a process begins with what it inherited.
#[inline]
pub(crate) fn is_own() -> bool {
    match STATE.load(Ordering::Relaxed) {
        UNKNOWN => look(),
        state => state == OWN,
    }
}

#[cold]
fn look() -> bool {
    let is_own = every_descriptor(|fd| speaks_for_itself(Fd(fd)));
    let state = if is_own { OWN } else { FOREIGN };
    // Another thread may know better by now.
    let _ = STATE.compare_exchange(UNKNOWN, state, Ordering::Relaxed, Ordering::Relaxed);
    STATE.load(Ordering::Relaxed) == OWN
}

/// No inet socket but of TCP, or one with an address of the context.
fn speaks_for_itself(fd: Fd) -> bool {
    let Ok(domain) = fd.option(SOL_SOCKET, SO_DOMAIN) else { return true };
    if ![AF_INET, AF_INET6].contains(&domain) || fd.option(SOL_SOCKET, SO_TYPE) == Ok(SOCK_STREAM) {
        return true;
    }
    let Ok(Some(bound)) = fd.local() else { return false };
    shim().config.context.may_be_named(canonical(bound).ip(), scope(bound))
}

/// Whether all open descriptors are so; false where they cannot be listed.
fn every_descriptor(is_so: impl Fn(c_int) -> bool) -> bool {
    let Ok(directory) = open_at(AT_FDCWD, c"/proc/self/fd", O_RDONLY | O_DIRECTORY) else { return false };
    let mut bytes = [0; 2048];
    loop {
        let len = match directory.fd().read_directory(&mut bytes) {
            Ok(0) => return true,
            Ok(len) => len,
            Err(_) => return false,
        };
        let mut rest = bytes.get(..len).unwrap_or_default();
        // struct linux_dirent64: inode and offset (8 bytes each), length (2), type (1), name up to a zero byte.
        while let Some(record) = rest.get(16..).and_then(|rest| rest.first_chunk()).map(|len| u16::from_ne_bytes(*len))
        {
            let record = usize::from(record);
            let name = rest.get(19..record).unwrap_or_default();
            let digits = name.iter().take_while(|byte| byte.is_ascii_digit());
            let number = digits.fold(0, |sum: c_int, byte| sum.wrapping_mul(10).wrapping_add(c_int::from(byte - b'0')));
            if name.first().is_some_and(u8::is_ascii_digit) && !is_so(number) {
                return false;
            }
            rest = rest.get(record.max(1)..).unwrap_or_default();
        }
    }
}
