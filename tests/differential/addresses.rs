//! Addresses of random sequences, right and wrong.

use proptest::prelude::*;
use proptest::sample::select;

use crate::sequence::Kind;

/// A host in each family, a port, what is wrong with the address; and whether it is that of another family.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    v4: &'static str,
    v6: &'static str,
    local: &'static str,
    port: &'static str,
    flaw: String,
    stray: bool,
}

/// No address at all.
pub(crate) const NOBODY: Address =
    Address { v4: "none", v6: "none", local: "none", port: "0", flaw: String::new(), stray: false };

/// With whom nothing is wrong.
pub(crate) const SOMEBODY: Address =
    Address { v4: "10.0.0.1", v6: "fd00:1::1", local: "unix a", port: "P0", flaw: String::new(), stray: false };

impl Address {
    pub(crate) fn words(&self, kind: Option<Kind>) -> String {
        let Self { v4, v6, local, port, flaw, stray } = self;
        match (kind, stray) {
            (Some(Kind::Local(_)), false) => format!("{local}{flaw}"),
            (Some(Kind::V6(_)), false) | (Some(Kind::V4(_)), true) => with_port(v6, port, flaw),
            _ => with_port(v4, port, flaw),
        }
    }
}

fn with_port(host: &str, port: &str, flaw: &str) -> String {
    match host {
        "none" | "unspec" => format!("{host}{flaw}"),
        host => format!("{host} {port}{flaw}"),
    }
}

pub(crate) fn words(text: &'static str) -> Vec<&'static str> {
    text.split_whitespace().collect()
}

/// Who binds where. With one address: not to 127.0.0.2, which is not assigned then (section 1, `loopback`), nor to
/// groups (row 10). What the host does not have is foreign, and so not bound freely (row 5).
pub(crate) fn to_bind(several: bool, free: bool) -> impl Strategy<Value = Address> {
    let mut v4 = words("10.0.0.1 127.0.0.1 0.0.0.0 10.0.0.1 127.0.0.1 0.0.0.0 unspec none");
    let mut v6 = words("::1 :: :: ::ffff:10.0.0.1 ::ffff:0.0.0.0 ::ffff:127.0.0.1 none unspec");
    if several || !free {
        v4.push("10.9.0.1");
        v6.extend(words("fd00:1::1 fd00:1::2"));
    }
    if several {
        v4.extend(words("10.0.0.2 127.0.0.2"));
    }
    if !free {
        v4.extend(words("192.0.2.77 255.255.255.255"));
        v6.extend(words("2001:db8::77 ::ffff:192.0.2.77"));
    }
    if several && !free {
        v4.extend(words("224.0.0.251 10.9.0.255"));
        v6.extend(words("ff02::fb ::ffff:224.0.0.251"));
    }
    addresses(v4, v6)
}

/// Who is spoken to.
pub(crate) fn to_reach(several: bool) -> impl Strategy<Value = Address> {
    let mut v4 =
        words("10.0.0.1 127.0.0.1 10.0.0.1 127.0.0.1 10.0.0.2 0.0.0.0 unspec 192.0.2.77 198.51.100.1 10.9.0.7 none");
    let v6 = words(
        "fd00:1::1 ::1 ::ffff:10.0.0.1 ::ffff:127.0.0.1 fd00:1::2 :: unspec fd00:9::7 ::ffff:10.9.0.7 2001:db8::77 \
         ::ffff:192.0.2.77 none",
    );
    if several {
        v4.extend(words("127.0.0.2 10.5.0.1 10.9.0.255 224.0.0.251"));
    }
    addresses(v4, v6)
}

fn addresses(v4: Vec<&'static str>, v6: Vec<&'static str>) -> impl Strategy<Value = Address> {
    let local = select(vec!["unix a", "abstract a", "unix b", "abstract b", "unspec", "none"]);
    let port = select(words("P0 P0 P0 P1 P1 0 Q"));
    let stray = prop::bool::weighted(0.08);
    (select(v4), select(v6), local, port, flaws(), stray).prop_map(|(v4, v6, local, port, flaw, stray)| Address {
        v4,
        v6,
        local,
        port,
        flaw,
        stray,
    })
}

/// What can be wrong with an address.
fn flaws() -> impl Strategy<Value = String> {
    let lengths = words("0 1 2 3 7 8 15 16 17 23 24 27 28 29 110 128 129 -1 2147483647 -2147483648");
    let places = words("null unmapped odd kernel readonly");
    prop_oneof![
        30 => Just(String::new()),
        1 => select(lengths).prop_map(|len| format!(" len={len}")),
        1 => select(places).prop_map(|at| format!(" at={at}")),
        1 => select(words("0 1 2 10 16 99")).prop_map(|family| format!(" family={family}")),
    ]
}
