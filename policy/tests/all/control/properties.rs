//! What holds of every list.

use super::kernel::{Effect, Found, effect, walk};
use super::*;
use proptest::prelude::*;

fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let named =
        (any_ip(), prop_oneof![Just(0i32), Just(2), any::<i32>()], any::<bool>()).prop_map(|(ip, index, older)| {
            let text = ip.to_string();
            match ip {
                IpAddr::V6(_) if older => message(IPPROTO_IPV6, IPV6_2292PKTINFO, &v6_data(&text, index)),
                _ => names(&text, index),
            }
        });
    let levels = prop::sample::select(vec![IPPROTO_IP, IPPROTO_IPV6, SOL_SOCKET, SOL_UDP]);
    let other = (levels, 0i32..70, prop::collection::vec(any::<u8>(), 0..40))
        .prop_map(|(level, kind, data)| message(level, kind, &data));
    prop_oneof![4 => named, 2 => other]
}

/// A list of messages, sometimes with a length that is a lie, sometimes cut, sometimes noise.
fn any_list() -> impl Strategy<Value = Vec<u8>> {
    let lie = prop_oneof![0usize..80, (0usize..80).prop_map(|less| usize::MAX - less), any::<usize>()];
    let lies = prop_oneof![3 => Just(None), 1 => (any::<prop::sample::Index>(), lie).prop_map(Some)];
    let length = prop_oneof![3 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)];
    let list = (prop::collection::vec(any_message(), 0..5), lies, length).prop_map(|(mut messages, lie, length)| {
        if let Some((which, len)) = lie
            && !messages.is_empty()
        {
            let which = which.index(messages.len());
            messages[which][..8].copy_from_slice(&len.to_ne_bytes());
        }
        let mut bytes = messages.concat();
        if let Some(length) = length {
            bytes.truncate(length.index(bytes.len() + 1));
        }
        bytes
    });
    prop_oneof![6 => list, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_foreign_source_and_no_route_gets_through(
        context in any_context(),
        list in any_list(),
        source in prop::option::of(any_ip().prop_map(|ip| ip.to_canonical())),
    ) {
        let mut bytes = list.clone();
        let verdict = check(&context, &mut bytes, source);
        let before = walk(&list);
        let named = |ip: IpAddr, index| stands_for(&context, ip.to_canonical(), index);
        if let Err(refusal) = verdict {
            // The kernel's own refusals, and where it has none there is a foreign source, a route, or a source to choose.
            let offends = |found: &Found| match effect(&list, found) {
                Effect::Source(ip, index) => named(ip, index).is_none(),
                Effect::Route => true,
                Effect::None => [IP_PKTINFO, IPV6_PKTINFO, IPV6_2292PKTINFO].contains(&found.kind),
            };
            prop_assert!([EINVAL, EPERM].contains(&refusal.errno.0));
            prop_assert!(before.is_none_or(|all| all.iter().any(offends)));
            return Ok(());
        }
        // Headers stay where they are, and so the kernel finds what was judged.
        let after = walk(&bytes);
        prop_assert!(after.is_some() && before.is_some());
        prop_assert_eq!(bytes.len(), list.len());
        let (before, after) = (before.unwrap(), after.unwrap());
        prop_assert_eq!(before.len(), after.len());
        for (was, found) in before.iter().zip(&after) {
            prop_assert_eq!((was.level, was.kind, &was.data), (found.level, found.kind, &found.data));
            let (old, new) = (&list[was.data.clone()], &bytes[found.data.clone()]);
            match (effect(&list, was), effect(&bytes, found)) {
                (_, Effect::Route) | (Effect::Route, _) => prop_assert!(false, "a route"),
                // The unspecified address of IPv6 leaves the socket's.
                (Effect::Source(IpAddr::V6(Ipv6Addr::UNSPECIFIED), _), _) => prop_assert_eq!(old, new),
                // What was zero is now the socket's own.
                (Effect::Source(IpAddr::V4(Ipv4Addr::UNSPECIFIED), _), Effect::Source(ip, _)) => {
                    prop_assert_eq!(source, Some(ip));
                    prop_assert!(!ip.is_unspecified() && !ip.is_multicast());
                }
                (Effect::Source(asked, index), Effect::Source(ip, left)) => {
                    prop_assert_eq!(named(asked, index), Some(ip.to_canonical()), "{}", asked);
                    // A mapped address stays one, and all around it stays as it was.
                    prop_assert_eq!((asked.is_ipv4(), index), (ip.is_ipv4(), left));
                    prop_assert_eq!(asked.to_canonical().is_ipv4(), ip.to_canonical().is_ipv4());
                    prop_assert_eq!(old == new, asked == ip);
                }
                (Effect::None, Effect::None) => prop_assert_eq!(old, new),
                (_, Effect::None) | (Effect::None, _) => prop_assert!(false, "another message"),
            }
        }
        // Between them nothing is written.
        let is_data = |at: usize| before.iter().any(|found| found.data.contains(&at));
        prop_assert!((0..list.len()).all(|at| is_data(at) || list[at] == bytes[at]));
    }

    /// The supervisor puts the source before what the caller says; the kernel then sends from that or from what the
    /// caller named, and never from one that it chooses itself.
    #[test]
    fn what_is_sent_has_a_source_of_the_context(
        context in any_context(),
        list in any_list(),
        n: prop::sample::Index,
        v4: bool,
    ) {
        let mut sources: Vec<SocketAddr> =
            context.addresses.iter().map(|own| with_scope(own.ip(), 0, own.scope())).collect();
        let loopbacks = [Family::V4, Family::V6].into_iter().filter_map(|family| context.loopback_of(family));
        sources.extend(loopbacks.map(|ip| SocketAddr::new(ip, 0)));
        let source = sources[n.index(sources.len())];
        let socket = if v4 && source.is_ipv4() { UDP4 } else { UDP6 };
        let mut theirs = list;
        if check(&context, &mut theirs, Some(source.ip())).is_err() {
            return Ok(());
        }
        let (ours, len) = naming(source);
        let bytes = [&ours[..len], &theirs].concat();
        // Each of theirs is found, behind the one of ours, and no other.
        let found = |list: &[u8], before: usize| -> Vec<(i32, i32, usize, usize)> {
            let all = walk(list).unwrap().into_iter();
            all.map(|found| (found.level, found.kind, found.data.start + before, found.data.end + before)).collect()
        };
        prop_assert_eq!(&found(&bytes, 0)[1..], &found(&theirs, len)[..]);
        let alone = taken(&socket, source.is_ipv4(), &theirs);
        let both = taken(&socket, source.is_ipv4(), &bytes);
        prop_assert_eq!(both, alone.map(|theirs| Some(theirs.unwrap_or(source.ip()))));
        if let Some(Some(ip)) = both {
            let own = context.addresses.iter().any(|own| own.ip() == ip.to_canonical());
            prop_assert!(own || is_own_loopback(&context, ip.to_canonical()), "{ip}");
        }
    }
}
