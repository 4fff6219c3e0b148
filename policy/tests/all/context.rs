//! What a wildcard hears, and which sources may be named: rows 3, 9, 10 and 43.

use crate::common::*;
use chbind_policy::sockaddr::with_scope;
use chbind_policy::{Context, Loopback};
use proptest::prelude::*;
use std::net::SocketAddr;

fn hears_all(context: &Context, wanted: &[&str]) {
    for wanted in wanted {
        assert!(hears(context, at(wanted)), "{wanted}");
    }
}

fn is_deaf_to(context: &Context, others: &[&str]) {
    for other in others {
        assert!(!hears(context, at(other)), "{other}");
    }
}

const FOREIGN: &[&str] = &[
    "10.0.0.3:0",
    "10.0.0.0:0",
    "10.255.255.255:0",
    "127.0.0.1:0",
    "127.3.233.1:0",
    "192.0.2.77:0",
    "0.0.0.0:0",
    "[fd00:1::3]:0",
    "[::1]:0",
    "[::]:0",
];

#[test]
fn row_03_a_wildcard_hears_what_is_the_contexts() {
    hears_all(&m(), &["10.0.0.1:0", "10.0.0.2:0", "127.3.232.1:0", "10.0.0.255:0", "255.255.255.255:0"]);
    hears_all(&d(), &["10.0.0.1:0", "[::ffff:10.0.0.1]:0", "[fd00:1::1]:0", "127.3.232.1:0", "[::ffff:127.3.232.1]:0"]);
    hears_all(&with_lback6(d()), &["[fd00:1::99]:0"]);
    for context in [s(), m(), d(), p(), z(), with_lback6(d())] {
        is_deaf_to(&context, FOREIGN);
        is_deaf_to(&context, &["224.0.0.251:0", "[ff02::fb]:0"]);
    }
    is_deaf_to(&s(), &["10.0.0.2:0", "[fd00:1::1]:0"]);
    is_deaf_to(&p(), &["10.0.0.1:0", "10.0.0.255:0"]);
    is_deaf_to(&d(), &["[fd00:1::99]:0"]);
    // The number of a context that has no loopback, or the host's, gives it no address.
    is_deaf_to(&z(), &["127.3.232.1:0"]);
    is_deaf_to(&h(), &["127.3.232.1:0", "127.0.0.2:0"]);
    hears_all(&hd(), &["127.0.0.1:0", "[::1]:0"]);
}

#[test]
fn row_03_a_link_local_address_is_heard_by_its_interface() {
    let context = context(&["fe80::1/64%2"]);
    hears_all(&context, &["[fe80::1%2]:0"]);
    is_deaf_to(&context, &["[fe80::1%3]:0", "[fe80::1]:0", "[fe80::2%2]:0"]);
}

#[test]
fn row_09_directed_broadcast_goes_with_the_prefix() {
    let context = context(&["10.0.0.1/32", "10.9.9.9/31", "10.8.0.1/16"]);
    hears_all(&context, &["10.8.255.255:0", "255.255.255.255:0"]);
    is_deaf_to(&context, &["10.0.0.255:0", "10.9.9.8:0", "10.8.0.255:0"]);
}

#[test]
fn row_10_groups_are_heard_where_they_are_allowed() {
    let context = Context { multicast: true, ..d() };
    hears_all(&context, &["224.0.0.0:0", "224.0.0.251:0", "239.255.255.255:0", "[ff02::fb]:0", "[ff02::fb%2]:0"]);
    hears_all(&context, &["[ff00::]:0", "[ffff:ffff::1]:0", "10.0.0.1:0", "[fd00:1::1]:0"]);
    is_deaf_to(&context, FOREIGN);
    is_deaf_to(&context, &["223.255.255.255:0", "240.0.0.0:0", "[feff::1]:0"]);
}

#[test]
fn row_43_localhost_is_the_contexts_loopback() {
    let known = |context: &Context, text| context.known_inside(ip(text), 0);
    for context in [s(), m(), d(), p()] {
        assert_eq!(known(&context, "127.0.0.1"), Some(ip("127.3.232.1")));
        assert_eq!(known(&context, "127.3.232.1"), Some(ip("127.3.232.1")));
        assert_eq!(known(&context, "127.0.0.2"), None);
        assert_eq!(known(&context, "::1"), None);
        assert_eq!(known(&with_lback6(context), "::1"), Some(ip("fd00:1::99")));
    }
    assert_eq!(known(&z(), "127.0.0.1"), None);
    assert_eq!(known(&z(), "127.3.232.1"), None);
    assert_eq!(known(&h(), "127.0.0.1"), Some(ip("127.0.0.1")));
    assert_eq!(known(&h(), "127.0.0.2"), None);
    assert_eq!(known(&hd(), "::1"), Some(ip("::1")));
    // Assigned, it stands for itself.
    let within = context(&["127.0.0.1/32"]);
    assert_eq!(known(&within, "127.0.0.1"), Some(ip("127.0.0.1")));
    assert_eq!(known(&within, "127.3.232.1"), Some(ip("127.3.232.1")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_foreign_is_heard(context in any_context(), address in any_address()) {
        let ip = address.ip().to_canonical();
        let has_v4 = context.addresses.iter().any(|own| own.ip().is_ipv4());
        let own = is_assigned(&context, address) || is_own_loopback(&context, ip);
        let to_all = (context.multicast && ip.is_multicast()) || is_own_broadcast(&context, ip);
        if hears(&context, address) {
            prop_assert!(own || to_all, "{address}");
        } else {
            prop_assert!(!own && (!to_all || !has_v4), "{address}");
        }
    }

    #[test]
    fn nothing_foreign_may_be_named(context in any_context(), address in any_address()) {
        let SocketAddr::V6(v6) = address else {
            prop_assert_eq!(context.known_inside(address.ip(), 0), stands_for(&context, address.ip(), 0));
            return Ok(());
        };
        let (ip, scope) = (address.ip().to_canonical(), v6.scope_id());
        let known = context.known_inside(ip, scope);
        prop_assert_eq!(known, stands_for(&context, ip, scope));
        if let Some(known) = known {
            prop_assert_eq!(known.is_ipv4(), ip.is_ipv4());
            // What may be named is heard, so that it can be answered.
            prop_assert!(hears(&context, with_scope(known, 0, scope)), "{known}");
            prop_assert!(context.loopback != Loopback::Deny || is_assigned(&context, with_scope(known, 0, scope)));
        }
    }
}
