//! What the kernel does not offer.

use super::form::Words;
use super::form::said;
use crate::preflight::{Error, Feature};

impl Feature {
    /// What it is called, and the version of Linux that it came with.
    fn name(self) -> (&'static str, &'static str) {
        match self {
            Feature::UserNotification => ("seccomp user notification", "5.0"),
            Feature::PidfdGetfd => ("pidfd_getfd", "5.6"),
            Feature::NetnsCookie => ("SO_NETNS_COOKIE", "5.14"),
            Feature::ThreadHandles => ("handles of threads (pidfd_open with PIDFD_THREAD)", "6.9"),
            Feature::LandlockScopes => {
                ("Landlock with rules for TCP and scopes for signals and abstract names", "6.12")
            }
        }
    }
}

/// For errors of other rooms that come to the same.
pub(super) const ALREADY_INSIDE: &str = "already inside a context, or under another supervisor of system calls";
pub(super) const ALREADY_INSIDE_HINT: &str = "a context cannot be left or nested; start this one from outside";
pub(super) const OTHER_THREADS: &str = "chbind has threads that it did not start";
pub(super) const OTHER_THREADS_HINT: &str = "a library that is preloaded into it (LD_PRELOAD) may have started them";

impl Words for Error {
    fn sentence(&self) -> String {
        match self {
            Error::KernelLacks(feature) => {
                let (what, since) = feature.name();
                format!("this kernel is too old: it lacks {what} (Linux {since} and later have it)")
            }
            Error::StrictNeeds(feature) => {
                let (what, since) = feature.name();
                format!("--strict needs {what}; Linux {since} and later have it where it is switched on")
            }
            Error::NoProc => "/proc is not mounted, or shows the processes of another PID namespace".to_owned(),
            Error::AlreadyInside => ALREADY_INSIDE.to_owned(),
            Error::FindOut(errno) => format!("cannot find out whether this is a context already: {}", said(*errno)),
            Error::OtherThreads => OTHER_THREADS.to_owned(),
            Error::Forbidden(scope) => {
                format!("this host lets nobody look into other processes (kernel.yama.ptrace_scope = {scope})")
            }
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Error::StrictNeeds(_) => Some("without --strict the context is one for honest programs"),
            Error::NoProc => Some("mount it: mount -t proc proc /proc (unshare --mount-proc does it)"),
            Error::AlreadyInside => Some(ALREADY_INSIDE_HINT),
            Error::OtherThreads => Some(OTHER_THREADS_HINT),
            Error::Forbidden(_) => Some("run chbind as root, or lower kernel.yama.ptrace_scope"),
            Error::KernelLacks(_) | Error::FindOut(_) => None,
        }
    }
}
