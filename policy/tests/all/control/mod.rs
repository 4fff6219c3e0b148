//! Control messages: rows 43, 44, 53 and the source routes of section 4.

mod kernel;
mod properties;
mod received;

use crate::common::*;
use chbind_policy::control::{Reader, SOURCE_LEN, check, naming};
use chbind_policy::sockaddr::with_scope;
use chbind_policy::{Context, Errno, Family, Reason, Refusal, Socket};
use kernel::taken;
use libc::{EINVAL, EPERM, IP_PKTINFO, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO, SOL_SOCKET, SOL_UDP};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

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
fn judged(context: &Context, bytes: &[u8], source: Option<&str>) -> Result<Vec<u8>, Refusal> {
    let mut bytes = bytes.to_vec();
    check(context, &mut bytes, source.map(ip)).map(|()| bytes)
}

/// What nobody looks at is not judged: nothing of an address by TCP, nothing of IPv4 on the way to an IPv6 address.
#[test]
fn only_what_is_read_is_judged() {
    let far = |text: &str| Some(SocketAddr::new(ip(text), 53));
    let ask = |socket: &Socket, to, bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        Reader::of(socket, to).check(&d(), &mut bytes, None).map_err(|refusal| refusal.errno.0)
    };
    let (four, six) = (names("198.51.100.1", 0), names("2001:db8::9", 0));
    let odd = message(IPPROTO_IP, IP_PKTINFO, &[0; 48]);
    for bytes in [&four, &six, &odd, &names("0.0.0.0", 0)] {
        assert_eq!(ask(&TCP4, far("198.51.100.7"), bytes), Ok(()));
    }
    for bytes in [&four, &odd, &names("0.0.0.0", 0)] {
        assert_eq!(ask(&UDP6, far("2001:db8::7"), bytes), Ok(()));
    }
    assert_eq!(ask(&UDP6, far("2001:db8::7"), &six), Err(EPERM));
    // A list that is broken behind what is skipped.
    assert_eq!(ask(&UDP6, far("2001:db8::7"), &[four.clone(), vec![0; 16]].concat()), Err(EINVAL));
    for to in [None, far("198.51.100.7"), far("::ffff:198.51.100.7")] {
        assert_eq!(ask(&UDP6, to, &four), Err(EPERM));
        assert_eq!(ask(&UDP6, to, &six), Err(EPERM));
        assert_eq!(ask(&UDP6, to, &odd), Err(EINVAL));
    }
}

/// Allows it, unchanged.
fn passes(context: &Context, bytes: &[u8], source: Option<&str>) {
    assert_eq!(judged(context, bytes, source), Ok(bytes.to_vec()));
}

/// Allows it, and puts `own` in the place of `source`.
fn becomes(context: &Context, source: &str, own: &str) {
    for index in [0, 2] {
        for beside in [None, Some("10.0.0.1"), Some("fd00:1::1")] {
            assert_eq!(judged(context, &names(source, index), beside), Ok(names(own, index)));
        }
    }
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
    for denied in ["127.0.0.1", "::ffff:127.0.0.1"] {
        fails(&z(), &names(denied, 0), EPERM, Reason::ForeignSource(ip("127.0.0.1")));
    }
    fails(&d(), &names("::1", 0), EPERM, Reason::ForeignSource(ip("::1")));
    fails(&z(), &names("127.3.232.1", 0), EPERM, Reason::ForeignSource(ip("127.3.232.1")));
}

#[test]
fn row_43_localhost_means_the_contexts_loopback() {
    for context in [s(), m(), d(), p()] {
        becomes(&context, "127.0.0.1", "127.3.232.1");
        becomes(&context, "::ffff:127.0.0.1", "::ffff:127.3.232.1");
        becomes(&with_lback6(context), "::1", "fd00:1::99");
    }
    for context in [h(), hd()] {
        becomes(&context, "127.0.0.1", "127.0.0.1");
        becomes(&context, "::1", "::1");
    }
    becomes(&context(&["127.0.0.1/32"]), "127.0.0.1", "127.0.0.1");
    let older = |source| message(IPPROTO_IPV6, IPV6_2292PKTINFO, &v6_data(source, 2));
    assert_eq!(judged(&with_lback6(d()), &older("::1"), None), Ok(older("fd00:1::99")));
    // Each in its place, and what is beside it stays.
    let ttl = message(IPPROTO_IP, IP_TTL, &64i32.to_ne_bytes());
    let list = |loopback| [&names(loopback, 0)[..], &ttl, &names("10.0.0.1", 0), &names(loopback, 2)].concat();
    assert_eq!(judged(&s(), &list("127.0.0.1"), Some("10.0.0.1")), Ok(list("127.3.232.1")));
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
        passes(&s(), &names("10.0.0.1", index), Some("10.0.0.1"));
        passes(&m(), &names("10.0.0.2", index), Some("10.0.0.1"));
        passes(&d(), &names("fd00:1::1", index), Some("fd00:1::1"));
        passes(&s(), &names("127.3.232.1", index), Some("127.3.232.1"));
        passes(&s(), &names("10.0.0.1", index), None);
        passes(&h(), &names("127.0.0.1", index), Some("10.0.0.1"));
        passes(&hd(), &names("::1", index), Some("fd00:1::1"));
        let older = message(IPPROTO_IPV6, IPV6_2292PKTINFO, &v6_data("fd00:1::1", index));
        passes(&d(), &older, Some("fd00:1::1"));
    }
}

