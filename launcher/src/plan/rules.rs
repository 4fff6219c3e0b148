//! Rules for ports and peers as they are typed, and ports that are granted.

use super::address;
use super::request::RuleTexts;
use crate::privileges::network_owner::NetworkOwner;
use chbind_policy::Transport;
use chbind_policy::rules::{ConnectRule, Ports, Rules, Service};
use ipnet::IpNet;
use std::fs;
use std::net::IpAddr;

/// What stands for every port or every peer.
const ANY: &str = "any";

/// What is wrong with a rule.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not a port from 1 to 65535, not a range of them, not `any` (where that may stand).
    Port(String),
    /// A range that ends before it begins.
    Range(String),
    /// A protocol that has no rules.
    Protocol(String),
    /// Not an address. Names are not looked up: they may mean something else tomorrow.
    Address(String),
    /// A prefix length or mask that does not fit.
    Prefix(String),
    /// 0.0.0.0 or ::, which is no peer.
    Wildcard(IpAddr),
    /// An IPv6 address in brackets that do not close, or something between them and the colon.
    Brackets(String),
}

/// The list that a rule is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Ports that can be bound.
    AllowBind,
    /// Ports that cannot.
    DenyBind,
    /// Peers that can be reached.
    AllowConnect,
    /// Peers that cannot.
    DenyConnect,
    /// Ports that can be bound without privilege.
    Grant,
}

/// Why rules cannot be followed.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// One says nothing.
    Bad {
        /// The list that it is on.
        list: List,
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
}

/// Reads what was typed. The rules live as long as the process.
///
/// # Errors
///
/// [`Error::Bad`] of the first that says nothing, in the order of [`List`]: what is wrong with it is what [`service`],
/// [`peers`] or [`ports`] says.
pub fn resolve(texts: &RuleTexts) -> Result<Rules<'static>, Error> {
    fn all<T>(list: List, typed: &[String], read: impl Fn(&str) -> Result<T, Fault>) -> Result<&'static [T], Error> {
        let wrong = |text: &String, fault| Error::Bad { list, text: text.clone(), fault };
        let read = typed.iter().map(|text| read(text).map_err(|fault| wrong(text, fault)));
        Ok(read.collect::<Result<Vec<_>, _>>()?.leak())
    }
    Ok(Rules {
        allow_bind: all(List::AllowBind, &texts.allow_bind, service)?,
        deny_bind: all(List::DenyBind, &texts.deny_bind, service)?,
        allow_connect: all(List::AllowConnect, &texts.allow_connect, peers)?,
        deny_connect: all(List::DenyConnect, &texts.deny_connect, peers)?,
        granted: all(List::Grant, &texts.grant, ports)?,
    })
}

/// Fails unless chbind has the right that it is to lend.
///
/// # Errors
///
/// [`Error::CannotGrant`], of the first range that begins below `net.ipv4.ip_unprivileged_port_start` (1024 if the
/// kernel does not say), where this process lacks CAP_NET_BIND_SERVICE in the user namespace of its network, or in one
/// above.
pub fn require_grantable(rules: &Rules, network: &NetworkOwner) -> Result<(), Error> {
    const FIRST: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
    // A kernel without the setting has 1024 (ip(7)).
    let first = fs::read_to_string(FIRST).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1024u16);
    match rules.granted.iter().find(|ports| ports.first() < first) {
        Some(ports) if !network.lets_this_process_bind_privileged() => {
            Err(Error::CannotGrant { port: ports.first(), first })
        }
        _ => Ok(()),
    }
}

