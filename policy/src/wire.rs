//! The text by which a context reaches the shim: one environment variable, written by the launcher, read when a program
//! starts.
//!
//! Fields separated by `;`, each a letter, `=` and a value, after the version and before the sum:
//!
//! ```text
//! 1;N=web;a=10.0.0.1/24;a=fe80::1/64%3;l=127.3.232.1;o=r;x=c0ffee0123456789
//! ```
//!
//! | field | value |
//! |---|---|
//! | `N` | the name in messages; what is not a letter, digit, `.`, `_` or `-` as `%` and two hexadecimal digits |
//! | `a` | an assigned address, its prefix length, and `%` with the interface index if it is link-local; in order |
//! | `l`, `L` | what stands for 127.0.0.1, and for ::1 where something does |
//! | `o` | what loopback means: `r` the context's own, `h` the host's, `d` there is none |
//! | `p`, `d` | a port of the host's loopback that may be reached; a name server there |
//! | `f` | flags: `m` multicast, `i` raw ICMP, `o` sockets keep the one address, `n` interfaces are hidden, `q` quiet, `v` verbose |
//! | `B`, `b` | what may and what may not be bound: `t`, `u` or `*`, and the first and last port: `t80-80` |
//! | `C`, `c` | who may and who may not be reached: the same, `@`, and a prefix or `*`: `*0-65535@10.0.0.0/8` |
//! | `e` | device and inode of standard error when the command was started, hexadecimal: `1a:2b` |
//! | `s` | the secret of `--enforce hybrid`, 16 hexadecimal digits |
//! | `x` | FNV-1a (64 bits) of all that is before `;x=`, 16 hexadecimal digits; the end |
//!
//! Granted ports are not in it: a process can grant itself nothing.

use crate::context::{Assigned, Context, Loopback};
use crate::rules::{ConnectRule, Ports, Rules, Service};
use crate::socket::Transport;
use core::fmt::{self, Write};
use core::net::{IpAddr, Ipv4Addr};
use core::str::FromStr;
use ipnet::{IpNet, Ipv4Net};

/// The variable.
pub const VARIABLE: &str = "CHBIND_CONTEXT";
const VERSION: &str = "1";

/// What the shim is told.
#[derive(Clone, Copy, Debug)]
pub struct ShimConfig<'a> {
    /// The context, without granted ports.
    pub context: Context<'a>,
    /// Its name, in the form that it has in the text.
    pub name: Name<'a>,
    /// Whether only the context's own interfaces and addresses are shown.
    pub hides_interfaces: bool,
    /// Whether refusals are not told.
    pub quiet: bool,
    /// Whether those are told that programs usually cope with.
    pub verbose: bool,
    /// Which file standard error was: device and inode.
    pub stderr: Option<(u64, u64)>,
    /// What calls of the shim carry past the filter.
    pub secret: Option<u64>,
}

/// A name, encoded or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// As it is.
    Plain(&'a str),
    /// As in the text.
    Encoded(&'a str),
}

impl Name<'_> {
    /// Its bytes.
    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        let (text, is_encoded) = match *self {
            Name::Plain(text) => (text, false),
            Name::Encoded(text) => (text, true),
        };
        let mut rest = text.bytes();
        core::iter::from_fn(move || match rest.next()? {
            b'%' if is_encoded => Some(digit(rest.next()?)? << 4 | digit(rest.next()?)?),
            byte => Some(byte),
        })
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The most of each kind that a text can have.
pub const ADDRESSES_MAX: usize = 4096;
/// Ports and name servers.
pub const HOST_MAX: usize = 256;
/// Rules of each of the four kinds.
pub const RULES_MAX: usize = 1024;

/// Room for what a text holds.
pub struct Room {
    addresses: [Assigned; ADDRESSES_MAX],
    ports: [u16; HOST_MAX],
    resolvers: [IpAddr; HOST_MAX],
    bind: [[Service; RULES_MAX]; 2],
    connect: [[ConnectRule; RULES_MAX]; 2],
}

impl Room {
    /// An empty one.
    pub const fn new() -> Self {
        const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        const NOBODY: Assigned = Assigned::new(IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 32)), 0);
        const SERVICE: Service = Service { transport: None, ports: Ports::ALL };
        Room {
            addresses: [NOBODY; ADDRESSES_MAX],
            ports: [0; HOST_MAX],
            resolvers: [ANY; HOST_MAX],
            bind: [[SERVICE; RULES_MAX]; 2],
            connect: [[ConnectRule { peers: None, service: SERVICE }; RULES_MAX]; 2],
        }
    }
}

