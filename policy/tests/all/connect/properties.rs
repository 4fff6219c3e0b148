//! What holds of every connect.

use super::*;
use proptest::prelude::*;

/// Whether `ip` (canonical) is another name of some loopback, for the kernel.
fn is_loopback(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[0] == 127 || ip.octets() == [0; 4],
        IpAddr::V6(ip) => u128::from(ip) <= 1,
    }
}

/// What any socket of a context in order may have as its local address, and sockets from outside.
fn any_bound() -> impl Strategy<Value = Option<SocketAddr>> {
    prop_oneof![2 => Just(None), 3 => any_address().prop_map(Some)]
}

fn case() -> impl Strategy<Value = (Context<'static>, Socket, Option<SocketAddr>, Vec<u8>, FakeHost)> {
    any_context().prop_flat_map(|context| (Just(context), any_socket(), any_bound(), any_bytes(), any_host(context)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn loopback_is_never_left_and_the_source_is_own((context, socket, bound, address, host) in case()) {
        let bound = bound.unwrap_or(unbound(&socket));
        let Ok(Connect::To { destination, source }) = connect(&context, &socket, local(bound), &address, &host) else {
            return Ok(());
        };
        prop_assert_eq!(Family::of(destination.ip()), socket.family);
        prop_assert_eq!(&destination.port().to_be_bytes()[..], &address[2..4]);
        let (to, port) = (canonical(destination).ip(), destination.port());
        let remap = context.loopback == Loopback::Remap;
        let localhost = ["127.0.0.1", "::1"].contains(&to.to_string().as_str());
        let open = is_loopback(to)
            && (context.loopback == Loopback::Host
                || (remap && localhost && context.host_loopback.contains(&port))
                || (remap && port == 53 && context.resolvers.contains(&to)));
        let own = |at: SocketAddr| is_assigned(&context, at) || is_own_loopback(&context, canonical(at).ip());
        if is_loopback(to) {
            prop_assert!(!to.is_unspecified());
            prop_assert!(own(destination) || open, "{destination}");
        }
        let bound = canonical(bound);
        match source {
            Source::Pin(source) | Source::Try(source) | Source::Fix(source) => {
                let ip = canonical(source).ip();
                // Towards the host's loopback, where it is open, it is the kernel's.
                let kernels = open && ["127.0.0.1", "::1"].contains(&ip.to_string().as_str());
                prop_assert!(own(source) || kernels, "{source}");
                prop_assert_eq!((source.port(), Family::of(source.ip())), (0, socket.family));
                prop_assert_eq!(Family::of(ip), Family::of(to), "{} {}", source, destination);
            }
            Source::Own => {
                let hosts = bound.ip().is_loopback() && (open || context.loopback == Loopback::Host);
                prop_assert!(own(bound) || hosts, "{bound}");
            }
        }
        // No port: it is bound. A port and no address: it settles, where there is a way to.
        let anywhere = bound.ip().is_unspecified() || bound.ip().is_multicast() || is_own_broadcast(&context, bound.ip());
        match source {
            Source::Pin(_) | Source::Try(_) => prop_assert!(bound.ip().is_unspecified() && bound.port() == 0),
            Source::Fix(_) => {
                prop_assert!(anywhere && !own(bound), "{bound}");
                prop_assert!(bound.port() != 0 || !bound.ip().is_unspecified());
                prop_assert!(socket.transport != Transport::Tcp);
            }
            Source::Own => {}
        }
    }

    /// What it could have been pinned to at first is what it settles on.
    #[test]
    fn a_wildcard_settles_where_no_address_would_be_pinned((context, socket, _, address, host) in case(), port in 1u16..) {
        let wildcard = SocketAddr::new(unbound(&socket).ip(), port);
        let pinned = pinned(connect(&context, &socket, local(unbound(&socket)), &address, &host));
        let expected = match pinned {
            Ok(Connect::To { source: Source::Pin(_), .. }) if socket.transport == Transport::Tcp => {
                Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(wildcard.ip())))
            }
            Ok(Connect::To { destination, source: Source::Pin(source) }) => {
                Ok(Connect::To { destination, source: Source::Fix(source) })
            }
            other => other,
        };
        let settled = connect(&context, &socket, local(wildcard), &address, &host);
        // Towards the host's own loopback the first is the kernel's source, which is no address of the context.
        if matches!(expected, Ok(Connect::To { source: Source::Fix(at), .. }) if !hears(&context, at)) {
            return Ok(());
        }
        // Of two refusals either may come first.
        if settled.map_err(|_| ()) != expected.map_err(|_| ()) {
            prop_assert_eq!(settled, expected);
        }
    }
}
