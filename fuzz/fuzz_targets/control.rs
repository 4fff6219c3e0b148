//! Control messages: what the kernel finds in a list that was let through names no source that is not the context's, and
//! no route; and no byte is another but those of an address.
#![no_main]

use chbind_fuzz::contract::is_own;
use chbind_fuzz::input::Input;
use chbind_fuzz::world;
use chbind_policy::Context;
use chbind_policy::control::{Reader, check, interface, naming};
use chbind_policy::sockaddr::with_scope;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let parts = world::any(&mut input);
    let context = parts.context();
    let source = input.bit().then(|| input.ip().to_canonical());
    let reader = input.of(&[Reader::Any, Reader::V6, Reader::Tcp]);
    let list = made(&mut input);
    interface(&list);
    judged(&context, source, reader, &list);
    for own in context.addresses {
        let (bytes, len) = naming(with_scope(own.ip(), 0, own.scope()));
        let mut named = bytes[..len].to_vec();
        assert_eq!((check(&context, &mut named, None), &named[..]), (Ok(()), &bytes[..len]), "an own address");
    }
});

/// A list: messages whose length is right, and then whatever is left.
fn made(input: &mut Input) -> Vec<u8> {
    let mut list = Vec::new();
    for _ in 0..input.byte() % 5 {
        let index = input.of(&[0u32, 2, 3, u32::MAX]).to_ne_bytes();
        let (level, kind, data) = match (input.byte() % 4, input.ip()) {
            (0, ip) => (input.of(&[0, 1, 17, 41]), i32::from(input.byte() % 70), ip.to_string().into_bytes()),
            (_, IpAddr::V4(ip)) => (0, 8, [&index[..], &ip.octets(), &[7; 4]].concat()),
            (way, IpAddr::V6(ip)) => (41, if way == 1 { 2 } else { 50 }, [&ip.octets()[..], &index].concat()),
        };
        list.extend((16 + data.len()).to_ne_bytes());
        list.extend(i32::to_ne_bytes(level));
        list.extend(kind.to_ne_bytes());
        list.extend(data);
        list.resize(list.len().next_multiple_of(8), 0);
    }
    list.extend(input.bytes(512));
    list
}

fn judged(context: &Context, source: Option<IpAddr>, reader: Reader, list: &[u8]) {
    let mut after = list.to_vec();
    if let Err(refusal) = reader.check(context, &mut after, source) {
        assert!([libc::EINVAL, libc::EPERM].contains(&refusal.errno.0), "{refusal:?}");
        return;
    }
    assert_eq!(after.len(), list.len());
    if reader == Reader::Tcp {
        assert_eq!(after, list, "nobody looks at it");
        return;
    }
    let before = walk(list).expect("a list that the kernel finds broken was let through");
    let found = walk(&after).expect("it was in order before");
    let mut written = vec![false; list.len()];
    assert_eq!(before.len(), found.len());
    for (was, is) in before.iter().zip(&found) {
        assert_eq!((was.level, was.kind, &was.data), (is.level, is.kind, &is.data));
        let data = &after[is.data.clone()];
        match (is.level, is.kind) {
            // Such a socket speaks IPv6: nobody looks at these.
            (0, _) if reader == Reader::V6 => {}
            (0, 8) => {
                let ip: [u8; 4] = data[4..8].try_into().expect("4 bytes");
                let ip = IpAddr::V4(Ipv4Addr::from(ip));
                let is_sockets = Some(ip) == source && (ip.is_loopback() || is_own(context, with_scope(ip, 0, 0)));
                assert!(data.len() == 12 && (is_own(context, with_scope(ip, 0, 0)) || is_sockets), "{ip}");
                written[is.data.start + 4..is.data.start + 8].fill(true);
            }
            (41, 2 | 50) => {
                let ip: [u8; 16] = data[..16].try_into().expect("16 bytes");
                let scope = data.get(16..20).map_or(0, |index| u32::from_ne_bytes(index.try_into().expect("4 bytes")));
                let ip = Ipv6Addr::from(ip);
                // What is too short the kernel refuses.
                let is_short = data.len() < 20;
                assert!(is_short || ip.is_unspecified() || is_own(context, with_scope(ip.into(), 0, scope)), "{ip}");
                written[is.data.start..is.data.start + 16].fill(true);
            }
            (0, 7) | (41, 5 | 57) => assert!(data.is_empty(), "a route"),
            _ => {}
        }
    }
    assert!((0..list.len()).all(|at| written[at] || list[at] == after[at]), "something else was written");
    // What was written may be named. (Of a socket that was bound outside it is that address.)
    if source.is_none_or(|ip| is_own(context, with_scope(ip, 0, 0))) {
        let mut again = after.clone();
        assert_eq!((reader.check(context, &mut again, source), again), (Ok(()), after));
    }
}

struct Found {
    level: i32,
    kind: i32,
    data: Range<usize>,
}

/// `for_each_cmsghdr` with `CMSG_OK` (linux/socket.h). `None` where `CMSG_OK` says no.
fn walk(list: &[u8]) -> Option<Vec<Found>> {
    let word = |at: usize| u64::from_ne_bytes(list[at..at + 8].try_into().expect("8 bytes"));
    let half = |at: usize| i32::from_ne_bytes(list[at..at + 4].try_into().expect("4 bytes"));
    let (mut found, mut at, size) = (Vec::new(), 0u64, list.len() as u64);
    while at.checked_add(16).is_some_and(|end| end <= size) {
        let start = at as usize;
        let len = word(start);
        if len < 16 || len > size - at {
            return None;
        }
        let data = start + 16..start + len as usize;
        found.push(Found { level: half(start + 8), kind: half(start + 12), data });
        at += (len + 7) & !7;
    }
    Some(found)
}
