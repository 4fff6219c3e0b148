//! The sequence that puts the command into its context.
//!
//! Two processes take part. The one that becomes the command confines itself and then executes it; the other becomes the
//! supervisor. They speak over a socket pair:
//!
//! 1. the command's side installs the filter, drops capabilities, and names the listener (its descriptor number, 4 bytes);
//! 2. the supervisor fetches the listener with pidfd_getfd (it could not be sent: sending is what the listener holds
//!    back), gets ready, and answers with what is wrong (length, 4 bytes, and as much text; 0 is ready);
//! 3. the command's side executes the command.

use crate::args::{Enforce, Process};
use crate::confine;
use crate::error::Error;
use crate::plan::Plan;
use crate::supervisor::{self, Assignment, Child};
use crate::sys::memory::{self, Piece};
use crate::sys::process::{Fork, close_range, exit_now, fork};
use crate::sys::seccomp::{Listener, Wait};
use crate::sys::signal::{by_default, ignore};
use crate::sys::{Errno, pidfd, process, socket};
use crate::{parent, program, report};
use chbind_policy::Loopback;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, chdir, getpid, setsid};
use std::ffi::{CString, OsString};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

/// The most memory of a supervisor: 4096 threads with stacks of 128 KiB, 256 MiB for what callers send, and as much again
/// for all else, which is far more than was ever seen.
const MEMORY_MAX: u64 = 1 << 30;

/// Runs the plan. Returns only with an error, or with the exit status of a command that ran as a child.
pub fn launch(plan: Plan) -> Result<u8, Error> {
    // Whoever ignores it leaves no status of a child to wait for.
    by_default(libc::SIGCHLD).map_err(Error::step("watch for children"))?;
    if plan.verbose {
        describe(&plan);
    }
    match (plan.enforce, plan.process) {
        (Enforce::Preload, _) => preloaded(plan),
        (_, Process::Exec) => in_place(plan),
        (_, Process::Parent) => parent::stay(plan),
    }
}

fn describe(plan: &Plan) {
    let addresses: Vec<String> = plan.context.addresses.iter().map(|a| a.ip().to_string()).collect();
    let loopback = match plan.context.loopback {
        Loopback::Remap => format!("127.0.0.1 is {}", plan.context.lback),
        Loopback::Host => "127.0.0.1 is the host's".to_owned(),
        Loopback::Deny => "there is no loopback".to_owned(),
    };
    let (nid, name, addresses) = (plan.nid.number, &plan.name, addresses.join(", "));
    report::line(&format!("context {nid} ({name}): addresses {addresses}; {loopback}"));
    report::line(match (plan.enforce, plan.process) {
        (Enforce::Preload, _) => {
            "the command takes this process's place; the shim in it is all that enforces its context"
        }
        (_, Process::Exec) => "the command takes this process's place; its supervisor is detached",
        (_, Process::Parent) => "this process stays, as the command's parent",
    });
    if plan.enforce == Enforce::Hybrid {
        report::line("the shim answers in the command itself; what it does not see meets the supervisor");
    }
}

/// This process becomes the command; a grandchild, nobody's child, the supervisor.
fn in_place(plan: Plan) -> Result<u8, Error> {
    let (ours, theirs) = talk()?;
    let command = getpid();
    match fork().map_err(Error::step("start the supervisor"))? {
        Fork::Child => match fork() {
            // The command must not have a child that it did not start: the one in between ends at once.
            Ok(Fork::Parent(_)) => exit_now(0),
            Ok(Fork::Child) => {
                drop(ours);
                supervise(plan, theirs, command, None)
            }
            Err(errno) => {
                answer(&theirs, Err(Error::Step("start the supervisor", errno)));
                exit_now(1)
            }
        },
        Fork::Parent(between) => {
            drop(theirs);
            become_command(&plan, ours, Some(Pid::from_raw(between)), std::env::vars_os().collect())
        }
    }
}

/// A pair of connected sockets for the two sides.
pub fn talk() -> Result<(UnixStream, UnixStream), Error> {
    UnixStream::pair().map_err(io("make a channel to the supervisor"))
}

/// For `map_err`: an I/O error in a step.
pub fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |error| Error::Step(what, Errno(error.raw_os_error().unwrap_or(libc::EPIPE)))
}

