//! A context, made of a fuzzer's bytes as the launcher would make one of words, and a host that tells no lies.

use crate::fake_host::FakeHost;
use crate::input::Input;
use crate::parts::Parts;
use chbind_policy::rules::{ConnectRule, Ports, Service};
use chbind_policy::{Assigned, Context, Family, Loopback, Transport};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub fn any(input: &mut Input) -> Parts {
    let switches = input.byte();
    let addresses = (0..=input.byte() % 6).filter_map(|_| assigned(input)).collect();
    let lback = input.of(&[[127, 3, 232, 1], [127, 255, 255, 1], [10, 0, 0, 77]]).into();
    let lback6 = (switches & 1 != 0).then_some(Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 0x99));
    let loopback = input.of(&[Loopback::Remap, Loopback::Remap, Loopback::Host, Loopback::Deny]);
    let host_loopback = (0..input.byte() % 3).map(|_| input.port()).filter(|port| *port != 0).collect();
    let resolvers = (0..input.byte() % 3).map(|_| input.ip().to_canonical()).filter(IpAddr::is_loopback).collect();
    let mut services = |bit| {
        if switches & bit == 0 { Vec::new() } else { (0..=input.byte() % 3).map(|_| service(input)).collect() }
    };
    let (allow_bind, deny_bind) = (services(2), services(4));
    let mut peers =
        |bit| if switches & bit == 0 { Vec::new() } else { (0..=input.byte() % 3).map(|_| peers(input)).collect() };
    let (allow_connect, deny_connect) = (peers(8), peers(16));
    let (multicast, raw_icmp) = (switches & 32 != 0, switches & 64 != 0);
    Parts {
        addresses,
        lback,
        lback6,
        loopback,
        host_loopback,
        resolvers,
        multicast,
        raw_icmp,
        allow_bind,
        deny_bind,
        allow_connect,
        deny_connect,
    }
}

/// What `--ip` takes: no wildcard, no group, not 255.255.255.255; an interface for a link-local address.
fn assigned(input: &mut Input) -> Option<Assigned> {
    let ip = input.ip().to_canonical();
    if ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return None;
    }
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let prefix = match input.byte() % 4 {
        0 => most,
        1 => 24,
        _ => input.byte() % (most + 1),
    };
    let is_link_local = matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    let scope = if is_link_local { input.of(&[2, 3]) } else { 0 };
    Some(Assigned::new(IpNet::new(ip, prefix).ok()?, scope))
}

fn service(input: &mut Input) -> Service {
    let transport = input.of(&[None, Some(Transport::Tcp), Some(Transport::Udp)]);
    let (one, other) = (input.port().max(1), input.port().max(1));
    let range = Ports::new(one.min(other), one.max(other));
    Service { transport, ports: if input.bit() { Ports::ALL } else { range.unwrap_or(Ports::ALL) } }
}

fn peers(input: &mut Input) -> ConnectRule {
    let ip = input.ip().to_canonical();
    let bits = input.byte() % if ip.is_ipv4() { 33 } else { 129 };
    let peers = if input.bit() { None } else { IpNet::new(ip, bits).ok().map(|net| net.trunc()) };
    ConnectRule { peers, service: service(input) }
}

/// A host that prefers any source at all, and serves where the context may be served.
pub fn any_host(input: &mut Input, context: &Context) -> FakeHost {
    let (preferred, on_device) = (input.ip().to_canonical(), input.bit());
    let all = if preferred.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
    let mut own: Vec<IpAddr> = context.addresses.iter().map(Assigned::ip).collect();
    own.extend([Family::V4, Family::V6].into_iter().filter_map(|family| context.loopback_of(family)));
    let listeners = if own.is_empty() { 0 } else { input.byte() % 4 };
    let served =
        (0..listeners).map(|_| (input.of(&[Transport::Tcp, Transport::Udp]), input.port(), input.of(&own))).collect();
    FakeHost { served, on_device, ..FakeHost::default() }.route(all, &preferred.to_string())
}
