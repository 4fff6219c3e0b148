//! The question who serves a port, and its answer, against bytes written by hand from sock_diag(7): row 36.

use crate::common::*;
use chbind_policy::loopback_services::places;
use chbind_policy::sock_diag::{List, Message, QUESTION, is_there, messages, question};
use chbind_policy::{Context, Family, Loopback, Transport};
use std::net::{IpAddr, Ipv4Addr};

/// `struct nlmsghdr`: length, type, NLM_F_REQUEST, no sequence, nobody's port.
fn header(len: u32, kind: u16) -> Vec<u8> {
    [&len.to_ne_bytes()[..], &kind.to_ne_bytes(), &1u16.to_ne_bytes(), &[0; 8]].concat()
}

/// `struct inet_diag_sockid`: source port, destination port, both addresses in 16 bytes each, any interface, any cookie.
fn id(ports: [u16; 2], addresses: [&[u8]; 2]) -> Vec<u8> {
    let mut bytes = [ports[0].to_be_bytes(), ports[1].to_be_bytes()].concat();
    for address in addresses {
        bytes.extend(address);
        bytes.resize(bytes.len() + 16 - address.len(), 0);
    }
    bytes.extend([0; 4]);
    bytes.extend([0xff; 8]);
    bytes
}

/// `struct inet_diag_req_v2`: family, protocol, extensions, padding, all states, the socket.
fn asked(family: u8, protocol: u8, id: &[u8]) -> Vec<u8> {
    [&header(72, 20)[..], &[family, protocol, 0, 0], &[0xff; 4], id].concat()
}

