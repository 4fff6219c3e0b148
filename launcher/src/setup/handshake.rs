//! The two sides of the set-up, and what they say to each other over a socket pair:
//!
//! 1. the command's side installs the filter, drops capabilities, and names the listener (its descriptor number, 4 bytes);
//! 2. the supervisor fetches the listener with pidfd_getfd (it could not be sent: sending is what the listener holds
//!    back), gets ready, and answers with what is wrong (length, 4 bytes, and as much text; 0 is ready);
//! 3. the command's side executes the command.

use super::detach::detach;
use super::error::{Error, Step};
use super::voice::{Progress, Voice};
use crate::plan::{Enforcement, Plan};
use crate::privileges::capabilities;
use crate::privileges::landlock::{Floor, restrict_with_landlock};
use crate::program;
use crate::supervisor::{self, Assignment, Child};
use crate::sys::memory::{self, Piece};
use crate::sys::process::exit_now;
use crate::sys::seccomp::{self, Instruction, Listener, Wait};
use crate::sys::{pidfd, process, socket};
use nix::sys::prctl;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// The most memory of a supervisor: 4096 threads with stacks of 128 KiB, 256 MiB for what callers send, and as much again
/// for all else, which is far more than was ever seen.
const MEMORY_MAX: u64 = 1 << 30;

/// A pair of connected sockets for the two sides.
pub(super) fn make_channel() -> Result<(UnixStream, UnixStream), Error> {
    UnixStream::pair().map_err(Error::channel(Step::MakeChannel))
}

/// Puts this process under the filter for good.
fn install_filter(filter: &[Instruction]) -> Result<(OwnedFd, Wait), Error> {
    seccomp::install(filter).map_err(|errno| match errno.0 {
        libc::EBUSY => Error::AlreadyInside,
        _ => Error::Step(Step::InstallFilter, errno),
    })
}

/// The command's side: confines itself, waits for the supervisor, executes. `intermediate` is a child to be waited
/// for: the command must not find it.
pub(super) fn become_command(
    plan: &Plan,
    mut supervisor: UnixStream,
    intermediate: Option<Pid>,
    env: Vec<(OsString, OsString)>,
    voice: &dyn Voice,
) -> Result<Infallible, Error> {
    capabilities::renounce_if_unprivileged()?;
    // The shim binds and connects by itself.
    if plan.enforcement != Enforcement::Hybrid && restrict_with_landlock(plan.strict)? == Floor::Missing && plan.verbose
    {
        voice.progress(Progress::NoFloor);
    }
    let (listener, wait) = install_filter(&plan.filter)?;
    if wait == Wait::Interruptible && plan.verbose {
        voice.progress(Progress::InterruptibleWaits);
    }
    capabilities::shed_capabilities(&plan.keep)?;
    supervisor.write_all(&listener.as_raw_fd().to_ne_bytes()).map_err(|_| Error::NoSupervisor)?;
    let mut length = [0; 4];
    supervisor.read_exact(&mut length).map_err(|_| Error::NoSupervisor)?;
    if u32::from_ne_bytes(length) != 0 {
        let mut why = String::new();
        // As much as there is to be had.
        let _ = supervisor.read_to_string(&mut why);
        return Err(Error::Supervisor(why));
    }
    drop(listener);
    drop(supervisor);
    if let Some(intermediate) = intermediate {
        waitpid(intermediate, None).map_err(Error::step(Step::StartSupervisor))?;
    }
    execute(plan, env)
}

/// Becomes the command.
pub(super) fn execute(plan: &Plan, env: Vec<(OsString, OsString)>) -> Result<Infallible, Error> {
    process::restore_signals().map_err(Error::step(Step::RestoreSignals))?;
    let env = match &plan.shim {
        Some(shim) if !takes_rights(plan) => shim.environment(env),
        _ => env,
    };
    // Everything else that is open here is close-on-exec.
    Err(Error::Command(plan.command.exec(env)))
}

