//! The parent model, for kernels that let only an ancestor look into a process (Yama): chbind stays in front, the
//! supervisor is its child and the command's parent.
//!
//! The one in front is what others see of the command: it passes signals on (job control too) and ends as the command
//! does. The supervisor is a child subreaper, so that what the command leaves behind stays its descendant.

use super::error::{Error, Step};
use super::handshake::{become_command, make_channel, supervise};
use super::voice::Voice;
use crate::plan::Plan;
use crate::supervisor::Child;
use crate::supervisor::status::Report;
use crate::sys::Number as _;
use crate::sys::fork::{Fork, fork};
use crate::sys::process::{exit_now, forbid_core, raise, unblock};
use crate::sys::signal::by_default;
use crate::sys::{Errno, pidfd};
use nix::errno::Errno as Number;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{Pid, getpid};
use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};

/// Signals that whoever sees this process means for the command.
const PASSED_ON: [Signal; 12] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGALRM,
    Signal::SIGCONT,
    Signal::SIGTSTP,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
    Signal::SIGWINCH,
];

/// Runs the plan with this process in front. Gives the command's exit status, or ends by the signal that ended it.
pub(super) fn run(plan: Plan, voice: &dyn Voice) -> Result<u8, Error> {
    let mut watched = SigSet::empty();
    PASSED_ON.iter().for_each(|signal| watched.add(*signal));
    watched.add(Signal::SIGCHLD);
    let mut mask = SigSet::empty();
    // Before there is anybody to pass them on to, signals wait.
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&watched), Some(&mut mask)).map_err(Error::step(Step::BlockSignals))?;
    let (ours, theirs) = make_channel()?;
    let front = getpid();
    match fork().map_err(Error::forking(Step::StartSupervisor))? {
        Fork::Child => {
            drop(ours);
            let Err(error) = start_command(plan, theirs, mask, front, voice);
            exit_now(voice.failed(&error).into())
        }
        Fork::Parent(supervisor) => {
            drop(theirs);
            watched.remove(Signal::SIGCHLD);
            in_front(ours, &watched, Pid::from_raw(supervisor))
        }
    }
}

/// The supervisor's side: starts the command as a child, then serves it.
fn start_command(
    plan: Plan,
    mut front: UnixStream,
    mask: SigSet,
    front_pid: Pid,
    voice: &dyn Voice,
) -> Result<Infallible, Error> {
    prctl::set_child_subreaper(true).map_err(Error::step(Step::AdoptOrphans))?;
    let (ours, theirs) = make_channel()?;
    match fork().map_err(Error::forking(Step::StartCommand))? {
        Fork::Child => {
            drop(ours);
            drop(front);
            let restored = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None);
            let Err(error) = restored
                .map_err(Error::step(Step::RestoreSignals))
                .and_then(|()| become_command(&plan, theirs, None, env_for_child(front_pid), voice));
            exit_now(voice.failed(&error).into())
        }
        Fork::Parent(child) => {
            drop(theirs);
            // The one in front tells the service manager before the command can: wait for its word.
            front.write_all(&Report::Started(child).to_bytes()).map_err(Error::channel(Step::ReportCommand))?;
            front.read_exact(&mut [0]).map_err(Error::channel(Step::ReportCommand))?;
            let mut of_children = SigSet::empty();
            of_children.add(Signal::SIGCHLD);
            let signals = SignalFd::with_flags(&of_children, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
                .map_err(Error::step(Step::WatchCommand))?;
            let child = Pid::from_raw(child);
            let reports = File::from(OwnedFd::from(front));
            supervise(plan, ours, child, Some(Child { pid: child, reports, signals, ended: false }), voice)
        }
    }
}

/// The environment, with variables that name this process naming the command instead (sd_listen_fds(3),
/// sd_watchdog_enabled(3)).
fn env_for_child(front: Pid) -> Vec<(OsString, OsString)> {
    let (old, new) = (front.to_string(), getpid().to_string());
    std::env::vars_os()
        .map(|(key, value)| {
            let names_us = (key == "LISTEN_PID" || key == "WATCHDOG_PID") && value == *old;
            if names_us { (key, new.clone().into()) } else { (key, value) }
        })
        .collect()
}

