//! What is wrong with what was asked for.

use super::form::Words;
use super::form::said;
use crate::cli::exit::{FAILED, NOT_EXECUTABLE, NOT_FOUND};
use crate::cli::values::{ENFORCEMENT, word_for};
use crate::plan::rules::{Fault, List};
use crate::plan::{Conflict, Enforcement, Error, address, command, rules, shim};
use crate::sys::Errno;
use std::net::IpAddr;

impl Error {
    /// What has words of its own.
    fn cause(&self) -> Option<&dyn Words> {
        match self {
            Error::Address(error) => Some(error),
            Error::Rules(error) => Some(error),
            Error::Conflict(conflict) => Some(conflict),
            Error::Command(error) => Some(error),
            Error::Program(error) => Some(error),
            Error::Shim(error) => Some(error),
            Error::Preflight(error) => Some(error),
            Error::Contexts(error) => Some(error),
            Error::Privileges(error) => Some(error),
            Error::Filter(error) => Some(error),
            Error::NoAddresses
            | Error::TwoLoopbacks
            | Error::NoPort
            | Error::NotANumber(_)
            | Error::NotACapability(_)
            | Error::CannotPreload(_) => None,
        }
    }
}

impl Words for Error {
    fn sentence(&self) -> String {
        match self {
            Error::NoAddresses => "no addresses given".to_owned(),
            Error::TwoLoopbacks => "--lback: more than one address of the same family".to_owned(),
            Error::NoPort => "--host-loopback 0: not a port".to_owned(),
            Error::NotANumber(text) => format!("--nid '{text}': not a number from 2 to 65535"),
            Error::NotACapability(text) => format!("--keep-cap '{text}': not a capability"),
            Error::CannotPreload(obstacle) => format!("--enforce preload: {}", obstacle.sentence()),
            _ => self.cause().map(Words::sentence).unwrap_or_default(),
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Error::NoAddresses => Some("give at least one with --ip, such as --ip 192.0.2.10"),
            Error::CannotPreload(_) => Some("--enforce seccomp, the default, holds every program"),
            _ => self.cause().and_then(Words::hint),
        }
    }

    fn status(&self) -> u8 {
        self.cause().map_or(FAILED, Words::status)
    }
}

impl Words for address::Error {
    fn sentence(&self) -> String {
        use address::Error;
        match self {
            Error::NotAnAddress(text) => format!("'{text}': not an IP address"),
            Error::BadPrefix(text) => format!("'{text}': not a prefix length or mask of this address"),
            Error::NotAssignable(ip) => format!("cannot assign {ip}: not the address of a host"),
            Error::NeedsInterface(ip) => format!("cannot assign {ip}: a link-local address needs its interface"),
            Error::TakesNoInterface(ip) => format!("cannot assign {ip}: only a link-local address has an interface"),
            Error::NoInterface(name, _) => format!("no interface '{name}' on this host"),
            Error::NotLocal(ip) => format!("cannot assign {ip}: not an address of this host"),
            Error::CannotTry(ip, errno) => format!("cannot assign {ip}: {}", said(*errno)),
        }
    }

    fn hint(&self) -> Option<&'static str> {
        use address::Error;
        match self {
            Error::NotLocal(_) => Some("'ip address' shows the addresses of this host; --allow-nonlocal takes others"),
            Error::NeedsInterface(_) => Some("write it as fe80::1%eth0"),
            _ => None,
        }
    }
}

impl List {
    /// The option that adds to it.
    fn option(self) -> &'static str {
        match self {
            List::AllowBind => "--allow-bind",
            List::DenyBind => "--deny-bind",
            List::AllowConnect => "--allow-connect",
            List::DenyConnect => "--deny-connect",
            List::Grant => "--grant-port",
        }
    }
}

impl Words for rules::Error {
    fn sentence(&self) -> String {
        match self {
            rules::Error::Bad { list, text, fault } => format!("{} '{text}': {}", list.option(), fault.sentence()),
            rules::Error::CannotGrant { port, first } => format!(
                "--grant-port: chbind may not bind port {port} itself (it lacks the right to ports below {first})"
            ),
        }
    }

    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            rules::Error::Bad { list: List::Grant, .. } => "write it as 80 or 80-90",
            rules::Error::Bad { list: List::AllowBind | List::DenyBind, .. } => {
                "write it as 80, 8000-8999, tcp:80, udp:any or any"
            }
            rules::Error::Bad { fault: Fault::Address(_), .. } => {
                "give addresses, such as 192.0.2.0/24 or [2001:db8::]/32:443; names are not looked up"
            }
            rules::Error::Bad { .. } => {
                "write it as 192.0.2.0/24, tcp:192.0.2.1:443, [2001:db8::]/32:443 or udp:any:53"
            }
            rules::Error::CannotGrant { .. } => "run chbind as root, or lower net.ipv4.ip_unprivileged_port_start",
        })
    }
}

