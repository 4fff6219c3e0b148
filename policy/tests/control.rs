//! Control messages: rows 43, 44, 53 and the source routes of section 4.
#![allow(clippy::unwrap_used)]

mod common;

use chbind_policy::control::{SOURCE_LEN, check, naming};
use chbind_policy::{Context, Reason, Refusal};
use common::*;
use libc::{EINVAL, EPERM, IP_PKTINFO, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO, SOL_SOCKET, SOL_UDP};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

const IP_RETOPTS: i32 = 7;
const IP_TTL: i32 = 2;
const IPV6_2292PKTINFO: i32 = 2;
const IPV6_2292RTHDR: i32 = 5;
const IPV6_TCLASS: i32 = 67;
const IPV6_RTHDR: i32 = 57;
const UDP_SEGMENT: i32 = 103;

/// One message with its padding.
fn message(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
    let mut bytes = (16 + data.len()).to_ne_bytes().to_vec();
    bytes.extend(level.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

fn v4_data(source: &str, index: i32) -> Vec<u8> {
    let IpAddr::V4(source) = ip(source) else { unreachable!("{source}") };
    [index.to_ne_bytes(), source.octets(), [0; 4]].concat()
}

fn v6_data(source: &str, index: i32) -> Vec<u8> {
    let IpAddr::V6(source) = ip(source) else { unreachable!("{source}") };
    [&source.octets()[..], &index.to_ne_bytes()].concat()
}

/// `IP_PKTINFO` or `IPV6_PKTINFO`.
fn names(source: &str, index: i32) -> Vec<u8> {
    match ip(source) {
        IpAddr::V4(_) => message(IPPROTO_IP, IP_PKTINFO, &v4_data(source, index)),
        IpAddr::V6(_) => message(IPPROTO_IPV6, IPV6_PKTINFO, &v6_data(source, index)),
    }
}

/// Judges and says what is left of the bytes.
fn judged(context: &Context, bytes: &[u8], source: Option<&str>) -> Result<(bool, Vec<u8>), Refusal> {
    let mut bytes = bytes.to_vec();
    check(context, &mut bytes, source.map(ip)).map(|named| (named, bytes))
}

/// Allows it, unchanged.
fn passes(context: &Context, bytes: &[u8], source: Option<&str>, named: bool) {
    assert_eq!(judged(context, bytes, source), Ok((named, bytes.to_vec())));
}

fn fails(context: &Context, bytes: &[u8], errno: i32, reason: Reason) {
    for source in [None, Some("10.0.0.1"), Some("fd00:1::1")] {
        assert_eq!(judged(context, bytes, source), Err(refusal(errno, reason)));
    }
}

#[test]
fn row_43_foreign_source() {
    for context in [s(), m(), d(), z(), h()] {
        for foreign in
            ["10.0.0.3", "192.0.2.77", "127.0.0.2", "127.3.233.1", "255.255.255.255", "10.0.0.255", "224.0.0.1"]
        {
            fails(&context, &names(foreign, 0), EPERM, Reason::ForeignSource(ip(foreign)));
            fails(&context, &names(foreign, 2), EPERM, Reason::ForeignSource(ip(foreign)));
            let mapped = format!("::ffff:{foreign}");
            fails(&context, &names(&mapped, 0), EPERM, Reason::ForeignSource(ip(foreign)));
        }
        for foreign in ["fd00:1::3", "2001:db8::7", "::2", "ff02::1"] {
            fails(&context, &names(foreign, 0), EPERM, Reason::ForeignSource(ip(foreign)));
            let older = message(IPPROTO_IPV6, IPV6_2292PKTINFO, &v6_data(foreign, 0));
            fails(&context, &older, EPERM, Reason::ForeignSource(ip(foreign)));
        }
    }
    fails(&s(), &names("127.0.0.1", 0), EPERM, Reason::ForeignSource(ip("127.0.0.1")));
    fails(&d(), &names("::1", 0), EPERM, Reason::ForeignSource(ip("::1")));
    fails(&z(), &names("127.3.232.1", 0), EPERM, Reason::ForeignSource(ip("127.3.232.1")));
}

#[test]
fn row_43_anywhere_in_the_list() {
    let ttl = message(IPPROTO_IP, IP_TTL, &64i32.to_ne_bytes());
    let gso = message(SOL_UDP, UDP_SEGMENT, &1200u16.to_ne_bytes());
    let (own, foreign) = (names("10.0.0.1", 0), names("10.0.0.3", 0));
    let refused = Reason::ForeignSource(ip("10.0.0.3"));
    for list in
        [vec![&own, &foreign], vec![&foreign, &own], vec![&ttl, &gso, &own, &foreign], vec![&ttl, &foreign, &gso]]
    {
        let bytes = list.into_iter().flatten().copied().collect::<Vec<_>>();
        fails(&s(), &bytes, EPERM, refused);
    }
    // The last one's padding may be missing.
    let mut cut = [names("10.0.0.1", 0), foreign].concat();
    cut.truncate(cut.len() - 4);
    fails(&s(), &cut, EPERM, refused);
}

#[test]
fn row_44_own_source_and_interface() {
    for index in [0, 2] {
        passes(&s(), &names("10.0.0.1", index), Some("10.0.0.1"), true);
        passes(&m(), &names("10.0.0.2", index), Some("10.0.0.1"), true);
        passes(&d(), &names("fd00:1::1", index), Some("fd00:1::1"), true);
        passes(&s(), &names("127.3.232.1", index), Some("127.3.232.1"), true);
        passes(&s(), &names("10.0.0.1", index), None, true);
        passes(&h(), &names("127.0.0.1", index), Some("10.0.0.1"), true);
        passes(&hd(), &names("::1", index), Some("fd00:1::1"), true);
        let older = message(IPPROTO_IPV6, IPV6_2292PKTINFO, &v6_data("fd00:1::1", index));
        passes(&d(), &older, Some("fd00:1::1"), true);
    }
}

#[test]
fn row_44_link_local_source_with_its_interface() {
    let context = context(&["fe80::1/64%2"]);
    passes(&context, &names("fe80::1", 2), Some("fe80::1"), true);
    for other in [0, 3, -1] {
        fails(&context, &names("fe80::1", other), EPERM, Reason::ForeignSource(ip("fe80::1")));
    }
    // Too short for the kernel, which then says EINVAL: the interface is not there.
    let cut = message(IPPROTO_IPV6, IPV6_PKTINFO, &v6_data("fe80::1", 2)[..16]);
    fails(&context, &cut, EPERM, Reason::ForeignSource(ip("fe80::1")));
}

#[test]
fn row_44_no_source_is_the_sockets() {
    for index in [0, 2] {
        let (named, bytes) = judged(&m(), &names("0.0.0.0", index), Some("10.0.0.2")).unwrap();
        assert_eq!((named, bytes), (true, names("10.0.0.2", index)));
        // Left to an IPv6 socket it stays the socket's (ip6_datagram_send_ctl).
        passes(&d(), &names("::", index), Some("fd00:1::1"), false);
    }
    // The kernel would choose: what a socket without an address, or with one that is none, cannot be allowed.
    for source in [None, Some("fd00:1::1"), Some("224.0.0.251"), Some("10.0.0.255"), Some("10.0.0.3")] {
        let refused = judged(&d(), &names("0.0.0.0", 2), source);
        assert_eq!(refused, Err(refusal(EPERM, Reason::SourceOption)), "{source:?}");
    }
    // A socket connected to the host's loopback has the kernel's source there.
    let (_, bytes) = judged(&s(), &names("0.0.0.0", 1), Some("127.0.0.1")).unwrap();
    assert_eq!(bytes, names("127.0.0.1", 1));
}

/// Where a source is added to a message that names none, one that the kernel passes over must not stand in for it.
#[test]
fn row_53_a_source_counts_where_the_kernel_takes_it() {
    // To an IPv6 peer: IPv4's control messages are not looked at (ip6_datagram_send_ctl).
    passes(&d(), &names("10.0.0.1", 0), Some("fd00:1::1"), false);
    // To an IPv4 peer: IPv6's are not on an IPv4 socket, and the older form on none (ip_cmsg_send).
    passes(&d(), &names("fd00:1::1", 0), Some("10.0.0.1"), false);
    passes(&d(), &names("::ffff:10.0.0.1", 0), Some("10.0.0.1"), false);
    passes(&d(), &message(IPPROTO_IPV6, IPV6_2292PKTINFO, &v6_data("::ffff:10.0.0.1", 0)), Some("10.0.0.1"), false);
    passes(&d(), &names("::ffff:10.0.0.1", 0), Some("fd00:1::1"), false);
    // One that counts is enough.
    passes(&d(), &[names("fd00:1::1", 0), names("10.0.0.1", 0)].concat(), Some("10.0.0.1"), true);
}

/// Too few bytes for a header say nothing, until a message that is added behind them completes one.
#[test]
fn row_53_a_source_that_is_added_is_not_swallowed() {
    let ttl = message(IPPROTO_IP, IP_TTL, &64i32.to_ne_bytes());
    for before in [&ttl[..], &[]] {
        let mut bytes = [before, &40usize.to_ne_bytes()].concat();
        assert_eq!(check(&s(), &mut bytes, Some(ip("10.0.0.1"))), Ok(false));
        bytes.extend(names("10.0.0.1", 0));
        // EINVAL: nothing is sent.
        assert!(walk(&bytes).is_none());
    }
}

#[test]
fn section_4_source_routes() {
    for (level, kind) in [(IPPROTO_IP, IP_RETOPTS), (IPPROTO_IPV6, IPV6_RTHDR), (IPPROTO_IPV6, IPV6_2292RTHDR)] {
        for len in [1, 3, 24, 40] {
            fails(&d(), &message(level, kind, &vec![0; len]), EPERM, Reason::SourceOption);
        }
        passes(&d(), &message(level, kind, &[]), None, false);
    }
}

#[test]
fn other_messages_pass() {
    passes(&s(), &[], None, false);
    for (level, kind) in
        [(IPPROTO_IP, IP_TTL), (IPPROTO_IPV6, IPV6_TCLASS), (SOL_UDP, UDP_SEGMENT), (SOL_SOCKET, 1), (7, 8)]
    {
        for len in [0, 2, 4, 12, 20, 100] {
            passes(&d(), &message(level, kind, &vec![0xff; len]), Some("10.0.0.1"), false);
        }
    }
}

#[test]
fn lengths_are_the_kernels() {
    // Less than a header is no list (__CMSG_FIRSTHDR).
    for len in 0..16 {
        assert_eq!(judged(&s(), &vec![0xff; len], None), Ok((false, vec![0; len])));
    }
    let native = |bytes: &[u8]| assert_eq!(judged(&s(), bytes, Some("10.0.0.1")), Err(Refusal::native(EINVAL)));
    let relen = |len: usize| {
        let mut bytes = names("10.0.0.1", 0);
        bytes[..8].copy_from_slice(&len.to_ne_bytes());
        bytes
    };
    assert_eq!(relen(28).len(), 32);
    for len in (0..16).chain(33..64).chain((0..64).map(|less| usize::MAX - less)).chain([usize::MAX / 2, 1 << 32]) {
        native(&relen(len));
        native(&[names("10.0.0.1", 0), relen(len)].concat());
    }
    // Too short to hold the address.
    for len in 16..24 {
        native(&relen(len));
    }
    for len in [16, 31] {
        native(&message(IPPROTO_IPV6, IPV6_PKTINFO, &vec![0; len - 16]));
    }
    // Bytes behind the last message that are no header, and say nothing.
    for more in 1..16 {
        let rest = |byte| [names("10.0.0.1", 0), vec![byte; more]].concat();
        assert_eq!(judged(&s(), &rest(0xff), Some("10.0.0.1")), Ok((true, rest(0))));
    }
}

#[test]
fn a_source_is_named_as_the_kernel_reads_it() {
    for (source, len) in [("10.0.0.1", 32), ("fd00:1::1", 40)] {
        let (bytes, used) = naming(ip(source));
        assert_eq!((&bytes[..used], used), (&names(source, 0)[..], len));
        assert!(used <= SOURCE_LEN);
        passes(&d(), &bytes[..used], Some(source), true);
    }
}

/// One control message as the kernel finds it.
struct Found {
    level: i32,
    kind: i32,
    data: Range<usize>,
}

fn int<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    <[u8; N]>::try_from(&bytes[at..at + N]).unwrap()
}

/// `for_each_cmsghdr` with `CMSG_OK`, word for word (linux/socket.h): addresses are distances from the start of the
/// list, and arithmetic wraps. `None` where `CMSG_OK` says no.
fn walk(list: &[u8]) -> Option<Vec<Found>> {
    const HEADER: u64 = 16;
    let size = list.len() as u64;
    let mut found = Vec::new();
    // CMSG_FIRSTHDR
    let mut next = if size >= HEADER { Some(0u64) } else { None };
    while let Some(cmsg) = next {
        let at = cmsg as usize;
        let len = u64::from_ne_bytes(int(list, at));
        if !(len >= HEADER && len <= size - cmsg) {
            return None;
        }
        let data = at + HEADER as usize..at + len as usize;
        found.push(Found {
            level: i32::from_ne_bytes(int(list, at + 8)),
            kind: i32::from_ne_bytes(int(list, at + 12)),
            data,
        });
        // __cmsg_nxthdr
        let ptr = cmsg.wrapping_add(len.wrapping_add(7) & !7);
        next = if ptr.wrapping_add(HEADER) > size { None } else { Some(ptr) };
    }
    Some(found)
}

/// What the kernel would take from one message that matters: a source, or a route.
enum Effect {
    Source(IpAddr, u32),
    Route,
    /// The kernel's EINVAL, or nothing to do with the source.
    None,
}

/// `ip_cmsg_send` (net/ipv4/ip_sockglue.c) and `ip6_datagram_send_ctl` (net/ipv6/datagram.c).
fn effect(list: &[u8], found: &Found) -> Effect {
    let data = &list[found.data.clone()];
    match (found.level, found.kind) {
        (IPPROTO_IP, IP_PKTINFO) if data.len() == 12 => Effect::Source(Ipv4Addr::from(int::<4>(data, 4)).into(), 0),
        (IPPROTO_IPV6, IPV6_PKTINFO | IPV6_2292PKTINFO) if data.len() >= 20 => {
            let index = u32::from_ne_bytes(int(data, 16));
            Effect::Source(Ipv6Addr::from(int::<16>(data, 0)).into(), index)
        }
        (IPPROTO_IP, IP_RETOPTS) | (IPPROTO_IPV6, IPV6_RTHDR | IPV6_2292RTHDR) if !data.is_empty() => Effect::Route,
        _ => Effect::None,
    }
}

fn is_own(context: &Context, ip: IpAddr, index: u32) -> bool {
    let ip = ip.to_canonical();
    let at = chbind_policy::sockaddr::with_scope(ip, 0, index);
    is_assigned(context, at) || is_own_loopback(context, ip)
}

fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let named =
        (any_ip(), prop_oneof![Just(0i32), Just(2), any::<i32>()], any::<bool>()).prop_map(|(ip, index, older)| {
            let text = ip.to_string();
            match ip {
                IpAddr::V6(_) if older => message(IPPROTO_IPV6, IPV6_2292PKTINFO, &v6_data(&text, index)),
                _ => names(&text, index),
            }
        });
    let levels = prop::sample::select(vec![IPPROTO_IP, IPPROTO_IPV6, SOL_SOCKET, SOL_UDP]);
    let other = (levels, 0i32..70, prop::collection::vec(any::<u8>(), 0..40))
        .prop_map(|(level, kind, data)| message(level, kind, &data));
    prop_oneof![4 => named, 2 => other]
}

