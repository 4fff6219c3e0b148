//! What goes wrong in the set-up.

use super::form::Words;
use super::form::said;
use super::preflight::{ALREADY_INSIDE, ALREADY_INSIDE_HINT, OTHER_THREADS, OTHER_THREADS_HINT};
use crate::cli::exit::FAILED;
use crate::setup::{Error, Step};

impl Step {
    /// In words that follow "cannot".
    fn act(self) -> &'static str {
        match self {
            Step::WatchForChildren => "watch for children",
            Step::BlockSignals => "block signals",
            Step::MakeChannel => "make a channel to the supervisor",
            Step::StartSupervisor => "start the supervisor",
            Step::AdoptOrphans => "adopt orphans",
            Step::StartCommand => "start the command",
            Step::RestoreSignals => "restore signals",
            Step::ReportCommand => "report the command",
            Step::InstallFilter => "install the seccomp filter",
            Step::WatchCommand => "watch the command",
            Step::Detach | Step::DropDescriptors => "detach the supervisor",
            Step::IgnoreSignals => "ignore signals",
            Step::RaiseDescriptors => "raise the limit of descriptors",
            Step::LimitMemory => "limit the supervisor's memory",
            Step::NameSupervisor => "name the supervisor",
            Step::AwaitListener => "wait for the listener",
            Step::FetchListener => "fetch the listener",
            Step::ReadMemory => "read the command's memory",
            Step::ReachDescriptors => "reach the command's descriptors",
            Step::ListenForName => "let the context be found",
            Step::HoldNumber => "hold the number of the context",
            Step::WatchForSignals => "watch for signals",
            Step::EndAsCommand => "end as the command did",
        }
    }
}

impl Error {
    /// What another room has words for.
    fn cause(&self) -> Option<&dyn Words> {
        match self {
            Error::Privileges(error) => Some(error),
            Error::Serving(error) => Some(error),
            Error::Command(error) => Some(error),
            Error::Step(..)
            | Error::OtherThreads
            | Error::AlreadyInside
            | Error::Supervisor(_)
            | Error::NoSupervisor => None,
        }
    }
}

impl Words for Error {
    fn sentence(&self) -> String {
        match self {
            Error::Step(step, errno) => format!("cannot {}: {}", step.act(), said(*errno)),
            Error::OtherThreads => OTHER_THREADS.to_owned(),
            Error::AlreadyInside => ALREADY_INSIDE.to_owned(),
            Error::Supervisor(why) => format!("cannot start the supervisor: {why}"),
            Error::NoSupervisor => "the supervisor ended before it was ready".to_owned(),
            _ => self.cause().map(Words::sentence).unwrap_or_default(),
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Error::OtherThreads => Some(OTHER_THREADS_HINT),
            Error::AlreadyInside => Some(ALREADY_INSIDE_HINT),
            Error::Supervisor(_) => Some("the system call filter of a container or service may forbid it"),
            _ => self.cause().and_then(Words::hint),
        }
    }

    fn status(&self) -> u8 {
        self.cause().map_or(FAILED, Words::status)
    }
}
