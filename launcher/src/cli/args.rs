//! What was typed.

use crate::cli::report;
use clap::error::ErrorKind;
use clap::{ArgAction, Parser, ValueEnum};
use std::ffi::OsString;

/// Exit status of chbind's own failures (as env(1), nice(1) and timeout(1) have it).
pub const FAILED: u8 = 125;

/// What 127.0.0.1 means inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Loopback {
    /// The context's own loopback address
    Remap,
    /// The host's loopback
    Host,
    /// None
    Deny,
}

/// Which process the command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Process {
    /// The command takes chbind's place, under its process id
    Exec,
    /// chbind stays, passes signals on and ends as the command does
    Parent,
}

/// How the context is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Enforce {
    /// By the kernel and a supervisor: everything that runs
    Seccomp,
    /// Inside the program by a preloaded library, which is trusted; whatever it does not see by the supervisor
    Hybrid,
    /// Inside the program alone: for programs that cooperate, where seccomp is not to be had
    Preload,
}

/// Run a command, and all it starts, with a set of IP addresses of its own.
///
/// Inside, the wildcard addresses stand for the assigned ones, other addresses of the host cannot be bound, and packets
/// leave with an assigned address as their source. 127.0.0.1 is the context's own.
#[derive(Debug, Parser)]
#[command(name = "chbind", version, about, max_term_width = 100)]
#[command(after_help = "Exit status: the command's own; 125 if chbind failed before running it, 126 if it cannot be \
                        executed, 127 if it was not found.\n\nExample: chbind --ip 192.0.2.10 -- nginx -g 'daemon off;'")]
pub struct Args {
    /// Assign an address, with the prefix length (or mask) of its subnet; may be repeated, the first is the primary
    #[arg(long, value_name = "ADDR[/PREFIX]")]
    pub ip: Vec<String>,

    /// Number of the context, 2 to 65535, unique on the host [default: a free one from 49152 on]
    #[arg(long, value_name = "N")]
    pub nid: Option<String>,

    /// Name of the context in messages [default: the command's]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// The address that stands for 127.0.0.1 (or, if it is IPv6, for ::1) [default: 127.<N/256>.<N%256>.1]
    #[arg(long, value_name = "ADDR")]
    pub lback: Vec<String>,

    /// What 127.0.0.1 means inside
    #[arg(long, value_enum, value_name = "MODE", default_value = "remap")]
    pub loopback: Loopback,

    /// Let this port of the host's own loopback be reached; may be repeated
    #[arg(long, value_name = "PORT")]
    pub host_loopback: Vec<u16>,

    /// Take addresses that are not this host's yet
    #[arg(long, action = ArgAction::SetTrue)]
    pub allow_nonlocal: bool,

    /// Let multicast groups be bound, and heard on wildcards
    #[arg(long, action = ArgAction::SetTrue)]
    pub multicast: bool,

    /// Let raw sockets of ICMP be made by those who have CAP_NET_RAW, which root then keeps
    #[arg(long, action = ArgAction::SetTrue)]
    pub raw_icmp: bool,

    /// Let these ports be bound, and no others: [tcp:|udp:]any|PORT|PORT-PORT; may be repeated
    #[arg(long, value_name = "RULE")]
    pub allow_bind: Vec<String>,

    /// Do not let these ports be bound; may be repeated
    #[arg(long, value_name = "RULE")]
    pub deny_bind: Vec<String>,

    /// Let these peers be reached, and no others: [tcp:|udp:](any|ADDR[/PREFIX])[:PORT[-PORT]]; may be repeated
    #[arg(long, value_name = "RULE")]
    pub allow_connect: Vec<String>,

    /// Do not let these peers be reached; may be repeated
    #[arg(long, value_name = "RULE")]
    pub deny_connect: Vec<String>,

    /// Let these ports be bound without privilege, with chbind's own; may be repeated
    #[arg(long, value_name = "PORT[-PORT]")]
    pub grant_port: Vec<String>,

    /// Resist a program that tries to get around its context, at the price of some of what honest ones may do
    #[arg(long, action = ArgAction::SetTrue)]
    pub strict: bool,

    /// How the context is enforced
    #[arg(long, value_enum, value_name = "HOW", default_value = "seccomp")]
    pub enforce: Enforce,

    /// Show only interfaces and addresses of the context, as far as they are asked for by way of the C library (hybrid, preload)
    #[arg(long, action = ArgAction::SetTrue)]
    pub hide_netif: bool,

    /// Which process the command is [default: exec where the kernel allows it]
    #[arg(long, value_enum, value_name = "MODEL")]
    pub process: Option<Process>,

    /// Keep a capability that is dropped otherwise, such as net_raw; may be repeated
    #[arg(long, value_name = "CAP")]
    pub keep_cap: Vec<String>,

    /// Say what is done, and show refusals that programs usually cope with
    #[arg(short, long, action = ArgAction::SetTrue, conflicts_with = "quiet")]
    pub verbose: bool,

    /// Say nothing about refused calls
    #[arg(short, long, visible_alias = "silent", action = ArgAction::SetTrue)]
    pub quiet: bool,

    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// The arguments of this process, or the exit status if there is nothing more to do.
pub fn parse() -> Result<Args, u8> {
    Args::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A closed standard output is nobody's error.
            let _ = error.print();
            0
        }
        ErrorKind::MissingRequiredArgument => usage("no command given"),
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            usage(first.trim_start_matches("error: "))
        }
    })
}

fn usage(wrong: &str) -> u8 {
    report::line(&format!("{wrong}\nhint: 'chbind --help' shows how it is used"));
    FAILED
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
