//! What was typed to chbind.

use super::help::{Page, Section};
use super::usage::Wording;
use super::values::{ENFORCEMENT, LOOPBACK, PROCESS, one_of};
use super::{CHBIND, help, usage};
use crate::plan::{Enforcement, Request, RuleTexts};
use crate::preflight::ProcessModel;
use chbind_policy::Loopback;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser};
use std::ffi::OsString;

/// Run a command, and all it starts, with a set of IP addresses of its own
#[derive(Debug, Parser)]
#[command(name = CHBIND, version, disable_help_flag = true, disable_version_flag = true)]
#[command(override_usage = "chbind --ip ADDR[/PREFIX]... [OPTION]... [--] COMMAND [ARGUMENT]...")]
struct Args {
    /// An address of this host, for the context; repeat it for more
    ///
    /// The first of all is the context's primary address, the first of a family that family's. PREFIX is the length or the mask
    /// of its subnet. A link-local address carries its interface: fe80::1%eth0.
    #[arg(long, value_name = "ADDR[/PREFIX]", help_heading = ADDRESSES)]
    ip: Vec<String>,

    /// The number of the context, from 2 to 65535
    ///
    /// No other running context has it, and the default of --lback follows from it. [default: a free one from 49152 on]
    #[arg(long, value_name = "N", help_heading = ADDRESSES, hide_short_help = true)]
    nid: Option<String>,

    /// Take addresses that this host does not have, or not yet
    #[arg(long, action = ArgAction::SetTrue, help_heading = ADDRESSES, hide_short_help = true)]
    allow_nonlocal: bool,

    /// Let UDP sockets be bound to multicast groups, and hear joined groups on a wildcard
    #[arg(long, action = ArgAction::SetTrue, help_heading = ADDRESSES, hide_short_help = true)]
    multicast: bool,

    /// Allow raw ICMP sockets to those who have CAP_NET_RAW, which root then keeps
    #[arg(long, action = ArgAction::SetTrue, help_heading = ADDRESSES, hide_short_help = true)]
    raw_icmp: bool,

    /// The address that stands for 127.0.0.1, or for ::1 if it is IPv6
    ///
    /// [default: 127.(N/256).(N%256).1, and none for ::1]
    #[arg(long, value_name = "ADDR", help_heading = LOOPBACKS, hide_short_help = true)]
    lback: Vec<String>,

    /// What 127.0.0.1 is inside
    #[arg(long, value_parser = one_of(&LOOPBACK), value_name = "MODE", default_value = "remap", help_heading = LOOPBACKS)]
    loopback: Loopback,

    /// A port of the host's own loopback that can be reached; may be repeated
    #[arg(long, value_parser = port, value_name = "PORT", help_heading = LOOPBACKS)]
    host_loopback: Vec<u16>,

    /// Ports that can be bound, and no others: 80, 8000-8999, tcp:80, udp:any
    ///
    /// In full: [tcp:|udp:](any|PORT[-PORT])
    #[arg(long, value_name = "RULE", help_heading = RULES)]
    allow_bind: Vec<String>,

    /// Ports that cannot be bound
    #[arg(long, value_name = "RULE", help_heading = RULES)]
    deny_bind: Vec<String>,

    /// Peers that can be reached, and no others: 10.0.0.0/8, tcp:192.0.2.1:443
    ///
    /// In full: [tcp:|udp:](any|ADDR[/PREFIX])[:PORT[-PORT]], with an IPv6 address in brackets before a port.
    #[arg(long, value_name = "RULE", help_heading = RULES)]
    allow_connect: Vec<String>,

    /// Peers that cannot be reached
    #[arg(long, value_name = "RULE", help_heading = RULES)]
    deny_connect: Vec<String>,

    /// Ports that can be bound without privilege, by chbind's own
    #[arg(long, value_name = "PORT[-PORT]", help_heading = RULES, hide_short_help = true)]
    grant_port: Vec<String>,

    /// How this is enforced
    #[arg(long, value_parser = one_of(&ENFORCEMENT), value_name = "HOW", default_value = "seccomp", help_heading = ENFORCEMENTS)]
    enforce: Enforcement,

    /// Resist a program that tries to get around its context
    ///
    /// Some of what honest programs do is refused as well. Needs Linux 6.12 with Landlock, and --enforce seccomp.
    #[arg(long, action = ArgAction::SetTrue, help_heading = ENFORCEMENTS)]
    strict: bool,

    /// Hide interfaces and addresses outside the context from programs that ask the C library
    ///
    /// For --enforce hybrid and preload.
    #[arg(long, action = ArgAction::SetTrue, help_heading = ENFORCEMENTS, hide_short_help = true)]
    hide_netif: bool,

    /// Which process the command is
    ///
    /// [default: exec, where the kernel allows it]
    #[arg(long, value_parser = one_of(&PROCESS), value_name = "MODEL", help_heading = PROCESSES, hide_short_help = true)]
    process: Option<ProcessModel>,

    /// A capability that the command keeps, though it could undo the context; may be repeated
    #[arg(long, value_name = "CAP", help_heading = PROCESSES, hide_short_help = true)]
    keep_cap: Vec<String>,

