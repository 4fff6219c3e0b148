//! The supervisor: answers the calls that the filter holds back.
//!
//! One thread, the leader, waits for notifications and answers them in turn. Before it does anything that may block it
//! hands the lead to another (`threads`) and blocks on its caller's behalf alone. The main thread watches
//! (`watchdog`): for signals to callers whose calls are blocked, for the end of the command, for the end of the context.

mod caller;
mod calls;
mod error;
mod log;
mod serve;
mod shared;
mod socket;
pub(crate) mod status;
mod threads;
mod watchdog;

pub(crate) use calls::held_calls;
pub(crate) use error::Error;
pub(crate) use watchdog::Child;

use crate::privileges::network_owner::NetworkOwner;
use crate::procfs;
use crate::seccomp::supervisor_filter;
use crate::sys::seccomp::Listener;
use crate::sys::{self, pidfd};
use caller::descriptors::Descriptors;
use chbind_policy::Context;
use log::events::Log;
use log::port_conflict::Collisions;
use shared::Shared;
use socket::sockets::Sockets;
use std::os::fd::{AsFd, OwnedFd};
use threads::blocked::BlockedCalls;
use threads::leader::Leadership;

/// Who asks for a context by its name at the same time; it takes a moment each.
pub(crate) const ASKING_AT_ONCE: i32 = 64;

/// All that a supervisor is given.
pub(crate) struct Assignment {
    /// Where the calls come from.
    pub listener: Listener,
    /// What they may do.
    pub context: &'static Context<'static>,
    /// Whether the program is taken for hostile.
    pub strict: bool,
    /// Whether the shim makes calls of its own, past the supervisor.
    pub hybrid: bool,
    /// The name of the context in messages.
    pub name: String,
    /// Where messages go while the command lives; `None` for nowhere.
    pub messages: Option<OwnedFd>,
    /// Whether messages for those who asked for details are wanted.
    pub verbose: bool,
    /// A handle of the command.
    pub command: OwnedFd,
    /// Who may bind privileged ports.
    pub network: NetworkOwner,
    /// Held as long as the context lasts: its number.
    pub nid: OwnedFd,
    /// Where it is found by its name.
    pub held_name: Option<OwnedFd>,
    /// The command as a child of this process, where it is one.
    pub child: Option<Child>,
}

/// A supervisor whose threads answer calls.
pub(crate) struct Serving {
    shared: &'static Shared,
    command: OwnedFd,
    child: Option<Child>,
}

impl Serving {
    /// Watches over it until the context is empty, then ends the process.
    pub(crate) fn watch(self) -> ! {
        watchdog::run(self.shared, self.command, self.child)
    }
}

/// Begins to answer calls.
pub(crate) fn start(assignment: Assignment) -> Result<Serving, Error> {
    let Assignment {
        listener,
        context,
        strict,
        hybrid,
        name,
        messages,
        verbose,
        command,
        network,
        nid,
        held_name,
        child,
    } = assignment;
    sys::signal::prepare_interrupt().map_err(Error::Interrupts)?;
    // Older kernels answer as surely, only slower.
    let _ = listener.wake_in_turn();
    let netns_cookie = sys::socket::netns_cookie(nid.as_fd()).map_err(Error::Namespace)?;
    let of = match pidfd::open(sys::signal::own_tid(), pidfd::Of::Thread) {
        Ok(_) => pidfd::Of::Thread,
        Err(_) => pidfd::Of::Process,
    };
    let own = procfs::identity(sys::signal::own_tid()).ok_or(Error::NoIdentity)?;
    let shared: &'static Shared = Box::leak(Box::new(Shared {
        listener,
        context,
        strict,
        own,
        network,
        netns_cookie,
        descriptors: Descriptors::new(of),
        leader: Leadership::default(),
        blocked: BlockedCalls::new().map_err(Error::Wake)?,
        sockets: Sockets::new(context, hybrid),
        log: Log::new(name, messages, verbose),
        collisions: Collisions::default(),
        serve: serve::run,
        _nid: nid,
        held_name,
    }));
    let program = supervisor_filter::program(strict).map_err(Error::Filter)?;
    sys::seccomp::confine(&program).map_err(Error::Confine)?;
    if shared.leader.spawn(shared.follower()).is_err() {
        return Err(Error::NoThread);
    }
    Ok(Serving { shared, command, child })
}
