//! Which interfaces and addresses are shown (`--hide-netif`).

use crate::sys::shim;
use chbind_policy::name::masked;
use chbind_policy::sockaddr::{canonical, scope};
use chbind_policy::{Context, Family};
use core::net::SocketAddr;

/// Whether an address of an interface is shown: the context's own, and what loopback is called inside.
pub(crate) fn is_shown(context: &Context, address: SocketAddr) -> bool {
    let ip = canonical(address).ip();
    let is_loopback = ip.is_loopback() && context.loopback_of(Family::of(ip)).is_some();
    context.is_assigned(ip, scope(address)) || is_loopback || masked(context, address).is_some()
}

/// Whether anything is hidden at all.
pub(crate) fn hides() -> bool {
    shim().config.hides_interfaces
}
