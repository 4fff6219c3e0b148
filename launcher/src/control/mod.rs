//! What `chbindctl` does.

mod error;
mod find;
mod inspect;

pub(crate) use error::Error;
pub(crate) use find::find;
pub(crate) use inspect::inspect;