/// Reads `PORT` or `PORT-PORT`.
///
/// # Errors
///
/// [`Fault::Port`] for what is no number from 1 to 65535, then [`Fault::Range`].
pub fn ports(text: &str) -> Result<Ports, Fault> {
    let port = |digits: &str| match digits.parse() {
        // The kernel's own choice is not to be ruled.
        Ok(0) | Err(_) => Err(Fault::Port(text.to_owned())),
        // from_str takes a sign.
        Ok(_) if !digits.starts_with(|c: char| c.is_ascii_digit()) => Err(Fault::Port(text.to_owned())),
        Ok(port) => Ok(port),
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Ports::new(port(first)?, port(last)?).ok_or_else(|| Fault::Range(text.to_owned()))
}

/// A protocol in front, and the rest.
fn transport(text: &str) -> (Option<Transport>, &str) {
    match text.split_once(':') {
        Some(("tcp", rest)) => (Some(Transport::Tcp), rest),
        Some(("udp", rest)) => (Some(Transport::Udp), rest),
        _ => (None, text),
    }
}

/// Reads `[tcp:|udp:]any|PORT|PORT-PORT`.
///
/// # Errors
///
/// [`Fault::Protocol`] for a word other than `tcp` and `udp` before a colon; then those of [`ports`].
pub fn service(text: &str) -> Result<Service, Fault> {
    let (transport, rest) = transport(text);
    if let Some((word, _)) = rest.split_once(':') {
        return Err(Fault::Protocol(word.to_owned()));
    }
    let ports = if rest == ANY { Ports::ALL } else { ports(rest)? };
    Ok(Service { transport, ports })
}

/// Reads `[tcp:|udp:](any|ADDR[/PREFIX])[:PORT[-PORT]]`, with IPv6 in brackets where a port follows.
///
/// # Errors
///
/// In this order: [`Fault::Brackets`]; [`Fault::Address`], also for a protocol that has no rules; [`Fault::Prefix`];
/// [`Fault::Wildcard`], unless a prefix comes with it; those of [`ports`].
pub fn peers(text: &str) -> Result<ConnectRule, Fault> {
    let (transport, rest) = transport(text);
    let (peers, port) = parts(rest)?;
    let peers = if peers == ANY { None } else { Some(net(&peers)?) };
    let ports = port.map_or(Ok(Ports::ALL), ports)?;
    Ok(ConnectRule { peers, service: Service { transport, ports } })
}

/// Who, without brackets, and the port behind.
fn parts(text: &str) -> Result<(String, Option<&str>), Fault> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let wrong = || Fault::Brackets(text.to_owned());
        let (address, behind) = bracketed.split_once(']').ok_or_else(wrong)?;
        let (prefix, port) = behind.split_once(':').map_or((behind, None), |(prefix, port)| (prefix, Some(port)));
        if !prefix.is_empty() && !prefix.starts_with('/') || !address.contains(':') {
            return Err(wrong());
        }
        return Ok((format!("{address}{prefix}"), port));
    }
    Ok(match text.split_once(':') {
        // A second colon: IPv6, which has no port without brackets.
        Some((who, port)) if !port.contains(':') => (who.to_owned(), Some(port)),
        _ => (text.to_owned(), None),
    })
}

