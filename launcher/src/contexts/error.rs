//! What can go wrong with numbers and names of contexts.

use crate::sys::Errno;

/// Why a context has no number or name, or is not found.
#[derive(Debug)]
pub enum Error {
    /// The number is in use.
    NumberTaken(u16),
    /// All numbers are in use.
    NoNumberFree,
    /// A number could not be held.
    HoldNumber(Errno),
    /// A name could not be held.
    HoldName(Errno),
    /// A name could not be looked for.
    FindName(Errno),
    /// The kernel did not say who holds a name.
    AskHolder(Errno),
}
