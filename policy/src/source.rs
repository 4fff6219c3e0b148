//! Which of its addresses a context speaks from. Shared by connect and send.

use crate::access;
use crate::context::{Assigned, Context};
use crate::errno::Errno;
use crate::host::Host;
use crate::sockaddr::{scope, with_scope};
use crate::socket::{Family, Socket};
use crate::target::{Target, Way, stands_for};
use crate::verdict::{Reason, Refusal};
use core::net::SocketAddr;

/// A socket that has an IPv6 address is not connected to an IPv4 one: the kernel would make up a source for it
/// (`LOOPBACK4_IPV6`, include/net/ipv6.h). The reverse it refuses itself (`ip6_dst_lookup_tail`, net/ipv6/ip6_output.c).
pub(crate) fn speaks_to(bound: SocketAddr, destination: SocketAddr) -> Result<(), Refusal> {
    let is_made_up = !bound.ip().is_unspecified() && bound.is_ipv6() && destination.is_ipv4();
    if is_made_up { Err(Refusal::native(Errno::ENETUNREACH)) } else { Ok(()) }
}

/// What a destination (canonical) stands for inside the context, provided that it may be reached.
pub(crate) fn target(
    context: &Context,
    socket: &Socket,
    destination: SocketAddr,
    host: &dyn Host,
) -> Result<Target, Refusal> {
    let target = stands_for(context, socket, destination, host)?;
    access::peer(context, socket.transport, destination, &target)?;
    Ok(target)
}

/// Rows 31 to 33: the address to speak from towards `destination`.
pub(crate) fn select(context: &Context, destination: SocketAddr, host: &dyn Host) -> Result<Assigned, Refusal> {
    let family = Family::of(destination.ip());
    let unreachable = Refusal::new(Errno::ENETUNREACH, Reason::NoFamily(family));
    let first = context.primary_of(family).ok_or(unreachable)?;
    // Towards an interface the kernel takes no link-local address but one of that interface's.
    let interface = scope(destination);
    let usable =
        || context.of_family(family).filter(move |a| interface == 0 || a.scope() == 0 || a.scope() == interface);
    let primary = usable().next().unwrap_or(first);
    if usable().nth(1).is_none() {
        return Ok(primary);
    }
    let Some(preferred) = host.preferred_source(destination) else { return Ok(primary) };
    let exact = usable().find(|a| a.ip() == preferred);
    let neighbour = || usable().find(|a| a.subnet_contains(preferred));
    Ok(exact.or_else(neighbour).unwrap_or(primary))
}

/// The source towards `target`, with port 0.
pub(crate) fn towards(context: &Context, target: &Target, host: &dyn Host) -> Result<SocketAddr, Refusal> {
    match target.source {
        Way::Loopback(ip) => Ok(SocketAddr::new(ip, 0)),
        Way::Select => selected(context, target, host),
    }
}

/// The same for a socket on a wildcard, which hears an answer only where the context may: from the host's loopback not at
/// the address that the kernel would take.
pub(crate) fn towards_from_wildcard(
    context: &Context,
    target: &Target,
    host: &dyn Host,
) -> Result<SocketAddr, Refusal> {
    let Way::Loopback(ip) = target.source else { return selected(context, target, host) };
    match Some(ip).filter(|ip| context.may_be_named(*ip, 0)).or(context.loopback_of(Family::of(ip))) {
        Some(own) => Ok(SocketAddr::new(own, 0)),
        None => selected(context, target, host),
    }
}

fn selected(context: &Context, target: &Target, host: &dyn Host) -> Result<SocketAddr, Refusal> {
    let assigned = select(context, target.destination, host)?;
    Ok(with_scope(assigned.ip(), 0, assigned.scope()))
}
