//! What the tests share: the contexts of SEMANTICS.md, sockets, a host to ask, and short ways to write addresses.
//!
//! A is 10.0.0.1/24, B is 10.0.0.2/24, A6 is fd00:1::1/64, L is 127.3.232.1 (nid 1000); 10.0.0.3 and fd00:1::3 (F, F6)
//! are the host's but not ours, 192.0.2.77 (N) is nobody's, 198.51.100.7 and 2001:db8::7 (R, R6) are far away.

mod any;
mod fake_host;
mod meant;
mod own;
mod parts;

pub(crate) use any::*;
use chbind_policy::sockaddr::{canonical, encode, scope, with_scope};
use chbind_policy::{Assigned, Context, Errno, Family, LocalAddr, Loopback, Reason, Refusal, Socket, Transport};
pub(crate) use fake_host::*;
use ipnet::IpNet;
pub(crate) use meant::*;
pub(crate) use own::*;
pub(crate) use parts::*;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub(crate) const L: Ipv4Addr = Ipv4Addr::new(127, 3, 232, 1);

/// A context of these addresses, each `IP/PREFIX` and for a link-local one `IP/PREFIX%INDEX`. It lives as long as the
/// test: contexts are few.
pub(crate) fn context(addresses: &[&str]) -> Context<'static> {
    let assigned = addresses.iter().map(|text| {
        let (net, scope) = text.split_once('%').unwrap_or((text, "0"));
        Assigned::new(net.parse::<IpNet>().unwrap(), scope.parse().unwrap())
    });
    Context::new(assigned.collect::<Vec<_>>().leak(), L)
}

pub(crate) fn s() -> Context<'static> {
    context(&["10.0.0.1/24"])
}

pub(crate) fn m() -> Context<'static> {
    context(&["10.0.0.1/24", "10.0.0.2/24"])
}

pub(crate) fn d() -> Context<'static> {
    context(&["10.0.0.1/24", "fd00:1::1/64"])
}

pub(crate) fn p() -> Context<'static> {
    context(&["fd00:1::1/64"])
}

pub(crate) fn z() -> Context<'static> {
    Context { loopback: Loopback::Deny, ..s() }
}

/// S with the host's loopback.
pub(crate) fn h() -> Context<'static> {
    Context { loopback: Loopback::Host, ..s() }
}

/// D with the host's loopback.
pub(crate) fn hd() -> Context<'static> {
    Context { loopback: Loopback::Host, ..d() }
}

/// `context` with fd00:1::99 as its ::1.
pub(crate) fn with_lback6(context: Context<'_>) -> Context<'_> {
    Context { lback6: Some("fd00:1::99".parse().unwrap()), ..context }
}

/// Every kind of context, for properties.
pub(crate) fn contexts() -> Vec<Context<'static>> {
    let resolvers: &[IpAddr] = vec![ip("127.0.0.53"), ip("127.0.0.1"), ip("::1")].leak();
    let fanned =
        context(&["10.0.0.1/24", "127.0.0.2/32", "fe80::1/64%2", "fd00:1::1/64", "10.9.9.9/31", "10.8.0.1/16"]);
    vec![
        s(),
        m(),
        d(),
        p(),
        z(),
        h(),
        hd(),
        with_lback6(s()),
        with_lback6(d()),
        Context { multicast: true, ..d() },
        Context { multicast: true, ..s() },
        Context { raw_icmp: true, ..m() },
        Context { resolvers, ..d() },
        Context { host_loopback: &[53, 7000], ..with_lback6(m()) },
        Context { lback: Ipv4Addr::new(10, 0, 0, 77), ..p() },
        fanned,
        Context { loopback: Loopback::Deny, resolvers, host_loopback: &[53], ..fanned },
        Context { loopback: Loopback::Host, multicast: true, ..fanned },
        Context { multicast: true, raw_icmp: true, ..with_lback6(fanned) },
    ]
}

pub(crate) const TCP4: Socket = Socket { family: Family::V4, transport: Transport::Tcp, v6only: false };
pub(crate) const UDP4: Socket = Socket { family: Family::V4, transport: Transport::Udp, v6only: false };
pub(crate) const PING4: Socket = Socket { family: Family::V4, transport: Transport::Ping, v6only: false };
pub(crate) const TCP6: Socket = Socket { family: Family::V6, transport: Transport::Tcp, v6only: false };
pub(crate) const UDP6: Socket = Socket { family: Family::V6, transport: Transport::Udp, v6only: false };
pub(crate) const TCP6ONLY: Socket = Socket { v6only: true, ..TCP6 };
pub(crate) const UDP6ONLY: Socket = Socket { v6only: true, ..UDP6 };
/// The kernel makes them so (`inet6_create`).
pub(crate) const PING6: Socket = Socket { family: Family::V6, transport: Transport::Ping, v6only: true };

pub(crate) const RAW4: Socket = Socket { family: Family::V4, transport: Transport::RawIcmp, v6only: false };
/// It speaks IPv6 alone (`rawv6_bind`).
pub(crate) const RAW6: Socket = Socket { family: Family::V6, transport: Transport::RawIcmp, v6only: true };

pub(crate) const SOCKETS: [Socket; 10] = [TCP4, UDP4, PING4, RAW4, TCP6, UDP6, TCP6ONLY, UDP6ONLY, PING6, RAW6];
pub(crate) const ANY4: &str = "0.0.0.0:0";
pub(crate) const ANY6: &str = "[::]:0";

/// The local address of a socket that was never bound.
pub(crate) fn unbound(socket: &Socket) -> SocketAddr {
    at(if socket.family == Family::V4 { ANY4 } else { ANY6 })
}

/// A local address as the kernel shows it. One without a port is the program's own choice.
pub(crate) fn local(shown: SocketAddr) -> LocalAddr {
    LocalAddr::of(shown, || true)
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// An address as a program gives it.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    raw(at(text))
}

pub(crate) fn raw(address: SocketAddr) -> Vec<u8> {
    encode(address).bytes().to_vec()
}

/// The same with another address family.
pub(crate) fn relabelled(text: &str, family: i32) -> Vec<u8> {
    let mut bytes = bytes(text);
    bytes[..2].copy_from_slice(&(family as u16).to_ne_bytes());
    bytes
}

pub(crate) fn refusal(errno: i32, reason: Reason) -> Refusal {
    Refusal::new(Errno(errno), reason)
}

/// A host that routes everything from F and F6 and serves nothing.
pub(crate) fn host() -> FakeHost {
    FakeHost::default().route("0.0.0.0/0", "10.0.0.3").route("127.0.0.0/8", "127.0.0.1").route("::/0", "fd00:1::3")
}

/// What a program that names `ip` (canonical) as a source gets: an own address itself, and for 127.0.0.1 and ::1 what
/// they are called inside.
pub(crate) fn stands_for(context: &Context, ip: IpAddr, scope: u32) -> Option<IpAddr> {
    if is_assigned(context, with_scope(ip, 0, scope)) || is_own_loopback(context, ip) {
        return Some(ip);
    }
    match (context.loopback, ip.to_string().as_str()) {
        (Loopback::Remap, "127.0.0.1") => Some(IpAddr::V4(context.lback)),
        (Loopback::Remap, "::1") => context.lback6.map(IpAddr::V6),
        _ => None,
    }
}

/// Whether a socket that is kept to the context hears what is sent to `address` by that interface.
pub(crate) fn hears(context: &Context, address: SocketAddr) -> bool {
    let address = canonical(address);
    let by = scope(address);
    context.heard().any(|(net, scope)| net.contains(&address.ip()) && (scope == 0 || scope == by))
}
