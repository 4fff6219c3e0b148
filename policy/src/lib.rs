//! The rules of a network context.
//!
//! Every rule here is a pure decision: it takes the [`Context`], what is known of the socket and the call as the
//! caller wrote it, and gives back a [`Verdict`]. Nothing is read, written or looked up, so each shell (the
//! supervisor, the shim) asks the same question and gets the same answer. What a rule needs to know of the world
//! beyond its arguments it asks of a [`Host`], lazily.
//!
//! One module a call: [`create`], [`bind`], [`listen`], [`connect`], [`send`], [`option`](mod@option), [`name`]; and
//! [`non_inet`] for sockets that have no such address. How verdicts are carried out on a socket, in the same order by each
//! shell, is in [`perform`], over traits: this crate itself acts on nothing.
//!
//! The crate needs no `std`, does not allocate and has no `unsafe`.
#![no_std]
#![forbid(unsafe_code)]

mod access;
pub mod bind;
pub mod bpf;
pub mod confinement;
pub mod connect;
mod context;
pub mod control;
pub mod create;
mod errno;
mod host;
pub mod listen;
pub mod local;
pub mod loopback_services;
pub mod name;
mod named_source;
pub mod non_inet;
pub mod option;
pub mod perform;
pub mod rules;
pub mod send;
pub mod sock_diag;
pub mod sockaddr;
mod socket;
mod source;
mod subject;
mod target;
mod verdict;
mod wildcard;
pub mod wildcard_filter;
pub mod wire;

pub use context::{Assigned, Context, Loopback};
pub use errno::Errno;
pub use host::Host;
pub use local::LocalAddr;
pub use rules::Rules;
pub use socket::{Family, Socket, Transport};
pub use subject::Subject;
pub use verdict::{Audience, Note, Reason, Refusal, Verdict};
