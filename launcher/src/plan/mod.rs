//! What was typed, resolved: everything that can be wrong with it is found here, before anything is set up.

pub mod address;
pub mod command;
pub mod resolvers;
pub mod rules;
pub mod shim;

use crate::cli::args::{self, Args, Enforce, Process};
use crate::contexts::name as names;
use crate::contexts::number::Nid;
use crate::error::Error;
use crate::privileges::capabilities;
use crate::privileges::network_owner::NetworkOwner;
use crate::procfs::printable;
use crate::seccomp::context_filter;
use crate::sys::Errno;
use crate::sys::seccomp::Instruction;
use crate::{preflight, program, supervisor};
use caps::Capability;
use chbind_policy::{Assigned, Context, Loopback, Rules};
use command::Command;
use shim::Shim;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};

/// A context that can be started, and the command that will run in it.
pub struct Plan {
    /// The context. It lives as long as the process: the supervisor's threads share it.
    pub context: &'static Context<'static>,
    /// Its number.
    pub nid: Nid,
    /// Its name in messages.
    pub name: String,
    /// What holds its name; `None` where too many have it.
    pub held_name: Option<OwnedFd>,
    /// The filter that goes with it.
    pub program: Vec<Instruction>,
    /// Who may bind privileged ports.
    pub network: NetworkOwner,
    /// Whether the program is taken for hostile.
    pub strict: bool,
    /// How the context is enforced.
    pub enforce: Enforce,
    /// What the command is given, where it enforces the context itself.
    pub shim: Option<Shim>,
    /// Which process the command will be.
    pub process: Process,
    /// Capabilities that are kept.
    pub keep: Vec<Capability>,
    /// What to run.
    pub command: Command,
    /// Whether details are wanted.
    pub verbose: bool,
    /// Whether refusals are not to be told.
    pub quiet: bool,
}

/// Makes a plan of what was typed.
pub fn resolve(args: &Args) -> Result<Plan, Error> {
    preflight::require_own_proc()?;
    if shim::is_above() {
        return Err(Error::AlreadyInside);
    }
    compatible(args)?;
    // First: inside a context every later question would get that context's answers.
    preflight::require_outside()?;
    let addresses = addresses(&args.ip, args.allow_nonlocal)?;
    let mut keep = args.keep_cap.iter().map(|text| capabilities::capability(text)).collect::<Result<Vec<_>, _>>()?;
    if args.raw_icmp {
        keep.push(Capability::CAP_NET_RAW);
    }
    if args.host_loopback.contains(&0) {
        return Err(Error::BadPort);
    }
    let rules = rules::resolve(args)?;
    let command = Command::find(&args.command)?;
    if args.enforce == Enforce::Preload
        && let Some(obstacle) = program::inspect(command.path()).map_err(Error::Program)?.obstacle()
    {
        return Err(Error::CannotPreload(obstacle));
    }
    let nid = match &args.nid {
        Some(text) => Nid::given(text)?,
        None => Nid::free()?,
    };
    let process = match args.enforce {
        Enforce::Preload => Process::Exec,
        Enforce::Seccomp | Enforce::Hybrid => {
            preflight::require(nid.holder.as_fd())?;
            if args.strict {
                preflight::require_strict()?;
            }
            preflight::process_model(args.process)?
        }
    };
    let mut context = context(args, addresses, rules, &nid)?;
    context.keeps_one = args.enforce != Enforce::Seccomp && context.can_keep_one();
    let context = Box::leak(Box::new(context));
    let network = NetworkOwner::of_this_process().map_err(|e| {
        Error::Step("find out who owns the network namespace", Errno(e.raw_os_error().unwrap_or(libc::EIO)))
    })?;
    rules::require_grantable(&context.rules, &network)?;
    let name = printable(&args.name.clone().unwrap_or_else(|| command.base_name()));
    let held_name = names::hold(&name)?;
    let shim = Shim::new(args, context, &name)?;
    let secret = shim.as_ref().and_then(|shim| shim.secret);
    let program = supervisor::held_calls(context)
        .and_then(|calls| context_filter::program(calls, args.strict, secret))
        .map_err(Error::Filter)?;
    Ok(Plan {
        context,
        nid,
        name,
        held_name,
        program,
        network,
        strict: args.strict,
        enforce: args.enforce,
        shim,
        process,
        keep,
        command,
        verbose: args.verbose,
        quiet: args.quiet,
    })
}

/// Fails where options do not go together.
fn compatible(args: &Args) -> Result<(), Error> {
    let is_preload = args.enforce == Enforce::Preload;
    let with = if is_preload { "--enforce preload" } else { "--enforce hybrid" };
    let inside = args.enforce != Enforce::Seccomp;
    let conflicts = [
        (inside && args.strict, "--strict", "what enforces the context would be in the hands of the program"),
        (is_preload && !args.grant_port.is_empty(), "--grant-port", "it takes a supervisor with the right to them"),
        (is_preload && args.process == Some(Process::Parent), "--process parent", "there is no supervisor to be one"),
    ];
    if let Some((_, option, why)) = conflicts.into_iter().find(|(is_so, ..)| *is_so) {
        return Err(Error::Conflict { option, with, why });
    }
    if args.hide_netif && !inside {
        let why = "the kernel shows them all; --enforce hybrid and preload can hide them";
        return Err(Error::Conflict { option: "--hide-netif", with: "--enforce seccomp", why });
    }
    Ok(())
}

fn addresses(typed: &[String], nonlocal: bool) -> Result<Vec<Assigned>, Error> {
    if typed.is_empty() {
        return Err(Error::NoAddresses);
    }
    let mut addresses: Vec<Assigned> = Vec::with_capacity(typed.len());
    for text in typed {
        let assigned = address::assigned(text)?;
        // One that is given again has the prefix that it had first.
        if !addresses.iter().any(|other| (other.ip(), other.scope()) == (assigned.ip(), assigned.scope())) {
            addresses.push(assigned);
        }
    }
    for assigned in addresses.iter().filter(|_| !nonlocal) {
        address::require_local(assigned.ip(), assigned.scope())?;
    }
    Ok(addresses)
}

fn context(args: &Args, addresses: Vec<Assigned>, rules: Rules<'static>, nid: &Nid) -> Result<Context<'static>, Error> {
    let (mut lback, mut lback6) = (None, None);
    for text in &args.lback {
        let ip = address::plain(text)?;
        if !args.allow_nonlocal {
            address::require_local(ip, 0)?;
        }
        let taken = match ip {
            IpAddr::V4(ip) => lback.replace(ip).is_some(),
            IpAddr::V6(ip) => lback6.replace(ip).is_some(),
        };
        if taken {
            return Err(Error::TwoLoopbacks);
        }
    }
    Ok(Context {
        addresses: addresses.leak(),
        lback: lback.unwrap_or_else(|| nid.loopback()),
        lback6,
        loopback: match args.loopback {
            args::Loopback::Remap => Loopback::Remap,
            args::Loopback::Host => Loopback::Host,
            args::Loopback::Deny => Loopback::Deny,
        },
        host_loopback: args.host_loopback.clone().leak(),
        resolvers: resolvers::on_loopback().leak(),
        multicast: args.multicast,
        raw_icmp: args.raw_icmp,
        keeps_one: false,
        rules,
    })
}
