//! `connect` and the choice of the source: rows 31 to 41 and 47.

mod loopback;
mod properties;
mod source;

use crate::common::*;
use chbind_policy::connect::{Connect, Source, connect};
use chbind_policy::sockaddr::canonical;
use chbind_policy::{Context, Errno, Family, Loopback, Reason, Refusal, Socket, Transport, Verdict};
use libc::{AF_INET, AF_INET6, AF_UNSPEC, EADDRNOTAVAIL, EAFNOSUPPORT, ECONNREFUSED, EINVAL, ENETUNREACH, EPERM};
use std::net::{IpAddr, SocketAddr};

const ALL4: [Socket; 4] = [TCP4, UDP4, PING4, RAW4];
/// Those that can be given an address at a port that they have.
const DATAGRAM4: [Socket; 3] = [UDP4, PING4, RAW4];
const DUAL: [Socket; 2] = [TCP6, UDP6];
const ONLY6: [Socket; 2] = [TCP6ONLY, UDP6ONLY];

/// With `source` chosen before it has a port, or from the address that it has.
fn to(destination: &str, source: Option<&str>) -> Verdict<Connect> {
    let source = source.map_or(Source::Own, |source| Source::Pin(at(source)));
    Ok(Connect::To { destination: at(destination), source })
}

fn settled(destination: &str, source: &str) -> Verdict<Connect> {
    Ok(Connect::To { destination: at(destination), source: Source::Fix(at(source)) })
}

fn from(context: &Context, socket: &Socket, bound: &str, destination: &str, host: &FakeHost) -> Verdict<Connect> {
    pinned(connect(context, socket, local(at(bound)), &bytes(destination), host))
}

/// With a source that is tried first as one that is not: which of them it is has a test of its own.
fn pinned(verdict: Verdict<Connect>) -> Verdict<Connect> {
    verdict.map(|connect| match connect {
        Connect::To { destination, source: Source::Try(at) } => Connect::To { destination, source: Source::Pin(at) },
        other => other,
    })
}

/// A socket that was never bound.
fn ask(context: &Context, socket: &Socket, destination: &str, host: &FakeHost) -> Verdict<Connect> {
    pinned(connect(context, socket, local(unbound(socket)), &bytes(destination), host))
}

fn each(context: &Context, sockets: &[Socket], destination: &str, expected: Verdict<Connect>) {
    for socket in sockets {
        assert_eq!(ask(context, socket, destination, &host()), expected, "{socket:?} to {destination}");
    }
}

#[test]
fn row_47_dissolving_is_always_allowed() {
    for socket in SOCKETS {
        for len in [2, 16, 28] {
            let mut unspecified = relabelled("[2001:db8::7]:80", AF_UNSPEC);
            unspecified.truncate(len);
            for bound in [ANY4, "10.0.0.1:4000", "10.0.0.3:4000"] {
                let dissolved = connect(&s(), &socket, local(at(bound)), &unspecified, &host());
                assert_eq!(dissolved, Ok(Connect::Disconnect));
            }
        }
    }
}

#[test]
fn errors_of_connect_are_the_kernels() {
    let fails = |context: &Context, socket: &Socket, bytes: &[u8], errno| {
        let verdict = connect(context, socket, local(unbound(socket)), bytes, &host());
        assert_eq!(verdict, Err(Refusal::native(Errno(errno))), "{socket:?} {bytes:?}");
    };
    let (v4, v6) = (bytes("198.51.100.7:80"), bytes("[2001:db8::7]:80"));
    for socket in SOCKETS {
        for len in 0..2 {
            fails(&d(), &socket, &v4[..len], EINVAL);
        }
    }
    for socket in ALL4 {
        for len in 2..16 {
            fails(&d(), &socket, &v4[..len], EINVAL);
            fails(&d(), &socket, &v6[..len], EINVAL);
        }
        fails(&d(), &socket, &v6, EAFNOSUPPORT);
        fails(&d(), &socket, &relabelled("198.51.100.7:80", AF_INET6), EAFNOSUPPORT);
    }
    for socket in [TCP6, UDP6, TCP6ONLY, UDP6ONLY] {
        for len in 2..24 {
            fails(&d(), &socket, &v6[..len], EINVAL);
        }
    }
    fails(&d(), &TCP6, &relabelled("[2001:db8::7]:80", AF_INET), EAFNOSUPPORT);
    fails(&d(), &TCP6, &v4, EINVAL);
    fails(&d(), &UDP6ONLY, &v4, EAFNOSUPPORT);
    fails(&d(), &PING6, &v4, EAFNOSUPPORT);
    // A dual-stack datagram socket takes a plain sockaddr_in (`__ip6_datagram_connect`), and the rules hold for it.
    each(&d(), &[UDP6], "198.51.100.7:80", to("[::ffff:198.51.100.7]:80", Some("[::ffff:10.0.0.1]:0")));
    each(&d(), &[UDP6], "127.0.0.1:80", to("[::ffff:127.3.232.1]:80", Some("[::ffff:127.3.232.1]:0")));
}
