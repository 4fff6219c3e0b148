//! The two sides of the set-up, and what they say to each other over a socket pair:
//!
//! 1. the command's side installs the filter, drops capabilities, and names the listener (its descriptor number, 4 bytes);
//! 2. the supervisor fetches the listener with pidfd_getfd (it could not be sent: sending is what the listener holds
//!    back), gets ready, and answers with what is wrong (length, 4 bytes, and as much text; 0 is ready);
//! 3. the command's side executes the command.

use super::detach::{ignore_signals, keep_only};
use crate::cli::args::Enforce;
use crate::cli::report;
use crate::error::Error;
use crate::plan::Plan;
use crate::privileges::{capabilities, landlock};
use crate::program;
use crate::supervisor::{self, Assignment, Child};
use crate::sys::memory::{self, Piece};
use crate::sys::process::exit_now;
use crate::sys::seccomp::{self, Instruction, Listener, Wait};
use crate::sys::{Errno, pidfd, process, socket};
use nix::sys::prctl;
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, chdir, setsid};
use std::ffi::{CString, OsString};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

/// The most memory of a supervisor: 4096 threads with stacks of 128 KiB, 256 MiB for what callers send, and as much again
/// for all else, which is far more than was ever seen.
const MEMORY_MAX: u64 = 1 << 30;

/// A pair of connected sockets for the two sides.
pub(super) fn talk() -> Result<(UnixStream, UnixStream), Error> {
    UnixStream::pair().map_err(io("make a channel to the supervisor"))
}

/// For `map_err`: an I/O error in a step.
pub(super) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |error| Error::Step(what, Errno(error.raw_os_error().unwrap_or(libc::EPIPE)))
}

/// Puts this process under the filter for good.
fn install_filter(program: &[Instruction]) -> Result<(OwnedFd, Wait), Error> {
    seccomp::install(program).map_err(|errno| match errno.0 {
        libc::EBUSY => Error::AlreadyInside,
        _ => Error::Step("install the seccomp filter", errno),
    })
}

/// The command's side: confines itself, waits for the supervisor, executes. `between` is a child to be waited for: the
/// command must not find it.
pub(super) fn become_command(
    plan: &Plan,
    mut supervisor: UnixStream,
    between: Option<Pid>,
    env: Vec<(OsString, OsString)>,
) -> Result<u8, Error> {
    capabilities::renounce_if_unprivileged()?;
    // The shim binds and connects by itself.
    let floor = plan.enforce == Enforce::Hybrid || landlock::lay_floor(plan.strict)?;
    if plan.verbose && !floor {
        report::line("no Landlock floor: this kernel lacks it (Linux 6.7 and later have it)");
    }
    let (listener, wait) = install_filter(&plan.program)?;
    if plan.verbose && wait == Wait::Interruptible {
        report::line(
            "signals can interrupt calls that wait for the supervisor: this kernel cannot prevent it (5.19 can)",
        );
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
    if let Some(between) = between {
        waitpid(between, None).map_err(Error::step("start the supervisor"))?;
    }
    execute(plan, env)
}

pub(super) fn execute(plan: &Plan, env: Vec<(OsString, OsString)>) -> Result<u8, Error> {
    process::restore_signals().map_err(Error::step("restore signals"))?;
    let env = match &plan.shim {
        Some(shim) if !takes_rights(plan) => shim.environment(env),
        _ => env,
    };
    // Everything else that is open here is close-on-exec.
    Err(plan.command.exec(env))
}

/// Whether the command gets rights by its file: then the shim is not loaded into it, and the secret is not for it.
fn takes_rights(plan: &Plan) -> bool {
    let keeps = prctl::get_no_new_privs().unwrap_or(false);
    let obstacle = program::inspect(plan.command.path()).ok().and_then(|found| found.obstacle());
    !keeps && obstacle.is_some_and(|obstacle| obstacle.why.is_of_rights())
}

/// From now on it is this process that is found by the name.
pub(super) fn listening(held_name: OwnedFd) -> Result<OwnedFd, Error> {
    socket::listen(held_name.as_fd(), supervisor::ASKING_AT_ONCE).map_err(Error::step("let the context be found"))?;
    Ok(held_name)
}

/// The supervisor's side. `command` is the process that will be the command.
pub(super) fn supervise(plan: Plan, mut channel: UnixStream, command: Pid, child: Option<Child>) -> ! {
    let serving = prepare(plan, &mut channel, command, child)
        .and_then(|assignment| supervisor::start(assignment).map_err(Error::step("start serving")));
    match serving {
        Ok(serving) => {
            answer(&channel, Ok(()));
            drop(channel);
            serving.watch()
        }
        Err(error) => {
            // The command's side tells of it, and runs nothing.
            answer(&channel, Err(error));
            exit_now(1)
        }
    }
}

pub(super) fn answer(channel: &UnixStream, ready: Result<(), Error>) {
    let why = ready.err().map(|error| error.to_string()).unwrap_or_default();
    let mut answer = u32::try_from(why.len()).unwrap_or(u32::MAX).to_ne_bytes().to_vec();
    answer.extend(why.bytes());
    // The other side sees the end of the channel if this fails.
    let _ = (&*channel).write_all(&answer);
}

/// Detaches this process from everything that it inherited, and fetches the listener.
fn prepare(plan: Plan, channel: &mut UnixStream, command: Pid, child: Option<Child>) -> Result<Assignment, Error> {
    let handle = pidfd::open(command.as_raw(), pidfd::Of::Process).map_err(Error::step("watch the command"))?;
    let messages = if plan.quiet { None } else { std::io::stderr().as_fd().try_clone_to_owned().ok() };
    setsid().map_err(Error::step("detach the supervisor"))?;
    ignore_signals()?;
    chdir("/").map_err(Error::step("detach the supervisor"))?;
    let mut kept: Vec<RawFd> = vec![handle.as_raw_fd(), plan.nid.holder.as_raw_fd(), channel.as_raw_fd()];
    kept.extend(messages.as_ref().map(AsRawFd::as_raw_fd));
    kept.extend(plan.held_name.as_ref().map(AsRawFd::as_raw_fd));
    if let Some(child) = &child {
        kept.extend([child.reports.as_raw_fd(), child.signals.as_fd().as_raw_fd()]);
    }
    keep_only(kept)?;
    process::allow_all_descriptors().map_err(Error::step("raise the limit of descriptors"))?;
    process::limit_memory(MEMORY_MAX).map_err(Error::step("limit the supervisor's memory"))?;
    if let Ok(name) = CString::new(format!("chbind/{}", plan.nid.number)) {
        prctl::set_name(&name).map_err(Error::step("name the supervisor"))?;
    }

    let mut number = [0; 4];
    channel.read_exact(&mut number).map_err(io("wait for the listener"))?;
    let listener_number = i32::from_ne_bytes(number);
    let listener = pidfd::duplicate(handle.as_fd(), listener_number).map_err(Error::step("fetch the listener"))?;
    // With the rights that will be left: what does not work now would never work.
    capabilities::confine_supervisor(&plan.keep, plan.strict)?;
    let probe = [Piece::new((&raw const number) as u64, 1)];
    memory::read(command.as_raw(), &probe, &mut [0]).map_err(Error::step("read the command's memory"))?;
    pidfd::duplicate(handle.as_fd(), listener_number).map_err(Error::step("reach the command's descriptors"))?;
    Ok(Assignment {
        listener: Listener::new(listener),
        context: plan.context,
        strict: plan.strict,
        hybrid: plan.enforce == Enforce::Hybrid,
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
