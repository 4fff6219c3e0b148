//! What is asked for, as it was typed: nothing of it has been looked at yet but what is one of a few words, or a number.

use crate::preflight::ProcessModel;
use chbind_policy::Loopback;
use std::ffi::OsString;

/// How a context is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// By the kernel and a supervisor.
    Seccomp,
    /// Inside the program by chbind's library, and by a supervisor where that does not see a call.
    Hybrid,
    /// Inside the program by chbind's library alone.
    Preload,
}

/// A context, and the command that is to run in it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The addresses; the first is the primary.
    pub addresses: Vec<String>,
    /// Whether they may be none of this host's.
    pub allow_nonlocal: bool,
    /// The number of the context.
    pub nid: Option<String>,
    /// Its name in messages.
    pub name: Option<String>,
    /// The addresses that stand for 127.0.0.1 and ::1.
    pub lback: Vec<String>,
    /// What 127.0.0.1 means inside.
    pub loopback: Loopback,
    /// Ports of the host's own loopback that can be reached.
    pub host_loopback: Vec<u16>,
    /// Whether multicast groups can be bound.
    pub multicast: bool,
    /// Whether raw sockets of ICMP can be made by those who may.
    pub raw_icmp: bool,
    /// Which ports can be bound and which peers be reached.
    pub rules: RuleTexts,
    /// Whether the program is taken for hostile.
    pub strict: bool,
    /// How the context is enforced.
    pub enforcement: Enforcement,
    /// Whether the interfaces of others are hidden.
    pub hide_interfaces: bool,
    /// Which process the command is to be.
    pub process_model: Option<ProcessModel>,
    /// Capabilities that are kept.
    pub keep_capabilities: Vec<String>,
    /// Whether details are wanted.
    pub verbose: bool,
    /// Whether refusals are not to be told.
    pub quiet: bool,
    /// The command and its arguments.
    pub command: Vec<OsString>,
}

/// The rules of a context, as they were typed.
#[derive(Clone, Debug, Default)]
pub struct RuleTexts {
    /// Ports that can be bound.
    pub allow_bind: Vec<String>,
    /// Ports that cannot.
    pub deny_bind: Vec<String>,
    /// Peers that can be reached.
    pub allow_connect: Vec<String>,
    /// Peers that cannot.
    pub deny_connect: Vec<String>,
    /// Ports that can be bound without privilege.
    pub grant: Vec<String>,
}
