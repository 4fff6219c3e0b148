//! `getsockname` and `getpeername`: section 5.
#![allow(clippy::unwrap_used)]

mod common;

use chbind_policy::name::masked;
use common::*;
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
