//! Decisions: whatever is asked of whatever context, what is to be done stays within it.
#![no_main]

use chbind_fuzz::contract::*;
use chbind_fuzz::input::Input;
use chbind_fuzz::world;
use chbind_policy::bind::{Place, bind};
use chbind_policy::connect::{self, Connect, connect};
use chbind_policy::create::{Create, create};
use chbind_policy::listen::listen;
use chbind_policy::name::{masked, masked_peer};
use chbind_policy::send::{self, send};
use chbind_policy::sockaddr::canonical;
use chbind_policy::{Context, Family, Host, LocalAddr, Socket, Transport, Verdict, option};
use std::fmt::Debug;
use std::net::SocketAddr;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let parts = world::any(&mut input);
    let context = parts.context();
    let host = world::any_host(&mut input, &context);
    // A context without an address is none; the launcher makes none.
    if context.addresses.is_empty() {
        return;
    }
    for _ in 0..=input.byte() % 8 {
        let socket = input.socket();
        match input.byte() % 6 {
            0 => binds(&context, &socket, &input.given()),
            1 => connects(&context, &socket, input.bound(&socket), &input.given(), &host),
            2 => sends(&context, &socket, &mut input, &host),
            3 => listens(&context, &socket, input.bound(&socket), input.bit()),
            4 => creates(&context, &mut input),
            _ => sets_and_names(&context, &socket, &mut input),
        }
    }
});

/// A refusal has an errno, and words.
fn done<T: Debug>(context: &Context, verdict: Verdict<T>) -> Option<T> {
    if let Err(refusal) = &verdict {
        assert!(refusal.errno.0 > 0 && !refusal.reason.describe(context).to_string().is_empty());
    }
    verdict.ok()
}

fn binds(context: &Context, socket: &Socket, given: &[u8]) {
    let Some(bound) = done(context, bind(context, socket, given)) else { return };
    let port = u16::from_be_bytes([given[2], given[3]]);
    assert!(may_have_port(context, socket.transport, port), "{port}");
    let in_form = |at: SocketAddr| assert_eq!((Family::of(at.ip()), at.port()), (socket.family, port));
    match bound.place {
        Place::At(at) => {
            in_form(at);
            let to_all = !bound.wildcard && is_to_all(context, socket, canonical(at).ip());
            assert!(is_own(context, at) || to_all, "{at}");
        }
        Place::Open { any, otherwise } => {
            in_form(any);
            in_form(otherwise);
            assert!(bound.wildcard && socket.transport == Transport::Udp && any.ip().to_canonical().is_unspecified());
            assert!(is_own(context, otherwise), "{otherwise}");
        }
    }
    if let Some(note) = bound.note {
        assert!(bound.wildcard && !note.describe(context).to_string().is_empty());
    }
}

/// What holds of every destination; gives whether it is the host's own loopback.
fn reaches(context: &Context, socket: &Socket, destination: SocketAddr) -> bool {
    let (to, port) = (canonical(destination).ip(), destination.port());
    assert_eq!(Family::of(destination.ip()), socket.family);
    let opened = is_opened(context, to, port);
    // Where the context's own listener is found for ::1, a link-local address comes without its interface.
    let is_ours = is_own(context, destination) || context.addresses.iter().any(|own| own.ip() == to);
    if is_loopback(to) && !is_assigned(context, destination) {
        assert!(!to.is_unspecified() && (opened || is_ours), "{destination}");
    } else if !is_ours {
        // It is called by this name alone.
        assert!(may_reach(context, socket.transport, to, port), "{destination}");
    }
    opened
}

/// A source that a socket or a message is given. Towards the host's loopback, where that is open, it is the kernel's.
fn speaks(context: &Context, from: SocketAddr, opened: bool) {
    assert_eq!(from.port(), 0);
    assert!(is_own(context, from) || opened && is_localhost(canonical(from).ip()), "{from}");
}

/// The same for a socket that speaks with the address it has.
fn stays(context: &Context, bound: SocketAddr, opened: bool) {
    let hosts = opened && is_localhost(bound.ip());
    assert!(is_own(context, bound) || hosts, "{bound}");
}

fn connects(context: &Context, socket: &Socket, bound: SocketAddr, given: &[u8], host: &dyn Host) {
    let verdict = done(context, connect(context, socket, LocalAddr::of(bound, || true), given, host));
    let Some(Connect::To { destination, source }) = verdict else { return };
    let opened = reaches(context, socket, destination);
    let bound = canonical(bound);
    match source {
        connect::Source::Own => stays(context, bound, opened),
        connect::Source::Pin(from) | connect::Source::Try(from) => {
            assert!(bound.ip().is_unspecified() && bound.port() == 0);
            assert_eq!(Family::of(from.ip()), socket.family);
            speaks(context, from, opened);
        }
        connect::Source::Fix(from) => {
            assert!(socket.transport != Transport::Tcp && !is_own(context, bound));
            speaks(context, from, false);
        }
    }
}

