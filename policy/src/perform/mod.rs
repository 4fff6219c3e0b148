//! How a verdict is carried out on a socket, the same by whoever does it.
//!
//! [`socket`] has the steps that the kernel asks for. [`connect()`] and [`send()`] put them in order, each from the look at the
//! socket to the clean-up: there is one of each for the supervisor, which acts on duplicates of its callers' sockets, and for
//! the shim, which acts in the program itself. Where these two have to differ, the difference is a hook of [`Shell`],
//! [`Connects`] or [`Sends`], and its documentation says why.
//!
//! # Errors
//!
//! The steps, and [`Shell::pin`], give the kernel's errno for the call that has failed. The other hooks, [`connect()`]
//! and [`send()`] give the [`Stop`] of their shell, made from such an errno or from the [`Refusal`](crate::Refusal) of
//! a rule. Each shell has one more, which has no [errno](Stop::errno):
//!
//! - The supervisor finds that its caller no longer waits. Nothing is left to answer, and nothing more is done.
//!   [`Shell::enter`] and what blocks can end so.
//! - The shim finds that the supervisor has to make the call (`--enforce hybrid`). Where a hook says that the shim
//!   *asks the supervisor*, it does so under hybrid; under preload there is none to ask, and it goes on.

pub mod connect;
pub mod send;
pub mod shell;
pub mod socket;

pub use connect::{Connects, connect};
pub use send::{Message, Sends, send};
pub use shell::{Permit, Shell, Stop, has_failed};
pub use socket::{
    Endpoint, IP_UNICAST_IF, IPV6_UNICAST_IF, Look, Result, dry_run, fix_source, holds_port, keep_port, local,
    multicast_source, pin, pin_at_birth, repin, similar_socket, take_port, unfix_source, unpin,
};
