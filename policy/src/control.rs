//! Control messages of a send (cmsg(3)): the other place where a source can be named.
//!
//! Layout of one on a 64-bit kernel: length of header and data (8 bytes), level (4), type (4), data, padding to 8.

use crate::option::VALUE_MAX;
use crate::{Context, Reason, Refusal};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use libc::{IP_PKTINFO, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO};

const HEADER: usize = 16;
const IP_RETOPTS: i32 = 7;
const IPV6_2292PKTINFO: i32 = 2;
const IPV6_2292RTHDR: i32 = 5;
const IPV6_RTHDR: i32 = 57;

/// The longest control message that names a source, in bytes, padding included.
pub const SOURCE_LEN: usize = HEADER + 24;

const EINVAL: Refusal = Refusal::native(libc::EINVAL);

/// Judges a list of control messages, the caller's bytes in the supervisor's copy. Where one asks the kernel to choose
/// the source, `source` (the address of the socket or the message, canonical) is written into it.
///
/// Says whether one names a source that the kernel is sure to take, for a message of the family of `source`. Of those
/// that belong to the other family the kernel passes over some without a word.
pub fn check(context: &Context, control: &mut [u8], source: Option<IpAddr>) -> Result<bool, Refusal> {
    let mut named = false;
    let mut at = 0usize;
    // for_each_cmsghdr and CMSG_OK (linux/socket.h): the list ends where no further header fits.
    while control.len() - at >= HEADER {
        let message = control.get_mut(at..).ok_or(EINVAL)?;
        let len = usize::from_ne_bytes(*message.first_chunk().ok_or(EINVAL)?);
        if len < HEADER || len > message.len() {
            return Err(EINVAL);
        }
        let field = |at: usize| message.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied();
        let level = i32::from_ne_bytes(field(8).ok_or(EINVAL)?);
        let kind = i32::from_ne_bytes(field(12).ok_or(EINVAL)?);
        let data = message.get_mut(HEADER..len).ok_or(EINVAL)?;
        named |= one(context, level, kind, data, source)?;
        // The padding of the last message may be missing.
        at += len.next_multiple_of(size_of::<usize>()).min(message.len());
    }
    // What is left is too short for a header, and the kernel passes over it. Behind it a message that is added would be
    // read as part of whatever these bytes begin; zero begins none (EINVAL).
    control.get_mut(at..).unwrap_or_default().fill(0);
    Ok(named)
}

fn one(context: &Context, level: i32, kind: i32, data: &mut [u8], source: Option<IpAddr>) -> Result<bool, Refusal> {
    let own = |ip: IpAddr, scope: u32| {
        if context.may_be_named(ip, scope) {
            Ok(source.is_none_or(|source| source.is_ipv4() == ip.is_ipv4()))
        } else {
            Err(Refusal::new(libc::EPERM, Reason::ForeignSource(ip)))
        }
    };
    match (level, kind) {
        // struct in_pktinfo: interface index, source (ipi_spec_dst), destination; 4 bytes each.
        (IPPROTO_IP, IP_PKTINFO) => {
            // Of another length it is EINVAL (ip_cmsg_send).
            let field: &mut [u8; 12] = data.try_into().map_err(|_| EINVAL)?;
            let [_, _, _, _, field @ .., _, _, _, _] = field;
            let ip = Ipv4Addr::from(*field);
            if !ip.is_unspecified() {
                return own(IpAddr::V4(ip), 0);
            }
            // Zero would set aside the address that the socket is bound to (ip_cmsg_send).
            match source {
                Some(IpAddr::V4(ip)) if is_source(context, ip) => *field = ip.octets(),
                _ => return Err(Refusal::new(libc::EPERM, Reason::SourceOption)),
            }
            Ok(true)
        }
        // struct in6_pktinfo: source (16 bytes), interface index. The unspecified address leaves the socket's.
        (IPPROTO_IPV6, IPV6_PKTINFO | IPV6_2292PKTINFO) => {
            let (ip, scope) = in6_pktinfo(data).ok_or(EINVAL)?;
            if ip.is_unspecified() {
                return Ok(false);
            }
            // A v4-mapped one counts only on an IPv6 socket, and only in the newer form (ip_cmsg_send).
            Ok(own(ip.to_canonical(), scope)? && ip.to_canonical().is_ipv6())
        }
        (IPPROTO_IP, IP_RETOPTS) | (IPPROTO_IPV6, IPV6_RTHDR | IPV6_2292RTHDR) if !data.is_empty() => {
            Err(Refusal::new(libc::EPERM, Reason::SourceOption))
        }
        _ => Ok(false),
    }
}

/// The address in a `struct in6_pktinfo`, and the interface that a link-local one belongs to.
pub(crate) fn in6_pktinfo(bytes: &[u8]) -> Option<(IpAddr, u32)> {
    let (ip, rest) = bytes.split_first_chunk::<16>()?;
    let scope = rest.first_chunk().map_or(0, |index| u32::from_ne_bytes(*index));
    Some((IpAddr::V6(Ipv6Addr::from(*ip)), scope))
}

/// Whether a socket with the address `ip` sends from it. From a group or a broadcast address nothing is sent, and what
/// was bound outside is not to be named.
fn is_source(context: &Context, ip: Ipv4Addr) -> bool {
    ip.is_loopback() || context.may_be_local(IpAddr::V4(ip), 0)
}

/// A control message that names `source`, and how many of its bytes count (padding included).
pub fn naming(source: IpAddr) -> ([u8; SOURCE_LEN], usize) {
    let mut bytes = [0; SOURCE_LEN];
    let mut put = |at: usize, field: &[u8]| {
        for (to, from) in bytes.iter_mut().skip(at).zip(field) {
            *to = *from;
        }
    };
    let (level, kind, data_len) = match source {
        IpAddr::V4(ip) => {
            put(HEADER + 4, &ip.octets());
            (IPPROTO_IP, IP_PKTINFO, 12usize)
        }
        IpAddr::V6(ip) => {
            put(HEADER, &ip.octets());
            (IPPROTO_IPV6, IPV6_PKTINFO, 20)
        }
    };
    put(0, &(HEADER + data_len).to_ne_bytes());
    put(8, &level.to_ne_bytes());
    put(12, &kind.to_ne_bytes());
    (bytes, HEADER + data_len.next_multiple_of(8))
}

const _: () = assert!(VALUE_MAX >= 20);
