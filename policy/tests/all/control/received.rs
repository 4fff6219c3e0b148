//! Control messages that the kernel has written, and what is said of a list before anything is sent.

use super::*;
use chbind_policy::control::{arrived, mask, names_way};
use proptest::prelude::*;

/// More messages than are in any list here: what goes on for longer never ends.
const PLENTY: usize = 1000;

/// What is found in a list, each with its data.
fn found(list: &mut [u8]) -> Vec<(i32, i32, Vec<u8>)> {
    let mut found = Vec::new();
    arrived(list, |level, kind, data| {
        assert!(found.len() < PLENTY, "it does not end");
        found.push((level, kind, data.to_vec()));
    });
    found
}

fn with_len(len: usize, level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
    let mut bytes = message(level, kind, data);
    bytes[..8].copy_from_slice(&len.to_ne_bytes());
    bytes
}

#[test]
fn row_43_what_names_a_way() {
    let ttl = message(IPPROTO_IP, IP_TTL, &7i32.to_ne_bytes());
    let segment = message(SOL_UDP, UDP_SEGMENT, &512u16.to_ne_bytes());
    let rights = message(SOL_SOCKET, libc::SCM_RIGHTS, &[3, 0, 0, 0, 4, 0, 0, 0]);
    let class = message(IPPROTO_IPV6, IPV6_TCLASS, &0i32.to_ne_bytes());
    for plain in [&[][..], &ttl, &segment, &rights, &class, &[&ttl[..], &segment, &rights, &class].concat()] {
        assert!(!names_way(plain), "{plain:?}");
    }
    for way in [
        names("10.0.0.1", 0),
        names("0.0.0.0", 2),
        names("fd00:1::1", 0),
        message(IPPROTO_IPV6, IPV6_2292PKTINFO, &v6_data("::", 0)),
        message(IPPROTO_IP, IP_RETOPTS, &[1]),
        message(IPPROTO_IP, IP_RETOPTS, &[]),
        message(IPPROTO_IPV6, IPV6_RTHDR, &[0; 8]),
        message(IPPROTO_IPV6, IPV6_2292RTHDR, &[0; 8]),
        // Of no length that the kernel takes.
        message(IPPROTO_IP, IP_PKTINFO, &[]),
    ] {
        for list in [way.clone(), [&ttl[..], &way].concat(), [&rights[..], &way, &ttl].concat()] {
            assert!(names_way(&list), "{list:?}");
        }
    }
    // The same numbers at other levels are other things.
    assert!(!names_way(&message(SOL_SOCKET, IP_PKTINFO, &[0; 12])));
    assert!(!names_way(&message(IPPROTO_IP, IPV6_PKTINFO, &[0; 20])));
    assert!(!names_way(&message(IPPROTO_IPV6, IP_PKTINFO, &[0; 12])));
}

/// What cannot be understood is looked at by others.
#[test]
fn lengths_that_cannot_be() {
    let ttl = message(IPPROTO_IP, IP_TTL, &7i32.to_ne_bytes());
    for len in [0, 1, 15, 25, 33, 1 << 31, 1 << 32, 1 << 63, usize::MAX - 7, usize::MAX - 6, usize::MAX] {
        let broken = with_len(len, IPPROTO_IP, IP_TTL, &[0; 8]);
        assert_eq!(names_way(&broken), kernel::walk(&broken).is_none(), "{len:#x}");
        assert!(names_way(&broken), "{len:#x}");
        assert!(names_way(&[&ttl[..], &broken].concat()), "{len:#x} in the second");
    }
    // The padding of the last one may be missing, and what is too short for a header is not there.
    for list in [&ttl[..20], &[&ttl[..], &[0xff; 15]].concat()] {
        assert!(!names_way(list), "{list:?}");
    }
}

#[test]
fn what_the_kernel_wrote_is_found() {
    let all = [
        (IPPROTO_IP, IP_PKTINFO, vec![1; 12]),
        (SOL_SOCKET, libc::SCM_TIMESTAMP, vec![2; 16]),
        (IPPROTO_IP, IP_TTL, vec![3; 4]),
        (SOL_SOCKET, 77, vec![]),
    ];
    let mut list: Vec<u8> = all.iter().flat_map(|(level, kind, data)| message(*level, *kind, data)).collect();
    assert_eq!(found(&mut list), all);
    assert_eq!(found(&mut []), []);
    // What there was no room for is cut off, its header says how long it was (put_cmsg, net/core/scm.c).
    let mut cut = message(IPPROTO_IP, IP_PKTINFO, &[1; 12]);
    cut.truncate(16 + 7);
    assert_eq!(found(&mut cut), [(IPPROTO_IP, IP_PKTINFO, vec![1; 7])]);
    for len in 0..16 {
        assert_eq!(found(&mut message(IPPROTO_IP, IP_TTL, &[])[..len]), [], "{len} bytes of a header");
    }
}

#[test]
fn what_somebody_wrote_over_it_ends() {
    for len in [0, 1, 15] {
        assert_eq!(found(&mut with_len(len, IPPROTO_IP, IP_TTL, &[0; 8])), [], "{len:#x}");
    }
    for len in [16, 17, 24, 25, 1 << 32, 1 << 63, usize::MAX - 15, usize::MAX - 7, usize::MAX - 6, usize::MAX] {
        let before = message(IPPROTO_IP, IP_PKTINFO, &[1; 12]);
        let mut list = [&before[..], &with_len(len, IPPROTO_IP, IP_TTL, &[9; 8])].concat();
        let found = found(&mut list);
        assert_eq!(found[0], (IPPROTO_IP, IP_PKTINFO, vec![1; 12]), "{len:#x}");
        let shown = len.min(24) - 16;
        assert_eq!(found[1], (IPPROTO_IP, IP_TTL, vec![9; shown]), "{len:#x}");
    }
}