impl Default for Room {
    fn default() -> Self {
        Room::new()
    }
}

/// Why a text is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// It is of another version, or none at all.
    Version,
    /// It is not what was written.
    Sum,
    /// A field that cannot be understood, or is there twice.
    Field,
    /// A field is missing.
    Missing,
    /// There is more of something than there is room for.
    TooMany,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParseError::Version => "it was written by another version",
            ParseError::Sum => "it has been changed",
            ParseError::Field => "a part of it cannot be understood",
            ParseError::Missing => "a part of it is missing",
            ParseError::TooMany => "it has too many parts",
        })
    }
}

/// FNV-1a, 64 bits (draft-eastlake-fnv).
struct Sum(u64);

impl Sum {
    const EMPTY: Sum = Sum(0xcbf2_9ce4_8422_2325);

    fn add(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

struct Summed<'a>(&'a mut dyn Write, Sum);

impl Write for Summed<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.1.add(text);
        self.0.write_str(text)
    }
}

/// Writes the text.
///
/// # Errors
///
/// Where there is more of something than [`read`] has room for, before anything is written; or where `out` takes no
/// more.
pub fn write(config: &ShimConfig, out: &mut dyn Write) -> fmt::Result {
    let mut out = Summed(out, Sum::EMPTY);
    let context = &config.context;
    let rules = &context.rules;
    let most_rules =
        [rules.allow_bind.len(), rules.deny_bind.len(), rules.allow_connect.len(), rules.deny_connect.len()];
    let is_room = context.addresses.len() <= ADDRESSES_MAX
        && [context.host_loopback.len(), context.resolvers.len()].iter().all(|len| *len <= HOST_MAX)
        && most_rules.iter().all(|len| *len <= RULES_MAX);
    if !is_room {
        return Err(fmt::Error);
    }
    write!(out, "{VERSION};N=")?;
    for byte in config.name.bytes() {
        match byte {
            b'.' | b'_' | b'-' => out.write_char(char::from(byte))?,
            byte if byte.is_ascii_alphanumeric() => out.write_char(char::from(byte))?,
            byte => write!(out, "%{byte:02x}")?,
        }
    }
    for assigned in context.addresses {
        write!(out, ";a={}/{}", assigned.ip(), assigned.prefix_len())?;
        if assigned.scope() != 0 {
            write!(out, "%{}", assigned.scope())?;
        }
    }
    write!(out, ";l={}", context.lback)?;
    if let Some(lback6) = context.lback6 {
        write!(out, ";L={lback6}")?;
    }
    let loopback = match context.loopback {
        Loopback::Remap => 'r',
        Loopback::Host => 'h',
        Loopback::Deny => 'd',
    };
    write!(out, ";o={loopback}")?;
    for port in context.host_loopback {
        write!(out, ";p={port}")?;
    }
    for resolver in context.resolvers {
        write!(out, ";d={resolver}")?;
    }
    out.write_str(";f=")?;
    for (is_set, flag) in [
        (context.multicast, 'm'),
        (context.raw_icmp, 'i'),
        (context.keeps_one, 'o'),
        (config.hides_interfaces, 'n'),
        (config.quiet, 'q'),
        (config.verbose, 'v'),
    ] {
        if is_set {
            out.write_char(flag)?;
        }
    }
    for (letter, rules) in [('B', context.rules.allow_bind), ('b', context.rules.deny_bind)] {
        for rule in rules {
            write!(out, ";{letter}=")?;
            write_service(rule, &mut out)?;
        }
    }
    for (letter, rules) in [('C', context.rules.allow_connect), ('c', context.rules.deny_connect)] {
        for rule in rules {
            write!(out, ";{letter}=")?;
            write_service(&rule.service, &mut out)?;
            match rule.peers {
                Some(peers) => write!(out, "@{peers}")?,
                None => out.write_str("@*")?,
            }
        }
    }
    if let Some((device, inode)) = config.stderr {
        write!(out, ";e={device:x}:{inode:x}")?;
    }
    if let Some(secret) = config.secret {
        write!(out, ";s={secret:016x}")?;
    }
    let Summed(out, sum) = out;
    write!(out, ";x={:016x}", sum.0)
}