const PORT: u16 = 0x1f90;
const V6: [u8; 16] = [0xfd, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

#[test]
fn row_36_questions() {
    let of = |transport, text| question(transport, ip(text), PORT).map(|bytes| bytes.to_vec());
    // A listener is looked for at its own address.
    let local = |address| id([PORT, 0], [address, &[]]);
    assert_eq!(of(Transport::Tcp, "10.0.0.1"), Some(asked(2, 6, &local(&[10, 0, 0, 1]))));
    assert_eq!(of(Transport::Tcp, "fd00:1::1"), Some(asked(10, 6, &local(&V6))));
    // What receives a datagram is where that goes.
    let destination = |address| id([0, PORT], [&[], address]);
    assert_eq!(of(Transport::Udp, "127.3.232.1"), Some(asked(2, 17, &destination(&[127, 3, 232, 1]))));
    assert_eq!(of(Transport::Udp, "fd00:1::1"), Some(asked(10, 17, &destination(&V6))));
    assert_eq!(QUESTION, 72);
    for transport in [Transport::Ping, Transport::RawIcmp] {
        assert_eq!(of(transport, "10.0.0.1"), None);
    }
}

/// `struct inet_diag_msg`: family, state (LISTEN), timer, retransmits, the socket; then how long it waits, its queues, owner
/// and inode.
fn answer(kind: u16, family: u8, source: &[u8]) -> Vec<u8> {
    let id = id([PORT, 0], [source, &[]]);
    [&header(88, kind)[..], &[family, 10, 0, 0], &id, &[0; 20]].concat()
}

#[test]
fn row_36_answers() {
    let a = answer(20, 2, &[10, 0, 0, 1]);
    assert_eq!(a.len(), 16 + 72);
    assert!(is_there(&a, ip("10.0.0.1")));
    assert!(is_there(&answer(20, 10, &V6), ip("fd00:1::1")));
    // A dual-stack socket says it in the other family.
    assert!(is_there(&answer(20, 10, &Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().octets()), ip("10.0.0.1")));
    for (other, asked) in [
        // A wildcard, another address, another family, an error (NLMSG_ERROR, with its number), the end of a list.
        (answer(20, 2, &[0; 4]), "10.0.0.1"),
        (answer(20, 10, &[0; 16]), "10.0.0.1"),
        (answer(20, 10, &[0; 16]), "fd00:1::1"),
        (answer(20, 2, &[10, 0, 0, 2]), "10.0.0.1"),
        (answer(20, 2, &V6[..4]), "fd00:1::1"),
        (answer(20, 10, &[10, 0, 0, 1]), "10.0.0.1"),
        (answer(20, 1, &[10, 0, 0, 1]), "10.0.0.1"),
        (answer(2, 2, &[10, 0, 0, 1]), "10.0.0.1"),
        (answer(3, 2, &[10, 0, 0, 1]), "10.0.0.1"),
        (answer(0x0114, 2, &[10, 0, 0, 1]), "10.0.0.1"),
        ([header(36, 2), (-2i32).to_ne_bytes().to_vec(), header(72, 20)].concat(), "10.0.0.1"),
    ] {
        assert!(!is_there(&other, ip(asked)), "{asked} in {other:?}");
    }
}

/// As much as the address, and nothing is known; with the whole address, it is.
#[test]
fn answers_that_were_cut_off() {
    for (whole, asked, known) in [
        (answer(20, 2, &[10, 0, 0, 1]), "10.0.0.1", 16 + 4 + 4 + 4),
        (answer(20, 10, &V6), "fd00:1::1", 16 + 4 + 4 + 16),
    ] {
        for len in 0..=whole.len() {
            assert_eq!(is_there(&whole[..len], ip(asked)), len >= known, "{len} bytes of that of {asked}");
        }
    }
}

#[test]
fn lists() {
    // NLM_F_REQUEST | NLM_F_DUMP, and as many bytes more; the port as that of the socket, any cookie of which is zero.
    let list = List { family: 2, protocol: 17, states: 1 << 7, port: PORT };
    let mut wanted = [&(72u32 + 20).to_ne_bytes()[..], &20u16.to_ne_bytes(), &0x301u16.to_ne_bytes(), &[0; 8]].concat();
    wanted.extend([2, 17, 0, 0]);
    wanted.extend((1u32 << 7).to_ne_bytes());
    wanted.extend(PORT.to_be_bytes());
    wanted.resize(72, 0);
    assert_eq!(list.question(20).to_vec(), wanted);
}

#[test]
fn listed_sockets() {
    // Expires, 16 bytes to be read, none to be written, user 1000, file 4711.
    let numbers: Vec<u8> = [0u32, 16, 0, 1000, 4711].into_iter().flat_map(u32::to_ne_bytes).collect();
    let ends = id([PORT, 80], [&[10, 0, 0, 1], &[192, 0, 2, 7]]);
    let one = [&header(88, 20)[..], &[2, 1, 0, 0], &ends, &numbers].concat();
    let end = |kind, status: i32| [header(20, kind), status.to_ne_bytes().to_vec()].concat();
    let cut_off = &one[..80];
    let told = [&one[..], &answer(20, 10, &V6), &end(3, 0), &end(2, -2), cut_off].concat();
    let told: Vec<Message> = messages(&told).collect();
    let [Message::Socket(one), Message::Socket(other), Message::End(0), Message::End(-2)] = told[..] else {
        panic!("{told:?}")
    };
    assert_eq!((one.local(), one.port(), one.state()), (Some(ip("10.0.0.1")), Some(PORT), Some(1)));
    assert_eq!((one.peer(), one.cookie()), (Some((ip("192.0.2.7"), 80)), Some(u64::MAX)));
    assert_eq!((one.unread(), one.inode()), (Some(16), Some(4711)));
    assert_eq!((other.local(), other.state()), (Some(ip("fd00:1::1")), Some(10)));
    assert_eq!(messages(&[]).count() + messages(&[8, 0, 0, 0, 0, 0, 0, 0]).count() + messages(cut_off).count(), 0);
}

#[test]
fn row_36_places() {
    let of = |context: &Context, family| places(context, family).collect::<Vec<IpAddr>>();
    let all = |texts: &[&str]| texts.iter().map(|text| ip(text)).collect::<Vec<_>>();
    assert_eq!(of(&m(), Family::V4), all(&["127.3.232.1", "10.0.0.1", "10.0.0.2"]));
    assert_eq!(of(&d(), Family::V6), all(&["fd00:1::1"]));
    assert_eq!(of(&with_lback6(d()), Family::V6), all(&["fd00:1::99", "fd00:1::1"]));
    assert_eq!(of(&h(), Family::V4), all(&["127.0.0.1", "10.0.0.1"]));
    assert_eq!(of(&Context { loopback: Loopback::Deny, ..d() }, Family::V4), all(&["10.0.0.1"]));
    assert_eq!(of(&s(), Family::V6), all(&[]));
}
