//! Addresses as bytes.

use crate::common::*;
use chbind_policy::Family;
use chbind_policy::sockaddr::{
    LEN_MAX, LEN_V4, LEN_V6, SockAddr, canonical, decode, encode, family, for_family, scope, with_scope,
};
use libc::{AF_INET, AF_INET6};
use proptest::prelude::*;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV6};

#[test]
fn the_layout_is_the_kernels() {
    let v4 = encode(at("10.0.0.1:8080"));
    let bytes = v4.bytes();
    assert_eq!(bytes.len(), size_of::<libc::sockaddr_in>());
    assert_eq!(bytes[..2], (AF_INET as u16).to_ne_bytes());
    assert_eq!(bytes[2..8], [0x1f, 0x90, 10, 0, 0, 1]);
    assert_eq!(bytes[8..], [0; 8]);
    let v6 = encode(SocketAddrV6::new("fe80::1".parse().unwrap(), 8080, 0x0102_0304, 2).into());
    let bytes = v6.bytes();
    assert_eq!(bytes.len(), size_of::<libc::sockaddr_in6>());
    assert_eq!(bytes[..2], (AF_INET6 as u16).to_ne_bytes());
    assert_eq!(bytes[2..4], [0x1f, 0x90]);
    assert_eq!(bytes[4..8], 0x0102_0304u32.to_ne_bytes());
    assert_eq!(bytes[8..24], [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(bytes[24..], 2u32.to_ne_bytes());
}

#[test]
fn short_lengths() {
    let v4 = bytes("10.0.0.1:80");
    assert!((0..LEN_V4).all(|len| decode(&v4[..len]).is_none()));
    let v6 = bytes("[fe80::1%2]:80");
    assert!((0..24).all(|len| decode(&v6[..len]).is_none()));
    assert!((24..LEN_V6).all(|len| decode(&v6[..len]) == Some(at("[fe80::1]:80"))));
    assert_eq!(family(&[2]), None);
    assert_eq!(family(&[]), None);
    assert_eq!(family(&(AF_INET6 as u16).to_ne_bytes()), Some(AF_INET6));
    assert_eq!(decode(&relabelled("10.0.0.1:80", 0)), None);
    assert_eq!(decode(&relabelled("10.0.0.1:80", libc::AF_UNIX)), None);
}

#[test]
fn room_for_the_longest() {
    assert_eq!(SockAddr::NONE.bytes(), []);
    let written = SockAddr::written::<()>(|room| {
        room[..3].copy_from_slice(&[1, 2, 3]);
        Ok(3)
    });
    assert_eq!(written.unwrap().bytes(), [1, 2, 3]);
    assert_eq!(SockAddr::written(|_| Err(7)).unwrap_err(), 7);
    // The kernel says how long a name is, be there room for it or not.
    assert_eq!(SockAddr::written::<()>(|_| Ok(1000)).unwrap().bytes().len(), LEN_MAX);
}

#[test]
fn forms_of_one_address() {
    assert_eq!(canonical(at("[::ffff:10.0.0.1]:80")), at("10.0.0.1:80"));
    assert_eq!(canonical(at("[::ffff:0.0.0.0]:80")), at("0.0.0.0:80"));
    // Not mapped: IPv4-compatible, and ::1.
    assert_eq!(canonical(at("[::10.0.0.1]:80")), at("[::10.0.0.1]:80"));
    assert_eq!(canonical(at("[::1]:80")), at("[::1]:80"));
    assert_eq!(for_family(at("10.0.0.1:80"), Family::V6), at("[::ffff:10.0.0.1]:80"));
    assert_eq!(for_family(at("[fd00:1::1]:80"), Family::V4), at("[fd00:1::1]:80"));
    assert_eq!((scope(at("[fe80::1%2]:80")), scope(at("10.0.0.1:80"))), (2, 0));
    assert_eq!(with_scope(ip("fe80::1"), 80, 2), at("[fe80::1%2]:80"));
}

fn any_sockaddr() -> impl Strategy<Value = SocketAddr> {
    (any_address(), any::<u32>()).prop_map(|(address, flow)| match address {
        SocketAddr::V6(mut v6) => {
            v6.set_flowinfo(flow);
            SocketAddr::V6(v6)
        }
        v4 => v4,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_is_decoded(address in any_sockaddr(), more in prop::collection::vec(any::<u8>(), 0..100)) {
        let encoded = encode(address);
        prop_assert_eq!(encoded.decode(), Some(address));
        prop_assert_eq!(decode(&[encoded.bytes(), &more].concat()), Some(address));
    }

    #[test]
    fn what_is_decoded_is_encoded(bytes in prop_oneof![any_bytes(), prop::collection::vec(any::<u8>(), 0..=128)]) {
        if let Some(address) = decode(&bytes) {
            let again = encode(address);
            prop_assert_eq!(again.decode(), Some(address));
            let (again, len) = (again.bytes(), again.bytes().len());
            // The padding of sockaddr_in says nothing, and half an interface index neither.
            let telling = if address.is_ipv4() { 8 } else if bytes.len() < len { 24 } else { len };
            prop_assert_eq!(&again[..telling], &bytes[..telling]);
        }
    }

    #[test]
    fn forms_change_nothing_else(octets: [u8; 4], port: u16) {
        let v4 = SocketAddr::new(Ipv4Addr::from(octets).into(), port);
        let mapped = for_family(v4, Family::V6);
        prop_assert!(mapped.is_ipv6());
        prop_assert_eq!(canonical(mapped), v4);
        prop_assert_eq!(canonical(v4), v4);
        prop_assert_eq!(for_family(mapped, Family::V6), mapped);
    }
}
