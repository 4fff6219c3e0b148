//! Random sequences of calls.
//!
//! Left out, since the contract means it to be different:
//! - row 3: filters of the program's own on a datagram socket that may be bound to the wildcard (SO_ATTACH_FILTER),
//! - row 5: IP_FREEBIND together with addresses that no host has,
//! - row 49: sends to 255.255.255.255 and to link-local groups. They have an own source, and the kernel takes the device
//!   of the source where it has no route,
//! - row 31: IP_BIND_ADDRESS_NO_PORT, which a context sets itself; what that changes is in the list of known differences,
//! - section 4: protocols, and options that change the source, which a context refuses; MSG_FASTOPEN on local sockets.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;

use crate::addresses::{Address, NOBODY, SOMEBODY, to_bind, to_reach, words};

/// What is in a slot at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    V4(&'static str),
    V6(&'static str),
    Local(&'static str),
    File(&'static str),
}

#[derive(Clone, Debug)]
enum Step {
    /// Call, slot, address, what follows.
    Addressed(&'static str, u8, Address, String),
    /// Words around a slot.
    Plain(&'static str, u8, String),
    /// A new socket in a slot.
    Make(u8, Kind, &'static str),
}

/// A sequence of calls.
#[derive(Clone)]
pub(crate) struct Sequence {
    first: Vec<(Kind, &'static str)>,
    rest: Vec<Step>,
}

impl Sequence {
    /// As words for `probes/sequence.c`.
    pub(crate) fn steps(&self) -> Vec<String> {
        let first = (0u8..).zip(&self.first).map(|(slot, &(kind, flags))| Step::Make(slot, kind, flags));
        let mut kinds = [None; 8];
        let mut words = Vec::new();
        for step in first.chain(self.rest.iter().cloned()) {
            if let Step::Make(slot, kind, _) = step {
                kinds[usize::from(slot)] = Some(kind);
            }
            words.push(step.words(&kinds));
        }
        words
    }
}

impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.steps().join("\n"))
    }
}

impl Step {
    fn words(&self, kinds: &[Option<Kind>]) -> String {
        match self {
            Step::Make(slot, Kind::File(name), _) => format!("file {slot} {name}"),
            Step::Make(slot, Kind::V4(name) | Kind::V6(name) | Kind::Local(name), flags) => {
                format!("socket {slot} {name}{flags}")
            }
            Step::Plain(call, slot, rest) => format!("{call} {slot}{rest}"),
            Step::Addressed(call, slot, address, rest) => {
                let words = address.words(kinds.get(usize::from(*slot)).copied().flatten());
                let size = if call.starts_with("send") { rest.split(' ').next().unwrap_or("0") } else { "" };
                let rest = rest.strip_prefix(size).unwrap_or(rest);
                let size = if size.is_empty() { String::new() } else { format!(" {size}") };
                format!("{call} {slot}{size} {words}{rest}")
            }
        }
    }
}

fn phrases(text: &'static str) -> Vec<&'static str> {
    text.split(", ").collect()
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => Just(Kind::V4("tcp4")),
        4 => Just(Kind::V4("udp4")),
        3 => Just(Kind::V6("tcp6")),
        3 => Just(Kind::V6("udp6")),
        1 => select(vec![Kind::Local("stream"), Kind::Local("dgram"), Kind::Local("packets")]),
        1 => select(words("pipe pair null path epoll")).prop_map(Kind::File),
    ]
}

/// SOCK_NONBLOCK is 0x800, SOCK_CLOEXEC 0x80000; the others are no flags of socket().
fn socket_flags() -> impl Strategy<Value = &'static str> {
    let others = select(vec![" flags=0x80000", " flags=0x400", " flags=0x10"]);
    prop_oneof![6 => Just(""), 3 => Just(" flags=0x800"), 1 => others]
}

/// Two slots more than are filled at the beginning.
fn slots() -> impl Strategy<Value = u8> {
    prop_oneof![5 => Just(0u8), 4 => Just(1), 2 => Just(2), 1 => 3u8..6]
}

fn plain(call: &'static str, rest: impl Strategy<Value = String> + 'static) -> BoxedStrategy<Step> {
    (slots(), rest).prop_map(move |(slot, rest)| Step::Plain(call, slot, rest)).boxed()
}

fn word(words: Vec<&'static str>) -> impl Strategy<Value = String> {
    select(words).prop_map(|word| if word.is_empty() { String::new() } else { format!(" {word}") })
}

/// Rows 43 and 49: to name a source that the context does not have is refused as such.
fn is_left(words: &str) -> bool {
    !words.contains("10.0.0.2") && !words.contains("fd00:1::1")
}

fn options(several: bool, free: bool) -> impl Strategy<Value = String> {
    let mut all = phrases(
        "reuseaddr 1, reuseport 1, v6only 1, v6only 0, broadcast 1, reuseaddr 0, device lo, device nosuch, \
         device v0, pktinfo 1, pktinfo6 1, ttl 3, ttl 300, hops 3, hops 300, keepalive 1, nodelay 1, mark 1, \
         group_device 10.0.0.1, group_device 0.0.0.0, group_device 192.0.2.77, group_device6 1, group_device6 99, \
         source6 fd00:1::1, source6 ::",
    );
    all.retain(|option| several || is_left(option));
    if free {
        all.extend(["freebind 1"; 6]);
    }
    let flaw = prop_oneof![
        40 => Just(String::new()),
        1 => select(words("0 1 3 4 8 12 20 28 -1")).prop_map(|len| format!(" len={len}")),
        1 => select(words("null unmapped kernel odd readonly")).prop_map(|at| format!(" at={at}")),
    ];
    (select(all), flaw).prop_map(|(option, flaw)| format!(" {option}{flaw}"))
}

/// The size first. Of flags: MSG_OOB 1, MSG_DONTROUTE 4, MSG_DONTWAIT 0x40, MSG_NOSIGNAL 0x4000. MSG_MORE 0x8000 is not
/// there: what is held back goes with the next, at a moment of the kernel's choice.
fn send_words() -> impl Strategy<Value = String> {
    let sizes = prop_oneof![8 => Just("5"), 1 => Just("0"), 1 => Just("65507")];
    let flags = prop_oneof![
        12 => Just(""),
        2 => select(vec![" flags=0x40", " flags=0x4000"]),
        1 => select(vec![" flags=1", " flags=4", " flags=0x800", " flags=0x2000"]),
    ];
    (sizes, flags).prop_map(|(size, flags)| format!("{size}{flags}"))
}

/// Payloads that are too large or not there, to somebody with whom nothing is wrong: `bad_input.c` has the rest of them.
fn bad_payloads() -> impl Strategy<Value = String> {
    select(vec!["65508", "70000", "5 payload=unmapped"]).prop_map(str::to_owned)
}

fn messages(several: bool) -> impl Strategy<Value = String> {
    let mut sources = phrases(
        "source=10.0.0.1, source=10.0.0.2, source=0.0.0.0, source=127.0.0.1, source=0.0.0.0 device=1, \
         source=10.0.0.1 device=1, source=10.0.0.1 device=99, source6=fd00:1::1, source6=::, source6=::ffff:10.0.0.1, \
         source6=::1",
    );
    sources.retain(|source| several || is_left(source));
    let source = prop_oneof![6 => Just(String::new()), 1 => select(sources).prop_map(|source| format!(" {source}"))];
    (send_words(), source).prop_map(|(words, source)| format!("{words}{source}"))
}

fn name_words() -> impl Strategy<Value = String> {
    let rooms = words("0 1 2 4 7 8 16 27 28 29 128 -1 2147483647");
    prop_oneof![
        4 => Just(String::new()),
        1 => select(rooms).prop_map(|room| format!(" room={room}")),
        1 => select(words("null unmapped odd kernel readonly")).prop_map(|at| format!(" at={at}")),
        1 => select(vec!["null", "unmapped"]).prop_map(|at| format!(" lenat={at}")),
    ]
}

/// Numbers of families, types and protocols that no kernel knows, or that do not go together. What a kernel may know
/// and a context refuses is left out (section 4).
fn odd_sockets() -> impl Strategy<Value = String> {
    let numbers = phrases(
        "domain=2 type=1 protocol=6, domain=2 type=2 protocol=17, domain=2 type=1 protocol=17, \
         domain=10 type=2 protocol=6, domain=2 type=4, domain=2 type=11, domain=2 type=15, domain=2 type=0, domain=2 type=1 protocol=-1, \
         domain=10 type=1 protocol=256, domain=-1 type=1, domain=46 type=1, domain=1 type=1 protocol=5, \
         domain=1 type=9, domain=0 type=1",
    );
    select(numbers).prop_map(|numbers| format!(" odd {numbers}"))
}

fn step(several: bool, free: bool) -> impl Strategy<Value = Step> {
    let addressed = |call, address: BoxedStrategy<Address>, rest: BoxedStrategy<String>| {
        (slots(), address, rest)
            .prop_map(move |(slot, address, rest)| Step::Addressed(call, slot, address, rest))
            .boxed()
    };
    let nothing = || Just(String::new()).boxed();
    let reach = || prop_oneof![3 => to_reach(several).boxed(), 1 => Just(NOBODY).boxed()].boxed();
    prop_oneof![
        12 => addressed("bind", to_bind(several, free).boxed(), nothing()),
        10 => addressed("connect", to_reach(several).boxed(), nothing()),
        6 => plain("listen", word(words("5 0 1 -1 100000"))),
        5 => plain("accept", word(vec!["4", "5", "4 flags=0x800", "4 flags=0x80000", "4 flags=1"])),
        6 => addressed("sendto", reach(), send_words().boxed()),
        5 => addressed("sendmsg", reach(), messages(several).boxed()),
        2 => addressed("sendmmsg", reach(), messages(several).boxed()),
        1 => addressed("sendto", Just(SOMEBODY).boxed(), bad_payloads().boxed()),
        1 => addressed("sendmsg", Just(SOMEBODY).boxed(), bad_payloads().boxed()),
        4 => plain("recv", Just(String::new())),
        3 => plain("name", name_words()),
        2 => plain("peer", name_words()),
        6 => plain("set", options(several, free)),
        2 => plain("shutdown", word(words("0 1 2 3 -1"))),
        1 => plain("nonblock", word(vec!["1", "0"])),
        1 => plain("dup", word(vec!["3", "1"])),
        1 => plain("close", Just(String::new())),
        1 => plain("socket", odd_sockets()),
        2 => (slots(), kinds(), socket_flags()).prop_map(|(slot, kind, flags)| Step::Make(slot, kind, flags)),
    ]
}

/// The generator, for a host with several addresses or with one.
pub(crate) fn sequences(several: bool) -> impl Strategy<Value = Sequence> {
    let rest = prop_oneof![4 => steps(several, false), 1 => steps(several, true)];
    let first = prop::collection::vec((kinds(), socket_flags()), 1..4);
    // What comes first is shrunk first: then no step is left that needs a further socket.
    (rest, first).prop_map(|(rest, first)| Sequence { first, rest })
}

fn steps(several: bool, free: bool) -> BoxedStrategy<Vec<Step>> {
    prop::collection::vec(step(several, free), 1..14).boxed()
}