/// `ADDR[/PREFIX]`. A v4-mapped address is the IPv4 address that it is.
fn net(text: &str) -> Result<IpNet, Fault> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let ip: IpAddr = address.parse().map_err(|_| Fault::Address(address.to_owned()))?;
    let wrong = || Fault::Prefix(prefix.unwrap_or_default().to_owned());
    let length = prefix.map(|prefix| address::length(prefix, ip).ok_or_else(wrong)).transpose()?;
    let net = match length {
        None if ip.to_canonical().is_unspecified() => return Err(Fault::Wildcard(ip)),
        None => IpNet::from(ip.to_canonical()),
        // The first 96 bits say that it is one.
        Some(length) if ip.to_canonical() != ip => {
            length.checked_sub(96).and_then(|length| IpNet::new(ip.to_canonical(), length).ok()).ok_or_else(wrong)?
        }
        Some(length) => IpNet::new(ip, length).map_err(|_| wrong())?,
    };
    Ok(net.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Transport::{Tcp, Udp};

    fn range(first: u16, last: u16) -> Ports {
        Ports::new(first, last).unwrap()
    }

    #[test]
    fn rules_for_binding() {
        for (text, transport, ports) in [
            ("any", None, Ports::ALL),
            ("80", None, range(80, 80)),
            ("8000-8999", None, range(8000, 8999)),
            ("tcp:80", Some(Tcp), range(80, 80)),
            ("udp:any", Some(Udp), Ports::ALL),
            ("udp:1-65535", Some(Udp), range(1, 65535)),
        ] {
            assert_eq!(service(text), Ok(Service { transport, ports }), "{text}");
        }
    }

    #[test]
    fn rules_for_connecting() {
        for (text, net, transport, ports) in [
            ("any", None, None, Ports::ALL),
            ("any:53", None, None, range(53, 53)),
            ("udp:any:53", None, Some(Udp), range(53, 53)),
            ("10.0.0.1", Some("10.0.0.1/32"), None, Ports::ALL),
            ("10.1.2.3/8", Some("10.0.0.0/8"), None, Ports::ALL),
            ("10.1.2.3/255.0.0.0:80", Some("10.0.0.0/8"), None, range(80, 80)),
            ("tcp:0.0.0.0/0:1-1023", Some("0.0.0.0/0"), Some(Tcp), range(1, 1023)),
            ("2001:db8::/32", Some("2001:db8::/32"), None, Ports::ALL),
            ("2001:db8::1:443", Some("2001:db8::1:443/128"), None, Ports::ALL),
            ("::1", Some("::1/128"), None, Ports::ALL),
            ("fe80::/10", Some("fe80::/10"), None, Ports::ALL),
            ("dead:beef::", Some("dead:beef::/128"), None, Ports::ALL),
            ("[2001:db8::]/32:443", Some("2001:db8::/32"), None, range(443, 443)),
            ("udp:[::1]:53", Some("::1/128"), Some(Udp), range(53, 53)),
            ("[::1]", Some("::1/128"), None, Ports::ALL),
            ("tcp:::/0", Some("::/0"), Some(Tcp), Ports::ALL),
            ("::ffff:10.0.0.1", Some("10.0.0.1/32"), None, Ports::ALL),
            ("[::ffff:10.9.9.9]/104:80", Some("10.0.0.0/8"), None, range(80, 80)),
        ] {
            let peers_of = net.map(|net| net.parse::<IpNet>().unwrap());
            assert_eq!(
                peers(text),
                Ok(ConnectRule { peers: peers_of, service: Service { transport, ports } }),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_rule() {
        let port = |text: &str| Fault::Port(text.to_owned());
        for (text, fault) in [
            ("", port("")),
            ("0", port("0")),
            ("65536", port("65536")),
            ("+80", port("+80")),
            ("80-", port("80-")),
            ("-80", port("-80")),
            ("1-2-3", port("1-2-3")),
            ("http", port("http")),
            ("80/tcp", port("80/tcp")),
            ("tcp", port("tcp")),
            ("tcp:", port("")),
            ("90-80", Fault::Range("90-80".into())),
            ("sctp:80", Fault::Protocol("sctp".into())),
            ("tcp:udp:80", Fault::Protocol("udp".into())),
        ] {
            assert_eq!(service(text), Err(fault), "{text}");
        }
        for (text, fault) in [
            ("", Fault::Address("".into())),
            ("example.org", Fault::Address("example.org".into())),
            ("10.0.0.256", Fault::Address("10.0.0.256".into())),
            ("fe80::1%eth0", Fault::Address("fe80::1%eth0".into())),
            ("10.0.0.1/33", Fault::Prefix("33".into())),
            ("::/129", Fault::Prefix("129".into())),
            ("::ffff:10.0.0.0/95", Fault::Prefix("95".into())),
            ("0.0.0.0", Fault::Wildcard("0.0.0.0".parse().unwrap())),
            ("::", Fault::Wildcard("::".parse().unwrap())),
            ("[::]:80", Fault::Wildcard("::".parse().unwrap())),
            ("[::1", Fault::Brackets("[::1".into())),
            ("[::1]80", Fault::Brackets("[::1]80".into())),
            ("[10.0.0.1]:80", Fault::Brackets("[10.0.0.1]:80".into())),
            ("10.0.0.1:0", port("0")),
            ("10.0.0.1:any", port("any")),
            ("10.0.0.1:", port("")),
            ("10.0.0.1:9-8", Fault::Range("9-8".into())),
            ("icmp:10.0.0.1", Fault::Address("icmp".into())),
            ("localhost:80", Fault::Address("localhost".into())),
        ] {
            assert_eq!(peers(text), Err(fault), "{text}");
        }
        for text in ["any", "tcp:80", "0", "80-70"] {
            assert!(ports(text).is_err(), "{text}");
        }
    }
}
