//! `sendto`, `sendmsg`, `sendmmsg`: rows 42 to 53.

mod loopback;
mod properties;
mod source;

use crate::common::*;
use chbind_policy::connect::{self, Connect, connect};
use chbind_policy::send::{Send, Source, send};
use chbind_policy::sockaddr::{canonical, for_family};
use chbind_policy::{Context, Errno, Family, Loopback, Reason, Refusal, Socket, Transport, Verdict};
use libc::{
    AF_INET, AF_INET6, AF_UNSPEC, EADDRNOTAVAIL, EAFNOSUPPORT, ECONNREFUSED, EINVAL, ENETUNREACH, EOPNOTSUPP, EPERM,
    MSG_FASTOPEN,
};
use std::net::{IpAddr, SocketAddr};

const ALL4: [Socket; 3] = [UDP4, PING4, RAW4];
/// Those that are given one address, whatever they may want to send next.
const NARROW4: [Socket; 2] = [PING4, RAW4];

const AS_IT_IS: Verdict<Send> = Ok(Send { destination: None, source: Source::Own });

fn to(destination: &str, source: Source) -> Verdict<Send> {
    Ok(Send { destination: Some(at(destination)), source })
}

fn pin(address: &str) -> Source {
    Source::Pin(at(address))
}

fn named(address: &str) -> Source {
    Source::Named(at(address))
}

/// A wildcard of the family of `otherwise`, this message from `named`.
fn open(named: &str, otherwise: &str) -> Source {
    let any = at(if at(otherwise).is_ipv4() { ANY4 } else { ANY6 });
    Source::Open { any, named: at(named), otherwise: at(otherwise) }
}

fn from(context: &Context, socket: &Socket, bound: &str, destination: &str) -> Verdict<Send> {
    send(context, socket, local(at(bound)), Some(&bytes(destination)), 0, &host())
}

fn ask(context: &Context, socket: &Socket, destination: &str) -> Verdict<Send> {
    send(context, socket, local(unbound(socket)), Some(&bytes(destination)), 0, &host())
}

#[test]
fn row_46_fast_open_is_a_connect() {
    let fast = |context: &Context, socket: &Socket, bound: &str, address: &[u8]| {
        send(context, socket, local(at(bound)), Some(address), MSG_FASTOPEN, &host())
    };
    let to_r = bytes("198.51.100.7:80");
    assert_eq!(fast(&s(), &TCP4, ANY4, &to_r), to("198.51.100.7:80", pin("10.0.0.1:0")));
    assert_eq!(fast(&s(), &TCP4, "10.0.0.1:4000", &to_r), to("198.51.100.7:80", Source::Own));
    let own = to("127.3.232.1:80", pin("127.3.232.1:0"));
    assert_eq!(fast(&s(), &TCP4, ANY4, &bytes("127.0.0.1:80")), own);
    assert_eq!(fast(&z(), &TCP4, ANY4, &bytes("127.0.0.1:80")), Err(refusal(EPERM, Reason::LoopbackDenied)));
    let outside = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(ip("10.0.0.3"))));
    assert_eq!(fast(&s(), &TCP4, "10.0.0.3:4000", &to_r), outside);
    // It has a port, and a stream can be given no address then.
    for bound in ["0.0.0.0:4000", "224.0.0.251:4000"] {
        let outside = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(at(bound).ip())));
        assert_eq!(fast(&m(), &TCP4, bound, &to_r), outside);
        assert_eq!(fast(&m(), &TCP4, bound, &bytes("127.0.0.1:80")), outside);
    }
    // tcp_sendmsg_fastopen
    assert_eq!(fast(&s(), &TCP4, ANY4, &relabelled("0.0.0.0:0", AF_UNSPEC)), Err(Refusal::native(Errno(EOPNOTSUPP))));
    for len in 0..2 {
        assert_eq!(fast(&s(), &TCP4, ANY4, &to_r[..len]), Err(Refusal::native(Errno(EINVAL))));
    }
    // Without the flag TCP does not look at the address, and with it datagram sockets do not look at the flag.
    assert_eq!(send(&s(), &TCP4, local(at(ANY4)), Some(&to_r), 0, &host()), AS_IT_IS);
    assert_eq!(send(&s(), &TCP4, local(at(ANY4)), None, MSG_FASTOPEN, &host()), AS_IT_IS);
    assert_eq!(fast(&s(), &UDP4, ANY4, &to_r), to("198.51.100.7:80", pin("10.0.0.1:0")));
}

