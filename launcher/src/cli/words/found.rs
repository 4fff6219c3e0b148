//! What is said of the contexts of a name.

use crate::contexts::name::Found;
use crate::contexts::number;

/// A line each.
pub(in crate::cli) fn text(all: &[Found]) -> String {
    let line = |found: &Found| {
        let loopback = number::loopback(found.nid);
        format!("nid {}, loopback {loopback}, supervisor {}, user {}\n", found.nid, found.pid, found.user)
    };
    all.iter().map(line).collect()
}
