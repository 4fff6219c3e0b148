//! What a process may do: its capabilities, the Landlock floor, and whose rights count in the network namespace.

pub mod capabilities;
mod error;
pub mod landlock;
pub mod network_owner;

pub use error::Error;
