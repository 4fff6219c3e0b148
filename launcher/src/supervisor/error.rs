//! What can go wrong before calls are answered.

use crate::seccomp;
use crate::sys::Errno;

/// Why no calls are answered.
#[derive(Debug)]
pub enum Error {
    /// The signal that interrupts blocked calls could not be prepared.
    Interrupts(Errno),
    /// The network namespace has no cookie.
    Namespace(Errno),
    /// /proc does not say who this process is.
    NoIdentity,
    /// What wakes the watchdog could not be made.
    Wake(Errno),
    /// The supervisor's own filter could not be made.
    Filter(seccomp::Error),
    /// The kernel did not take the supervisor's own filter.
    Confine(Errno),
    /// No thread could be started.
    NoThread,
}
