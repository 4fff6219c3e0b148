//! What a person types and reads. Words, hints and exit statuses are here and nowhere else, but for what is told while a
//! context runs.
//!
//! Where a function gives an exit status as its error, whatever is to be said of it has been said on standard error.

pub mod chbind;
pub mod chbindctl;
pub mod exit;
mod help;
pub mod report;
mod usage;
mod values;
pub mod words;

/// The name that messages of chbind begin with.
pub const CHBIND: &str = "chbind";
/// The name that messages of chbindctl begin with.
pub const CHBINDCTL: &str = "chbindctl";
