//! `setsockopt`: rows 43, 48, 49 and the list of section 4.
#![allow(clippy::unwrap_used)]

mod common;

use chbind_policy::option::{JUDGED, VALUE_MAX, set};
use chbind_policy::{Reason, Refusal};
use common::*;
use libc::{EADDRNOTAVAIL, EPERM, IP_MULTICAST_IF, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO};
use proptest::prelude::*;
use std::net::IpAddr;

fn octets(text: &str) -> Vec<u8> {
    match ip(text) {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

fn foreign(errno: i32, source: &str) -> Result<(), Refusal> {
    Err(refusal(errno, Reason::ForeignSource(ip(source))))
}

#[test]
fn row_43_sticky_pktinfo() {
    let name = |source: &str, index: u32| {
        set(&d(), IPPROTO_IPV6, IPV6_PKTINFO, &[octets(source), index.to_ne_bytes().to_vec()].concat())
    };
    for index in [0, 2] {
        assert_eq!(name("fd00:1::1", index), Ok(()));
        assert_eq!(name("::", index), Ok(()));
        assert_eq!(name("::ffff:10.0.0.1", index), Ok(()));
        assert_eq!(name("fd00:1::3", index), foreign(EPERM, "fd00:1::3"));
        assert_eq!(name("::1", index), foreign(EPERM, "::1"));
        assert_eq!(name("::ffff:10.0.0.3", index), foreign(EPERM, "10.0.0.3"));
    }
    let on_two = context(&["fe80::1/64%2"]);
    let link_local = |index: u32| [octets("fe80::1"), index.to_ne_bytes().to_vec()].concat();
    assert_eq!(set(&on_two, IPPROTO_IPV6, IPV6_PKTINFO, &link_local(2)), Ok(()));
    for other in [0, 3] {
        assert_eq!(set(&on_two, IPPROTO_IPV6, IPV6_PKTINFO, &link_local(other)), foreign(EPERM, "fe80::1"));
    }
    // Too short for the kernel.
    assert_eq!(set(&d(), IPPROTO_IPV6, IPV6_PKTINFO, &octets("fd00:1::3")[..15]), Ok(()));
}

#[test]
fn row_49_multicast_interface() {
    let name = |value: &[Vec<u8>]| set(&m(), IPPROTO_IP, IP_MULTICAST_IF, &value.concat());
    let group = octets("224.0.0.251");
    let index = vec![0; 4];
    for own in ["10.0.0.1", "10.0.0.2", "127.3.232.1", "0.0.0.0"] {
        // struct in_addr, ip_mreq, ip_mreqn, and longer than that.
        assert_eq!(name(&[octets(own)]), Ok(()));
        assert_eq!(name(&[group.clone(), octets(own)]), Ok(()));
        assert_eq!(name(&[group.clone(), octets(own), index.clone()]), Ok(()));
        assert_eq!(name(&[group.clone(), octets(own), vec![0xff; 20]]), Ok(()));
    }
    for other in ["10.0.0.3", "127.0.0.1", "192.0.2.77"] {
        let refused = foreign(EADDRNOTAVAIL, other);
        assert_eq!(name(&[octets(other)]), refused);
        assert_eq!(name(&[octets(other), vec![0; 3]]), refused);
        assert_eq!(name(&[group.clone(), octets(other)]), refused);
        assert_eq!(name(&[group.clone(), octets(other), index.clone()]), refused);
    }
    assert_eq!(name(&[vec![10, 0, 0]]), Ok(()));
    assert_eq!(set(&h(), IPPROTO_IP, IP_MULTICAST_IF, &octets("127.0.0.1")), Ok(()));
    assert_eq!(set(&h(), IPPROTO_IP, IP_MULTICAST_IF, &octets("127.0.0.2")), foreign(EADDRNOTAVAIL, "127.0.0.2"));
}

#[test]
fn section_4_options_that_change_source_or_route() {
    for (level, name) in JUDGED {
        if [(IPPROTO_IPV6, IPV6_PKTINFO), (IPPROTO_IP, IP_MULTICAST_IF)].contains(&(level, name)) {
            continue;
        }
        assert_eq!(set(&d(), level, name, &[1, 0, 0, 0]), Err(refusal(EPERM, Reason::SourceOption)));
        // Takes back what was never set.
        assert_eq!(set(&d(), level, name, &[]), Ok(()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_value_names_a_foreign_source(
        context in any_context(),
        option in prop::sample::select(JUDGED.to_vec()),
        at in any_ip(),
        before in prop::sample::select(vec![0usize, 4]),
        after in 0usize..16,
        noise in prop::collection::vec(any::<u8>(), 0..VALUE_MAX),
        noisy: bool,
    ) {
        let shaped = [vec![0; before], octets(&at.to_string()), vec![0; after]].concat();
        let value = if noisy { noise } else { shaped };
        if set(&context, option.0, option.1, &value).is_err() || value.is_empty() {
            return Ok(());
        }
        // struct in6_pktinfo has 20 bytes; struct ip_mreqn has the interface after the group.
        let source: IpAddr = match option {
            (IPPROTO_IPV6, IPV6_PKTINFO) if value.len() >= 20 => {
                <[u8; 16]>::try_from(&value[..16]).unwrap().into()
            }
            (IPPROTO_IP, IP_MULTICAST_IF) if value.len() >= 8 => <[u8; 4]>::try_from(&value[4..8]).unwrap().into(),
            (IPPROTO_IP, IP_MULTICAST_IF) if value.len() >= 4 => <[u8; 4]>::try_from(&value[..4]).unwrap().into(),
            // Too short for the kernel.
            (IPPROTO_IPV6, IPV6_PKTINFO) | (IPPROTO_IP, IP_MULTICAST_IF) => return Ok(()),
            _ => return Err(TestCaseError::fail(format!("{option:?} was set"))),
        };
        let source = source.to_canonical();
        let own = context.addresses.iter().any(|own| own.ip() == source) || is_own_loopback(&context, source);
        prop_assert!(own || source.is_unspecified(), "{source}");
    }
}