fn sends(context: &Context, socket: &Socket, input: &mut Input, host: &dyn Host) {
    let (bound, given) = (input.bound(socket), input.bit().then(|| input.given()));
    let flags = if input.bit() { libc::MSG_FASTOPEN } else { 0 };
    let Some(sent) = done(context, send(context, socket, LocalAddr::of(bound, || true), given.as_deref(), flags, host))
    else {
        return;
    };
    let opened = sent.destination.is_some_and(|to| reaches(context, socket, to));
    let bound = canonical(bound);
    let is_unbound = bound.ip().is_unspecified() && bound.port() == 0;
    let Some(to) = sent.destination else {
        // To the peer, and a socket has none before it has a port; a stream is not asked.
        assert!(sent.source == send::Source::Own && (!is_unbound || socket.transport == Transport::Tcp));
        return;
    };
    match sent.source {
        send::Source::Own => {
            // From a group nothing goes, nor from a v4-mapped address to IPv6: the kernel sees to that.
            let mapped = socket.family == Family::V6 && bound.is_ipv4();
            if !(mapped && (bound.ip().is_multicast() || canonical(to).is_ipv6())) {
                stays(context, bound, opened);
            }
        }
        send::Source::Pin(from) => {
            assert!(is_unbound);
            speaks(context, from, opened);
        }
        send::Source::Named(from) => {
            assert!(!is_unbound && socket.transport != Transport::Tcp);
            speaks(context, from, false);
        }
        send::Source::Open { any, named, otherwise } => {
            assert!(is_unbound && any.ip().is_unspecified() && any.port() == 0 && socket.transport == Transport::Udp);
            speaks(context, named, false);
            speaks(context, otherwise, false);
        }
    }
}

fn listens(context: &Context, socket: &Socket, bound: SocketAddr, listening: bool) {
    let Some(listens) = done(context, listen(context, socket, LocalAddr::of(bound, || true), listening)) else {
        return;
    };
    if socket.transport != Transport::Tcp || listening {
        return;
    }
    let bound = canonical(bound);
    match listens.bind_first {
        Some(at) => {
            assert_eq!((at.port(), Family::of(at.ip())), (0, socket.family));
            assert!(bound.port() == 0 && is_own(context, at), "{at}");
        }
        None => assert!(is_own(context, bound) && may_have_port(context, socket.transport, bound.port()), "{bound}"),
    }
}

fn creates(context: &Context, input: &mut Input) {
    let domain =
        input.of(&[libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, libc::AF_PACKET, i32::from(input.0.len() as u8)]);
    let kind = i32::from(input.byte() % 16) | input.of(&[0, libc::SOCK_CLOEXEC, libc::SOCK_NONBLOCK, 0x10]);
    let protocol = input.of(&[0, 1, 6, 17, 58, 132, 136, 255, 262, -1]);
    let Some(made) = done(context, create(context, domain, kind, protocol)) else { return };
    let is_inet = [libc::AF_INET, libc::AF_INET6].contains(&domain);
    assert!(is_inet || [libc::AF_UNIX, libc::AF_NETLINK, libc::AF_ALG].contains(&domain), "{domain}");
    match made {
        Create::AsAsked if is_inet => assert!([0, 1, 6, 58].contains(&protocol) && kind & 0xf != libc::SOCK_RAW),
        Create::AsAsked => {}
        Create::At(socket, at) => {
            assert_eq!((at.port(), Family::of(at.ip())), (0, socket.family));
            assert!(is_own(context, at), "{at}");
        }
    }
}

fn sets_and_names(context: &Context, socket: &Socket, input: &mut Input) {
    let judged: Vec<_> = option::judged(context).collect();
    let (level, name) = input.of(&judged);
    let facts = option::Facts { raw: input.bit(), portless: input.bit() };
    let len = usize::from(input.byte()) * 2;
    let mut value = input.bytes(len.min(option::VALUE_MAX)).to_vec();
    let before = value.len();
    assert!(option::read_of(level, name, before) <= before);
    done(context, option::set(context, facts, level, name, &mut value));
    assert_eq!(value.len(), before);
    // A name for an address keeps its port and its form.
    let (own, peer) = (input.bound(socket), input.bound(socket));
    for (shown, of) in [(masked(context, own), own), (masked_peer(context, own, peer), peer)] {
        if let Some(shown) = shown {
            assert_eq!((shown.port(), Family::of(shown.ip())), (of.port(), Family::of(of.ip())));
            assert!(is_localhost(canonical(shown).ip()), "{shown}");
        }
    }
}
