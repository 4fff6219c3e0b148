//! What can go wrong while a command is put into its context.

use crate::plan::command;
use crate::sys::{Errno, Number, fork};
use crate::{privileges, supervisor};

/// Why the command does not run.
#[derive(Debug)]
pub enum Error {
    /// The kernel did not let a step be done.
    Step(Step, Errno),
    /// This process has threads that are not its own, and so cannot have children.
    OtherThreads,
    /// A seccomp listener is above this process already.
    AlreadyInside,
    /// A process could not give up what it should not have.
    Privileges(privileges::Error),
    /// The supervisor's threads could not be started.
    Serving(supervisor::Error),
    /// The command's side was told by the supervisor's why there is none, in its words.
    Supervisor(String),
    /// The supervisor ended before it was ready.
    NoSupervisor,
    /// The command could not be executed.
    Command(command::Error),
}

/// The steps of the set-up that are the kernel's to grant, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The end of children is to be told.
    WatchForChildren,
    /// The process in front keeps signals until there is a command to pass them on to.
    BlockSignals,
    /// The command's side and the supervisor's talk to each other.
    MakeChannel,
    /// The supervisor is forked.
    StartSupervisor,
    /// What the command leaves behind becomes the supervisor's.
    AdoptOrphans,
    /// The command is forked.
    StartCommand,
    /// The command gets the signals that chbind was started with.
    RestoreSignals,
    /// The process in front is told which process the command is.
    ReportCommand,
    /// The command's side comes under the filter.
    InstallFilter,
    /// The end of the command is to be told.
    WatchCommand,
    /// The supervisor leaves the session and the directory that it was started in.
    Detach,
    /// The supervisor ignores what ends others.
    IgnoreSignals,
    /// The supervisor lets go of inherited descriptors.
    DropDescriptors,
    /// The supervisor may have as many descriptors as it is allowed.
    RaiseDescriptors,
    /// The supervisor's memory is bounded.
    LimitMemory,
    /// The supervisor is called by the number of its context.
    NameSupervisor,
    /// The number of the listener comes from the command's side.
    AwaitListener,
    /// The listener is fetched from there.
    FetchListener,
    /// The command's memory can be read.
    ReadMemory,
    /// The command's descriptors can be reached.
    ReachDescriptors,
    /// The supervisor is found by the name of the context.
    ListenForName,
    /// A process holds the number of a context that has no supervisor.
    HoldNumber,
    /// The process in front waits for signals to pass on.
    WatchForSignals,
    /// The process in front ends as the command did.
    EndAsCommand,
}

impl Error {
    /// For `map_err`: the step that failed.
    pub(super) fn step<E: Number>(step: Step) -> impl FnOnce(E) -> Error {
        move |errno| Error::Step(step, errno.errno())
    }

    /// For `map_err`: the step that takes a child.
    pub(super) fn forking(step: Step) -> impl FnOnce(fork::Error) -> Error {
        move |error| match error {
            fork::Error::OtherThreads => Error::OtherThreads,
            fork::Error::Failed(errno) => Error::Step(step, errno),
        }
    }

    /// For `map_err`: a step that hears from another process, or tells it. An end in the middle of a message has no number.
    pub(super) fn channel(step: Step) -> impl FnOnce(std::io::Error) -> Error {
        move |error| Error::Step(step, Errno(error.raw_os_error().unwrap_or(libc::EPIPE)))
    }
}

impl From<privileges::Error> for Error {
    fn from(error: privileges::Error) -> Self {
        Error::Privileges(error)
    }
}
