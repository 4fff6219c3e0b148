//! What a launcher tells a shim, any of it.

use crate::common::*;
use chbind_policy::rules::{ConnectRule, Ports, Service};
use chbind_policy::wire::{Name, ShimConfig};
use chbind_policy::{Assigned, Context, Loopback, Transport};
use ipnet::IpNet;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A config, and what it borrows.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) parts: Parts,
    pub(crate) name: String,
    pub(crate) hides_interfaces: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    pub(crate) stderr: Option<(u64, u64)>,
    pub(crate) secret: Option<u64>,
}

impl Told {
    pub(crate) fn of(context: Context<'_>) -> Self {
        Told {
            parts: context.into(),
            name: "web".to_owned(),
            hides_interfaces: false,
            quiet: false,
            verbose: false,
            stderr: None,
            secret: None,
        }
    }

    pub(crate) fn config(&self) -> ShimConfig<'_> {
        ShimConfig {
            context: self.parts.context(),
            name: Name::Plain(&self.name),
            hides_interfaces: self.hides_interfaces,
            quiet: self.quiet,
            verbose: self.verbose,
            stderr: self.stderr,
            secret: self.secret,
        }
    }
}

fn any_net() -> impl Strategy<Value = IpNet> {
    (any_ip(), 0..=128u8).prop_map(|(ip, bits)| {
        let ip = ip.to_canonical();
        IpNet::new(ip, if ip.is_ipv4() { bits % 33 } else { bits }).unwrap()
    })
}

fn any_assigned() -> impl Strategy<Value = Assigned> {
    (any_net(), prop_oneof![Just(0u32), Just(2), any::<u32>()]).prop_map(|(net, scope)| Assigned::new(net, scope))
}

fn any_service() -> impl Strategy<Value = Service> {
    let transport = select(vec![None, Some(Transport::Tcp), Some(Transport::Udp)]);
    let ports = (any::<u16>(), any::<u16>()).prop_map(|(a, b)| Ports::new(a.min(b), a.max(b)).unwrap());
    (transport, prop_oneof![Just(Ports::ALL), ports]).prop_map(|(transport, ports)| Service { transport, ports })
}

fn any_rule() -> impl Strategy<Value = ConnectRule> {
    (prop::option::of(any_net()), any_service()).prop_map(|(peers, service)| ConnectRule { peers, service })
}

/// Those of the contract as they are, and others of anything that one can have.
fn any_shape() -> impl Strategy<Value = Told> {
    let lback6 = prop::option::of(any::<[u8; 16]>().prop_map(Ipv6Addr::from));
    let loopback = select(vec![Loopback::Remap, Loopback::Host, Loopback::Deny]);
    let flags = (any::<bool>(), any::<bool>(), loopback, any::<Ipv4Addr>(), lback6);
    let lists = (vec(any_assigned(), 1..9), vec(any::<u16>(), 0..9), vec(any_ip(), 0..9));
    let other = (flags, lists).prop_map(|(flags, (addresses, host_loopback, resolvers))| {
        let (multicast, raw_icmp, loopback, lback, lback6) = flags;
        let context = Context { multicast, raw_icmp, loopback, lback, lback6, ..s() };
        let resolvers = resolvers.into_iter().map(|ip| ip.to_canonical()).collect();
        let told = Told::of(context);
        Told { parts: Parts { addresses, host_loopback, resolvers, ..told.parts }, ..told }
    });
    prop_oneof![any_context().prop_map(Told::of), other]
}

pub(crate) fn any_told() -> impl Strategy<Value = Told> {
    let services = || vec(any_service(), 0..5);
    let rules = || vec(any_rule(), 0..5);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let numbers = (any::<Option<(u64, u64)>>(), any::<Option<u64>>());
    let name = prop_oneof!["[a-z]{0,9}", ".*"];
    (any_shape(), services(), services(), rules(), rules(), name, flags, numbers).prop_map(
        |(
            told,
            allow_bind,
            deny_bind,
            allow_connect,
            deny_connect,
            name,
            (hides_interfaces, quiet, verbose),
            (stderr, secret),
        )| Told {
            parts: Parts { allow_bind, deny_bind, allow_connect, deny_connect, ..told.parts },
            name,
            hides_interfaces,
            quiet,
            verbose,
            stderr,
            secret,
        },
    )
}
