//! Control messages of a send (cmsg(3)): the other place where a source can be named.
//!
//! Layout of one on a 64-bit kernel: length of header and data (8 bytes), level (4), type (4), data, padding to 8.

use crate::context::Context;
use crate::errno::Errno;
use crate::name::masked;
use crate::named_source::{name_in6_pktinfo, name_v4};
use crate::sockaddr::{canonical, scope};
use crate::socket::{Socket, Transport};
use crate::verdict::{Reason, Refusal, Verdict};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use libc::{IP_PKTINFO, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO};

const HEADER: usize = 16;
const IP_RETOPTS: i32 = 7;
const IPV6_2292PKTINFO: i32 = 2;
const IPV6_2292RTHDR: i32 = 5;
const IPV6_RTHDR: i32 = 57;

/// The longest control message that names a source, in bytes, padding included.
pub const SOURCE_LEN: usize = HEADER + 24;

const EINVAL: Refusal = Refusal::native(Errno::EINVAL);

/// Who looks at the control messages of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// TCP: at none that says anything of an address (tcp_sendmsg_locked, net/ipv4/tcp.c).
    Tcp,
    /// What sends to an IPv6 address: at none of IPv4 (ip6_datagram_send_ctl, net/ipv6/datagram.c).
    V6,
    /// What sends to an IPv4 address, or nobody knows.
    Any,
}

impl Reader {
    /// Of a message to `far`, where that is known.
    pub fn of(socket: &Socket, far: Option<SocketAddr>) -> Self {
        match (socket.transport, far.map(canonical)) {
            (Transport::Tcp, _) => Reader::Tcp,
            (_, Some(SocketAddr::V6(_))) => Reader::V6,
            _ => Reader::Any,
        }
    }

    /// Judges a list as [`check`] does, as far as it is looked at.
    ///
    /// # Errors
    ///
    /// Those of [`check`], as far as the list is looked at: [`Reader::Tcp`] finds nothing wrong, and [`Reader::V6`]
    /// nothing in a message of IPv4 but its length.
    pub fn check(self, context: &Context, control: &mut [u8], source: Option<IpAddr>) -> Verdict<()> {
        match self {
            Reader::Tcp => Ok(()),
            Reader::V6 => each(control, |level, kind, data| match level {
                IPPROTO_IP => Ok(()),
                level => one(context, level, kind, data, source),
            }),
            Reader::Any => check(context, control, source),
        }
    }
}

/// Judges a list of control messages, the caller's bytes in the supervisor's copy. Where one asks the kernel to choose
/// the source, `source` (the address of the socket or the message, canonical) is written into it; where one names
/// 127.0.0.1 or ::1, the address that stands for it.
///
/// # Errors
///
/// Of the first message that is wrong; those before it may have been written to.
///
/// - EINVAL: its length is less than a header's, or more than is left of the list (`CMSG_OK`, linux/socket.h); or what
///   it says is too short for its type, with `IP_PKTINFO` also too long (`ip_cmsg_send`, net/ipv4/ip_sockglue.c).
/// - EPERM, [`Reason::ForeignSource`]: it names a source that is not the context's (row 43: docs/semantics.md#row-43).
/// - EPERM, [`Reason::SourceOption`]: an `IP_PKTINFO` leaves the source to the kernel, and `source` is none that could
///   be written there; or the message brings a route (`IP_RETOPTS`, `IPV6_RTHDR`).
pub fn check(context: &Context, control: &mut [u8], source: Option<IpAddr>) -> Verdict<()> {
    each(control, |level, kind, data| one(context, level, kind, data, source))
}

/// Goes through a list. EINVAL where the kernel finds it broken.
fn each(control: &mut [u8], mut judge: impl FnMut(i32, i32, &mut [u8]) -> Verdict<()>) -> Verdict<()> {
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
        judge(level, kind, data)?;
        // The padding of the last message may be missing.
        at += len.next_multiple_of(size_of::<usize>()).min(message.len());
    }
    Ok(())
}

/// Whether a list says anything of the source or the way of a message, or cannot be understood.
pub fn names_way(list: &[u8]) -> bool {
    let mut rest = list;
    while rest.len() >= HEADER {
        let Some((level, kind, _, next)) = first(rest) else { return true };
        match (level, kind) {
            (IPPROTO_IP, IP_PKTINFO | IP_RETOPTS) => return true,
            (IPPROTO_IPV6, IPV6_PKTINFO | IPV6_2292PKTINFO | IPV6_RTHDR | IPV6_2292RTHDR) => return true,
            _ => rest = next,
        }
    }
    false
}

/// Goes through a list that the kernel has written, with the level, the type and the data of each.
pub fn arrived(list: &mut [u8], mut each: impl FnMut(i32, i32, &mut [u8])) {
    let mut rest = list;
    while let Some(len) = rest.first_chunk().map(|len| usize::from_ne_bytes(*len)).filter(|len| *len >= HEADER) {
        let field =
            |at: usize| rest.get(at..).and_then(|rest| rest.first_chunk()).map(|bytes| i32::from_ne_bytes(*bytes));
        let (Some(level), Some(kind)) = (field(8), field(12)) else { return };
        // What there was no room for is cut off (MSG_CTRUNC).
        let end = len.min(rest.len());
        each(level, kind, rest.get_mut(HEADER..end).unwrap_or_default());
        let next = end.next_multiple_of(size_of::<usize>());
        rest = core::mem::take(&mut rest).get_mut(next..).unwrap_or_default();
    }
}