/// Tells a service manager which process the command is (sd_notify(3)). Without one there is nobody to tell.
fn announce(child: i32) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let Ok(socket) = UnixDatagram::unbound() else { return };
    let message = format!("MAINPID={child}\n");
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::SocketAddr;
    // A manager that does not listen any more is no reason not to run the command.
    let _ = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => {
            SocketAddr::from_abstract_name(name).and_then(|address| socket.send_to_addr(message.as_bytes(), &address))
        }
        None => socket.send_to(message.as_bytes(), &path),
    };
}

/// The one in front: passes signals on until the command has ended.
fn in_front(mut reports: UnixStream, watched: &SigSet, supervisor: Pid) -> Result<u8, Error> {
    let signals = SignalFd::with_flags(watched, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .map_err(Error::step(Step::WatchForSignals))?;
    let mut command: Option<OwnedFd> = None;
    loop {
        let mut fds =
            [PollFd::new(reports.as_fd(), PollFlags::POLLIN), PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Number::EINTR) => {}
            Err(errno) => return Err(Error::Step(Step::WatchCommand, errno.errno())),
        }
        let [reported, signalled] = fds.map(|fd| fd.revents().is_some_and(|events| !events.is_empty()));
        if reported {
            let mut bytes = [0; Report::LEN];
            if reports.read_exact(&mut bytes).is_err() {
                return Err(end_without_report(supervisor));
            }
            match Report::from_bytes(bytes) {
                Some(Report::Started(pid)) => {
                    // ESRCH: it has ended, and that will be reported.
                    command = pidfd::open(pid, pidfd::Of::Process).ok();
                    announce(pid);
                    reports.write_all(&[0]).map_err(Error::channel(Step::StartCommand))?;
                }
                Some(Report::Exited(status)) => return Ok(u8::try_from(status & 0xff).unwrap_or(u8::MAX)),
                Some(Report::Killed(signal)) => return end_by(signal),
                // As if it had been stopped itself: a shell sees its job stop, and continues both.
                Some(Report::Stopped(_)) => {
                    let _ = kill(getpid(), Signal::SIGSTOP);
                }
                Some(Report::Continued) | None => {}
            }
        }
        while let (Some(command), Ok(Some(signal))) = (&command, next_of(&signals, signalled)) {
            // What the terminal sends goes to the whole process group, the command included; and a command that
            // signals its parent does not mean itself.
            if signal.ssi_code <= 0 || signal.ssi_signo == libc::SIGCONT as u32 {
                let _ = pidfd::kill(command.as_fd(), signal.ssi_signo as i32);
            }
        }
    }
}

/// The next signal that waits, if there is one.
fn next_of(signals: &SignalFd, any: bool) -> nix::Result<Option<nix::libc::signalfd_siginfo>> {
    if any { signals.read_signal() } else { Ok(None) }
}

/// The supervisor is gone without a word: it failed, and said why, or it was killed.
fn end_without_report(supervisor: Pid) -> Error {
    // Its status is nobody's business but must not be left behind.
    let _ = nix::sys::wait::waitpid(supervisor, None);
    Error::NoSupervisor
}

/// Ends this process by the signal that ended the command.
fn end_by(signal: i32) -> Result<u8, Error> {
    const STEP: Step = Step::EndAsCommand;
    // The command has left a core file if there is to be one.
    forbid_core().map_err(Error::step(STEP))?;
    if signal != libc::SIGKILL {
        by_default(signal).map_err(Error::step(STEP))?;
    }
    raise(signal).map_err(Error::step(STEP))?;
    unblock(signal).map_err(Error::step(STEP))?;
    // Not reached: the signal is fatal by default, for it was fatal to the command.
    Err(Error::Step(STEP, Errno(libc::EINTR)))
}
