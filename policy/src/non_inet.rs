//! Sockets of the families that no address of the context is about (AF_UNIX, AF_NETLINK, AF_ALG), where the program is
//! taken for hostile.
//!
//! The kernel notes who makes a call on such a socket, so the caller should make it itself. But between the check and the
//! call another thread that shares the table of descriptors can put an internet socket under the same number, and gets the
//! call on that. So where the table is shared, the call is made on its behalf, if nobody can tell the difference, or refused.

use crate::errno::Errno;
use crate::verdict::{Reason, Refusal, Verdict};
use libc::{AF_ALG, AF_NETLINK, AF_UNIX, SOCK_DGRAM};

/// Whether an address family is one of these.
pub fn is_non_inet(domain: i32) -> bool {
    [AF_UNIX, AF_NETLINK, AF_ALG].contains(&domain)
}

/// What is known of such a socket, and of who shares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonInet {
    /// `SO_DOMAIN`
    pub domain: i32,
    /// `SO_TYPE`
    pub kind: i32,
    /// Whether the caller may share its table of descriptors.
    pub shared: bool,
}

/// A call, with the address as the caller wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// bind
    Bind(&'a [u8]),
    /// connect
    Connect(&'a [u8]),
    /// listen
    Listen,
    /// sendto, sendmsg, sendmmsg; without an address it is empty.
    Send(&'a [u8]),
}

/// How such a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// By the caller, as it is.
    AsAsked,
    /// On its behalf, on the socket that was looked at.
    OnBehalf,
    /// The same, with a path that is to be found as the caller would find it.
    ByPath,
}

/// No internet socket takes a shorter address (`sizeof(struct sockaddr_in)`).
const LEN_INET: usize = 16;

/// Decides how it is made.
///
/// # Errors
///
/// EPERM, [`Reason::SharedTable`], where the table of descriptors is shared and somebody could tell the difference: an
/// AF_UNIX socket is to be bound to a path, to listen, to be connected to an abstract name or (unless it is for
/// datagrams) to a path; or a datagram is to go to an abstract name.
pub fn judge(socket: NonInet, call: Call) -> Verdict<Doing> {
    const REFUSED: Verdict<Doing> = Err(Refusal::new(Errno::EPERM, Reason::SharedTable));
    if !socket.shared {
        return Ok(Doing::AsAsked);
    }
    if socket.domain != AF_UNIX {
        // A netlink socket without a number gets one; whose is all the same.
        return Ok(Doing::OnBehalf);
    }
    match call {
        // On what is no local-domain socket this fails: no Internet address is as short.
        Call::Bind(address) if address.len() < LEN_INET => Ok(Doing::AsAsked),
        Call::Bind(address) => match name(address) {
            Name::Abstract | Name::None => Ok(Doing::OnBehalf),
            // Whoever asks for the name is to see it as it was given, below the caller's root and directory.
            Name::Path => REFUSED,
        },
        // The one that listens is known to those who connect (`SO_PEERCRED`), and the one that connects to it.
        Call::Listen => REFUSED,
        Call::Connect(address) => match name(address) {
            Name::None => Ok(Doing::OnBehalf),
            // Datagrams are known by who sends them, not by who connected.
            Name::Path if socket.kind == SOCK_DGRAM => Ok(Doing::ByPath),
            Name::Path | Name::Abstract => REFUSED,
        },
        // Others take no address, or do not look at it.
        Call::Send(_) if socket.kind != SOCK_DGRAM => Ok(Doing::OnBehalf),
        Call::Send(address) => match name(address) {
            Name::None => Ok(Doing::OnBehalf),
            Name::Path => Ok(Doing::ByPath),
            // The kernel would not know whose reach it is in (Landlock's scope of abstract names).
            Name::Abstract => REFUSED,
        },
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    /// Of no use: the kernel says what is wrong, or needs none.
    None,
    Path,
    Abstract,
}

/// What a `struct sockaddr_un` names (unix(7)).
fn name(address: &[u8]) -> Name {
    let Some((family, path)) = address.split_first_chunk::<2>() else { return Name::None };
    match path.first() {
        _ if i32::from(u16::from_ne_bytes(*family)) != AF_UNIX => Name::None,
        None => Name::None,
        Some(0) => Name::Abstract,
        Some(_) => Name::Path,
    }
}