/// Whether the command gets rights by its file: then the shim is not loaded into it, and the secret is not for it.
fn takes_rights(plan: &Plan) -> bool {
    let keeps = prctl::get_no_new_privs().unwrap_or(false);
    let obstacle = program::inspect(plan.command.path()).ok().and_then(|found| found.obstacle());
    !keeps && obstacle.is_some_and(|obstacle| obstacle.why.is_of_rights())
}

/// From now on it is this process that is found by the name.
pub(super) fn listening(held_name: OwnedFd) -> Result<OwnedFd, Error> {
    socket::listen(held_name.as_fd(), supervisor::ASKING_AT_ONCE).map_err(Error::step(Step::ListenForName))?;
    Ok(held_name)
}

/// The supervisor's side. `command` is the process that will be the command.
pub(super) fn supervise(
    plan: Plan,
    mut channel: UnixStream,
    command: Pid,
    child: Option<Child>,
    voice: &dyn Voice,
) -> ! {
    let serving = prepare(plan, &mut channel, command, child)
        .and_then(|assignment| supervisor::start(assignment).map_err(Error::Serving));
    match serving {
        Ok(serving) => {
            answer(&channel, Ok(()));
            drop(channel);
            serving.watch()
        }
        Err(error) => {
            // The command's side tells of it, and runs nothing.
            answer(&channel, Err(voice.words(&error)));
            exit_now(1)
        }
    }
}

/// Tells the command's side that the supervisor is ready, or why there is none.
pub(super) fn answer(channel: &UnixStream, ready: Result<(), String>) {
    let why = ready.err().unwrap_or_default();
    let mut answer = u32::try_from(why.len()).unwrap_or(u32::MAX).to_ne_bytes().to_vec();
    answer.extend(why.bytes());
    // The other side sees the end of the channel if this fails.
    let _ = (&*channel).write_all(&answer);
}

/// Detaches this process from everything that it inherited, and fetches the listener.
fn prepare(plan: Plan, channel: &mut UnixStream, command: Pid, child: Option<Child>) -> Result<Assignment, Error> {
    let handle = pidfd::open(command.as_raw(), pidfd::Of::Process).map_err(Error::step(Step::WatchCommand))?;
    let messages = if plan.quiet { None } else { std::io::stderr().as_fd().try_clone_to_owned().ok() };
    let mut kept: Vec<BorrowedFd> = vec![handle.as_fd(), plan.nid.holder.as_fd(), channel.as_fd()];
    kept.extend(messages.as_ref().map(AsFd::as_fd));
    kept.extend(plan.held_name.as_ref().map(AsFd::as_fd));
    if let Some(child) = &child {
        kept.extend([child.reports.as_fd(), child.signals.as_fd()]);
    }
    detach(&kept)?;
    process::allow_all_descriptors().map_err(Error::step(Step::RaiseDescriptors))?;
    process::limit_memory(MEMORY_MAX).map_err(Error::step(Step::LimitMemory))?;
    if let Ok(name) = CString::new(format!("chbind/{}", plan.nid.number)) {
        prctl::set_name(&name).map_err(Error::step(Step::NameSupervisor))?;
    }

    let mut number = [0; 4];
    channel.read_exact(&mut number).map_err(Error::channel(Step::AwaitListener))?;
    let listener_number = i32::from_ne_bytes(number);
    let listener = pidfd::duplicate(handle.as_fd(), listener_number).map_err(Error::step(Step::FetchListener))?;
    // With the rights that will be left: what does not work now would never work.
    capabilities::confine_supervisor(&plan.keep, plan.strict)?;
    let probe = [Piece::new((&raw const number) as u64, 1)];
    memory::read(command.as_raw(), &probe, &mut [0]).map_err(Error::step(Step::ReadMemory))?;
    pidfd::duplicate(handle.as_fd(), listener_number).map_err(Error::step(Step::ReachDescriptors))?;
    Ok(Assignment {
        listener: Listener::new(listener),
        context: plan.context,
        strict: plan.strict,
        hybrid: plan.enforcement == Enforcement::Hybrid,
        name: plan.name,
        messages,
        verbose: plan.verbose,
        command: handle,
        network: plan.network,
        nid: plan.nid.holder,
        held_name: plan.held_name.map(listening).transpose()?,
        child,
    })
}
