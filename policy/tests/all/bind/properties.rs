//! What holds of every bind.

use super::*;
use proptest::prelude::*;

/// Read from the contract: the context may be this address.
fn is_own(context: &Context, bound: SocketAddr) -> bool {
    is_assigned(context, bound) || is_own_loopback(context, canonical(bound).ip())
}

/// What reaches all, and only for datagrams.
fn is_to_all(context: &Context, socket: &Socket, ip: IpAddr) -> bool {
    let to_all = is_own_broadcast(context, ip) || (context.multicast && ip.is_multicast());
    socket.transport == Transport::Udp && to_all
}

/// Whether the wildcard `any` (canonical) may stay one on this socket, by counting what it stands for.
fn stays_wide(context: &Context, socket: &Socket, any: IpAddr) -> bool {
    let covered = context.addresses.iter().filter(|own| match (own.ip(), any) {
        (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => true,
        (IpAddr::V4(_), IpAddr::V6(_)) => !socket.v6only,
        (IpAddr::V6(_), IpAddr::V4(_)) => false,
    });
    socket.transport == Transport::Udp && (context.multicast || covered.count() > 1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_foreign_is_ever_bound(context in any_context(), socket in any_socket(), address in any_bytes()) {
        match bind(&context, &socket, &address) {
            Ok(bind) => {
                let (at, otherwise) = match bind.place {
                    Place::At(at) => {
                        let to_all = !bind.wildcard && is_to_all(&context, &socket, canonical(at).ip());
                        prop_assert!(is_own(&context, at) || to_all, "{bind:?}");
                        (at, None)
                    }
                    Place::Open { any, otherwise } => {
                        let ip = canonical(any).ip();
                        prop_assert!(bind.wildcard && ip.is_unspecified(), "{bind:?}");
                        prop_assert!(is_own(&context, otherwise), "{bind:?}");
                        prop_assert!(stays_wide(&context, &socket, ip), "{bind:?}");
                        (any, Some(otherwise))
                    }
                };
                for at in [Some(at), otherwise].into_iter().flatten() {
                    prop_assert_eq!(Family::of(at.ip()), socket.family);
                    prop_assert_eq!(&at.port().to_be_bytes()[..], &address[2..4]);
                }
                prop_assert!(bind.note.is_none() || bind.wildcard);
            }
            Err(refusal) => prop_assert!([EINVAL, EAFNOSUPPORT, EADDRNOTAVAIL].contains(&refusal.errno.0)),
        }
    }
}