impl Words for Fault {
    fn sentence(&self) -> String {
        match self {
            Fault::Port(text) => format!("'{text}' is not a port, nor a range of ports"),
            Fault::Range(text) => format!("the range '{text}' ends before it begins"),
            Fault::Protocol(text) => format!("'{text}' is neither tcp nor udp"),
            Fault::Address(text) => format!("'{text}' is not an IP address"),
            Fault::Prefix(text) => format!("'{text}' is not a prefix length or mask of this address"),
            Fault::Wildcard(ip @ IpAddr::V4(_)) => format!("{ip} is no peer; 0.0.0.0/0 stands for all of IPv4"),
            Fault::Wildcard(ip @ IpAddr::V6(_)) => format!("{ip} is no peer; ::/0 stands for all of IPv6"),
            Fault::Brackets(text) => format!("'{text}' is not an IPv6 address in brackets"),
        }
    }
}

impl Words for Conflict {
    fn sentence(&self) -> String {
        let (option, enforcement, why) = match self {
            Conflict::Strict(enforcement) => {
                ("--strict", *enforcement, "what enforces the context would be in the hands of the program")
            }
            Conflict::GrantWithoutSupervisor => {
                ("--grant-port", Enforcement::Preload, "it takes a supervisor with the right to them")
            }
            Conflict::ParentWithoutSupervisor => {
                ("--process parent", Enforcement::Preload, "there is no supervisor to be one")
            }
            Conflict::HideWithoutShim => {
                ("--hide-netif", Enforcement::Seccomp, "the kernel shows them all, and only the library can hide them")
            }
        };
        format!("{option} is not for --enforce {}: {why}", word_for(&ENFORCEMENT, &enforcement))
    }

    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Conflict::HideWithoutShim => "add --enforce hybrid",
            _ => "--enforce seccomp, the default, can do it",
        })
    }
}

impl Words for command::Error {
    fn sentence(&self) -> String {
        match self {
            command::Error::Locate(error) => error.sentence(),
            command::Error::ZeroByte(_) => {
                format!("cannot take an argument with a zero byte: {}", said(Errno(libc::EINVAL)))
            }
            command::Error::Exec(path, errno) => {
                format!("cannot execute '{}': {}", path.to_string_lossy(), said(*errno))
            }
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            command::Error::Exec(_, Errno(libc::ENOENT)) => Some("the interpreter or loader that it names is missing"),
            _ => None,
        }
    }

    fn status(&self) -> u8 {
        match self {
            command::Error::Locate(error) => error.status(),
            command::Error::ZeroByte(_) => FAILED,
            command::Error::Exec(_, Errno(libc::ENOENT)) => NOT_FOUND,
            command::Error::Exec(..) => NOT_EXECUTABLE,
        }
    }
}

impl Words for shim::Error {
    fn sentence(&self) -> String {
        match self {
            shim::Error::Missing(directory) => {
                format!(
                    "libchbind_preload.so is missing: it is not in {}, nor in ../lib/chbind or ../lib from there",
                    directory.to_string_lossy()
                )
            }
            shim::Error::Unreadable(path, _) | shim::Error::Unusable(path) => format!(
                "cannot use '{}': it must be readable for all users, without blanks or colons in its path",
                path.to_string_lossy()
            ),
            shim::Error::TooMuch => "too many addresses or rules for --enforce hybrid and preload".to_owned(),
            shim::Error::NoSecret(errno) => format!("cannot make a secret: {}", said(*errno)),
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            shim::Error::Missing(_) => Some("install it beside chbind, or in lib/chbind beside its directory"),
            shim::Error::Unreadable(..) | shim::Error::Unusable(_) => {
                Some("install it where all users can read it, beside chbind in /usr/local/bin, say")
            }
            shim::Error::TooMuch | shim::Error::NoSecret(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::command::Command;

    #[test]
    fn commands() {
        let told =
            |name: &str| Command::find(&[name.into()]).map(drop).map_err(|error| (error.status(), error.sentence()));
        assert_eq!(told("/bin/sh"), Ok(()));
        assert_eq!(told("no-such-command"), Err((127, "'no-such-command': command not found".into())));
        assert_eq!(told(""), Err((127, "'': command not found".into())));
        assert_eq!(told("/"), Err((126, "cannot execute '/': Is a directory".into())));
        assert_eq!(told("/etc/passwd"), Err((126, "cannot execute '/etc/passwd': Permission denied".into())));
        let gone = command::Error::Exec("/x".into(), Errno(libc::ENOENT));
        assert_eq!((gone.status(), gone.hint().is_some()), (127, true));
    }

    #[test]
    fn addresses() {
        for (text, sentence) in [
            ("nginx", "'nginx': not an IP address"),
            ("10.0.0.1/33", "'10.0.0.1/33': not a prefix length or mask of this address"),
            ("::", "cannot assign ::: not the address of a host"),
            ("fe80::1", "cannot assign fe80::1: a link-local address needs its interface"),
            ("fe80::1%nosuch0", "no interface 'nosuch0' on this host"),
            ("10.0.0.1%lo", "cannot assign 10.0.0.1: only a link-local address has an interface"),
        ] {
            assert_eq!(Error::Address(address::assigned(text).unwrap_err()).sentence(), sentence);
        }
    }

    #[test]
    fn conflicts() {
        let strict = Conflict::Strict(Enforcement::Hybrid).sentence();
        let why = "what enforces the context would be in the hands of the program";
        assert_eq!(strict, format!("--strict is not for --enforce hybrid: {why}"));
        let hide = Conflict::HideWithoutShim.sentence();
        assert!(hide.starts_with("--hide-netif is not for --enforce seccomp: "), "{hide}");
    }
}
