//! Every rule against the naive model of the contract in `reference/`: the same answer to the same question, whatever the
//! context, the socket, the addresses and the host.

use crate::common::*;
use crate::reference::worlds::*;
use crate::reference::{self, read};
use chbind_policy::bind::{self, Place};
use chbind_policy::connect::{self, Connect};
use chbind_policy::create::{Create, Kind, TYPE_MASK, create, plain_kinds};
use chbind_policy::send::{self, Send};
use chbind_policy::{Socket, Transport, Verdict, control, listen, name, option};
use libc::{AF_INET, AF_INET6, MSG_FASTOPEN, MSG_OOB};
use proptest::prelude::*;
use std::net::{IpAddr, SocketAddr};

/// What is not optimised is slow.
const CASES: u32 = if cfg!(debug_assertions) { 5_000 } else { 100_000 };

/// What can be seen of an answer: the number, not the reason.
fn seen<T>(verdict: Verdict<T>) -> Result<T, i32> {
    verdict.map_err(|refusal| refusal.errno.0)
}

/// An address as a program gives it: mostly in the form that its socket takes, sometimes of the other family, with another
/// label, cut or too long.
#[derive(Clone, Debug)]
struct Given {
    asked: SocketAddr,
    fits: bool,
    label: Option<u16>,
    len: Option<usize>,
}

impl Given {
    fn bytes(&self, socket: &Socket) -> Vec<u8> {
        // The model reads odd ones as TCP and UDP do; ping and raw sockets have reasons of their own.
        let odd = [Transport::Tcp, Transport::Udp].contains(&socket.transport);
        let mut bytes = raw(if self.fits || !odd { in_form(socket, self.asked) } else { self.asked });
        if let Some(label) = self.label.filter(|label| odd || *label == 0) {
            bytes[..2].copy_from_slice(&label.to_ne_bytes());
        }
        if let Some(len) = self.len.filter(|_| odd) {
            bytes.resize(len, 0xa5);
        }
        bytes
    }
}

fn any_given() -> impl Strategy<Value = Given> {
    let label = prop_oneof![16 => Just(None), 2 => Just(Some(0u16)), 1 => (0u16..64).prop_map(Some)];
    let len = prop_oneof![16 => Just(None), 1 => (0usize..=40).prop_map(Some)];
    (any_asked(), prop::bool::weighted(0.9), label, len).prop_map(|(asked, fits, label, len)| Given {
        asked,
        fits,
        label,
        len,
    })
}

/// A list of control messages: the lengths are right, as `control.rs` tests wrong ones.
fn any_messages() -> impl Strategy<Value = Vec<reference::option::Message>> {
    let index = prop::sample::select(vec![0u32, 2, 3]);
    let source = (any_ip(), index, any::<bool>()).prop_map(|(ip, index, older)| match ip {
        IpAddr::V4(ip) => (0, 8, [&index.to_ne_bytes()[..], &ip.octets(), &[7; 4]].concat()),
        IpAddr::V6(ip) => (41, if older { 2 } else { 50 }, [&ip.octets()[..], &index.to_ne_bytes()].concat()),
    });
    let level = prop::sample::select(vec![0, 1, 17, 41]);
    let kind = prop_oneof![prop::sample::select(vec![2, 5, 7, 8, 32, 50, 57]), 0..70i32];
    let data = prop_oneof![0usize..16, 20usize..24];
    let other = (level, kind, data).prop_map(|(level, kind, len)| (level, kind, vec![7; len]));
    prop::collection::vec(prop_oneof![3 => source, 1 => other], 0..4)
}

