//! The steps: what is done to a socket by calls of socket(7).
//!
//! Much of it is about sockets that are *pinned* to a source ([`LocalAddr`]).
//!
//! # Errors
//!
//! They are the kernel's. The usual ones:
//!
//! | call | errno | why |
//! |---|---|---|
//! | bind(2) | EINVAL | The socket has a port already. |
//! | | EADDRINUSE | Another socket has the port. |
//! | | EADDRNOTAVAIL | The host does not have the address. |
//! | | EACCES | The port is privileged (ip(7)). |
//! | connect(2) | EINPROGRESS | A stream that does not block is being connected. |
//! | | ENETUNREACH | No route leads there. |
//! | | EACCES | It is a broadcast address, and the socket has no `SO_BROADCAST`. |
//! | getpeername(2) | ENOTCONN | The socket is not connected. |
//! | getsockopt(2), setsockopt(2) | ENOPROTOOPT, EOPNOTSUPP | The socket does not know the option. |
//!
//! An IPv4 socket does not know the options of IPv6, and a raw IPv6 socket not those of IPv4.

use crate::context::Context;
use crate::create::birthplace;
use crate::errno::Errno;
use crate::local::{LocalAddr, unbound};
use crate::sockaddr::{canonical, for_family};
use crate::socket::{Family, Socket, Transport};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use libc::{IPPROTO_IP, IPPROTO_IPV6, SO_BINDTOIFINDEX, SOL_SOCKET};

/// What a call comes to.
pub type Result<T> = core::result::Result<T, Errno>;

/// A socket to look at: nothing of it changes.
pub trait Look {
    /// getsockname(2); `None` for a socket of another family.
    ///
    /// # Errors
    ///
    /// EBADF or ENOTSOCK (getsockname(2)) in the shim, where the program may have closed the descriptor or put another
    /// file there meanwhile. The supervisor has a duplicate.
    fn local(&self) -> Result<Option<SocketAddr>>;
    /// getpeername(2); `None` for a socket of another family.
    ///
    /// # Errors
    ///
    /// ENOTCONN where there is none.
    fn peer(&self) -> Result<Option<SocketAddr>>;
    /// An integer option.
    ///
    /// # Errors
    ///
    /// ENOPROTOOPT or EOPNOTSUPP where the socket does not know it.
    fn option(&self, level: i32, name: i32) -> Result<i32>;
    /// Whether the program has bound the socket to an address and no port.
    fn is_explicitly_bound(&self) -> bool;
}

/// A socket to act on: the calls of socket(7) on it.
pub trait Endpoint: Look {
    /// Another socket.
    type StandIn: Endpoint;

    /// bind(2).
    ///
    /// # Errors
    ///
    /// EINVAL, EADDRINUSE, EADDRNOTAVAIL, EACCES: see [the module](self#errors).
    fn bind(&self, address: SocketAddr) -> Result<()>;
    /// connect(2).
    ///
    /// # Errors
    ///
    /// EINPROGRESS, ENETUNREACH, EACCES: see [the module](self#errors).
    fn connect(&self, address: SocketAddr) -> Result<()>;
    /// connect(2) with `AF_UNSPEC`: dissolves an association.
    ///
    /// # Errors
    ///
    /// Those of [`Look::local`]; and EBUSY from some kernels before 6.7, where another thread waits in a call on a
    /// stream (`tcp_disconnect`, net/ipv4/tcp.c).
    fn disconnect(&self) -> Result<()>;
    /// Sets an option to these bytes.
    ///
    /// # Errors
    ///
    /// ENOPROTOOPT where the socket does not know it; EINVAL for `IPV6_V6ONLY` once it has a port.
    fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<()>;
    /// socket(2), on the account of whoever made this one.
    ///
    /// # Errors
    ///
    /// What socket(2) says: EMFILE or ENFILE where there are too many descriptors, EPERM for a raw one without the
    /// right.
    fn stand_in(&self, domain: i32, kind: i32, protocol: i32) -> Result<Self::StandIn>;
}

/// The local address of an inet socket.
///
/// # Errors
///
/// Those of [`Look::local`].
pub fn local(of: &impl Look) -> Result<LocalAddr> {
    let shown = of.local()?.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
    Ok(LocalAddr::of(shown, || of.is_explicitly_bound()))
}