fn masked_v4(context: &Context, interface: i32, local: &str, destination: &str) -> Vec<u8> {
    let mut data = [&v4_data(local, interface)[..8], &v4_data(destination, 0)[4..8]].concat();
    mask(context, IPPROTO_IP, IP_PKTINFO, &mut data);
    data
}

fn in_pktinfo(interface: i32, local: &str, destination: &str) -> Vec<u8> {
    [&v4_data(local, interface)[..8], &v4_data(destination, 0)[4..8]].concat()
}

#[test]
fn section_5_where_a_message_was_sent_to() {
    // struct in_pktinfo: both addresses, never the interface.
    let l = i32::from_ne_bytes([127, 3, 232, 1]);
    assert_eq!(masked_v4(&s(), l, "127.3.232.1", "127.3.232.1"), in_pktinfo(l, "127.0.0.1", "127.0.0.1"));
    assert_eq!(masked_v4(&s(), 1, "10.0.0.1", "127.3.232.1"), in_pktinfo(1, "10.0.0.1", "127.0.0.1"));
    assert_eq!(masked_v4(&s(), 1, "127.3.232.1", "10.0.0.255"), in_pktinfo(1, "127.0.0.1", "10.0.0.255"));
    for (context, local) in [(s(), "10.0.0.1"), (s(), "127.3.233.1"), (h(), "127.3.232.1"), (z(), "127.3.232.1")] {
        assert_eq!(masked_v4(&context, 2, local, local), in_pktinfo(2, local, local), "{local}");
    }
    // struct in6_pktinfo, by both of its names.
    for kind in [IPV6_PKTINFO, IPV6_2292PKTINFO] {
        for (context, was, is) in [
            (with_lback6(d()), "fd00:1::99", "::1"),
            (d(), "fd00:1::99", "fd00:1::99"),
            (with_lback6(d()), "fd00:1::1", "fd00:1::1"),
            (d(), "::ffff:127.3.232.1", "::ffff:127.0.0.1"),
            (h(), "::ffff:127.3.232.1", "::ffff:127.3.232.1"),
        ] {
            let mut data = v6_data(was, 0x0102_0304);
            mask(&context, IPPROTO_IPV6, kind, &mut data);
            assert_eq!(data, v6_data(is, 0x0102_0304), "{was}");
        }
    }
}

#[test]
fn nothing_else_is_masked() {
    let l = [127, 3, 232, 1].repeat(8);
    for (level, kind) in
        [(SOL_SOCKET, IP_PKTINFO), (IPPROTO_IP, IP_TTL), (IPPROTO_IP, IPV6_PKTINFO), (IPPROTO_IPV6, IPV6_TCLASS)]
    {
        let mut data = l.clone();
        mask(&s(), level, kind, &mut data);
        assert_eq!(data, l, "{level} {kind}");
    }
    // What was cut off stays as it is, whole or not at all.
    for len in 0..32 {
        let mut data = l[..len].to_vec();
        mask(&s(), IPPROTO_IP, IP_PKTINFO, &mut data);
        let mut wanted = l[..len].to_vec();
        if len >= 12 {
            wanted[4..12].copy_from_slice(&[127, 0, 0, 1, 127, 0, 0, 1]);
        }
        assert_eq!(data, wanted, "{len} bytes");
    }
    let lback6 = v6_data("fd00:1::99", 1);
    for len in 0..16 {
        let mut data = lback6[..len].to_vec();
        mask(&with_lback6(d()), IPPROTO_IPV6, IPV6_PKTINFO, &mut data);
        assert_eq!(data, lback6[..len], "{len} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing panics, and all that is shown are pieces of the list, in order.
    #[test]
    fn lists_of_any_bytes(mut list in any_list()) {
        let (start, end) = (list.as_ptr() as usize, list.as_ptr() as usize + list.len());
        let walked = kernel::walk(&list);
        let (mut at, mut count) = (start, 0);
        arrived(&mut list, |_, _, data| {
            let from = data.as_ptr() as usize;
            assert!(data.is_empty() || (from >= at + 16 && from + data.len() <= end));
            at = if data.is_empty() { at } else { from + data.len() };
            count += 1;
            assert!(count < PLENTY, "it does not end");
        });
        prop_assert!(walked.is_none_or(|walked| walked.len() == count));
        prop_assert!(kernel::walk(&list).is_some() || names_way(&list));
    }
}

fn any_list() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![4 => 16usize..48, 1 => Just(0usize), 1 => any::<usize>()];
    let level = prop::sample::select(vec![IPPROTO_IP, IPPROTO_IPV6, SOL_SOCKET]);
    let one = (len, level, 0..60i32, prop::collection::vec(any::<u8>(), 0..32));
    let one = one.prop_map(|(len, level, kind, data)| {
        // Mostly true.
        let len = if len < 48 && len != 0 { 16 + data.len() } else { len };
        with_len(len, level, kind, &data)
    });
    (prop::collection::vec(one, 0..5), prop::collection::vec(any::<u8>(), 0..24))
        .prop_map(|(list, rest)| [list.concat(), rest].concat())
}