/// A list of messages, sometimes with a length that is a lie, sometimes cut, sometimes noise.
fn any_list() -> impl Strategy<Value = Vec<u8>> {
    let lie = prop_oneof![0usize..80, (0usize..80).prop_map(|less| usize::MAX - less), any::<usize>()];
    let lies = prop_oneof![3 => Just(None), 1 => (any::<prop::sample::Index>(), lie).prop_map(Some)];
    let length = prop_oneof![3 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)];
    let list = (prop::collection::vec(any_message(), 0..5), lies, length).prop_map(|(mut messages, lie, length)| {
        if let Some((which, len)) = lie
            && !messages.is_empty()
        {
            let which = which.index(messages.len());
            messages[which][..8].copy_from_slice(&len.to_ne_bytes());
        }
        let mut bytes = messages.concat();
        if let Some(length) = length {
            bytes.truncate(length.index(bytes.len() + 1));
        }
        bytes
    });
    prop_oneof![6 => list, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_foreign_source_and_no_route_gets_through(
        context in any_context(),
        list in any_list(),
        source in prop::option::of(any_ip().prop_map(|ip| ip.to_canonical())),
    ) {
        let mut bytes = list.clone();
        let verdict = check(&context, &mut bytes, source);
        let before = walk(&list);
        let Ok(named) = verdict else {
            let errno = verdict.unwrap_err().errno;
            // The kernel's own refusals, and where it has none there is a foreign source, a route, or a source to choose.
            let offends = |found: &Found| match effect(&list, found) {
                Effect::Source(ip, index) => !is_own(&context, ip, index),
                Effect::Route => true,
                Effect::None => [IP_PKTINFO, IPV6_PKTINFO, IPV6_2292PKTINFO].contains(&found.kind),
            };
            prop_assert!([EINVAL, EPERM].contains(&errno));
            prop_assert!(before.is_none_or(|all| all.iter().any(offends)));
            return Ok(());
        };
        // Headers stay where they are, and so the kernel finds what was judged.
        let after = walk(&bytes);
        prop_assert!(after.is_some() && before.is_some());
        prop_assert_eq!(bytes.len(), list.len());
        let (before, after) = (before.unwrap(), after.unwrap());
        prop_assert_eq!(before.len(), after.len());
        let mut sure = false;
        for (was, found) in before.iter().zip(&after) {
            prop_assert_eq!((was.level, was.kind, &was.data), (found.level, found.kind, &found.data));
            match effect(&bytes, found) {
                Effect::Route => prop_assert!(false, "a route"),
                // The unspecified address of IPv6 leaves the socket's.
                Effect::Source(IpAddr::V6(Ipv6Addr::UNSPECIFIED), _) => {}
                Effect::Source(ip, index) => {
                    let chosen = list[was.data.clone()] != bytes[found.data.clone()];
                    // What was zero is now the socket's own.
                    let zero = matches!(effect(&list, was), Effect::Source(IpAddr::V4(Ipv4Addr::UNSPECIFIED), _));
                    prop_assert_eq!(chosen, zero);
                    prop_assert!(if zero { source == Some(ip) } else { is_own(&context, ip, index) }, "{ip}");
                    prop_assert!(!ip.is_unspecified() && !ip.is_multicast());
                    sure |= source.is_none_or(|source| source.is_ipv4() == ip.is_ipv4());
                }
                Effect::None => prop_assert_eq!(&list[was.data.clone()], &bytes[found.data.clone()]),
            }
        }
        // Messages that the kernel answers with EINVAL may count: nothing is sent then.
        let sent = !after.iter().any(|found| {
            matches!((found.level, found.kind), (IPPROTO_IP, IP_PKTINFO) | (IPPROTO_IPV6, IPV6_PKTINFO | IPV6_2292PKTINFO))
                && matches!(effect(&bytes, found), Effect::None)
        });
        prop_assert!(sure || !named || !sent);
    }

    #[test]
    fn an_added_source_is_found_by_the_kernel(list in any_list(), v6: bool) {
        let (context, source) = (d(), if v6 { ip("fd00:1::1") } else { ip("10.0.0.1") });
        let mut bytes = list;
        let Ok(false) = check(&context, &mut bytes, Some(source)) else { return Ok(()) };
        // As the supervisor does it: on a boundary, behind the rest.
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let (more, len) = naming(source);
        bytes.extend(&more[..len]);
        let found = walk(&bytes);
        let last = found.as_ref().and_then(|found| found.last()).map(|last| effect(&bytes, last));
        if let Some(Effect::Source(ip, _)) = last {
            prop_assert_eq!(ip, source);
        } else {
            // Behind bytes that are no message: EINVAL.
            prop_assert!(found.is_none(), "it would be sent without");
        }
    }
}