/// Pins the socket to `source` (port 0).
///
/// # Errors
///
/// EINVAL if it has a port already, or has got one by the time when `IPV6_V6ONLY` is put back; else what bind(2) says,
/// or setsockopt(2) to `IP_BIND_ADDRESS_NO_PORT`.
pub fn pin(of: &impl Endpoint, socket: &Socket, source: SocketAddr) -> Result<()> {
    if socket.transport == Transport::RawIcmp {
        // It has no ports, and takes another address at any time.
        return of.bind(source);
    }
    // A program that set the option itself keeps it.
    let restore = !no_port(of);
    if restore {
        set_no_port(of, true)?;
    }
    let bound = of.bind(source);
    if restore {
        set_no_port(of, false)?;
    }
    bound?;
    // A bind to an IPv6 address leaves a dual-stack socket with IPv6 alone (__inet6_bind, net/ipv6/af_inet6.c).
    if socket.family == Family::V6 && !socket.v6only && !source.ip().to_canonical().is_ipv4() {
        set(of, IPPROTO_IPV6, libc::IPV6_V6ONLY, 0)?;
    }
    Ok(())
}

/// Pins a socket to the address that it is made with, be that on the host by now, still, or not: what the socket is good for
/// without one is found out when it is used.
///
/// # Errors
///
/// Those of [`pin`]; but after EADDRNOTAVAIL it is tried once more with `IP_FREEBIND` or `IPV6_FREEBIND`, and what the
/// kernel says to that is the answer.
pub fn pin_at_birth(of: &impl Endpoint, socket: &Socket, address: SocketAddr) -> Result<()> {
    match pin(of, socket, address) {
        Err(Errno::EADDRNOTAVAIL) => {
            // An address that is not the host's can be bound then. IPv6 sockets know it by another name.
            let (level, name) = match of.option(SOL_SOCKET, libc::SO_DOMAIN)? {
                libc::AF_INET6 => (IPPROTO_IPV6, libc::IPV6_FREEBIND),
                _ => (IPPROTO_IP, libc::IP_FREEBIND),
            };
            let restore = of.option(level, name)? == 0;
            set(of, level, name, 1)?;
            let pinned = pin(of, socket, address);
            if restore {
                set(of, level, name, 0)?;
            }
            pinned
        }
        done => done,
    }
}

/// Pins a datagram socket without a port to the address that it was made with: after what may have taken the address away, or
/// left it with another that is good only for where it went before (a bind that failed, an association that was dissolved).
pub fn repin(of: &impl Endpoint, context: &Context, socket: &Socket) {
    // It may have been made one of IPv6 alone, and that at any time.
    let v6only = || of.option(IPPROTO_IPV6, libc::IPV6_V6ONLY).is_ok_and(|on| on != 0);
    let socket = &Socket { v6only: socket.family == Family::V6 && v6only(), ..*socket };
    let Ok(Some(address)) = birthplace(context, socket) else { return };
    if let Ok(LocalAddr::Unbound(_) | LocalAddr::Pinned(_)) = local(of) {
        // EINVAL: it has a port by now.
        let _ = pin_at_birth(of, socket, address);
    }
}

/// Takes the address away again from a TCP socket that could not be connected, if it was chosen for the program, as the kernel
/// does with one that it has chosen (`inet_reset_saddr`).
pub fn unpin(of: &impl Endpoint, socket: &Socket) {
    if let Ok(Some(bound)) = of.local()
        && !bound.ip().is_unspecified()
        && !of.is_explicitly_bound()
    {
        // EINVAL: it has a port that was asked for, or it is being connected.
        let _ = pin(of, socket, unbound(bound));
    }
}

/// Whether the socket still has the port that it shows. A TCP socket that has let go of it is left at its address alone.
pub fn holds_port(of: &impl Endpoint, socket: &Socket) -> bool {
    let Ok(Some(mut bound)) = of.local() else { return true };
    bound.set_port(0);
    // EINVAL: it has its port.
    socket.transport != Transport::Tcp || pin(of, socket, bound).is_err()
}

