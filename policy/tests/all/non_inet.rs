//! Sockets of other families under `--strict`: which calls run as they are, which are made on behalf, which are refused.

use chbind_policy::non_inet::{Call, Doing, NonInet, is_non_inet, judge};
use chbind_policy::{Errno, Reason, Refusal};
use libc::{AF_ALG, AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM};

const REFUSED: Result<Doing, Refusal> = Err(Refusal::new(Errno::EPERM, Reason::SharedTable));

/// A `struct sockaddr_un` with this path, of the length that most programs give.
fn named(path: &[u8]) -> Vec<u8> {
    let mut address = (AF_UNIX as u16).to_ne_bytes().to_vec();
    address.extend(path);
    address.resize(110, 0);
    address
}

fn asked(kind: i32, call: Call) -> Result<Doing, Refusal> {
    judge(NonInet { domain: AF_UNIX, kind, shared: true }, call)
}

#[test]
fn the_families() {
    assert_eq!([AF_UNIX, AF_NETLINK, AF_ALG].map(is_non_inet), [true; 3]);
    assert_eq!([AF_INET, AF_INET6, libc::AF_PACKET, -1].map(is_non_inet), [false; 4]);
}

#[test]
fn who_shares_nothing_does_everything_itself() {
    let (path, name) = (named(b"/run/x"), named(b"\0x"));
    for domain in [AF_UNIX, AF_NETLINK, AF_ALG] {
        for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW] {
            for address in [&path[..], &name, &[]] {
                for call in [Call::Bind(address), Call::Connect(address), Call::Listen, Call::Send(address)] {
                    assert_eq!(judge(NonInet { domain, kind, shared: false }, call), Ok(Doing::AsAsked));
                }
            }
        }
    }
}

#[test]
fn nobody_is_known_by_other_families() {
    for domain in [AF_NETLINK, AF_ALG] {
        for call in [Call::Bind(&[16, 0]), Call::Connect(&[]), Call::Listen, Call::Send(&named(b"\0x"))] {
            assert_eq!(judge(NonInet { domain, kind: SOCK_RAW, shared: true }, call), Ok(Doing::OnBehalf));
        }
    }
}

#[test]
fn binds() {
    let bind = |address: &[u8]| asked(SOCK_STREAM, Call::Bind(address));
    assert_eq!(bind(&named(b"\0x")), Ok(Doing::OnBehalf));
    assert_eq!(bind(&named(b"/run/x")), REFUSED);
    assert_eq!(bind(&named(b"x")), REFUSED);
    // Of another family the kernel says that it is wrong.
    assert_eq!(bind(&[[2, 0].as_slice(), &[1; 14]].concat()), Ok(Doing::OnBehalf));
}

/// What could be done to an internet socket in its place is not left to the caller, whatever the memory holds then: only what
/// is too short for one.
#[test]
fn nothing_that_fits_an_internet_socket_runs_as_it_is() {
    for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
        for first in [0, b'/', b'x'] {
            for len in 0..=128 {
                let address: Vec<u8> = [AF_UNIX as u8, 0, first].into_iter().chain([b'y'; 125]).take(len).collect();
                assert_eq!(asked(kind, Call::Bind(&address)) == Ok(Doing::AsAsked), len < 16, "{len}");
                for call in [Call::Connect(&address), Call::Listen, Call::Send(&address)] {
                    assert_ne!(asked(kind, call), Ok(Doing::AsAsked));
                }
            }
        }
    }
}

#[test]
fn who_listens_and_connects_is_known_by_it() {
    for kind in [SOCK_STREAM, SOCK_SEQPACKET] {
        for path in [b"/run/x".as_slice(), b"x", b"\0x"] {
            assert_eq!(asked(kind, Call::Connect(&named(path))), REFUSED);
        }
        assert_eq!(asked(kind, Call::Listen), REFUSED);
        assert_eq!(asked(kind, Call::Send(&named(b"\0x"))), Ok(Doing::OnBehalf), "the address counts for nothing");
    }
}

#[test]
fn datagrams() {
    let (path, name) = (named(b"/dev/log"), named(b"\0x"));
    for call in [Call::Connect, Call::Send] {
        assert_eq!(asked(SOCK_DGRAM, call(&path)), Ok(Doing::ByPath));
        assert_eq!(asked(SOCK_DGRAM, call(&name)), REFUSED);
        // AF_UNSPEC dissolves an association.
        assert_eq!(asked(SOCK_DGRAM, call(&[0; 16])), Ok(Doing::OnBehalf));
        assert_eq!(asked(SOCK_DGRAM, call(&[])), Ok(Doing::OnBehalf));
    }
}
