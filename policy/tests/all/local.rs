//! What a local address means.

use crate::common::*;
use chbind_policy::connect::{Connect, Source, connect};
use chbind_policy::listen::listen;
use chbind_policy::name::shown;
use chbind_policy::sockaddr::for_family;
use chbind_policy::{LocalAddr, Socket};
use std::cell::Cell;

#[test]
fn each_has_a_name() {
    let of = |text, explicit| LocalAddr::of(at(text), || explicit);
    for explicit in [false, true] {
        for any in [ANY4, ANY6] {
            assert_eq!(of(any, explicit), LocalAddr::Unbound(at(any)));
        }
        for wildcard in ["0.0.0.0:80", "[::]:80", "[::ffff:0.0.0.0]:80"] {
            assert_eq!(of(wildcard, explicit), LocalAddr::Wildcard(at(wildcard)));
        }
        assert_eq!(of("10.0.0.1:80", explicit), LocalAddr::Bound(at("10.0.0.1:80")));
    }
    assert_eq!(of("10.0.0.1:0", false), LocalAddr::Pinned(at("10.0.0.1:0")));
    assert_eq!(of("10.0.0.1:0", true), LocalAddr::Chosen(at("10.0.0.1:0")));
}

#[test]
fn who_wanted_it_is_asked_only_where_that_counts() {
    for (text, asks) in [(ANY4, 0), (ANY6, 0), ("0.0.0.0:80", 0), ("10.0.0.1:80", 0), ("10.0.0.1:0", 1)] {
        let asked = Cell::new(0);
        LocalAddr::of(at(text), || {
            asked.set(asked.get() + 1);
            true
        });
        assert_eq!(asked.get(), asks, "{text}");
    }
}

#[test]
fn a_pinned_socket_is_not_bound() {
    let pairs: [(&str, &str, Socket); 2] = [("10.0.0.2:0", ANY4, TCP4), ("[::ffff:10.0.0.2]:0", ANY6, TCP6)];
    for (address, any, socket) in pairs {
        let (pinned, unbound) = (LocalAddr::Pinned(at(address)), LocalAddr::Unbound(at(any)));
        assert_eq!((pinned.as_bound(), pinned.is_portless()), (at(any), true));
        assert_eq!(shown(&m(), pinned), Some(at(any)));
        assert_eq!(shown(&m(), unbound), None);
        assert_eq!(listen(&m(), &socket, pinned, false), listen(&m(), &socket, unbound, false));
        let to = |local| connect(&m(), &socket, local, &raw(for_family(at("198.51.100.7:80"), socket.family)), &host());
        assert_eq!(to(pinned), to(unbound));
        assert!(matches!(to(pinned), Ok(Connect::To { source: Source::Pin(_), .. })));
        let chosen = to(LocalAddr::Chosen(at(address)));
        assert!(matches!(chosen, Ok(Connect::To { source: Source::Own, .. })), "the program wanted it: {chosen:?}");
    }
}