/// What is shut down lets go of a port that the kernel chose, shows it all the same, and would get another when it listens
/// (`tcp_set_state`, `inet_put_port`): it must be the one that was judged.
///
/// # Errors
///
/// EADDRINUSE: somebody else has it by now.
pub fn keep_port(of: &impl Endpoint, local: LocalAddr) -> Result<()> {
    match of.bind(local.as_bound()) {
        Err(Errno::EADDRINUSE) => Err(Errno::EADDRINUSE),
        // EINVAL, or EACCES before that: it has its port.
        _ => Ok(()),
    }
}

/// Binds to an address and a port, also where the program wants no port before one is needed (`IP_BIND_ADDRESS_NO_PORT`).
///
/// # Errors
///
/// What bind(2) says: EADDRINUSE, EADDRNOTAVAIL, EACCES for a privileged port, EINVAL if the socket has a port already.
/// Or what the option says.
pub fn take_port(of: &impl Endpoint, address: SocketAddr) -> Result<()> {
    let restore = no_port(of);
    if restore {
        set_no_port(of, false)?;
    }
    let bound = of.bind(address);
    if restore {
        set_no_port(of, true)?;
    }
    bound
}

/// Options that have a say in the way that packets take. A mark cannot be given to another without CAP_NET_ADMIN.
const ROUTING: [(i32, i32); 8] = [
    (SOL_SOCKET, libc::SO_MARK),
    (SOL_SOCKET, libc::SO_BROADCAST),
    (SOL_SOCKET, SO_BINDTOIFINDEX),
    (SOL_SOCKET, libc::SO_DONTROUTE),
    (IPPROTO_IP, libc::IP_TOS),
    (IPPROTO_IP, IP_UNICAST_IF),
    (IPPROTO_IPV6, libc::IPV6_TCLASS),
    (IPPROTO_IPV6, IPV6_UNICAST_IF),
];
/// The interface that packets leave by where nothing else says so (linux/in.h).
pub const IP_UNICAST_IF: i32 = 50;
/// The same of IPv6 (linux/in6.h).
pub const IPV6_UNICAST_IF: i32 = 76;

/// Another socket that sends by the same way. `None` where one cannot be made alike: the kernel will say what comes of that.
///
/// # Errors
///
/// Those of [`Endpoint::stand_in`].
pub fn similar_socket<E: Endpoint>(of: &E, socket: &Socket) -> Result<Option<E::StandIn>> {
    let (domain, kind, protocol) = socket.arguments();
    let stand_in = of.stand_in(domain, kind, protocol)?;
    for (level, name) in ROUTING {
        // Those of IPv6 an IPv4 socket does not know.
        match of.option(level, name) {
            Ok(0) | Err(_) => {}
            Ok(value) if stand_in.set_option(level, name, &value.to_ne_bytes()).is_err() => return Ok(None),
            Ok(_) => {}
        }
    }
    Ok(Some(stand_in))
}

/// Tries on another socket whether `destination` can be had from `source`: a socket whose source has been fixed and that cannot
/// be connected is not easily got back onto its wildcard, and one that has been pinned for that keeps its port.
///
/// # Errors
///
/// Only of UDP: what the kernel says when the other socket is made ([`Endpoint::stand_in`]), pinned ([`pin`]) or
/// connected, such as ENETUNREACH.
pub fn dry_run(of: &impl Endpoint, socket: &Socket, source: SocketAddr, destination: SocketAddr) -> Result<()> {
    if socket.transport != Transport::Udp {
        return Ok(());
    }
    let Some(stand_in) = similar_socket(of, socket)? else { return Ok(()) };
    pin(&stand_in, socket, source)?;
    stand_in.connect(destination)
}

/// 224.0.0.0, which no group has (RFC 5771).
const NO_GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 0));

