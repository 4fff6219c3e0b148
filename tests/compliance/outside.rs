//! Those who look from outside: sockets of the host and of the remote, and the kernel's tables.

use std::net::{IpAddr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use chbind_tests::net::{self, Peer};
use chbind_tests::{Outcome, Patience, SOON, at_most, ensure, ensure_eq};
use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockProtocol, SockType, SockaddrStorage, sockopt};
use nix::sys::time::TimeVal;

use crate::observe::{Post, Seen, Transport};
use crate::world::World;

/// How long something may be on its way that has been sent already. Only a failure waits this long.
const ON_ITS_WAY: Duration = Duration::from_secs(3);

/// Somebody at a post.
pub(crate) struct Lookout<'a> {
    world: &'a World,
    pub(crate) post: Post,
    ears: Ears,
}

enum Ears {
    Tcp(Peer),
    Udp(UdpSocket),
    Icmp(OwnedFd),
}

impl<'a> Lookout<'a> {
    /// Takes up a post.
    pub(crate) fn new(world: &'a World, post: Post) -> Outcome<Self> {
        let ears = world.at(post.at.ip(), || {
            Ok(match post.transport {
                Transport::Tcp => Ears::Tcp(Peer::listen(&scoped(post.at)?.to_string())?),
                Transport::Udp => Ears::Udp(udp(post.at)?),
                Transport::Icmp => Ears::Icmp(icmp(post.at.ip())?),
            })
        })?;
        Ok(Self { world, post, ears })
    }

    /// Fails unless this has come.
    pub(crate) fn check(&self, wanted: &Seen) -> Outcome {
        match wanted {
            Seen::Nobody => self.nobody(),
            Seen::From(source, text) => self.next(*source, text.as_deref()),
        }
    }

    fn next(&self, wanted: IpAddr, text: Option<&str>) -> Outcome {
        let at = self.post.at;
        let nothing = |error| format!("{at}: {error}");
        let from = match &self.ears {
            Ears::Tcp(peer) => {
                let (mut stream, from) =
                    peer.accept_within(ON_ITS_WAY).map_err(|_| nothing("nobody connects".to_owned()))?;
                if let Some(wanted) = text {
                    let mut bytes = vec![0; wanted.len()];
                    std::io::Read::read_exact(&mut stream, &mut bytes)?;
                    ensure_eq!(String::from_utf8_lossy(&bytes), wanted, "at {at}");
                }
                from
            }
            Ears::Udp(udp) => {
                let (found, from) = net::receive(udp).map_err(|_| nothing("no datagram".to_owned()))?;
                ensure_eq!(found, text.unwrap_or("hello"), "at {at}");
                from
            }
            Ears::Icmp(raw) => echo(raw, at.ip())?,
        };
        ensure!(from.to_canonical() == wanted, "{at} sees {from}, wanted {wanted}");
        Ok(())
    }

    /// What is sent now comes after what was sent before: where it is the first to come, nothing else has.
    fn nobody(&self) -> Outcome {
        let at = self.post.at;
        match &self.ears {
            Ears::Tcp(peer) => ensure!(!peer.was_reached(), "{at} was reached"),
            Ears::Udp(udp) => {
                let own = match at.ip() {
                    ip if ip.is_loopback() => ip.to_string(),
                    IpAddr::V4(_) => "10.0.0.3".to_owned(),
                    IpAddr::V6(_) => "fd00:1::3".to_owned(),
                };
                let fence = UdpSocket::bind((own.as_str(), 0))?;
                fence.set_broadcast(true)?;
                fence.send_to(b"the end", at)?;
                let (found, from) = net::receive(udp)?;
                ensure!(found == "the end", "{at} sees {from} with {found:?}, wanted nobody");
            }
            Ears::Icmp(raw) => {
                socket::setsockopt(raw, sockopt::ReceiveTimeout, &TimeVal::new(0, 300_000))?;
                ensure!(echo(raw, at.ip()).is_err(), "{at} was reached");
            }
        }
        Ok(())
    }

    /// Whether this is what the kernel's table shows at that place.
    pub(crate) fn is_at(&self, transport: Transport, at: SocketAddr) -> bool {
        self.post.transport == transport && self.post.at == at && !self.world.is_remote(at.ip())
    }
}

/// A socket that receives there; of a group it is made a member, in the remote's network.
fn udp(at: SocketAddr) -> Outcome<UdpSocket> {
    let udp = net::udp_peer(&scoped(at)?.to_string())?;
    udp.set_read_timeout(Some(at_most(ON_ITS_WAY)))?;
    match at.ip() {
        IpAddr::V4(ip) if ip.is_multicast() => udp.join_multicast_v4(&ip, &"10.0.0.10".parse()?)?,
        IpAddr::V6(ip) if ip.is_multicast() => udp.join_multicast_v6(&ip, wire()?)?,
        _ => {}
    }
    Ok(udp)
}

fn time(limit: Duration) -> TimeVal {
    TimeVal::new(limit.as_secs().cast_signed(), 0)
}

/// The address with its interface, if it needs one.
fn scoped(at: SocketAddr) -> Outcome<SocketAddr> {
    Ok(match at {
        SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() => {
            SocketAddrV6::new(*v6.ip(), v6.port(), 0, wire()?).into()
        }
        other => other,
    })
}

