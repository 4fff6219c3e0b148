//! What a rule answers, as a value: log lines, explanations and tests are made from the same one.

use crate::context::Context;
use crate::errno::Errno;
use crate::socket::{Family, Transport};
use core::fmt;
use core::net::IpAddr;

/// The answer to one call: do this with these addresses instead of the caller's (or, where there is nothing to change,
/// let it run as it is), or fail.
pub type Verdict<P> = Result<P, Refusal>;

/// A call that fails, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The number that the program sees.
    pub errno: Errno,
    /// Why, for a person.
    pub reason: Reason,
}

impl Refusal {
    /// A call that the kernel would fail in the same way outside a context.
    pub const fn native(errno: Errno) -> Self {
        Refusal { errno, reason: Reason::Native }
    }

    /// A call that fails by a rule.
    pub const fn new(errno: Errno, reason: Reason) -> Self {
        Refusal { errno, reason }
    }
}

/// Why a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The kernel would have said the same without a context.
    Native,
    /// The address is not one of the context's.
    NotAssigned,
    /// The context was told to have no loopback.
    LoopbackDenied,
    /// The context has no address of this family.
    NoFamily(Family),
    /// The socket came in from outside, bound to this address, which is not the context's.
    BoundOutside(IpAddr),
    /// A control message or socket option names this address as the source, and it is not the context's.
    ForeignSource(IpAddr),
    /// The option or control message could give packets another source or path.
    SourceOption,
    /// A filter of its own would be, or is, locked before a socket that has no port yet.
    OwnFilter,
    /// Multicast is not switched on.
    Multicast,
    /// No rule allows this port, and there are rules that allow others.
    PortNotAllowed(u16, Transport),
    /// A rule denies this port.
    PortDenied(u16, Transport),
    /// No rule allows this peer, and there are rules that allow others.
    PeerNotAllowed,
    /// A rule denies this peer.
    PeerDenied,
    /// Sockets of this protocol family, type or protocol could get around the context.
    SocketKind,
    /// MPTCP is for none; programs fall back to TCP by themselves.
    Multipath,
    /// The socket belongs to another network namespace.
    OtherNamespace,
    /// The socket is of a family that others know the caller by, and another thread could put a different one in its place.
    SharedTable,
    /// The message names its sender, and would be sent by another process.
    NamedSender,
    /// The process cannot be looked into: it is not dumpable or has more capabilities than the supervisor, and that has no
    /// CAP_SYS_PTRACE.
    Unreadable,
}

/// To whom a refusal is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// To nobody: the program gets what it would get anywhere.
    Nobody,
    /// To those who asked for details: programs meet it all the time and go on by themselves.
    Verbose,
    /// To the person.
    Everybody,
}

impl Reason {
    /// To whom this is told.
    pub fn audience(&self) -> Audience {
        match self {
            Reason::Native => Audience::Nobody,
            Reason::NoFamily(_) | Reason::Multipath => Audience::Verbose,
            _ => Audience::Everybody,
        }
    }

    /// The reason in words, for the context it arose in.
    pub fn describe<'a>(&'a self, context: &'a Context<'a>) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| {
            match self {
            Reason::Native => f.write_str("as the kernel would"),
            Reason::NotAssigned => write!(f, "not an address of this context ({})", list(context, |_| true)),
            Reason::LoopbackDenied => f.write_str("this context has no loopback (--loopback deny)"),
            Reason::NoFamily(Family::V4) => f.write_str("this context has no IPv4 address"),
            Reason::NoFamily(Family::V6) => f.write_str("this context has no IPv6 address"),
            Reason::BoundOutside(ip) if ip.is_unspecified() => write!(
                f,
                "the socket was bound outside this context to every address of the host, not to one of the context's \
                 ({})",
                list(context, |_| true)
            ),
            Reason::BoundOutside(ip) => write!(
                f,
                "the socket was bound outside this context to {ip}, not an address of the context ({})",
                list(context, |_| true)
            ),
            Reason::ForeignSource(ip) => {
                write!(f, "it asks for the source {ip}, not an address of this context ({})", list(context, |_| true))
            }
            Reason::SourceOption => f.write_str("it could change the source or the route of packets"),
            Reason::OwnFilter => f.write_str(
                "the socket's filter was locked before it had a port, so the context cannot install its own",
            ),
            Reason::Multicast => f.write_str("multicast is not allowed in this context"),
            Reason::PortNotAllowed(port, transport) => {
                write!(f, "port {port}/{} is not among those that may be bound (--allow-bind)", transport.name())
            }
            Reason::PortDenied(port, transport) => {
                write!(f, "port {port}/{} may not be bound (--deny-bind)", transport.name())
            }
            Reason::PeerNotAllowed => f.write_str("not among the peers that may be reached (--allow-connect)"),
            Reason::PeerDenied => f.write_str("this peer may not be reached (--deny-connect)"),
            Reason::SocketKind => f.write_str("sockets of this kind are not allowed in a context"),
            Reason::Multipath => f.write_str("MPTCP is not for contexts; programs fall back to TCP"),
            Reason::OtherNamespace => f.write_str("the socket belongs to another network namespace"),
            Reason::SharedTable => f.write_str(
                "another thread could put a different socket in its place meanwhile (--strict): it would have to be done \
                 before there are threads",
            ),
            Reason::NamedSender => f.write_str("it names its sender, who has threads and cannot send it (--strict)"),
            Reason::Unreadable => f.write_str(
                "the supervisor may not look into the process (it is not dumpable, or has more capabilities)",
            ),
        }
        })
    }
}

/// Something that was done, but not in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// A wildcard was narrowed to `served`; the context has other addresses that it would have covered: those of
    /// `family`, or all where there is none.
    Narrowed {
        /// The address that is bound.
        served: IpAddr,
        /// The family that the wildcard stood for, `None` for both.
        family: Option<Family>,
    },
}

impl Note {
    /// The note in words, for the context it arose in.
    pub fn describe<'a>(&'a self, context: &'a Context<'a>) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| match *self {
            Note::Narrowed { served, family } => {
                // A link-local address may be there a second time, on another interface.
                let first = context.addresses.iter().position(|a| a.ip() == served);
                let covered = move |ip: IpAddr| family.is_none_or(|family| Family::of(ip) == family);
                let unserved = move |(n, ip): (usize, IpAddr)| Some(n) != first && covered(ip);
                write!(f, "serves {served} only, not {}", list(context, unserved))
            }
        })
    }
}

fn list<'a>(context: &'a Context<'a>, keep: impl Fn((usize, IpAddr)) -> bool + Copy + 'a) -> impl fmt::Display + 'a {
    fmt::from_fn(move |f| {
        let kept = context.addresses.iter().map(|a| a.ip()).enumerate().filter(|at| keep(*at));
        for (n, (_, ip)) in kept.enumerate() {
            if n > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{ip}")?;
        }
        Ok(())
    })
}