/// Gives a datagram socket that has a port on a wildcard, a broadcast address or a group the address `source`, and leaves
/// it the port. The kernel gives a socket an address when it is connected, and keeps that through further connects; so
/// it is connected to where nobody else can be the source: in IPv4 to a group, towards which the interface's address is
/// set (`IP_MULTICAST_IF`; ip4_datagram_connect, net/ipv4/datagram.c), in IPv6 to the source itself (RFC 6724, rule 1).
/// Port 0 has no receiver.
///
/// # Errors
///
/// EADDRNOTAVAIL if the socket has come to another address than `source`, or no interface has that one
/// (`IP_MULTICAST_IF`, ip(7)); else what the kernel says to connect(2) and to the option.
pub fn fix_source(of: &impl Endpoint, socket: &Socket, source: SocketAddr) -> Result<()> {
    let before = of.local()?;
    let shaped = |ip| for_family(SocketAddr::new(ip, 0), socket.family);
    let connected = match source.ip().to_canonical() {
        IpAddr::V4(address) => {
            let before = multicast_source(of)?;
            // Where the socket is bound to an interface no other will do.
            let interface = of.option(SOL_SOCKET, SO_BINDTOIFINDEX)?;
            set_multicast_source(of, address, interface)?;
            let connected = of.connect(shaped(NO_GROUP));
            set_multicast_source(of, before, interface)?;
            connected
        }
        IpAddr::V6(_) => of.connect(source),
    };
    connected?;
    let now = of.local()?;
    // A socket that is bound to a group goes on showing that.
    let is_group = now == before && now.is_some_and(|bound| !bound.ip().is_unspecified());
    let is_source = now.is_some_and(|bound| canonical(bound).ip() == canonical(source).ip());
    if is_group || is_source { Ok(()) } else { Err(Errno::EADDRNOTAVAIL) }
}

/// Takes the address away again, as far as the kernel lets it go, from a socket that was at `before`, a wildcard. (It
/// does not where the socket has been pinned before: `SOCK_BINDADDR_LOCK`, net/ipv4/udp.c.)
///
/// # Errors
///
/// What the kernel says when the association is dissolved and the device set again; and what bind(2) says to the port
/// that the kernel had chosen: EADDRINUSE if somebody else has it by now.
pub fn unfix_source(of: &impl Endpoint, before: LocalAddr) -> Result<()> {
    let device = of.option(SOL_SOCKET, SO_BINDTOIFINDEX)?;
    of.disconnect()?;
    if device != 0 {
        // The end of an association takes it away, which is none here (`__udp_disconnect`, net/ipv4/udp.c).
        set(of, SOL_SOCKET, SO_BINDTOIFINDEX, device)?;
    }
    // A port that the kernel had chosen is gone now. Asked for by number it stays.
    match of.local()? {
        Some(now) if now.port() == 0 => of.bind(before.as_bound()),
        _ => Ok(()),
    }
}

/// `IP_MULTICAST_IF`: the address that datagrams to a group are sent from, where the socket has none.
///
/// # Errors
///
/// ENOPROTOOPT on a raw IPv6 socket, which does not know the option.
pub fn multicast_source(of: &impl Look) -> Result<Ipv4Addr> {
    of.option(IPPROTO_IP, libc::IP_MULTICAST_IF).map(|bits| Ipv4Addr::from(bits.to_ne_bytes()))
}

/// Sets it, the unspecified address for none, for the interface with this index, 0 for that of the address.
fn set_multicast_source(of: &impl Endpoint, source: Ipv4Addr, interface: i32) -> Result<()> {
    // struct ip_mreqn: group, address, interface.
    let ([a, b, c, d], [e, f, g, h]) = (source.octets(), interface.to_ne_bytes());
    of.set_option(IPPROTO_IP, libc::IP_MULTICAST_IF, &[0, 0, 0, 0, a, b, c, d, e, f, g, h])
}

/// `IP_BIND_ADDRESS_NO_PORT`: a bind to port 0 fixes the address and takes no port. IPv6 sockets know it too.
fn no_port(of: &impl Look) -> bool {
    of.option(IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT).is_ok_and(|on| on != 0)
}

fn set_no_port(of: &impl Endpoint, on: bool) -> Result<()> {
    set(of, IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, i32::from(on))
}

fn set(of: &impl Endpoint, level: i32, name: i32, value: i32) -> Result<()> {
    // EINVAL for IPV6_V6ONLY: the socket has a port.
    of.set_option(level, name, &value.to_ne_bytes())
}
