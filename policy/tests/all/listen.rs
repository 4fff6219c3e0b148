//! `listen`: rows 12 and 22.

use crate::common::*;
use chbind_policy::listen::{Listen, listen};
use chbind_policy::{Context, Family, Loopback, Reason, Socket, Verdict};
use libc::EADDRNOTAVAIL;
use proptest::prelude::*;

fn ask(context: &Context, socket: &Socket, bound: &str) -> Verdict<Listen> {
    listen(context, socket, local(at(bound)), false)
}

fn first(address: &str) -> Verdict<Listen> {
    Ok(Listen { bind_first: Some(at(address)) })
}

const AS_IT_IS: Verdict<Listen> = Ok(Listen { bind_first: None });

#[test]
fn row_12_without_bind() {
    for context in [s(), m(), d(), z(), h()] {
        assert_eq!(ask(&context, &TCP4, ANY4), first("10.0.0.1:0"));
    }
    assert_eq!(ask(&p(), &TCP4, ANY4), first("127.3.232.1:0"));
    assert_eq!(ask(&d(), &TCP6, ANY6), first("[::ffff:10.0.0.1]:0"));
    assert_eq!(ask(&d(), &TCP6ONLY, ANY6), first("[fd00:1::1]:0"));
    assert_eq!(ask(&p(), &TCP6, ANY6), first("[fd00:1::1]:0"));
    assert_eq!(ask(&context(&["fe80::1/64%2"]), &TCP6, ANY6), first("[fe80::1%2]:0"));
    let none = Context { loopback: Loopback::Deny, ..p() };
    assert_eq!(ask(&none, &TCP4, ANY4), Err(refusal(EADDRNOTAVAIL, Reason::NoFamily(Family::V4))));
}

#[test]
fn row_12_after_bind() {
    for bound in ["10.0.0.1:80", "10.0.0.1:0", "127.3.232.1:80"] {
        assert_eq!(ask(&s(), &TCP4, bound), AS_IT_IS);
    }
    assert_eq!(ask(&d(), &TCP6, "[::ffff:127.3.232.1]:80"), AS_IT_IS);
    assert_eq!(ask(&h(), &TCP4, "127.0.0.1:80"), AS_IT_IS);
}

#[test]
fn row_12_the_kernel_refuses_datagram_sockets() {
    for socket in [UDP4, UDP6, PING4, PING6, RAW4, RAW6] {
        assert_eq!(listen(&d(), &socket, local(unbound(&socket)), false), AS_IT_IS);
    }
}

#[test]
fn row_22_bound_outside() {
    for bound in ["10.0.0.3:80", "0.0.0.0:80", "127.0.0.1:80", "224.0.0.251:80", "10.0.0.255:80"] {
        assert_eq!(ask(&s(), &TCP4, bound), Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(at(bound).ip()))));
        // Set up outside, by socket activation: only its backlog changes.
        assert_eq!(listen(&s(), &TCP4, local(at(bound)), true), AS_IT_IS);
    }
    let mapped = ask(&d(), &TCP6, "[::ffff:10.0.0.3]:80");
    assert_eq!(mapped, Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(ip("10.0.0.3")))));
    assert_eq!(ask(&d(), &TCP6, "[::]:80"), Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(ip("::")))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_foreign_begins_to_listen(context in any_context(), v6only: bool, v6: bool, bound in any_address()) {
        let socket = if v6 { Socket { v6only, ..TCP6 } } else { TCP4 };
        let own = |at| {
            let ip = chbind_policy::sockaddr::canonical(at).ip();
            is_assigned(&context, at) || is_own_loopback(&context, ip)
        };
        match listen(&context, &socket, local(bound), false) {
            Ok(Listen { bind_first: Some(first) }) => {
                prop_assert!(own(first), "{first}");
                prop_assert_eq!((Family::of(first.ip()), first.port()), (socket.family, 0));
            }
            // A loopback source that the kernel chose, where that is the host's.
            Ok(Listen { bind_first: None }) => prop_assert!(
                own(bound) || (context.loopback == Loopback::Host && bound.ip().to_canonical().is_loopback()),
                "{bound}"
            ),
            Err(refusal) => prop_assert_eq!(refusal.errno.0, EADDRNOTAVAIL),
        }
    }
}
