//! Where what a context serves of its loopback is looked for (`sock_diag` has the question and its answer).
//!
//! Row 36 (docs/semantics.md#row-36): what a program inside has on its wildcard is on an assigned address, and is to be
//! found on loopback all the same.

use crate::context::Context;
use crate::socket::Family;
use core::net::IpAddr;

/// Where what the context serves of its loopback can be: loopback itself before the assigned addresses.
pub fn places<'a>(context: &'a Context<'a>, family: Family) -> impl Iterator<Item = IpAddr> + 'a {
    context.loopback_of(family).into_iter().chain(context.of_family(family).map(|assigned| assigned.ip()))
}
