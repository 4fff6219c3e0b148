//! Addresses as bytes: what is read of them is what stands there, and comes out again as it went in.
#![no_main]

use chbind_fuzz::input::Input;
use chbind_policy::Family;
use chbind_policy::sockaddr::{LEN_V4, LEN_V6, canonical, decode, encode, family, for_family, scope};
use std::net::SocketAddr;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    read(data);
    let mut input = Input(data);
    written(input.address());
    read(&input.given());
});

/// Whatever the bytes: what they are taken for is written with the same bytes.
fn read(bytes: &[u8]) {
    assert_eq!(family(bytes).is_some(), bytes.len() >= 2);
    let Some(address) = decode(bytes) else {
        let known = match family(bytes) {
            Some(libc::AF_INET) => bytes.len() >= LEN_V4,
            Some(libc::AF_INET6) => bytes.len() >= LEN_V6 - 4,
            _ => false,
        };
        assert!(!known, "not read: {bytes:?}");
        return;
    };
    let again = encode(address);
    // Of sockaddr_in the last 8 bytes are padding; sockaddr_in6 may lack its last field.
    let told = match address {
        SocketAddr::V4(_) => LEN_V4 - 8,
        SocketAddr::V6(_) if bytes.len() < LEN_V6 => LEN_V6 - 4,
        SocketAddr::V6(_) => LEN_V6,
    };
    assert_eq!(again.bytes()[..told], bytes[..told], "{address}");
    written(address);
}

fn written(address: SocketAddr) {
    let encoded = encode(address);
    assert_eq!(encoded.bytes().len(), if address.is_ipv4() { LEN_V4 } else { LEN_V6 });
    assert_eq!(encoded.decode(), Some(address));
    let plain = canonical(address);
    assert_eq!((canonical(plain), plain.port()), (plain, address.port()));
    assert_eq!(plain.ip(), address.ip().to_canonical());
    let of_v6 = for_family(plain, Family::V6);
    assert_eq!((Family::of(of_v6.ip()), canonical(of_v6)), (Family::V6, plain));
    assert_eq!(for_family(plain, Family::V4), plain);
    assert!(plain.is_ipv6() || scope(plain) == 0);
}