    /// The name of the context in messages [default: the command's]
    ///
    /// 'chbindctl find NAME' finds it.
    #[arg(long, value_name = "NAME", help_heading = MESSAGES)]
    name: Option<String>,

    /// Say what is done, and show refusals that programs usually cope with
    #[arg(short, long, action = ArgAction::SetTrue, conflicts_with = "quiet", help_heading = MESSAGES)]
    verbose: bool,

    /// Say nothing about refused calls (also --silent)
    #[arg(short, long, visible_alias = "silent", action = ArgAction::SetTrue, help_heading = MESSAGES)]
    quiet: bool,

    /// Show help: all of it with --help, one screen with -h
    #[arg(short, long, action = ArgAction::Help, help_heading = MESSAGES)]
    help: Option<bool>,

    /// Show the version
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = MESSAGES, hide_short_help = true)]
    version: Option<bool>,

    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const ADDRESSES: &str = "Addresses";
const LOOPBACKS: &str = "Loopback";
const RULES: &str = "Rules";
const ENFORCEMENTS: &str = "Enforcement";
const PROCESSES: &str = "Process";
const MESSAGES: &str = "Messages";

/// What is shown beside the options.
const PAGE: Page = Page {
    about: "Inside, a wildcard (0.0.0.0, ::) means the assigned addresses. Other addresses of the host cannot be bound, packets \
            leave with an assigned address as their source, and 127.0.0.1 is the context's own. This holds for everything that \
            the command starts.",
    sections: &[
        Section { heading: ADDRESSES, note: "", example: "chbind --ip 192.0.2.10/24 --ip 2001:db8::10/64 -- ./server" },
        Section { heading: LOOPBACKS, note: "", example: "chbind --ip 192.0.2.10 --host-loopback 5432 -- ./server" },
        Section {
            heading: RULES,
            note: "An allow rule matches: allowed. If none does, and a deny rule matches: refused. If neither does: refused where \
                   there is an allow rule of that kind, allowed where there is none. Each can be given many times.",
            example: "chbind --ip 192.0.2.10 --allow-bind tcp:443 --deny-connect 10.0.0.0/8 -- ./server",
        },
        Section { heading: ENFORCEMENTS, note: "", example: "chbind --ip 192.0.2.10 --strict -- ./untrusted" },
        Section {
            heading: PROCESSES,
            note: "",
            example: "chbind --ip 192.0.2.10 --keep-cap sys_ptrace -- gdb ./server",
        },
        Section { heading: MESSAGES, note: "", example: "chbind --ip 192.0.2.10 --name web --verbose -- ./server" },
    ],
    end: &[
        "Options end at the command. -- before it is needed only where the command begins with a dash.",
        "'chbind help' shows this page; 'chbind --ip ADDR -- help' runs a command that is called help.",
        "Exit status: the command's own; 125 if chbind failed before running it, 126 if it cannot be executed, 127 if it was \
         not found.",
    ],
    short_end: "Example: chbind --ip 192.0.2.10 -- ./server\nMore options: chbind --help",
};

/// A word that asks for help where it is the only one: without --ip no command of this name could be meant.
const HELP: &str = "help";

fn port(text: &str) -> Result<u16, &'static str> {
    // Port 0 is refused with the rest of the plan.
    text.parse().map_err(|_| "not a port from 1 to 65535")
}

fn command() -> clap::Command {
    help::with_pages(Args::command(), &PAGE)
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
///
/// # Errors
///
/// 0 after help or the version was shown; [`FAILED`](super::exit::FAILED) where what was typed cannot be understood.
pub fn request() -> Result<Request, u8> {
    let wording = Wording { program: CHBIND, nothing: "no command given", unnamed: "no command given" };
    let mut typed: Vec<OsString> = std::env::args_os().collect();
    if let [_, only] = typed.as_mut_slice()
        && only == HELP
    {
        *only = "--help".into();
    }
    let parsed = command().try_get_matches_from(typed).and_then(|matches| Args::from_arg_matches(&matches));
    parsed.map(Request::from).map_err(|error| usage::status(&error, &wording))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Args, clap::Error> {
        command().try_get_matches_from(words).and_then(|matches| Args::from_arg_matches(&matches))
    }

    #[test]
    fn the_definition_holds_together() {
        command().debug_assert();
    }

    #[test]
    fn the_command_keeps_its_own_options() {
        let args = parse(&["chbind", "--ip", "10.0.0.1", "ls", "-q", "--", "--ip"]).unwrap();
        assert_eq!(args.command, ["ls", "-q", "--", "--ip"]);
        assert!(!args.quiet);
    }

    #[test]
    fn every_option_has_a_heading_and_every_heading_an_example() {
        for arg in command().get_arguments().filter(|arg| !arg.is_positional()) {
            let heading = arg.get_help_heading().unwrap_or_default();
            assert!(PAGE.sections.iter().any(|section| section.heading == heading), "{arg}: '{heading}'");
        }
        for section in PAGE.sections {
            let words: Vec<&str> = section.example.split(' ').collect();
            assert!(parse(&words).is_ok(), "{}", section.example);
        }
    }
}