fn write_service(service: &Service, out: &mut dyn Write) -> fmt::Result {
    let letter = match service.transport {
        Some(Transport::Tcp) => 't',
        Some(Transport::Udp) => 'u',
        _ => '*',
    };
    write!(out, "{letter}{}-{}", service.ports.first(), service.ports.last())
}

/// Reads a text.
///
/// # Errors
///
/// In this order:
///
/// - [`ParseError::Version`]: it does not begin with this version's number.
/// - [`ParseError::Sum`]: there is no sum, or it is that of another text.
/// - [`ParseError::TooMany`] or [`ParseError::Field`], of the first field that does not fit into `room`, or cannot be
///   understood or is there twice.
/// - [`ParseError::Missing`]: one of `N`, `a`, `l`, `o` and `f` is not there.
pub fn read<'a>(text: &'a str, room: &'a mut Room) -> Result<ShimConfig<'a>, ParseError> {
    let fields = text.strip_prefix(VERSION).and_then(|rest| rest.strip_prefix(';')).ok_or(ParseError::Version)?;
    let (_, sum) = fields.rsplit_once(";x=").ok_or(ParseError::Sum)?;
    let summed = text.get(..text.len() - ";x=".len() - sum.len()).ok_or(ParseError::Sum)?;
    let mut expected = Sum::EMPTY;
    expected.add(summed);
    if sum.len() != 16 || hexadecimal(sum) != Some(expected.0) {
        return Err(ParseError::Sum);
    }
    let fields = summed.get(VERSION.len() + 1..).ok_or(ParseError::Version)?;
    let mut found = Found::default();
    for field in fields.split(';') {
        found.take(field, room)?;
    }
    found.config(room)
}

/// How much of the room is taken, and what is there once.
#[derive(Default)]
struct Found<'a> {
    addresses: usize,
    ports: usize,
    resolvers: usize,
    bind: [usize; 2],
    connect: [usize; 2],
    name: Option<Name<'a>>,
    lback: Option<Ipv4Addr>,
    lback6: Option<core::net::Ipv6Addr>,
    loopback: Option<Loopback>,
    flags: Option<&'a str>,
    stderr: Option<(u64, u64)>,
    secret: Option<u64>,
}

fn put<T>(to: &mut [T], taken: &mut usize, value: Option<T>) -> Result<(), ParseError> {
    *to.get_mut(*taken).ok_or(ParseError::TooMany)? = value.ok_or(ParseError::Field)?;
    *taken += 1;
    Ok(())
}

fn once<T>(to: &mut Option<T>, value: Option<T>) -> Result<(), ParseError> {
    if to.is_some() || value.is_none() {
        return Err(ParseError::Field);
    }
    *to = value;
    Ok(())
}

impl<'a> Found<'a> {
    fn take(&mut self, field: &'a str, room: &mut Room) -> Result<(), ParseError> {
        let (letter, value) = field.split_once('=').ok_or(ParseError::Field)?;
        let ([allow, deny], [reach, shun]) = (&mut room.bind, &mut room.connect);
        let ([allowed, denied], [reached, shunned]) = (&mut self.bind, &mut self.connect);
        match letter {
            "N" => once(&mut self.name, is_encoded(value).then_some(Name::Encoded(value))),
            "a" => put(&mut room.addresses, &mut self.addresses, assigned(value)),
            "l" => once(&mut self.lback, value.parse().ok()),
            "L" => once(&mut self.lback6, canonical(value)),
            "o" => once(
                &mut self.loopback,
                match value {
                    "r" => Some(Loopback::Remap),
                    "h" => Some(Loopback::Host),
                    "d" => Some(Loopback::Deny),
                    _ => None,
                },
            ),
            "p" => put(&mut room.ports, &mut self.ports, decimal(value)),
            "d" => put(&mut room.resolvers, &mut self.resolvers, canonical(value)),
            "f" => once(&mut self.flags, value.bytes().all(|flag| b"minoqv".contains(&flag)).then_some(value)),
            "B" => put(allow, allowed, service(value)),
            "b" => put(deny, denied, service(value)),
            "C" => put(reach, reached, connect_rule(value)),
            "c" => put(shun, shunned, connect_rule(value)),
            "e" => once(
                &mut self.stderr,
                value.split_once(':').and_then(|(device, inode)| hexadecimal(device).zip(hexadecimal(inode))),
            ),
            "s" => once(&mut self.secret, Some(value).filter(|value| value.len() == 16).and_then(hexadecimal)),
            _ => Err(ParseError::Field),
        }
    }

