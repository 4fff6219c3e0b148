//! What the rules for ports and peers say to a call: rows 25 and 51.

use crate::context::Context;
use crate::errno::Errno;
use crate::rules::{ConnectRule, Rules, Service, has_ports};
use crate::socket::{Family, Transport};
use crate::target::Target;
use crate::verdict::{Reason, Refusal};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Row 25 (docs/semantics.md#row-25): whether a socket may have `port`. Port 0 is the kernel's choice; what it chooses
/// is judged when it matters, at listen. ICMP sockets use the port field as an identifier, so no port rule applies to them.
pub(crate) fn port(rules: &Rules, transport: Transport, port: u16) -> Result<(), Refusal> {
    if port == 0 || !has_ports(transport) {
        return Ok(());
    }
    let names = |rule: &Service| rule.names(transport, port);
    let reasons = (Reason::PortNotAllowed(port, transport), Reason::PortDenied(port, transport));
    judge(rules.allow_bind, rules.deny_bind, names, reasons)
}

fn judge<R>(
    allow: &[R],
    deny: &[R],
    names: impl Fn(&R) -> bool,
    (not_allowed, denied): (Reason, Reason),
) -> Result<(), Refusal> {
    if allow.iter().any(&names) {
        Ok(())
    } else if deny.iter().any(names) {
        Err(Refusal::new(Errno::EACCES, denied))
    } else if allow.is_empty() {
        Ok(())
    } else {
        Err(Refusal::new(Errno::EACCES, not_allowed))
    }
}

/// Row 51 (docs/semantics.md#row-51): whether a program may speak to what it calls `asked` (canonical) and what is in
/// truth `target`.
///
/// What counts is what the program calls it: 127.0.0.1 also where that leads to a wildcard listener of the context itself.
/// But all that stands for the loopback of the context is one place by whatever name, or a deny rule for 127.0.0.1 would
/// not hold for 127.0.0.2.
pub(crate) fn peer(context: &Context, transport: Transport, asked: SocketAddr, target: &Target) -> Result<(), Refusal> {
    let Rules { allow_connect, deny_connect, .. } = context.rules;
    let (at, family) = (target.destination.ip(), Family::of(target.destination.ip()));
    let said = if asked.ip().is_unspecified() { localhost(Family::of(asked.ip())) } else { asked.ip() };
    let own = context.loopback_of(family);
    let is_own_loopback = !target.is_host && (at != asked.ip() || own == Some(at));
    let other_names = is_own_loopback.then_some([Some(localhost(family)), own]);
    let ips = [Some(said)].into_iter().chain(other_names.into_iter().flatten()).flatten();
    let names = |rule: &ConnectRule| ips.clone().any(|ip| rule.names(transport, ip, asked.port()));
    judge(allow_connect, deny_connect, names, (Reason::PeerNotAllowed, Reason::PeerDenied))
}

fn localhost(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Family::V6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
    }
}
