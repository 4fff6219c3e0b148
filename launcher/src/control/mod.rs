//! What `chbindctl` does.

mod error;
mod find;
mod inspect;

pub use error::Error;
pub use find::find;
pub use inspect::inspect;
