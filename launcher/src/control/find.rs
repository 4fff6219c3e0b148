//! What is said of the contexts of a name.

use crate::contexts::name::Found;
use crate::contexts::number as nid;

/// A line each.
pub(super) fn text(all: &[Found]) -> String {
    let line = |found: &Found| {
        let loopback = nid::loopback(found.nid);
        format!("nid {}, loopback {loopback}, supervisor {}, user {}\n", found.nid, found.pid, found.user)
    };
    all.iter().map(line).collect()
}
