//! From what is asked for to a plan.

use super::command::Command;
use super::error::Error;
use super::request::{Enforcement, Request};
use super::shim::Shim;
use super::{address, conflict, resolvers, rules};
use crate::contexts::name;
use crate::contexts::number::{LOWEST, Nid};
use crate::preflight::{self, ProcessModel};
use crate::privileges::network_owner::NetworkOwner;
use crate::procfs::printable;
use crate::seccomp::context_filter;
use crate::sys::seccomp::Instruction;
use crate::{program, supervisor};
use caps::Capability;
use chbind_policy::{Assigned, Context, Rules};
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
    pub filter: Vec<Instruction>,
    /// Who may bind privileged ports.
    pub network: NetworkOwner,
    /// Whether the program is taken for hostile.
    pub strict: bool,
    /// How the context is enforced.
    pub enforcement: Enforcement,
    /// What the command is given, where it enforces the context itself.
    pub shim: Option<Shim>,
    /// Which process the command will be.
    pub process_model: ProcessModel,
    /// Capabilities that are kept.
    pub keep: Vec<Capability>,
    /// What to run.
    pub command: Command,
    /// Whether details are wanted.
    pub verbose: bool,
    /// Whether refusals are not to be told.
    pub quiet: bool,
}

/// Makes a plan of what is asked for.
///
/// # Errors
///
/// The first that is wrong, in this order:
///
/// 1. [`Error::Preflight`]: /proc is not that of this process, or a context is around it already by its environment.
/// 2. [`Error::Conflict`].
/// 3. [`Error::Preflight`]: a seccomp listener is above this process, or that cannot be found out.
/// 4. [`Error::NoAddresses`], [`Error::Address`], [`Error::NotACapability`], [`Error::NoPort`], [`Error::Rules`].
/// 5. [`Error::Command`]; with `--enforce preload` also [`Error::Program`] and [`Error::CannotPreload`].
/// 6. [`Error::NotANumber`]; [`Error::Contexts`] if the number that was asked for is in use, or none can be had.
/// 7. With a supervisor, [`Error::Preflight`]: the kernel lacks something, or Yama forbids it.
/// 8. [`Error::Address`] and [`Error::TwoLoopbacks`], of `--lback`.
/// 9. [`Error::Privileges`] if /proc does not say which network this is; [`Error::Rules`] if a granted port is not this
///    process's to grant.
/// 10. [`Error::Contexts`] if the name cannot be held; [`Error::Shim`]; [`Error::Filter`].
pub fn resolve(request: &Request) -> Result<Plan, Error> {
    preflight::require_own_proc()?;
    preflight::require_no_shim()?;
    conflict::require_none(request).map_err(Error::Conflict)?;
    // First: inside a context every later question would get that context's answers.
    preflight::require_outside()?;
    let addresses = addresses(&request.addresses, request.allow_nonlocal)?;
    let mut keep = request.keep_capabilities.iter().map(|text| capability(text)).collect::<Result<Vec<_>, _>>()?;
    if request.raw_icmp {
        keep.push(Capability::CAP_NET_RAW);
    }
    if request.host_loopback.contains(&0) {
        return Err(Error::NoPort);
    }
    let rules = rules::resolve(&request.rules)?;
    let command = Command::find(&request.command)?;
    if request.enforcement == Enforcement::Preload
        && let Some(obstacle) = program::inspect(command.path())?.obstacle()
    {
        return Err(Error::CannotPreload(obstacle));
    }
    let nid = match &request.nid {
        Some(text) => Nid::given(number(text)?)?,
        None => Nid::free()?,
    };
    let process_model = match request.enforcement {
        Enforcement::Preload => ProcessModel::Exec,
        Enforcement::Seccomp | Enforcement::Hybrid => {
            preflight::require(nid.holder.as_fd())?;
            if request.strict {
                preflight::require_strict()?;
            }
            preflight::process_model(request.process_model)?
        }
    };
    let mut context = context(request, addresses, rules, &nid)?;
    context.keeps_one = request.enforcement != Enforcement::Seccomp && context.can_keep_one();
    let context = Box::leak(Box::new(context));
    let network = NetworkOwner::of_this_process()?;
    rules::require_grantable(&context.rules, &network)?;
    let shown = printable(&request.name.clone().unwrap_or_else(|| command.base_name()));
    let held_name = name::hold(&shown)?;
    let shim = Shim::new(request, context, &shown)?;
    let secret = shim.as_ref().and_then(|shim| shim.secret);
    let filter = context_filter::program(supervisor::held_calls(context)?, request.strict, secret)?;
    Ok(Plan {
        context,
        nid,
        name: shown,
        held_name,
        filter,
        network,
        strict: request.strict,
        enforcement: request.enforcement,
        shim,
        process_model,
        keep,
        command,
        verbose: request.verbose,
        quiet: request.quiet,
    })
}

/// Reads the number of a context.
fn number(text: &str) -> Result<u16, Error> {
    text.parse().ok().filter(|number| *number >= LOWEST).ok_or_else(|| Error::NotANumber(text.to_owned()))
}

/// Reads a capability: `net_raw`, `CAP_NET_RAW`.
fn capability(text: &str) -> Result<Capability, Error> {
    let upper = text.to_ascii_uppercase();
    let name = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
    name.parse().map_err(|_| Error::NotACapability(text.to_owned()))
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

fn context(
    request: &Request,
    addresses: Vec<Assigned>,
    rules: Rules<'static>,
    nid: &Nid,
) -> Result<Context<'static>, Error> {
    let (mut lback, mut lback6) = (None, None);
    for text in &request.lback {
        let ip = address::plain(text)?;
        if !request.allow_nonlocal {
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
        loopback: request.loopback,
        host_loopback: request.host_loopback.clone().leak(),
        resolvers: resolvers::on_loopback().leak(),
        multicast: request.multicast,
        raw_icmp: request.raw_icmp,
        keeps_one: false,
        rules,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_as_typed() {
        assert_eq!(capability("net_raw").unwrap(), Capability::CAP_NET_RAW);
        assert_eq!(capability("CAP_NET_ADMIN").unwrap(), Capability::CAP_NET_ADMIN);
        assert!(matches!(capability("root"), Err(Error::NotACapability(text)) if text == "root"));
    }

    #[test]
    fn numbers_as_typed() {
        assert_eq!(number("2").unwrap(), 2);
        assert_eq!(number("65535").unwrap(), 65535);
        for text in ["", "0", "1", "65536", "99999999999", "ten", "-5"] {
            assert!(matches!(number(text), Err(Error::NotANumber(typed)) if typed == text), "{text}");
        }
    }
}
