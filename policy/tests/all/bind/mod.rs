//! `bind`: rows 1 to 22.

mod ipv4;
mod ipv6;
mod properties;

use crate::common::*;
use chbind_policy::bind::{Bind, Place, bind};
use chbind_policy::sockaddr::canonical;
use chbind_policy::{Context, Family, Loopback, Note, Reason, Refusal, Socket, Transport, Verdict};
use libc::{AF_INET, AF_INET6, AF_UNSPEC, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL};
use std::net::{IpAddr, SocketAddr};

fn ask(context: &Context, socket: &Socket, address: &str) -> Verdict<Bind> {
    bind(context, socket, &bytes(address))
}

/// The socket comes to `place`, and the note is this.
fn comes_to(context: &Context, sockets: &[Socket], asked: &str, place: Place, note: Option<Note>) {
    let wildcard = canonical(at(asked)).ip().is_unspecified();
    for socket in sockets {
        assert_eq!(ask(context, socket, asked), Ok(Bind { place, wildcard, note }), "{socket:?} {asked}");
    }
}

/// One address, and nothing of what was asked for is missing.
fn binds(context: &Context, sockets: &[Socket], asked: &str, bound: &str) {
    comes_to(context, sockets, asked, Place::At(at(bound)), None);
}

/// One address, where the wildcard of `family` would have covered more.
fn narrows(context: &Context, sockets: &[Socket], asked: &str, bound: &str, family: Option<Family>) {
    let note = Note::Narrowed { served: canonical(at(bound)).ip(), family };
    comes_to(context, sockets, asked, Place::At(at(bound)), Some(note));
}

/// The wildcard is kept, and where that cannot be, `otherwise` is bound with the note.
fn widens(context: &Context, sockets: &[Socket], asked: &str, otherwise: &str, note: Option<Note>) {
    let place = Place::Open { any: at(asked), otherwise: at(otherwise) };
    comes_to(context, sockets, asked, place, note);
}

fn narrowed(served: &str, family: Option<Family>) -> Option<Note> {
    Some(Note::Narrowed { served: ip(served), family })
}

fn refuses(context: &Context, sockets: &[Socket], asked: &str, errno: i32, reason: Reason) {
    for socket in sockets {
        assert_eq!(ask(context, socket, asked), Err(refusal(errno, reason)), "{socket:?} {asked}");
    }
}

fn foreign(context: &Context, sockets: &[Socket], asked: &str) {
    refuses(context, sockets, asked, EADDRNOTAVAIL, Reason::NotAssigned);
}

const ALL4: [Socket; 4] = [TCP4, UDP4, PING4, RAW4];
/// Those whose wildcard is narrowed: only datagrams of UDP can be told apart by their destination.
const NARROW4: [Socket; 3] = [TCP4, PING4, RAW4];
const DUAL: [Socket; 2] = [TCP6, UDP6];
const ONLY6: [Socket; 4] = [TCP6ONLY, UDP6ONLY, PING6, RAW6];
