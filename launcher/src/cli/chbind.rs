//! What was typed to chbind.

use super::usage::Wording;
use super::values::{ENFORCEMENT, LOOPBACK, PROCESS, one_of};
use super::{CHBIND, usage};
use crate::plan::{Enforcement, Request, RuleTexts};
use crate::preflight::ProcessModel;
use chbind_policy::Loopback;
use clap::{ArgAction, Parser};
use std::ffi::OsString;

/// Run a command, and all it starts, with a set of IP addresses of its own.
///
/// Inside, the wildcard addresses stand for the assigned ones, other addresses of the host cannot be bound, and packets
/// leave with an assigned address as their source. 127.0.0.1 is the context's own.
#[derive(Debug, Parser)]
#[command(name = "chbind", version, about, max_term_width = 100)]
#[command(after_help = "Exit status: the command's own; 125 if chbind failed before running it, 126 if it cannot be \
                        executed, 127 if it was not found.\n\nExample: chbind --ip 192.0.2.10 -- nginx -g 'daemon off;'")]
struct Args {
    /// Assign an address, with the prefix length (or mask) of its subnet; may be repeated, the first is the primary
    #[arg(long, value_name = "ADDR[/PREFIX]")]
    ip: Vec<String>,

    /// Number of the context, 2 to 65535, unique on the host [default: a free one from 49152 on]
    #[arg(long, value_name = "N")]
    nid: Option<String>,

    /// Name of the context in messages [default: the command's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// The address that stands for 127.0.0.1 (or, if it is IPv6, for ::1) [default: 127.<N/256>.<N%256>.1]
    #[arg(long, value_name = "ADDR")]
    lback: Vec<String>,

    /// What 127.0.0.1 means inside
    #[arg(long, value_parser = one_of(&LOOPBACK), value_name = "MODE", default_value = "remap")]
    loopback: Loopback,

    /// Let this port of the host's own loopback be reached; may be repeated
    #[arg(long, value_name = "PORT")]
    host_loopback: Vec<u16>,

    /// Take addresses that are not this host's yet
    #[arg(long, action = ArgAction::SetTrue)]
    allow_nonlocal: bool,

    /// Let multicast groups be bound, and heard on wildcards
    #[arg(long, action = ArgAction::SetTrue)]
    multicast: bool,

    /// Let raw sockets of ICMP be made by those who have CAP_NET_RAW, which root then keeps
    #[arg(long, action = ArgAction::SetTrue)]
    raw_icmp: bool,

    /// Let these ports be bound, and no others: [tcp:|udp:]any|PORT|PORT-PORT; may be repeated
    #[arg(long, value_name = "RULE")]
    allow_bind: Vec<String>,

    /// Do not let these ports be bound; may be repeated
    #[arg(long, value_name = "RULE")]
    deny_bind: Vec<String>,

    /// Let these peers be reached, and no others: [tcp:|udp:](any|ADDR[/PREFIX])[:PORT[-PORT]]; may be repeated
    #[arg(long, value_name = "RULE")]
    allow_connect: Vec<String>,

    /// Do not let these peers be reached; may be repeated
    #[arg(long, value_name = "RULE")]
    deny_connect: Vec<String>,

    /// Let these ports be bound without privilege, with chbind's own; may be repeated
    #[arg(long, value_name = "PORT[-PORT]")]
    grant_port: Vec<String>,

    /// Resist a program that tries to get around its context, at the price of some of what honest ones may do
    #[arg(long, action = ArgAction::SetTrue)]
    strict: bool,

    /// How the context is enforced
    #[arg(long, value_parser = one_of(&ENFORCEMENT), value_name = "HOW", default_value = "seccomp")]
    enforce: Enforcement,

    /// Show only interfaces and addresses of the context, as far as they are asked for by way of the C library (hybrid, preload)
    #[arg(long, action = ArgAction::SetTrue)]
    hide_netif: bool,

    /// Which process the command is [default: exec where the kernel allows it]
    #[arg(long, value_parser = one_of(&PROCESS), value_name = "MODEL")]
    process: Option<ProcessModel>,

    /// Keep a capability that is dropped otherwise, such as net_raw; may be repeated
    #[arg(long, value_name = "CAP")]
    keep_cap: Vec<String>,

    /// Say what is done, and show refusals that programs usually cope with
    #[arg(short, long, action = ArgAction::SetTrue, conflicts_with = "quiet")]
    verbose: bool,

    /// Say nothing about refused calls
    #[arg(short, long, visible_alias = "silent", action = ArgAction::SetTrue)]
    quiet: bool,

    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl From<Args> for Request {
    fn from(args: Args) -> Request {
        Request {
            addresses: args.ip,
            allow_nonlocal: args.allow_nonlocal,
            nid: args.nid,
            name: args.name,
            lback: args.lback,
            loopback: args.loopback,
            host_loopback: args.host_loopback,
            multicast: args.multicast,
            raw_icmp: args.raw_icmp,
            rules: RuleTexts {
                allow_bind: args.allow_bind,
                deny_bind: args.deny_bind,
                allow_connect: args.allow_connect,
                deny_connect: args.deny_connect,
                grant: args.grant_port,
            },
            strict: args.strict,
            enforcement: args.enforce,
            hide_interfaces: args.hide_netif,
            process_model: args.process,
            keep_capabilities: args.keep_cap,
            verbose: args.verbose,
            quiet: args.quiet,
            command: args.command,
        }
    }
}

/// What this process is asked for, or the exit status if there is nothing more to do.
pub fn request() -> Result<Request, u8> {
    let wording = Wording { program: CHBIND, nothing: "no command given", unnamed: "no command given" };
    Args::try_parse().map(Request::from).map_err(|error| usage::status(&error, &wording))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_command_keeps_its_own_options() {
        let args = Args::try_parse_from(["chbind", "--ip", "10.0.0.1", "ls", "-q", "--", "--ip"]).unwrap();
        assert_eq!(args.command, ["ls", "-q", "--", "--ip"]);
        assert!(!args.quiet);
    }
}