/// The wire of the namespace of the calling thread.
fn wire() -> Outcome<u32> {
    let found = ["w0", "r0"].into_iter().find_map(|name| if_nametoindex(name).ok());
    found.ok_or("no wire".into())
}

fn icmp(at: IpAddr) -> Outcome<OwnedFd> {
    let (family, protocol) = match at {
        IpAddr::V4(_) => (AddressFamily::Inet, SockProtocol::Icmp),
        IpAddr::V6(_) => (AddressFamily::Inet6, SockProtocol::IcmpV6),
    };
    let raw = socket::socket(family, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
    socket::bind(raw.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(at, 0)))?;
    socket::setsockopt(&raw, sockopt::ReceiveTimeout, &time(at_most(ON_ITS_WAY)))?;
    Ok(raw)
}

/// Where the next echo request comes from.
fn echo(raw: &OwnedFd, at: IpAddr) -> Outcome<IpAddr> {
    let mut patience = Patience::new(ON_ITS_WAY);
    while patience.rest(Duration::ZERO) {
        let mut bytes = [0; 256];
        let received = socket::recvfrom::<SockaddrStorage>(raw.as_raw_fd(), &mut bytes);
        let (_, from) = received.map_err(|_| format!("{at}: no echo request"))?;
        // With IPv4 the packet's header comes first.
        let is_request = match at {
            IpAddr::V4(_) => bytes.get(usize::from(bytes[0] & 15) * 4) == Some(&8),
            IpAddr::V6(_) => bytes[0] == 128,
        };
        if is_request {
            let from = from.ok_or("from nowhere")?;
            let v4 = from.as_sockaddr_in().map(|from| IpAddr::V4(from.ip()));
            return v4.or_else(|| from.as_sockaddr_in6().map(|from| from.ip().into())).ok_or("no address".into());
        }
    }
    Err(format!("{at}: no echo request").into())
}

/// A connection from an address that is somebody's outside of the contexts.
pub(crate) fn dial(world: &World, from: IpAddr, to: SocketAddr) -> Outcome<Result<(), Errno>> {
    world.at(from, || {
        let family = if from.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let tcp = socket::socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
        socket::setsockopt(&tcp, sockopt::SendTimeout, &time(at_most(SOON)))?;
        socket::bind(tcp.as_raw_fd(), &SockaddrStorage::from(scoped(SocketAddr::new(from, 0))?))?;
        Ok(socket::connect(tcp.as_raw_fd(), &SockaddrStorage::from(to)))
    })
}

/// A datagram from such an address.
pub(crate) fn send(world: &World, from: IpAddr, to: SocketAddr, text: &str) -> Outcome<UdpSocket> {
    world.at(from, || {
        let udp = UdpSocket::bind(scoped(SocketAddr::new(from, 0))?)?;
        udp.set_broadcast(true)?;
        udp.set_read_timeout(Some(at_most(ON_ITS_WAY)))?;
        udp.send_to(text.as_bytes(), to).map_err(|error| format!("cannot send from {from} to {to}: {error}"))?;
        Ok(udp)
    })
}

/// The same, and its answer: the text, and where it comes from.
pub(crate) fn ask(world: &World, from: IpAddr, to: SocketAddr, answer: IpAddr) -> Outcome {
    let (text, source) = net::receive(&send(world, from, to, "question")?).map_err(|_| format!("{to}: no answer"))?;
    ensure_eq!(text, "re:question", "from {to}");
    ensure!(source == answer, "{to} answers from {source}, wanted {answer}");
    Ok(())
}

/// What is bound at that port in the namespace of the calling thread, as the kernel's tables have it (TCP: what listens).
pub(crate) fn table(transport: Transport, port: u16) -> Outcome<Vec<SocketAddr>> {
    const LISTENING: &str = "0A";
    let name = if transport == Transport::Tcp { "tcp" } else { "udp" };
    let mut found = Vec::new();
    for table in [name.to_owned(), format!("{name}6")] {
        for line in std::fs::read_to_string(format!("/proc/thread-self/net/{table}"))?.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, local, _, state, ..] = fields.as_slice() else { return Err("what table is this?".into()) };
            let (address, at) = local.split_once(':').ok_or("no port")?;
            if u16::from_str_radix(at, 16) == Ok(port) && (transport == Transport::Udp || *state == LISTENING) {
                found.push(SocketAddr::new(address_of(address)?.to_canonical(), port));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The tables show addresses as numbers of 32 bits in the byte order of the machine.
fn address_of(digits: &str) -> Outcome<IpAddr> {
    let mut bytes = Vec::new();
    for at in (0..digits.len()).step_by(8) {
        let digits = digits.get(at..at + 8).ok_or("no address")?;
        bytes.extend_from_slice(&u32::from_str_radix(digits, 16)?.to_ne_bytes());
    }
    let v6 = <[u8; 16]>::try_from(bytes.as_slice()).map(IpAddr::from);
    Ok(v6.or_else(|_| <[u8; 4]>::try_from(bytes.as_slice()).map(IpAddr::from)).map_err(|_| "no address")?)
}
