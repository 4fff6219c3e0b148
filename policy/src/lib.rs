//! The rules of a network context.
//!
//! Every function here is a pure decision: it takes the [`Context`], what is known of the socket and the call as the
//! caller wrote it, and gives back a [`Verdict`]. Nothing is read, written or looked up, so each shell (the
//! supervisor, the shim) asks the same question and gets the same answer. What a rule needs to know of the world
//! beyond its arguments it asks of a [`Host`], lazily.
//!
//! One module a call: [`socket`], [`bind`], [`listen`], [`connect`], [`send`], [`option`](mod@option), [`name`]; and
//! [`others`] for sockets that have no such address.
//!
//! The crate needs no `std`, does not allocate and has no `unsafe`.
#![no_std]
#![forbid(unsafe_code)]

pub mod bind;
pub mod bpf;
pub mod confinement;
pub mod connect;
mod context;
pub mod control;
pub mod guard;
pub mod listen;
pub mod name;
pub mod option;
pub mod others;
pub mod perform;
pub mod rules;
pub mod send;
pub mod served;
pub mod sockaddr;
pub mod socket;
mod source;
mod subject;
mod verdict;
pub mod wire;

pub use context::{Assigned, Context, Family, Loopback};
pub use rules::Rules;
pub use socket::{Socket, Transport};
pub use subject::Subject;
pub use verdict::{Note, Reason, Refusal, Telling, Verdict};

use core::net::{IpAddr, SocketAddr};

/// What a rule may ask of the world.
pub trait Host {
    /// The source address that the kernel's routing would choose for `destination` (canonical), `None` where it has no
    /// route.
    fn preferred_source(&self, destination: SocketAddr) -> Option<IpAddr>;

    /// Whether the socket is bound to a device (`SO_BINDTODEVICE`): then it leaves the host by that, even for loopback.
    fn is_on_device(&self) -> bool;

    /// The address of `family` at which this context itself serves `port` of what a program inside takes for its loopback,
    /// where that is known: the loopback address for a socket that hears it, an assigned address for one whose wildcard
    /// was narrowed.
    fn serves(&self, transport: Transport, family: Family, port: u16) -> Option<IpAddr>;
}
