//! What the set-up tells while it goes on.

use super::error::Error;
use crate::plan::Plan;

/// What is worth telling whoever asked for details.
pub enum Progress<'a> {
    /// This is going to be set up.
    Begun(&'a Plan),
    /// The kernel lacks Landlock, or a part of what it is asked for.
    NoFloor,
    /// Signals can interrupt calls that wait for the supervisor.
    InterruptibleWaits,
}

/// Who puts it into words, and where they go: the set-up knows neither.
pub trait Voice {
    /// Tells of progress.
    fn progress(&self, progress: Progress);

    /// Tells why this process ends, and gives the exit status that it is to end with.
    fn failed(&self, error: &Error) -> u8;

    /// The words for it, for another process that will tell them.
    fn words(&self, error: &Error) -> String;
}
