//! The sequence that puts the command into its context.
//!
//! Two processes take part. The one that becomes the command confines itself and then executes it; the other becomes the
//! supervisor (`handshake`). Which process is the command is the difference between the models.

mod detach;
mod error;
mod exec_model;
mod handshake;
mod launch;
mod parent_model;
mod shim_only;
mod voice;

pub use error::{Error, Step};
pub use launch::launch;
pub use voice::{Progress, Voice};