#[test]
fn row_44_link_local_source_with_its_interface() {
    let context = context(&["fe80::1/64%2"]);
    passes(&context, &names("fe80::1", 2), Some("fe80::1"));
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
        for own in ["10.0.0.2", "127.3.232.1"] {
            let bytes = judged(&m(), &names("0.0.0.0", index), Some(own));
            assert_eq!(bytes, Ok(names(own, index)));
        }
        // Left to an IPv6 socket it stays the socket's (ip6_datagram_send_ctl).
        passes(&d(), &names("::", index), Some("fd00:1::1"));
    }
    // The kernel would choose: what a socket without an address, or with one that is none, cannot be allowed.
    for source in [None, Some("fd00:1::1"), Some("224.0.0.251"), Some("10.0.0.255"), Some("10.0.0.3")] {
        let refused = judged(&d(), &names("0.0.0.0", 2), source);
        assert_eq!(refused, Err(refusal(EPERM, Reason::SourceOption)), "{source:?}");
    }
}

#[test]
fn row_44_no_source_on_a_socket_connected_to_the_hosts_loopback_is_the_kernels() {
    for context in [s(), h()] {
        assert_eq!(judged(&context, &names("0.0.0.0", 1), Some("127.0.0.1")), Ok(names("127.0.0.1", 1)));
    }
}

/// A message that names the source goes before the caller's: the later one of two counts, if the kernel takes it.
#[test]
fn row_53_a_source_counts_where_the_kernel_takes_it() {
    let sent = |socket: &Socket, own: &str, theirs: &[u8]| {
        let bytes = [&put_before(own)[..], theirs].concat();
        taken(socket, ip(own).is_ipv4(), &bytes)
    };
    let own = |source| Some(Some(ip(source)));
    for socket in [UDP4, UDP6] {
        assert_eq!(sent(&socket, "10.0.0.1", &[]), own("10.0.0.1"));
        assert_eq!(sent(&socket, "10.0.0.1", &names("10.0.0.2", 0)), own("10.0.0.2"));
        // The older form of IPv6 counts on no IPv4 message, nor any on an IPv4 socket (ip_cmsg_send).
        let older = message(IPPROTO_IPV6, IPV6_2292PKTINFO, &v6_data("fd00:1::1", 0));
        assert_eq!(sent(&socket, "10.0.0.1", &older), own("10.0.0.1"));
    }
    assert_eq!(sent(&UDP4, "10.0.0.1", &names("::ffff:10.0.0.2", 0)), own("10.0.0.1"));
    assert_eq!(sent(&UDP6, "10.0.0.1", &names("::ffff:10.0.0.2", 0)), own("10.0.0.2"));
    assert_eq!(sent(&UDP6, "10.0.0.1", &names("fd00:1::1", 0)), None);
    // To an IPv6 peer: IPv4's control messages are not looked at (ip6_datagram_send_ctl).
    assert_eq!(sent(&UDP6, "fd00:1::1", &names("10.0.0.1", 0)), own("fd00:1::1"));
    assert_eq!(sent(&UDP6, "fd00:1::1", &names("fd00:1::2", 0)), own("fd00:1::2"));
    assert_eq!(sent(&UDP6, "fd00:1::1", &names("::", 0)), own("fd00:1::1"));
}

#[test]
fn section_4_source_routes() {
    for (level, kind) in [(IPPROTO_IP, IP_RETOPTS), (IPPROTO_IPV6, IPV6_RTHDR), (IPPROTO_IPV6, IPV6_2292RTHDR)] {
        for len in [1, 3, 24, 40] {
            fails(&d(), &message(level, kind, &vec![0; len]), EPERM, Reason::SourceOption);
        }
        passes(&d(), &message(level, kind, &[]), None);
    }
}

#[test]
fn other_messages_pass() {
    passes(&s(), &[], None);
    for (level, kind) in
        [(IPPROTO_IP, IP_TTL), (IPPROTO_IPV6, IPV6_TCLASS), (SOL_UDP, UDP_SEGMENT), (SOL_SOCKET, 1), (7, 8)]
    {
        for len in [0, 2, 4, 12, 20, 100] {
            passes(&d(), &message(level, kind, &vec![0xff; len]), Some("10.0.0.1"));
        }
    }
}

#[test]
fn lengths_are_the_kernels() {
    // Less than a header is no list (__CMSG_FIRSTHDR).
    for len in 0..16 {
        passes(&s(), &vec![0xff; len], None);
    }
    let native = |bytes: &[u8]| assert_eq!(judged(&s(), bytes, Some("10.0.0.1")), Err(Refusal::native(Errno(EINVAL))));
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
        passes(&s(), &[names("10.0.0.1", 0), vec![0xff; more]].concat(), Some("10.0.0.1"));
    }
}

/// The message that names `source` (canonical), as the supervisor puts it before others.
fn put_before(source: &str) -> Vec<u8> {
    let (bytes, used) = naming(with_scope(ip(source), 0, 0));
    bytes[..used].to_vec()
}

#[test]
fn a_source_is_named_as_the_kernel_reads_it() {
    for (source, index, len) in [("10.0.0.1:0", 0, 32), ("[fd00:1::1]:0", 0, 40), ("[fe80::1%2]:0", 2, 40)] {
        let (bytes, used) = naming(at(source));
        assert_eq!((&bytes[..used], used), (&names(&at(source).ip().to_string(), index)[..], len));
        assert!(used <= SOURCE_LEN);
        // What follows it begins where the kernel looks for it.
        assert_eq!(used % 8, 0);
        let context = context(&["10.0.0.1/24", "fd00:1::1/64", "fe80::1/64%2"]);
        passes(&context, &bytes[..used], Some(&at(source).ip().to_string()));
    }
    // The port is none of it.
    assert_eq!(naming(at("10.0.0.1:4000")), naming(at("10.0.0.1:0")));
}
