//! bind.

use crate::facts::identify;
use crate::host::first_there;
use crate::stop::{Stop, answer, ask_if_possible};
use crate::sys::{self, Fd, shim};
use crate::{foreign_sockets, option, tell};
use chbind_policy::bind::{self, Place};
use chbind_policy::bpf::Instruction;
use chbind_policy::perform::{self, Endpoint, Look};
use chbind_policy::sockaddr::{self, canonical};
use chbind_policy::{Context, Errno, Family, Reason, Refusal, Socket, Subject, Transport};
use core::net::{IpAddr, SocketAddr};
use libc::{AF_INET, AF_INET6, AF_UNSPEC, SO_LOCK_FILTER, SOL_SOCKET};

/// bind(2)
pub(crate) fn bind_call(fd: Fd, address: &[u8], ask: impl FnOnce() -> sys::Result<usize>) -> sys::Result<usize> {
    // A raw socket does not look at the family (raw_bind, net/ipv4/raw.c).
    if is_of_others(address) && !shim().config.context.raw_icmp {
        return fd.bind_bytes(address).map(|()| 0);
    }
    let subject = || match (sockaddr::decode(address), identify(fd)) {
        (Some(shown), Ok(Some(socket))) => Subject::Address("bind to", canonical(shown), socket.transport),
        _ => Subject::Call("bind"),
    };
    answer(bound(fd, address).map(|()| 0), subject, ask)
}

/// Whether an address is of a family that no rule is about: an inet socket does not take it.
pub(crate) fn is_of_others(address: &[u8]) -> bool {
    sockaddr::family(address).is_some_and(|family| ![AF_INET, AF_INET6, AF_UNSPEC].contains(&family))
}

fn bound(fd: Fd, address: &[u8]) -> Result<(), Stop> {
    let context = &shim().config.context;
    let asked = sockaddr::decode(address).map(canonical);
    if asked.is_some_and(|asked| context.is_broadcast(asked.ip())) {
        foreign_sockets::note_foreign();
    }
    // Of several addresses the one that was chosen is remembered, also where the kernel may take the port away again.
    let is_choice = asked.is_some_and(|asked| asked.port() == 0 && !asked.ip().is_unspecified());
    let is_simple =
        |at: &SocketAddr| at.port() != 0 || !option::wants_no_port() && (!is_choice || context.addresses.len() == 1);
    if let Some(at) = place_of_any(context, address).filter(is_simple) {
        return match fd.bind(at) {
            Ok(()) => Ok(()),
            // Nothing was changed. The kernel was given an address of the length that is usual: of the program's it cannot speak.
            Err(Errno::EINVAL) => match identify(fd)?.map(|socket| bind::bind(context, &socket, address)) {
                Some(Err(refusal)) if refusal.reason == Reason::Native => Err(refusal.into()),
                _ => Err(Stop::Fail(Errno::EINVAL)),
            },
            Err(errno) => {
                // The supervisor may have the right, and knows who else is there.
                ask_if_possible()?;
                if let Ok(Some(socket)) = identify(fd) {
                    perform::repin(&fd, context, &socket);
                }
                Err(Stop::Fail(errno))
            }
        };
    }
    let Some(socket) = identify(fd)? else { return Ok(fd.bind_bytes(address)?) };
    ask_if_possible()?;
    let action = bind::bind(context, &socket, address).map_err(|refusal| earlier(fd, &socket, address, refusal))?;
    let at = bind_to(fd, &socket, action.place)?;
    if let Some(note) = action.note.filter(|_| !at.ip().to_canonical().is_unspecified()) {
        tell::note(sockaddr::decode(address).map_or(at, canonical), socket.transport, note);
    }
    Ok(())
}

/// What the kernel says to an address of IPv6 before it asks whose that is (`__inet6_bind`, net/ipv6/af_inet6.c).
fn earlier(fd: Fd, socket: &Socket, address: &[u8], refusal: Refusal) -> Stop {
    let has_ports = matches!(socket.transport, Transport::Tcp | Transport::Udp);
    let is_late = has_ports && socket.family == Family::V6 && refusal.errno == Errno::EADDRNOTAVAIL;
    let Some(asked) = sockaddr::decode(address).filter(|_| is_late) else { return refusal.into() };
    let is_of_others = socket.transport == Transport::Tcp && asked.ip().is_multicast();
    let has_port = || perform::local(&fd).is_ok_and(|local| !local.is_portless()) && perform::holds_port(&fd, socket);
    let is_barred = socket.v6only && asked.ip().to_canonical().is_ipv4();
    if is_of_others || is_barred || has_port() { Stop::Fail(Errno::EINVAL) } else { refusal.into() }
}

