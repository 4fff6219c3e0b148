//! The supervisor: answers the calls that the filter holds back.
//!
//! One thread, the leader, waits for notifications and answers them in turn. Before it does anything that may block it
//! hands the lead to another ([`threads::leader`]) and blocks on its caller's behalf alone. The main thread watches
//! ([`threads::watchdog`]): for signals to callers whose calls are blocked, for the end of the command, for the end of the context.

mod caller;
mod calls;
mod log;
mod socket;
pub mod status;
mod threads;

pub use threads::watchdog::Child;

use crate::privileges::network_owner::NetworkOwner;
use crate::procfs;
use crate::seccomp::supervisor_filter;
use crate::sys::process::Identity;
use crate::sys::seccomp::Listener;
use crate::sys::{self, pidfd};
use caller::descriptors::Handles;
use chbind_policy::{Context, Transport};
use libc::pid_t;
use log::events::Teller;
use log::port_conflict::Collisions;
use socket::host::RouteTable;
use socket::lock::Acts;
use socket::loopback_services::Served;
use socket::recent::Remembered;
use socket::wildcard_filter::Guard;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use threads::blocked::Pending;
use threads::leader::Crew;
use threads::{watchdog, worker};

/// Who asks for a context by its name at the same time; it takes a moment each.
pub const ASKING_AT_ONCE: i32 = 64;

/// All that a supervisor is given.
pub struct Assignment {
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

/// What all threads of the supervisor share.
struct Shared {
    listener: Listener,
    context: &'static Context<'static>,
    strict: bool,
    hybrid: bool,
    /// Who the supervisor is.
    own: Identity,
    network: NetworkOwner,
    netns_cookie: u64,
    handles: Handles,
    crew: Crew,
    acts: Acts,
    pending: Pending,
    served: Served,
    guard: Guard,
    /// Sockets that were given a wildcard which they may share. One that is forgotten makes the next socket on its port take
    /// one address.
    sharing: Remembered,
    /// Sockets that the program bound to an address and no port. One that is forgotten counts as pinned (see [`socket::tracked`]).
    chosen: Remembered,
    routes: RouteTable,
    teller: Teller,
    collisions: Collisions,
    _nid: OwnedFd,
    held_name: Option<OwnedFd>,
}

impl Shared {
    /// An address and port that `tid` asked for were taken. Who has them is found out by the main thread, in its time.
    fn collided(&self, tid: pid_t, address: SocketAddr, transport: Transport) {
        if self.collisions.add(tid, address, transport) {
            self.pending.wake_up();
        }
    }
}

/// A supervisor whose threads answer calls.
pub struct Serving {
    shared: &'static Shared,
    command: OwnedFd,
    child: Option<Child>,
}

impl Serving {
    /// Watches over it until the context is empty, then ends the process.
    pub fn watch(self) -> ! {
        watchdog::run(self.shared, self.command, self.child)
    }
}

/// Begins to answer calls.
pub fn start(assignment: Assignment) -> sys::Result<Serving> {
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
    sys::signal::prepare_nudge()?;
    // Older kernels answer as surely, only slower.
    let _ = listener.wake_in_turn();
    let netns_cookie = sys::socket::netns_cookie(nid.as_fd())?;
    let of = match pidfd::open(sys::signal::own_tid(), pidfd::Of::Thread) {
        Ok(_) => pidfd::Of::Thread,
        Err(_) => pidfd::Of::Process,
    };
    let own = procfs::identity(sys::signal::own_tid()).ok_or(sys::Errno(libc::ESRCH))?;
    let shared: &'static Shared = Box::leak(Box::new(Shared {
        listener,
        context,
        strict,
        hybrid,
        own,
        network,
        netns_cookie,
        handles: Handles::new(of),
        crew: Crew::default(),
        acts: Acts::default(),
        pending: Pending::new()?,
        served: Served::new(context),
        guard: Guard::new(context),
        sharing: Remembered::at_most(1024),
        chosen: Remembered::at_most(8192),
        routes: RouteTable::default(),
        teller: Teller::new(name, messages, verbose),
        collisions: Collisions::default(),
        _nid: nid,
        held_name,
    }));
    let program = supervisor_filter::program(strict).map_err(|_| sys::Errno(libc::EINVAL))?;
    sys::seccomp::confine(&program)?;
    if shared.crew.enlist(move || worker::run(shared)).is_err() {
        return Err(sys::Errno(libc::EAGAIN));
    }
    Ok(Serving { shared, command, child })
}