#[test]
fn row_50_connected_sends_are_not_touched() {
    for context in [s(), z(), h(), p()] {
        for socket in [TCP4, UDP4, PING4, RAW4] {
            for bound in ["10.0.0.1:4000", "10.0.0.3:4000", "127.0.0.1:4000", "0.0.0.0:4000", "224.0.0.251:1"] {
                assert_eq!(send(&context, &socket, local(at(bound)), None, 0, &host()), AS_IT_IS);
            }
        }
    }
    assert_eq!(send(&s(), &TCP4, local(at(ANY4)), None, 0, &host()), AS_IT_IS);
    // On an IPv6 socket AF_UNSPEC is no address (udpv6_sendmsg).
    let unspecified = relabelled("[2001:db8::7]:80", AF_UNSPEC);
    assert_eq!(send(&d(), &UDP6, local(at("[fd00:1::1]:4000")), Some(&unspecified), 0, &host()), AS_IT_IS);
}

#[test]
fn row_22_bound_outside() {
    for bound in ["10.0.0.3:4000", "127.0.0.1:4000", "127.3.233.1:4000"] {
        let outside = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(at(bound).ip())));
        for asked in ["198.51.100.7:80", "127.0.0.1:80", "10.0.0.1:80"] {
            assert_eq!(from(&s(), &UDP4, bound, asked), outside);
        }
    }
    // Bound by the kernel towards the host's loopback.
    let ports = [80];
    let context = Context { host_loopback: &ports, ..s() };
    assert_eq!(from(&context, &UDP4, "127.0.0.1:4000", "127.0.0.1:80"), to("127.0.0.1:80", Source::Own));
    let outside = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(ip("127.0.0.1"))));
    assert_eq!(from(&context, &UDP4, "127.0.0.1:4000", "198.51.100.7:80"), outside);
}

#[test]
fn errors_of_send_are_the_kernels() {
    let fails = |socket: &Socket, bytes: &[u8], errno| {
        let verdict = send(&d(), socket, local(unbound(socket)), Some(bytes), 0, &host());
        assert_eq!(verdict, Err(Refusal::native(Errno(errno))), "{socket:?} {bytes:?}");
    };
    let (v4, v6) = (bytes("198.51.100.7:80"), bytes("[2001:db8::7]:80"));
    for len in 0..16 {
        fails(&UDP4, &v4[..len], EINVAL);
        fails(&UDP4, &v6[..len], EINVAL);
        fails(&UDP6, &v4[..len], EINVAL);
    }
    for len in 0..24 {
        fails(&UDP6, &v6[..len], EINVAL);
    }
    fails(&UDP4, &v6, EAFNOSUPPORT);
    fails(&UDP4, &relabelled("198.51.100.7:80", AF_INET6), EAFNOSUPPORT);
    fails(&UDP6ONLY, &v4, ENETUNREACH);
    fails(&UDP6, &relabelled("[2001:db8::7]:80", 99), EINVAL);
    // AF_UNSPEC passes for AF_INET (udp_sendmsg), and the rules hold for it.
    let loopback = relabelled("127.0.0.1:80", AF_UNSPEC);
    let sent = send(&s(), &UDP4, local(at(ANY4)), Some(&loopback), 0, &host());
    assert_eq!(sent, to("127.3.232.1:80", open("127.3.232.1:0", "10.0.0.1:0")));
    // A dual-stack socket takes a plain sockaddr_in.
    let sent = send(&d(), &UDP6, local(at(ANY6)), Some(&relabelled("127.0.0.1:80", AF_INET)), 0, &host());
    assert_eq!(sent, to("[::ffff:127.3.232.1]:80", open("127.3.232.1:0", "[::ffff:10.0.0.1]:0")));
}