/// The command's side: confines itself, waits for the supervisor, executes. `between` is a child to be waited for: the
/// command must not find it.
pub fn become_command(
    plan: &Plan,
    mut supervisor: UnixStream,
    between: Option<Pid>,
    env: Vec<(OsString, OsString)>,
) -> Result<u8, Error> {
    confine::renounce_if_unprivileged()?;
    // The shim binds and connects by itself.
    let floor = plan.enforce == Enforce::Hybrid || confine::lay_floor(plan.strict)?;
    if plan.verbose && !floor {
        report::line("no Landlock floor: this kernel lacks it (Linux 6.7 and later have it)");
    }
    let (listener, wait) = confine::install_filter(&plan.program)?;
    if plan.verbose && wait == Wait::Interruptible {
        report::line(
            "signals can interrupt calls that wait for the supervisor: this kernel cannot prevent it (5.19 can)",
        );
    }
    confine::shed_capabilities(&plan.keep)?;
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

fn execute(plan: &Plan, env: Vec<(OsString, OsString)>) -> Result<u8, Error> {
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

/// This process becomes the command, under the shim alone. A grandchild holds the number of the context until it ends.
fn preloaded(plan: Plan) -> Result<u8, Error> {
    const STEP: &str = "hold the number of the context";
    let handle = pidfd::open(getpid().as_raw(), pidfd::Of::Process).map_err(Error::step(STEP))?;
    match fork().map_err(Error::step(STEP))? {
        Fork::Child => match fork() {
            Ok(Fork::Child) => hold(plan, handle),
            Ok(Fork::Parent(_)) => exit_now(0),
            Err(_) => exit_now(1),
        },
        Fork::Parent(between) => match waitpid(Pid::from_raw(between), None).map_err(Error::step(STEP))? {
            WaitStatus::Exited(_, 0) => {}
            _ => return Err(Error::Step(STEP, Errno(libc::EAGAIN))),
        },
    }
    drop(handle);
    confine::shed_capabilities(&plan.keep)?;
    execute(&plan, std::env::vars_os().collect())
}

/// From now on it is this process that is found by the name.
fn listening(held_name: OwnedFd) -> Result<OwnedFd, Error> {
    socket::listen(held_name.as_fd(), supervisor::ASKING_AT_ONCE).map_err(Error::step("let the context be found"))?;
    Ok(held_name)
}

/// Waits for the end of the command, with the number and the name in hand.
fn hold(plan: Plan, command: OwnedFd) -> ! {
    let held_name = plan.held_name.and_then(|held| listening(held).ok());
    let ready = setsid().map_err(Error::step("detach")).and_then(|_| {
        ignore_signals()?;
        chdir("/").map_err(Error::step("detach"))?;
        let mut kept = vec![command.as_raw_fd(), plan.nid.holder.as_raw_fd()];
        kept.extend(held_name.as_ref().map(AsRawFd::as_raw_fd));
        keep_only(kept)
    });
    if let Ok(name) = CString::new(format!("chbind/{}", plan.nid.number)) {
        let _ = prctl::set_name(&name);
    }
    while ready.is_ok() {
        let mut fds = vec![PollFd::new(command.as_fd(), PollFlags::POLLIN)];
        fds.extend(held_name.as_ref().map(|held| PollFd::new(held.as_fd(), PollFlags::POLLIN)));
        let done = poll(&mut fds, PollTimeout::NONE);
        let is_ready = |fd: &PollFd| fd.revents().is_some_and(|events| !events.is_empty());
        if done.is_ok() && fds.first().is_none_or(is_ready)
            || done.is_err_and(|errno| errno != nix::errno::Errno::EINTR)
        {
            break;
        }
        if let Some(held) = &held_name {
            socket::answer_by_being_there(held.as_fd());
        }
    }
    exit_now(0)
}

/// The supervisor's side. `command` is the process that will be the command.
pub fn supervise(plan: Plan, mut channel: UnixStream, command: Pid, child: Option<Child>) -> ! {
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

fn answer(channel: &UnixStream, ready: Result<(), Error>) {
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
    confine::confine_supervisor(&plan.keep, plan.strict)?;
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

/// A supervisor ends with its context, by nothing less than SIGKILL.
fn ignore_signals() -> Result<(), Error> {
    for which in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGQUIT,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGALRM,
        Signal::SIGPIPE,
        Signal::SIGTSTP,
        Signal::SIGTTIN,
        Signal::SIGTTOU,
    ] {
        ignore(which as i32).map_err(Error::step("ignore signals"))?;
    }
    Ok(())
}

/// Closes all descriptors but these, and opens /dev/null as the standard ones.
fn keep_only(mut kept: Vec<RawFd>) -> Result<(), Error> {
    const STEP: &str = "detach the supervisor";
    let null: OwnedFd =
        open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).map_err(Error::step(STEP))?;
    nix::unistd::dup2_stdin(&null).map_err(Error::step(STEP))?;
    nix::unistd::dup2_stdout(&null).map_err(Error::step(STEP))?;
    nix::unistd::dup2_stderr(&null).map_err(Error::step(STEP))?;
    drop(null);
    kept.sort_unstable();
    let mut first: u32 = 3;
    for fd in kept {
        let Ok(fd) = u32::try_from(fd) else { continue };
        if fd > first {
            close_range(first, fd - 1).map_err(Error::step(STEP))?;
        }
        first = first.max(fd + 1);
    }
    close_range(first, u32::MAX).map_err(Error::step(STEP))
}
