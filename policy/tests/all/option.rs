//! `setsockopt`: rows 43, 48, 49 and the list of section 4.

use crate::common::*;
use chbind_policy::option::{self, Facts, VALUE_MAX};
use chbind_policy::{Context, Reason, Refusal};
use libc::{
    EADDRNOTAVAIL, EPERM, IP_MULTICAST_IF, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO, SO_ATTACH_FILTER, SOL_SOCKET,
};
use proptest::prelude::*;
use std::net::IpAddr;

fn octets(text: &str) -> Vec<u8> {
    match ip(text) {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// Of a value that is too short or too long only so much is read as the kernel reads.
#[test]
fn a_value_is_read_as_far_as_the_kernel_reads() {
    let read = |(level, name), len| option::read_of(level, name, len);
    for (len, expected) in [(0, 0), (3, 0), (4, 4), (7, 4), (8, 8), (11, 8), (12, 12), (13, 12), (usize::MAX, 12)] {
        assert_eq!(read((IPPROTO_IP, IP_MULTICAST_IF), len), expected, "{len}");
    }
    for (len, expected) in [(0, 0), (3, 0), (4, 4), (19, 4), (20, 20), (21, 20), (usize::MAX, 20)] {
        assert_eq!(read((IPPROTO_IPV6, IPV6_PKTINFO), len), expected, "{len}");
    }
    for (len, expected) in [(0, 0), (3, 0), (4, 4), (15, 4), (16, 16), (17, 4), (usize::MAX, 4)] {
        assert_eq!(read((SOL_SOCKET, SO_ATTACH_FILTER), len), expected, "{len}");
    }
    for (level, name) in option::judged(&s()) {
        assert!((0..2000).all(|len| read((level, name), len) <= len.min(VALUE_MAX)));
    }
}

/// Judges, and says what is left of the value.
fn judged(context: &Context, (level, name): (i32, i32), value: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut value = value.to_vec();
    option::set(context, Facts::default(), level, name, &mut value).map(|()| value)
}

/// Allows it, unchanged.
fn same(value: &[u8]) -> Result<Vec<u8>, Refusal> {
    Ok(value.to_vec())
}

const STICKY: (i32, i32) = (IPPROTO_IPV6, IPV6_PKTINFO);
const INTERFACE: (i32, i32) = (IPPROTO_IP, IP_MULTICAST_IF);

fn foreign(errno: i32, source: &str) -> Result<Vec<u8>, Refusal> {
    Err(refusal(errno, Reason::ForeignSource(ip(source))))
}

#[test]
fn row_43_sticky_pktinfo() {
    let value = |source: &str, index: u32| [octets(source), index.to_ne_bytes().to_vec()].concat();
    let name = |source: &str, index: u32| judged(&d(), STICKY, &value(source, index));
    for index in [0, 2] {
        for own in ["fd00:1::1", "::", "::ffff:10.0.0.1", "::ffff:127.3.232.1"] {
            assert_eq!(name(own, index), same(&value(own, index)));
        }
        assert_eq!(name("::ffff:127.0.0.1", index), same(&value("::ffff:127.3.232.1", index)));
        let given = judged(&with_lback6(d()), STICKY, &value("::1", index));
        assert_eq!(given, same(&value("fd00:1::99", index)));
        assert_eq!(judged(&hd(), STICKY, &value("::1", index)), same(&value("::1", index)));
        assert_eq!(name("fd00:1::3", index), foreign(EPERM, "fd00:1::3"));
        assert_eq!(name("::1", index), foreign(EPERM, "::1"));
        assert_eq!(name("::ffff:10.0.0.3", index), foreign(EPERM, "10.0.0.3"));
    }
    let on_two = context(&["fe80::1/64%2"]);
    let link_local = |index: u32| [octets("fe80::1"), index.to_ne_bytes().to_vec()].concat();
    assert_eq!(judged(&on_two, STICKY, &link_local(2)), same(&link_local(2)));
    for other in [0, 3] {
        assert_eq!(judged(&on_two, STICKY, &link_local(other)), foreign(EPERM, "fe80::1"));
    }
    // Too short for the kernel.
    assert_eq!(judged(&d(), STICKY, &octets("fd00:1::3")[..15]), same(&octets("fd00:1::3")[..15]));
}

#[test]
fn row_49_multicast_interface() {
    let name = |value: &[Vec<u8>]| judged(&m(), INTERFACE, &value.concat());
    let group = octets("224.0.0.251");
    let index = vec![0; 4];
    for own in ["10.0.0.1", "10.0.0.2", "127.3.232.1", "0.0.0.0"] {
        // struct in_addr, ip_mreq, ip_mreqn, and longer than that.
        for value in [
            vec![octets(own)],
            vec![group.clone(), octets(own)],
            vec![group.clone(), octets(own), index.clone()],
            vec![group.clone(), octets(own), vec![0xff; 20]],
        ] {
            assert_eq!(name(&value), same(&value.concat()));
        }
    }
    let (localhost, own) = (octets("127.0.0.1"), octets("127.3.232.1"));
    assert_eq!(name(std::slice::from_ref(&localhost)), same(&own));
    // The group is none of it.
    let named = name(&[localhost.clone(), localhost.clone(), index.clone()]);
    assert_eq!(named, same(&[localhost, own, index.clone()].concat()));
    for other in ["10.0.0.3", "127.0.0.2", "127.3.233.1", "192.0.2.77"] {
        let refused = foreign(EADDRNOTAVAIL, other);
        assert_eq!(name(&[octets(other)]), refused);
        assert_eq!(name(&[octets(other), vec![0; 3]]), refused);
        assert_eq!(name(&[group.clone(), octets(other)]), refused);
        assert_eq!(name(&[group.clone(), octets(other), index.clone()]), refused);
    }
    assert_eq!(name(&[vec![10, 0, 0]]), same(&[10, 0, 0]));
    assert_eq!(judged(&h(), INTERFACE, &octets("127.0.0.1")), same(&octets("127.0.0.1")));
    assert_eq!(judged(&h(), INTERFACE, &octets("127.0.0.2")), foreign(EADDRNOTAVAIL, "127.0.0.2"));
    for denied in ["127.0.0.1", "127.3.232.1"] {
        assert_eq!(judged(&z(), INTERFACE, &octets(denied)), foreign(EADDRNOTAVAIL, denied));
    }
}

/// The options that can name an address or a route.
fn of_addresses() -> Vec<(i32, i32)> {
    let of_ports = [(libc::IPPROTO_IP, 24), (libc::IPPROTO_IP, 51)];
    option::judged(&s()).filter(|option| option.0 != libc::SOL_SOCKET && !of_ports.contains(option)).collect()
}

/// `IP_BIND_ADDRESS_NO_PORT` and `IP_LOCAL_PORT_RANGE` are the program's, but set one act at a time.
#[test]
fn options_of_ports_are_set_as_asked() {
    for name in [24, 51] {
        assert!(option::judged(&s()).any(|option| option == (libc::IPPROTO_IP, name)));
        for value in [&[1u8, 0, 0, 0][..], &[0], &[]] {
            assert_eq!(judged(&s(), (libc::IPPROTO_IP, name), value), same(value));
        }
    }
}

#[test]
fn section_4_options_that_change_source_or_route() {
    for (level, name) in of_addresses() {
        if [STICKY, INTERFACE].contains(&(level, name)) {
            continue;
        }
        for context in [d(), Context { raw_icmp: true, ..d() }] {
            let set = judged(&context, (level, name), &[1, 0, 0, 0]);
            assert_eq!(set, Err(refusal(EPERM, Reason::SourceOption)));
            // Takes back what was never set.
            assert_eq!(judged(&context, (level, name), &[]), same(&[]));
        }
    }
}

/// With these a raw socket would send from elsewhere, hear what is for others, or route for the host.
#[test]
fn row_48_options_of_raw_sockets() {
    let raw = Context { raw_icmp: true, ..d() };
    let set = |context: &Context, facts, (level, name), value: &[u8]| {
        option::set(context, facts, level, name, &mut value.to_vec())
    };
    let facts = Facts { raw: true, ..Facts::default() };
    let of_raw: Vec<(i32, i32)> =
        option::judged(&raw).filter(|at| !option::judged(&d()).any(|other| other == *at)).collect();
    // SOL_RAW knows IPV6_HDRINCL too; IP_ROUTER_ALERT, IPV6_ROUTER_ALERT, MRT_INIT, MRT6_INIT.
    for (level, name) in [(255, 36), (0, 5), (41, 22), (0, 200), (41, 200), (41, 212)] {
        assert!(of_raw.contains(&(level, name)), "({level}, {name}) is not judged");
    }
    for at in of_raw {
        let refused = set(&raw, facts, at, &[1, 0, 0, 0]).map_err(|refusal| refusal.errno.0);
        assert_eq!(refused, Err(EPERM), "{at:?}");
        // Others do not know it, and the kernel says so.
        assert_eq!(set(&raw, Facts::default(), at, &[1, 0, 0, 0]), Ok(()), "{at:?}");
    }
    let groups = Context { multicast: true, ..raw };
    // IPV6_MULTICAST_ALL, IPV6_JOIN_GROUP
    for name in [29, 20] {
        assert_eq!(set(&groups, facts, (41, name), &[1, 0, 0, 0]), Ok(()));
    }
    assert_eq!(set(&raw, facts, (41, 29), &[0, 0, 0, 0]), Ok(()));
}

#[test]
fn section_4_a_filter_is_not_locked_before_there_is_a_port() {
    let lock = |portless, value: i32| {
        let facts = Facts { portless, ..Facts::default() };
        option::set(&s(), facts, libc::SOL_SOCKET, libc::SO_LOCK_FILTER, &mut value.to_ne_bytes())
    };
    assert_eq!(lock(true, 1), Err(refusal(EPERM, Reason::OwnFilter)));
    assert_eq!((lock(true, 0), lock(false, 1)), (Ok(()), Ok(())));
    for name in [libc::SO_ATTACH_FILTER, libc::SO_DETACH_FILTER, libc::SO_ATTACH_BPF, libc::SO_LOCK_FILTER] {
        assert!(option::judged(&s()).any(|at| at == (libc::SOL_SOCKET, name)), "{name} is not judged");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_value_names_a_foreign_source(
        context in any_context(),
        option in prop::sample::select(of_addresses()),
        at in any_ip(),
        before in prop::sample::select(vec![0usize, 4]),
        after in 0usize..16,
        noise in prop::collection::vec(any::<u8>(), 0..VALUE_MAX),
        noisy: bool,
    ) {
        let shaped = [vec![0; before], octets(&at.to_string()), vec![0; after]].concat();
        let value = if noisy { noise } else { shaped };
        let verdict = judged(&context, option, &value);
        let after = verdict.clone().unwrap_or(value.clone());
        prop_assert_eq!(after.len(), value.len());
        // struct in6_pktinfo has 20 bytes; struct ip_mreqn has the interface after the group.
        let place = match option {
            STICKY if value.len() >= 20 => 0..16,
            INTERFACE if value.len() >= 8 => 4..8,
            INTERFACE if value.len() >= 4 => 0..4,
            // Too short for the kernel.
            STICKY | INTERFACE => return Ok(()),
            _ => {
                prop_assert_eq!(verdict.is_ok(), value.is_empty());
                return Ok(());
            }
        };
        let source = |value: &[u8]| -> IpAddr {
            match value.len() {
                4 => <[u8; 4]>::try_from(value).unwrap().into(),
                _ => <[u8; 16]>::try_from(value).unwrap().into(),
            }
        };
        let (asked, named) = (source(&value[place.clone()]), source(&after[place.clone()]));
        let scope = if option == STICKY { u32::from_ne_bytes(value[16..20].try_into().unwrap()) } else { 0 };
        match stands_for(&context, asked.to_canonical(), scope) {
            _ if asked.is_unspecified() => prop_assert_eq!(verdict, same(&value)),
            None => {
                let errno = if option == STICKY { EPERM } else { EADDRNOTAVAIL };
                prop_assert_eq!(verdict, foreign(errno, &asked.to_canonical().to_string()));
            }
            Some(own) => {
                prop_assert!(verdict.is_ok());
                prop_assert_eq!(named.to_canonical(), own);
                // An IPv4 address stays mapped, and all around it stays as it was.
                prop_assert_eq!(named.to_canonical() == named, asked.to_canonical() == asked);
                prop_assert_eq!(&after[..place.start], &value[..place.start]);
                prop_assert_eq!(&after[place.end..], &value[place.end..]);
            }
        }
    }
}
