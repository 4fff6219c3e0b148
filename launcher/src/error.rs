//! Everything that can go wrong before the command runs, in its user's words.

use crate::cli::args::FAILED;
use crate::plan::rules::Fault;
use crate::program::{self, Obstacle};
use crate::seccomp::rule;
use crate::sys::{Errno, Number, text};
use std::fmt;
use std::net::IpAddr;

/// Exit status if the command was found and cannot be executed.
pub const NOT_EXECUTABLE: u8 = 126;
/// Exit status if the command was not found.
pub const NOT_FOUND: u8 = 127;

/// Why the command is not run.
#[derive(Debug)]
pub enum Error {
    /// No `--ip`.
    NoAddresses,
    /// Text that is not an IP address.
    NotAnAddress(String),
    /// A prefix length or mask that does not fit.
    BadPrefix(String),
    /// An address that names no host: a wildcard, a group, the broadcast address.
    NotAssignable(IpAddr),
    /// A link-local address without an interface, which alone makes it an address.
    NeedsInterface(IpAddr),
    /// An interface after % on an address that takes none.
    TakesNoInterface(IpAddr),
    /// An interface that is not there.
    NoInterface(String),
    /// The address is not local.
    NotLocal(IpAddr),
    /// An address could not be tried.
    CannotTry(IpAddr, Errno),
    /// More than one loopback address of a family.
    TwoLoopbacks,
    /// A number that is no nid.
    BadNid(String),
    /// The number is in use.
    NidTaken(u16),
    /// All numbers are in use.
    NoNidFree,
    /// Port 0.
    BadPort,
    /// A rule for ports or peers that says nothing.
    BadRule {
        /// The option that it was given with.
        option: &'static str,
        /// What was typed.
        text: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// Ports from `port` on are to be granted by a chbind that may not bind those below `first` itself.
    CannotGrant {
        /// The lowest that was asked for.
        port: u16,
        /// The first that needs no privilege.
        first: u16,
    },
    /// Not a capability.
    BadCapability(String),
    /// The command is not there.
    CommandNotFound(String),
    /// The command cannot be executed.
    NotExecutable(String, Errno),
    /// What the command is cannot be found out.
    Program(program::Error),
    /// The kernel lacks something that came with a later version.
    KernelLacks(&'static str, &'static str),
    /// The kernel lacks something that `--strict` needs, and came with a later version or is switched off.
    StrictNeeds(&'static str, &'static str),
    /// Two options that do not go together, and why.
    Conflict {
        /// One of them.
        option: &'static str,
        /// And the other.
        with: &'static str,
        /// Why.
        why: &'static str,
    },
    /// The shim cannot do its work in the command (`--enforce preload`).
    CannotPreload(Obstacle),
    /// The context has more addresses or rules than the shim can be told.
    TooMuchForShim,
    /// The shim is not where it is looked for, from this directory.
    NoShim(String),
    /// The shim cannot be read, or its path cannot be given to the loader.
    UnusableShim(String),
    /// No running context has this name.
    NoContext(String),
    /// /proc is not mounted, or is that of another process id namespace.
    NoProc,
    /// A seccomp listener is above this process already.
    AlreadyInside,
    /// Yama forbids looking into other processes.
    Forbidden(u8),
    /// A step of the set-up failed.
    Step(&'static str, Errno),
    /// A capability could not be given up.
    Capabilities(String),
    /// The filter could not be made.
    Filter(rule::Error),
    /// The supervisor could not be started, in its words.
    Supervisor(String),
    /// The supervisor ended before it was ready.
    NoSupervisor,
}

impl Error {
    /// For `map_err`: the step that failed.
    pub fn step<E: Number>(what: &'static str) -> impl FnOnce(E) -> Error {
        move |errno| Error::Step(what, errno.errno())
    }

    /// The exit status that goes with it.
    pub fn status(&self) -> u8 {
        match self {
            Error::NoContext(_) => 1,
            Error::CommandNotFound(_) => NOT_FOUND,
            Error::NotExecutable(_, Errno(libc::ENOENT)) => NOT_FOUND,
            Error::NotExecutable(..) => NOT_EXECUTABLE,
            Error::Program(error) if error.errno() == Errno(libc::ENOENT) => NOT_FOUND,
            Error::Program(_) => NOT_EXECUTABLE,
            _ => FAILED,
        }
    }

    /// What can be done about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::NoAddresses => Some("give at least one with --ip, such as --ip 192.0.2.10"),
            Error::NotLocal(_) => Some("'ip address' shows the addresses of this host; --allow-nonlocal takes others"),
            Error::NeedsInterface(_) => Some("write it as fe80::1%eth0"),
            Error::NidTaken(_) => Some("without --nid a free number is chosen"),
            Error::BadRule { option: "--grant-port", .. } => Some("write it as 80 or 80-90"),
            Error::BadRule { option: "--allow-bind" | "--deny-bind", .. } => {
                Some("write it as 80, 8000-8999, tcp:80, udp:any or any")
            }
            Error::BadRule { fault: Fault::Address(_), .. } => {
                Some("give addresses, such as 192.0.2.0/24 or [2001:db8::]/32:443; names are not looked up")
            }
            Error::BadRule { .. } => {
                Some("write it as 192.0.2.0/24, tcp:192.0.2.1:443, [2001:db8::]/32:443 or udp:any:53")
            }
            Error::CannotGrant { .. } => Some("run chbind as root, or lower net.ipv4.ip_unprivileged_port_start"),
            Error::CannotPreload(_) => Some("--enforce seccomp, the default, holds every program"),
            Error::Conflict { .. } => Some("--enforce seccomp, the default, can do all"),
            Error::UnusableShim(_) => {
                Some("install it where all users can read it, beside chbind in /usr/local/bin, say")
            }
            Error::NoShim(_) => Some("install it beside chbind, or in lib/chbind beside its directory"),
            Error::StrictNeeds(..) => Some("without --strict the context is one for honest programs"),
            Error::NoProc => Some("mount it: mount -t proc proc /proc (unshare --mount-proc does it)"),
            Error::AlreadyInside => Some("a context cannot be left or nested; start this one from outside"),
            Error::Forbidden(_) => Some("run chbind as root, or lower kernel.yama.ptrace_scope"),
            Error::Supervisor(_) => Some("the system call filter of a container or service may forbid it"),
            Error::NotExecutable(_, Errno(libc::ENOENT)) => Some("the interpreter or loader that it names is missing"),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::NoAddresses => f.write_str("no addresses given"),
            Error::NotAnAddress(text) => write!(f, "'{text}': not an IP address"),
            Error::BadPrefix(text) => write!(f, "'{text}': not a prefix length or mask of this address"),
            Error::NotAssignable(ip) => write!(f, "cannot assign {ip}: not the address of a host"),
            Error::NeedsInterface(ip) => write!(f, "cannot assign {ip}: a link-local address needs its interface"),
            Error::TakesNoInterface(ip) => write!(f, "cannot assign {ip}: only a link-local address has an interface"),
            Error::NoInterface(name) => write!(f, "no interface '{name}' on this host"),
            Error::NotLocal(ip) => write!(f, "cannot assign {ip}: not an address of this host"),
            Error::CannotTry(ip, errno) => write!(f, "cannot assign {ip}: {}", text(*errno)),
            Error::TwoLoopbacks => f.write_str("--lback: more than one address of the same family"),
            Error::BadNid(text) => write!(f, "--nid '{text}': not a number from 2 to 65535"),
            Error::NidTaken(nid) => {
                write!(f, "nid {nid} is taken by another context, or by programs that one left behind")
            }
            Error::NoNidFree => f.write_str("all numbers for contexts are taken"),
            Error::BadPort => f.write_str("--host-loopback 0: not a port"),
            Error::BadRule { option, text, fault } => write!(f, "{option} '{text}': {fault}"),
            Error::CannotGrant { port, first } => {
                write!(
                    f,
                    "--grant-port: chbind may not bind port {port} itself (it lacks the right to ports below {first})"
                )
            }
            Error::BadCapability(text) => write!(f, "--keep-cap '{text}': not a capability"),
            Error::CommandNotFound(name) => write!(f, "'{name}': command not found"),
            Error::NotExecutable(path, errno) => write!(f, "cannot execute '{path}': {}", text(*errno)),
            Error::Program(error) => error.fmt(f),
            Error::KernelLacks(what, since) => {
                write!(f, "this kernel is too old: it lacks {what} (Linux {since} and later have it)")
            }
            Error::Conflict { option, with, why } => write!(f, "{option} is not for {with}: {why}"),
            Error::CannotPreload(obstacle) => write!(f, "--enforce preload: {obstacle}"),
            Error::TooMuchForShim => f.write_str("too many addresses or rules for --enforce hybrid and preload"),
            Error::NoShim(directory) => write!(f, "libchbind_preload.so is missing: looked for it from {directory} on"),
            Error::UnusableShim(path) => {
                write!(
                    f,
                    "cannot use '{path}': it must be readable for all users, without blanks or colons in its path"
                )
            }
            Error::NoContext(name) => write!(f, "no running context is called '{name}'"),
            Error::StrictNeeds(what, since) => {
                write!(f, "--strict needs {what}; Linux {since} and later have it where it is switched on")
            }
            Error::NoProc => f.write_str("/proc is not mounted, or not that of these processes"),
            Error::AlreadyInside => {
                f.write_str("already inside a context, or under another supervisor of system calls")
            }
            Error::Forbidden(scope) => {
                write!(f, "this host lets nobody look into other processes (kernel.yama.ptrace_scope = {scope})")
            }
            Error::Step(what, errno) => write!(f, "cannot {what}: {}", text(*errno)),
            Error::Capabilities(why) => write!(f, "cannot give up capabilities: {why}"),
            Error::Filter(error) => write!(f, "cannot make the filter: {error}"),
            Error::Supervisor(why) => write!(f, "cannot start the supervisor: {why}"),
            Error::NoSupervisor => f.write_str("the supervisor ended before it was ready"),
        }
    }
}

impl std::error::Error for Error {}
