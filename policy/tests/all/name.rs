//! `getsockname` and `getpeername`: section 5.

use crate::common::*;
use chbind_policy::name::{masked, masked_peer};
use proptest::prelude::*;

#[test]
fn section_5_loopback_is_called_127_0_0_1() {
    for context in [s(), m(), d(), p()] {
        assert_eq!(masked(&context, at("127.3.232.1:80")), Some(at("127.0.0.1:80")));
        assert_eq!(masked(&context, at("[::ffff:127.3.232.1]:80")), Some(at("[::ffff:127.0.0.1]:80")));
        assert_eq!(masked(&with_lback6(context), at("[fd00:1::99]:80")), Some(at("[::1]:80")));
    }
}

#[test]
fn section_5_other_addresses_have_one_name() {
    for address in
        ["10.0.0.1:80", "127.3.233.1:80", "127.0.0.1:80", "0.0.0.0:0", "[::1]:80", "[fd00:1::1]:80", "[::]:0"]
    {
        assert_eq!(masked(&d(), at(address)), None, "{address}");
    }
    assert_eq!(masked(&d(), at("[fd00:1::99]:80")), None);
    for context in [z(), h()] {
        assert_eq!(masked(&with_lback6(context), at("127.3.232.1:80")), None);
        assert_eq!(masked(&with_lback6(context), at("[fd00:1::99]:80")), None);
    }
}

/// The client named 127.0.0.1; the server's wildcard was narrowed to an assigned address.
#[test]
fn row_36_the_peer_of_loopback_is_called_loopback() {
    let peer = |context, own, peer| masked_peer(&context, at(own), at(peer));
    assert_eq!(peer(s(), "127.3.232.1:4000", "10.0.0.1:80"), Some(at("127.0.0.1:80")));
    assert_eq!(peer(m(), "127.3.232.1:4000", "10.0.0.2:80"), Some(at("127.0.0.1:80")));
    let mapped = peer(d(), "[::ffff:127.3.232.1]:4000", "[::ffff:10.0.0.1]:80");
    assert_eq!(mapped, Some(at("[::ffff:127.0.0.1]:80")));
    assert_eq!(peer(with_lback6(d()), "[fd00:1::99]:4000", "[fd00:1::1]:80"), Some(at("[::1]:80")));
    // From an assigned address, to itself or to others.
    assert_eq!(peer(s(), "10.0.0.1:4000", "10.0.0.1:80"), None);
    assert_eq!(peer(s(), "127.3.232.1:4000", "127.0.0.53:53"), None);
    assert_eq!(peer(s(), "127.3.232.1:4000", "10.0.0.3:80"), None);
    assert_eq!(peer(h(), "127.0.0.1:4000", "10.0.0.1:80"), None);
    assert_eq!(peer(s(), "10.0.0.1:80", "127.3.232.1:4000"), Some(at("127.0.0.1:4000")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_loopback_is_renamed_and_its_port_stays(context in any_context(), address in any_address()) {
        if let Some(name) = masked(&context, address) {
            prop_assert!(is_own_loopback(&context, address.ip().to_canonical()));
            prop_assert!(name.ip().to_canonical().is_loopback());
            prop_assert_eq!((name.port(), name.is_ipv4()), (address.port(), address.is_ipv4()));
        }
    }
}