    fn config(self, room: &'a Room) -> Result<ShimConfig<'a>, ParseError> {
        let flags = self.flags.ok_or(ParseError::Missing)?;
        let addresses = room.addresses.get(..self.addresses).unwrap_or_default();
        if addresses.is_empty() {
            return Err(ParseError::Missing);
        }
        let ([allow, deny], [reach, shun]) = (&room.bind, &room.connect);
        let ([allowed, denied], [reached, shunned]) = (self.bind, self.connect);
        let rules = Rules {
            allow_bind: allow.get(..allowed).unwrap_or_default(),
            deny_bind: deny.get(..denied).unwrap_or_default(),
            allow_connect: reach.get(..reached).unwrap_or_default(),
            deny_connect: shun.get(..shunned).unwrap_or_default(),
            granted: &[],
        };
        Ok(ShimConfig {
            context: Context {
                addresses,
                lback: self.lback.ok_or(ParseError::Missing)?,
                lback6: self.lback6,
                loopback: self.loopback.ok_or(ParseError::Missing)?,
                host_loopback: room.ports.get(..self.ports).unwrap_or_default(),
                resolvers: room.resolvers.get(..self.resolvers).unwrap_or_default(),
                multicast: flags.contains('m'),
                raw_icmp: flags.contains('i'),
                keeps_one: flags.contains('o'),
                rules,
            },
            name: self.name.ok_or(ParseError::Missing)?,
            hides_interfaces: flags.contains('n'),
            quiet: flags.contains('q'),
            verbose: flags.contains('v'),
            stderr: self.stderr,
            secret: self.secret,
        })
    }
}

fn is_encoded(text: &str) -> bool {
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let is_well = match byte {
            b'%' => [rest.next(), rest.next()].into_iter().all(|byte| byte.and_then(digit).is_some()),
            byte => byte.is_ascii_alphanumeric() || b"._-".contains(&byte),
        };
        if !is_well {
            return false;
        }
    }
    true
}

/// Digits alone: no sign.
fn decimal<T: FromStr>(text: &str) -> Option<T> {
    Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

/// Small letters alone: there is one way to write a number.
fn hexadecimal(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    Some(text).filter(|_| is_plain).and_then(|text| u64::from_str_radix(text, 16).ok())
}

/// An address that is not v4-mapped: all those of a context are canonical.
fn canonical<T: FromStr + Copy + Into<IpAddr>>(text: &str) -> Option<T> {
    text.parse().ok().filter(|ip: &T| (*ip).into() == (*ip).into().to_canonical())
}

fn net(text: &str) -> Option<IpNet> {
    let (ip, prefix) = text.split_once('/')?;
    IpNet::new(canonical(ip)?, decimal(prefix)?).ok()
}

fn assigned(text: &str) -> Option<Assigned> {
    let (text, scope) = match text.split_once('%') {
        Some((text, scope)) => (text, decimal(scope).filter(|scope| *scope != 0)?),
        None => (text, 0),
    };
    Some(Assigned::new(net(text)?, scope))
}

fn service(text: &str) -> Option<Service> {
    let transport = match text.get(..1)? {
        "t" => Some(Transport::Tcp),
        "u" => Some(Transport::Udp),
        "*" => None,
        _ => return None,
    };
    let (first, last) = text.get(1..)?.split_once('-')?;
    Some(Service { transport, ports: Ports::new(decimal(first)?, decimal(last)?)? })
}

fn connect_rule(text: &str) -> Option<ConnectRule> {
    let (service_text, peers) = text.split_once('@')?;
    let peers = if peers == "*" { None } else { Some(net(peers)?) };
    Some(ConnectRule { peers, service: service(service_text)? })
}