/// Where a socket goes with this address, if that is the same whatever it is.
fn place_of_any(context: &Context, address: &[u8]) -> Option<SocketAddr> {
    let family = match sockaddr::family(address)? {
        AF_INET => Family::V4,
        AF_INET6 => Family::V6,
        _ => return None,
    };
    let place = |transport, v6only| {
        let action = bind::bind(context, &Socket { family, transport, v6only }, address).ok()?;
        match (action.place, action.note) {
            (Place::At(at), None) => Some(at),
            _ => None,
        }
    };
    let at = place(Transport::Tcp, false)?;
    if at.ip().to_canonical() == sockaddr::decode(address)?.ip().to_canonical() && !context.rules.restrict_ports() {
        // What a stream may have by its name, all may.
        return Some(at);
    }
    let is_so = |transport, v6only| place(transport, v6only) == Some(at);
    let is_so_of_v6 = family == Family::V4 || (is_so(Transport::Tcp, true) && is_so(Transport::Udp, true));
    (is_so(Transport::Udp, false) && is_so_of_v6).then_some(at)
}

/// Binds to the place, and says to which address in the end.
pub(crate) fn bind_to(fd: Fd, socket: &Socket, place: Place) -> Result<SocketAddr, Stop> {
    let bind = |at| fd.bind(at).map(|()| at);
    let mended = |done: sys::Result<SocketAddr>| {
        if done.is_err_and(|errno| errno != Errno::EINVAL) {
            perform::repin(&fd, &shim().config.context, socket);
        }
        Ok(done?)
    };
    let (any, otherwise) = match place {
        Place::At(at) => return mended(bind(at)),
        Place::Open { any, otherwise } => (any, otherwise),
    };
    // One that has a port already gets no filter: the bind fails.
    if perform::local(&fd)?.is_portless() && (is_shared(fd)? || !place_wildcard_filter(fd)) {
        return mended(bind(otherwise));
    }
    match bind(any) {
        Err(Errno::EADDRINUSE) if !is_taken_inside(socket, any) => mended(bind(otherwise)),
        done => mended(done),
    }
}

/// Whether somebody has the wildcard's port on an address of the context: then it has no other place.
fn is_taken_inside(socket: &Socket, any: SocketAddr) -> bool {
    let meets = |ip: &IpAddr| match socket.family {
        Family::V4 => ip.is_ipv4(),
        Family::V6 => ip.is_ipv6() || !socket.v6only,
    };
    // Without the groups.
    let single = shim().config.context.heard().filter(|(net, _)| net.prefix_len() == net.max_prefix_len());
    first_there(Transport::Udp, any.port(), single.map(|(net, _)| net.addr()).filter(meets)).is_some()
}

/// Whether it would share the wildcard's port: of such sockets the kernel gives a datagram to one alone, and who else is
/// there is not known here. Groups it gives to all.
fn is_shared(fd: Fd) -> sys::Result<bool> {
    let option = |name| fd.option(SOL_SOCKET, name);
    Ok(!shim().config.context.multicast && (option(libc::SO_REUSEADDR)? != 0 || option(libc::SO_REUSEPORT)? != 0))
}

/// Puts the filter for wildcards before the socket, for good. False where it cannot be: the program has one of its own there,
/// or the context has more addresses than a filter can tell.
pub(crate) fn place_wildcard_filter(fd: Fd) -> bool {
    let filter = shim().wildcard_filter;
    let placed = match fd.filter(&mut []) {
        _ if filter.is_empty() => false,
        Ok(0) => fd.attach_filter(filter).is_ok(),
        Ok(len) => len == filter.len() && is_at(fd, filter),
        Err(_) => false,
    };
    placed && fd.set_option(SOL_SOCKET, SO_LOCK_FILTER, &1i32.to_ne_bytes()).is_ok()
}

/// Whether it is there, as far as there is room to look: programs that put one like it there mean the same.
fn is_at(fd: Fd, filter: &[Instruction]) -> bool {
    let mut found = [Instruction::default(); 128];
    match fd.filter(&mut found) {
        Ok(len) => found.get(..len) == Some(filter),
        Err(_) => fd.option(SOL_SOCKET, SO_LOCK_FILTER).is_ok_and(|locked| locked != 0),
    }
}
