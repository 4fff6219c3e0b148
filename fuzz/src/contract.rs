//! The contract, read naively: what a context may be, whom it may reach, which ports it may have.

pub use crate::own::*;
use chbind_policy::rules::{ConnectRule, Service};
use chbind_policy::{Context, Loopback, Socket, Transport};
use std::net::{IpAddr, SocketAddr};

/// An assigned address, or what loopback stands for.
pub fn is_own(context: &Context, at: SocketAddr) -> bool {
    is_assigned(context, at) || is_own_loopback(context, at.ip().to_canonical())
}

/// Whether the kernel takes `ip` for a loopback address, or for another name of one.
pub fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback() || ip.to_canonical().is_unspecified()
}

/// What reaches all, and only for datagrams: rows 9 and 10.
pub fn is_to_all(context: &Context, socket: &Socket, ip: IpAddr) -> bool {
    socket.transport == Transport::Udp && (is_own_broadcast(context, ip) || context.multicast && ip.is_multicast())
}

/// Whether this loopback address of the host was opened on purpose: rows 37 and 38.
pub fn is_opened(context: &Context, ip: IpAddr, port: u16) -> bool {
    let named = is_localhost(ip) && context.host_loopback.contains(&port);
    let resolver = port == 53 && context.resolvers.contains(&ip);
    is_loopback(ip)
        && match context.loopback {
            Loopback::Host => true,
            Loopback::Remap => named || resolver,
            Loopback::Deny => false,
        }
}

fn names(rule: &Service, transport: Transport, port: u16) -> bool {
    match transport {
        Transport::Tcp | Transport::Udp => {
            rule.transport.is_none_or(|own| own == transport) && rule.ports.contains(port)
        }
        Transport::Ping | Transport::RawIcmp => {
            rule.transport.is_none() && rule.ports.contains(0) && rule.ports.contains(u16::MAX)
        }
    }
}

/// What an allow rule names is allowed; of the rest what a deny rule names is not; of the rest nothing is, where there are
/// allow rules.
fn judged<R>(allow: &[R], deny: &[R], names: impl Fn(&R) -> bool) -> bool {
    allow.iter().any(&names) || (allow.is_empty() && !deny.iter().any(names))
}

/// Row 25.
pub fn may_have_port(context: &Context, transport: Transport, port: u16) -> bool {
    let has_none = port == 0 || matches!(transport, Transport::Ping | Transport::RawIcmp);
    has_none || judged(context.rules.allow_bind, context.rules.deny_bind, |rule| names(rule, transport, port))
}

/// Row 51, for a peer that no name but this one stands for.
pub fn may_reach(context: &Context, transport: Transport, ip: IpAddr, port: u16) -> bool {
    let is_named =
        |rule: &ConnectRule| rule.peers.is_none_or(|net| net.contains(&ip)) && names(&rule.service, transport, port);
    judged(context.rules.allow_connect, context.rules.deny_connect, is_named)
}