/// As the kernel finds them.
fn packed(list: &[reference::option::Message]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (level, kind, data) in list {
        bytes.extend((16 + data.len()).to_ne_bytes());
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_01_to_22_bind(world in any_world(), socket in any_socket(), given in any_given()) {
        let bytes = given.bytes(&socket);
        let expected = read::for_bind(&socket, &bytes).and_then(|asked| reference::bind::bind(&world, &socket, asked));
        let answer = world.ask(|context| {
            seen(bind::bind(context, &socket, &bytes)).map(|bound| reference::bind::Bound {
                place: match bound.place {
                    Place::At(at) => reference::bind::Place::At(at),
                    Place::Open { any, otherwise } => reference::bind::Place::Kept { any, otherwise },
                },
                wildcard: bound.wildcard,
                line: bound.note.map(|note| note.describe(context).to_string()),
            })
        });
        prop_assert_eq!(answer, expected);
    }

    #[test]
    fn row_12_listen(world in any_world(), socket in any_socket(), bound in any_bound(), listening: bool) {
        let bound = bound_of(&socket, bound);
        let answer = world.ask(|context| seen(listen::listen(context, &socket, local(bound), listening)));
        let expected = reference::listen::listen(&world, &socket, bound, listening);
        prop_assert_eq!(answer.map(|listen| listen.bind_first), expected);
    }

    #[test]
    fn rows_31_to_41_connect(
        (world, host) in any_world_and_host(),
        socket in any_socket(),
        bound in any_bound(),
        given in any_given(),
    ) {
        let (bound, bytes) = (bound_of(&socket, bound), given.bytes(&socket));
        let expected = read::for_connect(&socket, &bytes)
            .and_then(|asked| reference::connect::connect(&world, &socket, bound, asked, &host));
        let answer = world.ask(|context| seen(connect::connect(context, &socket, local(bound), &bytes, &host)));
        let answer = answer.map(|done| match done {
            Connect::Disconnect => reference::connect::Connected::Dissolved,
            Connect::To { destination, source } => reference::connect::Connected::To {
                to: destination,
                source: match source {
                    connect::Source::Own => reference::connect::Source::Own,
                    connect::Source::Pin(at) => reference::connect::Source::Given(at),
                    connect::Source::Try(at) => reference::connect::Source::Tried(at),
                    connect::Source::Fix(at) => reference::connect::Source::AtItsPort(at),
                },
            },
        });
        prop_assert_eq!(answer, expected);
    }

    #[test]
    fn rows_42_to_53_send(
        (world, host) in any_world_and_host(),
        socket in any_socket(),
        bound in any_bound(),
        given in prop::option::weighted(0.9, any_given()),
        fast: bool,
        urgent in prop::bool::weighted(0.1),
    ) {
        let bound = bound_of(&socket, bound);
        let flags = if fast { MSG_FASTOPEN } else { 0 } | if urgent { MSG_OOB } else { 0 };
        let bytes = given.as_ref().map(|given| given.bytes(&socket));
        let expected = if socket.transport == Transport::Tcp {
            let asked = bytes.as_ref().map(|bytes| read::for_connect(&socket, bytes)).transpose();
            // An address that nobody looks at has no fault.
            let asked = if fast { asked } else { Ok(None) };
            asked.and_then(|asked| reference::send::stream(&world, &socket, bound, asked, fast, &host))
        } else {
            let asked = bytes.as_ref().map_or(Ok(None), |bytes| read::for_send(&socket, bytes, flags));
            asked.and_then(|asked| reference::send::datagram(&world, &socket, bound, asked, &host))
        };
        let answer = world.ask(|context| seen(send::send(context, &socket, local(bound), bytes.as_deref(), flags, &host)));
        let answer = answer.map(|Send { destination, source }| reference::send::Sent {
            to: destination,
            source: match source {
                send::Source::Own => reference::send::Source::Own,
                send::Source::Pin(at) => reference::send::Source::Given(at),
                send::Source::Named(says) => reference::send::Source::Says(says),
                send::Source::Open { any, named, otherwise } => {
                    assert_eq!(any, unbound(&socket));
                    reference::send::Source::Opened { says: named, otherwise }
                }
            },
        });
        prop_assert_eq!(answer, expected);
    }

    #[test]
    fn row_16_and_section_4_socket(
        world in any_world(),
        domain in prop_oneof![4 => Just(AF_INET), 4 => Just(AF_INET6), 2 => 0..50i32, 1 => any::<i32>()],
        kind in prop_oneof![8 => 0..6i32, 1 => 0..16i32],
        protocol in prop_oneof![prop::sample::select(vec![0, 1, 6, 17, 58, 132, 136, 255, 262]), 0..300i32],
        flags in prop::sample::select(vec![0, libc::SOCK_CLOEXEC, libc::SOCK_NONBLOCK]),
        v6only: bool,
    ) {
        let expected = reference::socket::create(&world, domain, kind | flags, protocol);
        let answer = world.ask(|context| seen(create(context, domain, kind | flags, protocol)));
        prop_assert_eq!(answer.map(|made| match made {
            Create::AsAsked => reference::socket::Made::AsAsked,
            Create::At(socket, at) => reference::socket::Made::With(socket, at),
        }), expected);
        // What a filter passes without a question is what would be made as asked.
        let plain = |known: Kind| {
            known.domain == domain && known.detail.is_none_or(|detail| detail == (kind & TYPE_MASK, protocol))
        };
        if world.ask(|context| plain_kinds(context).any(plain)) {
            prop_assert_eq!(expected, Ok(reference::socket::Made::AsAsked));
        }
        let known = world.ask(|context| seen(Socket::identify(context, domain, kind, protocol, v6only)));
        prop_assert_eq!(known, reference::socket::identify(&world, domain, kind, protocol, v6only));
    }

    #[test]
    fn rows_32_43_and_44_control_messages(
        world in any_world(),
        list in any_messages(),
        source in prop::option::of(any_ip()),
    ) {
        let source = source.map(|ip| ip.to_canonical());
        let mut bytes = packed(&list);
        prop_assert_eq!(control::interface(&bytes), reference::option::by_interface(&list));
        let answer = world.ask(|context| seen(control::check(context, &mut bytes, source)));
        let expected = reference::option::control(&world, &list, source).map(|list| packed(&list));
        prop_assert_eq!(answer.map(|()| bytes), expected);
    }

    #[test]
    fn rows_43_48_and_49_options(
        world in any_world(),
        (level, name) in prop::sample::select(option::judged(&s()).filter(|(level, _)| *level != libc::SOL_SOCKET).collect::<Vec<_>>()),
        before in prop::sample::select(vec![0usize, 4]),
        named in any_ip(),
        after in 0usize..16,
        cut in prop_oneof![4 => Just(usize::MAX), 1 => 0usize..24],
    ) {
        let named = match named {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        let mut value = [vec![7; before], named, vec![2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..after].to_vec()].concat();
        value.truncate(cut);
        let expected = reference::option::set(&world, level, name, &value);
        let answer = world.ask(|context| seen(option::set(context, option::Facts::default(), level, name, &mut value)));
        prop_assert_eq!(answer.map(|()| value), expected);
    }

    #[test]
    fn section_5_names(world in any_world(), socket in any_socket(), own in any_bound(), peer in any_asked()) {
        let (own, peer) = (bound_of(&socket, own), in_form(&socket, peer));
        for address in [own, peer] {
            let answer = world.ask(|context| name::masked(context, address));
            prop_assert_eq!(answer.unwrap_or(address), reference::name::shown(&world, address));
        }
        let answer = world.ask(|context| name::masked_peer(context, own, peer));
        prop_assert_eq!(answer.unwrap_or(peer), reference::name::peer_shown(&world, own, peer));
    }

    #[test]
    fn rows_03_09_and_10_what_is_heard(world in any_world(), to in any_asked()) {
        let plain = reference::plain(to);
        let (ip, interface) = (plain.ip(), reference::interface(plain));
        let heard = world.ask(|context| {
            context.heard().any(|(net, by)| net.contains(&ip) && (by == 0 || by == interface))
        });
        prop_assert_eq!(heard, reference::hear::hears(&world, ip, interface));
    }
}
