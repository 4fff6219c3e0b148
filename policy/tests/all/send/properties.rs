//! What holds of every message.

use super::*;
use proptest::prelude::*;

fn is_loopback(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_message_goes_from_an_own_address_and_not_to_foreign_loopback(
        (context, host) in any_context().prop_flat_map(|context| (Just(context), any_host(context))),
        socket in any_socket(),
        bound in prop_oneof![Just(None), any_address().prop_map(Some)],
        address in any_bytes(),
        fast: bool,
    ) {
        let bound = bound.unwrap_or(unbound(&socket));
        let flags = if fast { MSG_FASTOPEN } else { 0 };
        let Ok(Send { destination, source }) =
            send(&context, &socket, local(bound), Some(&address), flags, &host)
        else {
            return Ok(());
        };
        let bound = canonical(bound);
        let (to, port) = destination.map_or((unbound(&socket).ip(), 0), |at| (canonical(at).ip(), at.port()));
        let remap = context.loopback == Loopback::Remap;
        let localhost = ["127.0.0.1", "::1"].contains(&to.to_string().as_str());
        let open = is_loopback(to)
            && (context.loopback == Loopback::Host
                || (remap && localhost && context.host_loopback.contains(&port))
                || (remap && port == 53 && context.resolvers.contains(&to)));
        let unbound_yet = bound.ip().is_unspecified() && bound.port() == 0;
        let pinned = match source {
            Source::Own => None,
            Source::Pin(at) | Source::Open { otherwise: at, .. } => {
                prop_assert!(unbound_yet, "{bound}");
                prop_assert_eq!((at.port(), Family::of(at.ip())), (0, socket.family));
                Some(at)
            }
            Source::Named(_) => {
                prop_assert!(!unbound_yet && socket.transport != Transport::Tcp, "{bound}");
                None
            }
        };
        let named = match source {
            Source::Open { any, named, .. } => {
                prop_assert_eq!(any, unbound(&socket));
                prop_assert_eq!(socket.transport, Transport::Udp);
                Some(named)
            }
            Source::Named(named) => Some(named),
            Source::Own | Source::Pin(_) => None,
        };
        for own in [pinned, named].into_iter().flatten() {
            // Towards the host's loopback, where it is open, it is the kernel's.
            let kernels = open && ["127.0.0.1", "::1"].contains(&canonical(own).ip().to_string().as_str());
            let is_own = is_assigned(&context, own) || is_own_loopback(&context, canonical(own).ip());
            prop_assert!(is_own || kernels, "{own}");
        }
        let Some(destination) = destination else {
            prop_assert!(matches!(source, Source::Own | Source::Pin(_)));
            return Ok(());
        };
        if let Some(named) = named {
            prop_assert_eq!((named.port(), canonical(named)), (0, named));
            prop_assert_eq!(Family::of(named.ip()), Family::of(to), "{} {}", named, destination);
        }
        prop_assert_eq!(Family::of(destination.ip()), socket.family);
        if is_loopback(to) {
            prop_assert!(!to.is_unspecified());
            prop_assert!(open || is_assigned(&context, destination) || is_own_loopback(&context, to));
        }
        if source == Source::Own {
            let own = is_assigned(&context, bound) || is_own_loopback(&context, bound.ip());
            let hosts = is_loopback(bound.ip()) && (open || context.loopback == Loopback::Host);
            // From a group nothing goes, nor from any address in v4-mapped form to IPv6: the kernel sees to that.
            let mapped = socket.family == Family::V6 && bound.is_ipv4();
            let silent = mapped && (bound.ip().is_multicast() || to.is_ipv6());
            prop_assert!(own || hosts || silent, "{bound}");
        }
    }

    /// A message names the source that a connection to the same place would have had.
    #[test]
    fn the_source_of_a_message_is_that_of_a_connection(
        (context, host) in any_context().prop_flat_map(|context| (Just(context), any_host(context))),
        socket in prop::sample::select(vec![UDP4, UDP6, UDP6ONLY]),
        to in any_address(),
        port: u16,
    ) {
        let to = for_family(to, socket.family);
        // There is no port 0 to send to.
        if Family::of(to.ip()) != socket.family || to.port() == 0 {
            return Ok(());
        }
        let bound = SocketAddr::new(unbound(&socket).ip(), port);
        let sent = send(&context, &socket, local(bound), Some(&raw(to)), 0, &host);
        let connected = connect(&context, &socket, local(bound), &raw(to), &host);
        let (Ok(sent), Ok(Connect::To { destination, source })) = (sent, connected) else {
            prop_assert_eq!(sent.map(|_| ()), connected.map(|_| ()));
            return Ok(());
        };
        prop_assert_eq!(sent.destination, Some(destination));
        let (connect::Source::Pin(would) | connect::Source::Try(would) | connect::Source::Fix(would)) = source else {
            return Err(TestCaseError::fail(format!("{source:?}")));
        };
        match sent.source {
            // Towards the host's own loopback a connection has the kernel's source, which is no address of the context.
            Source::Named(named) | Source::Open { named, .. } if hears(&context, would) => {
                prop_assert_eq!(named, canonical(would));
            }
            Source::Named(_) | Source::Open { .. } => prop_assert!(is_loopback(canonical(would).ip())),
            // Pinned for good: to an assigned address, where there is one.
            Source::Pin(at) => prop_assert!(at == would || is_assigned(&context, at)),
            Source::Own => prop_assert!(false, "{bound} is none"),
        }
    }
}
