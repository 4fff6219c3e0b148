//! setsockopt: the options that say as much as an address.

use crate::stop::{Stop, answer, ask_if_possible};
use crate::sys::{self, Fd, shim};
use chbind_policy::option::{self, Facts, VALUE_MAX};
use chbind_policy::perform::{self, Endpoint, Look};
use chbind_policy::sockaddr::canonical;
use chbind_policy::{Family, Subject};
use core::net::IpAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use libc::{
    AF_INET, AF_INET6, IP_BIND_ADDRESS_NO_PORT, IPPROTO_IP, SO_LOCK_FILTER, SO_TYPE, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM,
    SOL_SOCKET, c_int,
};

/// Whether a socket of this program may be bound without a port on purpose.
static NO_PORT: AtomicBool = AtomicBool::new(false);

pub(crate) fn wants_no_port() -> bool {
    NO_PORT.load(Ordering::Relaxed)
}

/// Whether only the supervisor, if there is one, can tell what it means that a socket has an address and no port: of several
/// addresses it may be the one that the program chose.
pub(crate) fn is_unclear() -> bool {
    wants_no_port() || shim().is_hybrid() && shim().config.context.addresses.len() > 1
}

/// Whether a socket that has an address without a port was bound so by the program, as far as can be told from the socket:
/// nothing is remembered of it. A stream has no other way to come to that; a datagram socket has from the beginning the address
/// that comes first, and is taken to have any other because the program wanted it.
pub(crate) fn is_explicitly_bound(fd: Fd) -> bool {
    if !wants_no_port() || fd.option(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) != Ok(1) {
        return false;
    }
    let context = &shim().config.context;
    let is_first = |ip: IpAddr| {
        let first = context.primary_of(Family::of(ip)).map(|first| first.ip());
        first.or(context.loopback_of(Family::of(ip))) == Some(ip)
    };
    match fd.option(SOL_SOCKET, SO_TYPE) {
        Ok(SOCK_STREAM) => true,
        Ok(_) => fd.local().is_ok_and(|bound| bound.is_some_and(|bound| !is_first(canonical(bound).ip()))),
        Err(_) => false,
    }
}

/// Whether the option is one of those that are judged.
pub(crate) fn is_judged(level: c_int, name: c_int) -> bool {
    let is_judged = option::judged(&shim().config.context).any(|judged| judged == (level, name));
    if (level, name) == (IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) {
        NO_PORT.store(true, Ordering::Relaxed);
    }
    is_judged
}

/// setsockopt(2) of one of those.
pub(crate) fn set_call(
    fd: Fd,
    level: c_int,
    name: c_int,
    value: &[u8],
    ask: impl FnOnce() -> sys::Result<usize>,
) -> sys::Result<usize> {
    answer(set(fd, level, name, value).map(|()| 0), || Subject::Option { level, name }, ask)
}

fn set(fd: Fd, level: c_int, name: c_int, value: &[u8]) -> Result<(), Stop> {
    ask_if_possible()?;
    let kind = fd.option(SOL_SOCKET, SO_TYPE)?;
    let mut bytes = [0; VALUE_MAX];
    let bytes = bytes.get_mut(..value.len().min(VALUE_MAX)).unwrap_or_default();
    for (to, from) in bytes.iter_mut().zip(value) {
        *to = *from;
    }
    let read = bytes.get_mut(..option::read_of(level, name, value.len())).unwrap_or_default();
    let is_datagram = || [Ok(AF_INET), Ok(AF_INET6)].contains(&fd.option(SOL_SOCKET, libc::SO_DOMAIN));
    let asks = (level, name) == (SOL_SOCKET, SO_LOCK_FILTER) && kind == SOCK_DGRAM && is_datagram();
    let portless = asks && perform::local(&fd)?.is_portless();
    option::set(&shim().config.context, Facts { raw: kind == SOCK_RAW, portless }, level, name, read)?;
    Ok(fd.set_option(level, name, bytes)?)
}
