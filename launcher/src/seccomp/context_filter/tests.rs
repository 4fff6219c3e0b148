//! The context's filter, by tables: a call in a situation, and what becomes of it.

use chbind_policy::{Assigned, Context, Loopback, Rules};
use std::net::Ipv4Addr;

/// A context of these addresses, as chbind makes it without further options.
pub(in crate::seccomp) fn context(addresses: &[&str]) -> Context<'static> {
    let addresses = addresses.iter().map(|text| Assigned::new(text.parse().unwrap(), 0)).collect::<Vec<_>>();
    Context {
        addresses: Vec::leak(addresses),
        lback: Ipv4Addr::new(127, 0, 0, 2),
        lback6: None,
        loopback: Loopback::Remap,
        host_loopback: &[],
        resolvers: &[],
        multicast: false,
        raw_icmp: false,
        keeps_one: false,
        rules: Rules::default(),
    }
}