/// Where a message was sent to, as it is called inside (section 5: docs/semantics.md#section-5): written over what the
/// kernel says in a control message with this level, type and data.
pub fn mask(context: &Context, level: i32, kind: i32, data: &mut [u8]) {
    let shown = |ip: IpAddr| masked(context, SocketAddr::new(ip, 0)).map(|shown| shown.ip());
    let mask_v4 = |field: &mut [u8; 4]| {
        if let Some(IpAddr::V4(ip)) = shown(IpAddr::V4(Ipv4Addr::from(*field))) {
            *field = ip.octets();
        }
    };
    match (level, kind) {
        // struct in_pktinfo: interface index, the address that it came to, the destination in its header.
        (IPPROTO_IP, IP_PKTINFO) => {
            if let Some([_, _, _, _, a, b, c, d, e, f, g, h]) = data.first_chunk_mut::<12>() {
                for field in [[a, b, c, d], [e, f, g, h]] {
                    let mut octets = field.each_ref().map(|byte| **byte);
                    mask_v4(&mut octets);
                    for (to, from) in field.into_iter().zip(octets) {
                        *to = from;
                    }
                }
            }
        }
        // struct in6_pktinfo: the destination, interface index.
        (IPPROTO_IPV6, IPV6_PKTINFO | IPV6_2292PKTINFO) => {
            if let Some(field) = data.first_chunk_mut::<16>()
                && let Some(IpAddr::V6(ip)) = shown(IpAddr::V6(Ipv6Addr::from(*field)))
            {
                *field = ip.octets();
            }
        }
        _ => {}
    }
}

/// The interface that a list of control messages, as the caller wrote it, asks to send by; 0 for none. It has a say in the
/// source that the kernel would prefer.
pub fn interface(control: &[u8]) -> u32 {
    let mut found = 0;
    let mut rest = control;
    while let Some((level, kind, data, next)) = first(rest) {
        let at = match (level, kind) {
            (IPPROTO_IP, IP_PKTINFO) => 0,
            (IPPROTO_IPV6, IPV6_PKTINFO | IPV6_2292PKTINFO) => 16,
            _ => data.len(),
        };
        let index = data.get(at..).and_then(|field| field.first_chunk()).map_or(0, |index| u32::from_ne_bytes(*index));
        found = if index == 0 { found } else { index };
        rest = next;
    }
    found
}

/// The level, type and data of the first message, and what is behind it. `None` where there is none, or the kernel stops.
fn first(list: &[u8]) -> Option<(i32, i32, &[u8], &[u8])> {
    let len = usize::from_ne_bytes(*list.first_chunk()?);
    let field = |at: usize| list.get(at..)?.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes));
    let data = list.get(HEADER..len)?;
    Some((field(8)?, field(12)?, data, list.get(len.next_multiple_of(size_of::<usize>())..).unwrap_or_default()))
}

fn one(context: &Context, level: i32, kind: i32, data: &mut [u8], source: Option<IpAddr>) -> Verdict<()> {
    match (level, kind) {
        // struct in_pktinfo: interface index, source (ipi_spec_dst), destination; 4 bytes each.
        (IPPROTO_IP, IP_PKTINFO) => {
            // Of another length it is EINVAL (ip_cmsg_send).
            let field: &mut [u8; 12] = data.try_into().map_err(|_| EINVAL)?;
            let [_, _, _, _, field @ .., _, _, _, _] = field;
            if !Ipv4Addr::from(*field).is_unspecified() {
                return name_v4(context, field, Errno::EPERM);
            }
            // It would set aside the address that the socket is bound to (ip_cmsg_send).
            match source {
                Some(IpAddr::V4(ip)) if is_source(context, ip) => *field = ip.octets(),
                _ => return Err(Refusal::new(Errno::EPERM, Reason::SourceOption)),
            }
            Ok(())
        }
        // struct in6_pktinfo: source (16 bytes), interface index. The unspecified address leaves the socket's.
        (IPPROTO_IPV6, IPV6_PKTINFO | IPV6_2292PKTINFO) => name_in6_pktinfo(context, data).ok_or(EINVAL)?,
        (IPPROTO_IP, IP_RETOPTS) | (IPPROTO_IPV6, IPV6_RTHDR | IPV6_2292RTHDR) if !data.is_empty() => {
            Err(Refusal::new(Errno::EPERM, Reason::SourceOption))
        }
        _ => Ok(()),
    }
}

/// Whether a socket with the address `ip` sends from it. From a group or a broadcast address nothing is sent, and what
/// was bound outside is not to be named.
fn is_source(context: &Context, ip: Ipv4Addr) -> bool {
    ip.is_loopback() || context.may_be_named(IpAddr::V4(ip), 0)
}

/// A control message that names `source`, and how many of its bytes count (padding included). It goes before those of the
/// caller: of two the kernel takes the later one.
pub fn naming(source: SocketAddr) -> ([u8; SOURCE_LEN], usize) {
    let mut bytes = [0; SOURCE_LEN];
    let mut put = |at: usize, field: &[u8]| {
        for (to, from) in bytes.iter_mut().skip(at).zip(field) {
            *to = *from;
        }
    };
    let (level, kind, data_len) = match source.ip() {
        IpAddr::V4(ip) => {
            put(HEADER + 4, &ip.octets());
            (IPPROTO_IP, IP_PKTINFO, 12usize)
        }
        IpAddr::V6(ip) => {
            put(HEADER, &ip.octets());
            put(HEADER + 16, &scope(source).to_ne_bytes());
            (IPPROTO_IPV6, IPV6_PKTINFO, 20)
        }
    };
    put(0, &(HEADER + data_len).to_ne_bytes());
    put(8, &level.to_ne_bytes());
    put(12, &kind.to_ne_bytes());
    (bytes, HEADER + data_len.next_multiple_of(8))
}
