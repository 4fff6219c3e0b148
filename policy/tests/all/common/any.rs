//! Contexts, sockets, addresses and hosts, any of them, for properties.

use super::*;
use proptest::prelude::*;

pub(crate) fn any_context() -> impl Strategy<Value = Context<'static>> {
    proptest::sample::select(contexts())
}

pub(crate) fn any_socket() -> impl Strategy<Value = Socket> {
    proptest::sample::select(SOCKETS.to_vec())
}

pub(crate) fn any_ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        8 => proptest::sample::select(MEANT.iter().map(|text| ip(text)).collect::<Vec<_>>()),
        1 => any::<Ipv4Addr>().prop_map(IpAddr::V4),
        1 => any::<[u8; 16]>().prop_map(|octets| IpAddr::V6(octets.into())),
    ]
}

pub(crate) fn any_address() -> impl Strategy<Value = SocketAddr> {
    let port = prop_oneof![Just(0u16), Just(53), Just(7000), any::<u16>()];
    let scope = prop_oneof![3 => Just(0u32), 3 => Just(2), 1 => any::<u32>()];
    (any_ip(), port, scope).prop_map(|(ip, port, scope)| with_scope(ip, port, scope))
}

/// An address as bytes: mostly one that the kernel would read, relabelled, cut, or made longer; sometimes noise.
pub(crate) fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let labelled = prop_oneof![6 => Just(None), 1 => Just(Some(0u16)), 1 => (0u16..64).prop_map(Some)];
    let length = prop_oneof![6 => Just(None), 1 => (0usize..=128).prop_map(Some)];
    let shaped = (any_address(), labelled, length, any::<bool>()).prop_map(|(address, label, length, mapped)| {
        let address = match address {
            SocketAddr::V4(v4) if mapped => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
            other => other,
        };
        let mut bytes = raw(address);
        if let Some(label) = label {
            bytes[..2].copy_from_slice(&label.to_ne_bytes());
        }
        if let Some(length) = length {
            bytes.resize(length, 0xa5);
        }
        bytes
    });
    prop_oneof![8 => shaped, 1 => proptest::collection::vec(any::<u8>(), 0..=128)]
}

/// What a correct host may answer: any source for a destination, and listeners only where the context may have them.
pub(crate) fn any_host(context: Context<'static>) -> impl Strategy<Value = FakeHost> {
    let nets = ["0.0.0.0/0", "10.0.0.0/24", "127.0.0.0/8", "198.51.100.0/24", "::/0", "fd00:1::/64", "::1/128"];
    let routes = proptest::collection::vec((proptest::sample::select(nets.to_vec()), any_ip()), 0..5);
    let mut own: Vec<IpAddr> = context.addresses.iter().map(|own| own.ip()).collect();
    own.extend(context.loopback_of(Family::V4));
    own.extend(context.loopback_of(Family::V6));
    let transport = proptest::sample::select(vec![Transport::Tcp, Transport::Udp]);
    let port = proptest::sample::select(vec![53u16, 7000, 7001]);
    let served = proptest::collection::vec((transport, port, proptest::sample::select(own)), 0..4);
    (routes, served, any::<bool>()).prop_map(|(routes, served, on_device)| FakeHost {
        routes: routes
            .into_iter()
            .map(|(net, source)| (net.parse::<IpNet>().unwrap(), source.to_canonical()))
            .filter(|(net, source)| net.addr().is_ipv4() == source.is_ipv4())
            .collect(),
        served,
        on_device,
    })
}
