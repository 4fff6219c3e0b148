//! A program file, as execve(2) sees it: the interpreters of a script, the ELF program in the end, and what stands in the
//! way of loading chbind's library into that.
//!
//! What `binfmt_misc` runs is not seen: such files are taken for what they are without it.

pub mod capabilities;
pub mod elf;
mod error;
mod inspect;
mod inspection;
pub mod locate;
mod obstacle;
pub mod script;
mod source;

pub use elf::{Class, Elf, Machine, SYSCALL, checked};
pub use error::Error;
pub use inspect::{DEPTH, inspect};
pub use inspection::{Inspection, Step};
pub use obstacle::{Libc, Obstacle, Why};

#[cfg(test)]
mod tests;
