//! What the kernel's routing says (rtnetlink(7)).

use super::{Errno, Result, cerr, socket};
use libc::{c_int, c_void};
use nix::unistd::Uid;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};

/// Sizes of `struct nlmsghdr` and `struct rtmsg`, in bytes. Attributes have a header of 4: length, type.
const HEADER: usize = 16;
const ROUTE: usize = 12;
const ATTRIBUTE: usize = 4;
/// The next numbers of `enum rtattr_type_t` (linux/rtnetlink.h) that libc does not have.
const RTA_UID: u16 = 25;
const RTA_IP_PROTO: u16 = 27;
const RTA_DPORT: u16 = 29;

/// A packet that might be sent.
pub(crate) struct Packet {
    /// Where to.
    pub destination: IpAddr,
    /// And to which port.
    pub port: u16,
    /// By this protocol.
    pub protocol: u8,
    /// The index of the interface that it must leave by, 0 for any.
    pub interface: u32,
    /// `SO_MARK`
    pub mark: u32,
    /// Whose socket sends it; `None` where that is not known: then it is asked for this process.
    pub user: Option<Uid>,
}

/// A socket to ask by.
pub(crate) struct Routes(OwnedFd);

impl Routes {
    /// Opens it.
    pub(crate) fn open() -> Result<Self> {
        socket::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE).map(Routes)
    }

    /// The source address that the kernel would give to `packet` (`RTM_GETROUTE`); an error where there is no route.
    pub(crate) fn source(&self, packet: &Packet) -> Result<Option<IpAddr>> {
        self.ask(&request(packet))?;
        let mut answer = [0u8; 4096];
        // SAFETY: the kernel writes at most as many bytes as `answer` has.
        let read = unsafe {
            libc::recv(self.0.as_raw_fd(), answer.as_mut_ptr().cast::<c_void>(), answer.len(), libc::MSG_DONTWAIT)
        };
        let read = cerr(read as i64)? as usize;
        understand(answer.get(..read).unwrap_or_default())
    }

    /// The kernel has answered when this returns.
    fn ask(&self, request: &[u8]) -> Result<()> {
        let (at, len) = (request.as_ptr().cast::<c_void>(), request.len());
        // SAFETY: the kernel reads `len` bytes, which `request` has.
        cerr(unsafe { libc::send(self.0.as_raw_fd(), at, len, 0) } as i64).map(drop)
    }
}

fn request(packet: &Packet) -> Vec<u8> {
    let (family, destination) = match packet.destination {
        IpAddr::V4(ip) => (libc::AF_INET, ip.octets().to_vec()),
        IpAddr::V6(ip) => (libc::AF_INET6, ip.octets().to_vec()),
    };
    let mut message = vec![0; HEADER];
    // Family, and the number of bits of the destination that count: all.
    message.extend([family as u8, (destination.len() * 8) as u8]);
    message.resize(HEADER + ROUTE, 0);
    let mut put = |kind: u16, value: &[u8]| {
        message.extend(((ATTRIBUTE + value.len()) as u16).to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend(value);
        message.resize(message.len().next_multiple_of(4), 0);
    };
    put(libc::RTA_DST, &destination);
    if let Some(user) = packet.user {
        put(RTA_UID, &user.as_raw().to_ne_bytes());
    }
    if packet.interface != 0 {
        put(libc::RTA_OIF, &packet.interface.to_ne_bytes());
    }
    if packet.mark != 0 {
        put(libc::RTA_MARK, &packet.mark.to_ne_bytes());
    }
    // The kernel takes these of UDP and TCP (rtm_getroute_parse_ip_proto, net/ipv4/ip_output.c).
    if packet.port != 0 && [libc::IPPROTO_TCP, libc::IPPROTO_UDP].contains(&c_int::from(packet.protocol)) {
        put(RTA_IP_PROTO, &[packet.protocol]);
        put(RTA_DPORT, &packet.port.to_be_bytes());
    }
    let head = [(message.len() as u32).to_ne_bytes(), header_word(libc::RTM_GETROUTE, libc::NLM_F_REQUEST as u16)];
    message.splice(..8, head.concat());
    message
}

fn header_word(kind: u16, flags: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (kind.to_ne_bytes(), flags.to_ne_bytes());
    [a, b, c, d]
}

fn understand(answer: &[u8]) -> Result<Option<IpAddr>> {
    const BROKEN: Errno = Errno(libc::EPROTO);
    let word = |at: usize| answer.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied().ok_or(BROKEN);
    let [a, b, ..] = word(4)?;
    if u16::from_ne_bytes([a, b]) != libc::RTM_NEWROUTE {
        // NLMSG_ERROR: a negative errno follows the header.
        return Err(Errno(
            i32::from_ne_bytes(word(HEADER)?).checked_neg().filter(|errno| *errno > 0).unwrap_or(BROKEN.0),
        ));
    }
    let mut rest = answer.get(HEADER + ROUTE..).unwrap_or_default();
    while let Some([a, b, c, d]) = rest.first_chunk().copied() {
        let len = usize::from(u16::from_ne_bytes([a, b]));
        let value = rest.get(ATTRIBUTE..len).ok_or(BROKEN)?;
        if u16::from_ne_bytes([c, d]) == libc::RTA_PREFSRC {
            let v4 = <[u8; 4]>::try_from(value).ok().map(IpAddr::from);
            return Ok(v4.or_else(|| <[u8; 16]>::try_from(value).ok().map(IpAddr::from)));
        }
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn towards(destination: &str, interface: u32) -> Packet {
        let destination = destination.parse().unwrap();
        Packet { destination, port: 9, protocol: libc::IPPROTO_UDP as u8, interface, mark: 0, user: None }
    }

    #[test]
    fn the_kernel_is_asked() {
        let routes = Routes::open().unwrap();
        for _ in 0..3 {
            assert_eq!(routes.source(&towards("127.0.0.9", 0)), Ok(Some("127.0.0.1".parse().unwrap())));
            assert_eq!(routes.source(&towards("::1", 0)), Ok(Some("::1".parse().unwrap())));
            assert!(routes.source(&towards("127.0.0.9", 0x7fff_0000)).is_err());
        }
    }
}
