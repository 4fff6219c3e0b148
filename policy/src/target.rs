//! Where a destination really is.

use crate::context::{Context, Loopback};
use crate::errno::Errno;
use crate::host::Host;
use crate::rules::has_ports;
use crate::socket::{Family, Socket};
use crate::verdict::{Reason, Refusal};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The port of the DNS (RFC 1035).
const DNS: u16 = 53;

/// Where a destination really is.
pub(crate) struct Target {
    pub(crate) destination: SocketAddr,
    pub(crate) source: Way,
    /// It is the host's own loopback, opened on purpose.
    pub(crate) is_host: bool,
}

/// How the source towards a target is found.
pub(crate) enum Way {
    /// A loopback address: the context's own or, towards the host's, the one that the kernel would take.
    Loopback(IpAddr),
    /// That of the context's addresses which suits the destination.
    Select,
}

/// Rows 35 to 41: what a destination (canonical) stands for inside the context.
pub(crate) fn stands_for(
    context: &Context,
    socket: &Socket,
    destination: SocketAddr,
    host: &dyn Host,
) -> Result<Target, Refusal> {
    let ip = destination.ip();
    // An assigned address of 127/8 is an ordinary one; but where loopback is the host's it is all of it.
    let is_ordinary = || context.loopback != Loopback::Host && context.is_assigned(ip, 0);
    let is_loopback = (ip.is_loopback() || ip.is_unspecified()) && !is_ordinary();
    // An IPv4 address for a socket that speaks IPv6 alone (tcp_v6_connect, udpv6_sendmsg).
    let mismatch = socket.v6only && ip.is_ipv4();
    if !is_loopback {
        let unreachable = Refusal::native(Errno::ENETUNREACH);
        return if mismatch {
            Err(unreachable)
        } else {
            Ok(Target { destination, source: Way::Select, is_host: false })
        };
    }
    let port = destination.port();
    // The wildcard as a destination is the kernel's other name for loopback.
    let named = match ip {
        IpAddr::V4(v4) if v4.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(v6) if v6.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    if context.loopback == Loopback::Deny {
        return Err(Refusal::new(Errno::EPERM, Reason::LoopbackDenied));
    }
    if mismatch {
        let is_host = context.loopback == Loopback::Host;
        return Err(Refusal::native(if is_host { Errno::ENETUNREACH } else { Errno::ECONNREFUSED }));
    }
    let is_localhost = is_localhost(named);
    // One port of the host's means 127.0.0.1 and ::1: other addresses of 127/8 may belong to other contexts.
    let has_ports = has_ports(socket.transport);
    let is_open = has_ports && is_localhost && context.host_loopback.contains(&port);
    if context.loopback == Loopback::Host || is_open {
        let destination = SocketAddr::new(named, port);
        let source = match host_loopback(named) {
            usual if context.loopback == Loopback::Host && host.is_on_device() => {
                let is_usual = host.preferred_source(destination) == Some(usual);
                if is_usual { Way::Loopback(usual) } else { Way::Select }
            }
            usual => Way::Loopback(usual),
        };
        return Ok(Target { destination, source, is_host: true });
    }
    let serving = |family| host.serves(socket.transport, family, port);
    // A dual-stack socket finds on ::1 what is served on 127.0.0.1 too.
    let serving = match Family::of(named) {
        Family::V4 => serving(Family::V4),
        Family::V6 => serving(Family::V6).or_else(|| serving(Family::V4)),
    };
    let reachable = |ip: &IpAddr| if ip.is_ipv4() { !socket.v6only } else { socket.family == Family::V6 };
    let own = context.loopback_of(Family::of(named));
    // Served on 127.0.0.1 is not served on ::1 where that is an address of its own.
    let is_other = |ip: &IpAddr| context.loopback_of(Family::V4) == Some(*ip) && own.is_some_and(|own| own != *ip);
    // ::1 on a dual-stack socket is the context's IPv4 loopback where it has no IPv6 one.
    let own = own.or_else(|| context.loopback_of(Family::V4)).filter(reachable);
    let serving = serving.filter(|ip| reachable(ip) && !is_other(ip));
    if has_ports && port == DNS && context.resolvers.contains(&named) && !(is_localhost && serving.is_some()) {
        let source = context.loopback_of(Family::of(named)).unwrap_or(host_loopback(named));
        return Ok(Target { destination: SocketAddr::new(named, port), source: Way::Loopback(source), is_host: true });
    }
    match serving.or(own) {
        Some(at) => {
            let source = context.loopback_of(Family::of(at)).map_or(Way::Select, Way::Loopback);
            Ok(Target { destination: SocketAddr::new(at, port), source, is_host: false })
        }
        None => Err(Refusal::native(Errno::ECONNREFUSED)),
    }
}

/// Whether a socket that was bound outside to `ip` may speak towards the host's loopback: the kernel's own source there.
/// Other addresses of 127/8 may belong to other contexts.
pub(crate) fn is_localhost(ip: IpAddr) -> bool {
    ip == IpAddr::V4(Ipv4Addr::LOCALHOST) || ip == IpAddr::V6(Ipv6Addr::LOCALHOST)
}

/// The source that the kernel takes towards a loopback address of the host.
fn host_loopback(destination: IpAddr) -> IpAddr {
    match destination {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    }
}
