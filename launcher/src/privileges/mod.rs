//! What a process may do: its capabilities, the Landlock floor, and whose rights count in the network namespace.

pub(crate) mod capabilities;
mod error;
pub(crate) mod landlock;
pub(crate) mod network_owner;

pub(crate) use error::Error;
