//! The network of the table: the host in one namespace, the remote in another, two wires between them; and the names that
//! the table has for their addresses.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::IpAddr;

use chbind_tests::net::{self, Namespace, ip};
use chbind_tests::{Outcome, Test, Who, ensure};

use crate::table::By;

/// The names of the table. What the remote has is marked with `true`.
const NAMES: &[(&str, &str, bool)] = &[
    // Own addresses: A is the primary of most contexts; C is in another subnet.
    ("A", "10.0.0.1", false),
    ("B", "10.0.0.2", false),
    ("C", "10.9.0.1", false),
    ("A6", "fd00:1::1", false),
    ("B6", "fd00:1::2", false),
    ("LL", "fe80::1%w0", false),
    // Of this host, but in no context: F is in A's subnet, G in C's, X in nobody's.
    ("F", "10.0.0.3", false),
    ("G", "10.9.0.9", false),
    ("X", "10.77.0.1", false),
    ("F6", "fd00:1::3", false),
    ("X6", "fd00:77::1", false),
    // The loopback addresses of the contexts with the numbers 1000 and 1001.
    ("L", "127.3.232.1", false),
    ("L1001", "127.3.233.1", false),
    // Nowhere.
    ("N", "192.0.2.77", false),
    ("N6", "2001:db8::77", false),
    // The remote. Towards RB the route prefers the source B, towards RF the source F, and so on; towards RC each of the
    // wires prefers another one. H never answers.
    ("R", "10.0.0.10", true),
    ("R2", "10.9.0.10", true),
    ("RB", "10.5.0.1", true),
    ("RF", "10.6.0.1", true),
    ("RG", "10.7.0.1", true),
    ("RX", "10.8.0.1", true),
    ("RC", "10.4.0.1", true),
    ("H", "10.3.0.1", true),
    ("R6", "fd00:1::10", true),
    ("RB6", "fd00:5::1", true),
    ("RF6", "fd00:6::1", true),
    ("RX6", "fd00:8::1", true),
    ("RLL", "fe80::10%w0", true),
    // All on the wire; those of A's subnet, of C's; groups.
    ("ALL", "255.255.255.255", true),
    ("BC", "10.0.0.255", true),
    ("CBC", "10.9.0.255", true),
    ("MDNS", "224.0.0.251", true),
    ("GROUP", "239.1.1.1", true),
    ("GROUP6", "ff15::1", true),
];

const HOST: &str = "\
link set lo up
addr add 10.0.0.1/24 brd 10.0.0.255 dev w0
addr add 10.0.0.2/24 dev w0
addr add 10.0.0.3/24 dev w0
addr add 10.77.0.1/24 dev w0
addr add 10.9.0.1/24 brd 10.9.0.255 dev w1
addr add 10.9.0.9/24 dev w1
addr add fd00:1::1/64 dev w0 nodad
addr add fd00:1::2/128 dev w0 nodad
addr add fd00:1::3/128 dev w0 nodad
addr add fd00:77::1/128 dev w0 nodad
addr add fe80::1/64 dev w0 nodad
link set w0 up
link set w1 up
route add 224.0.0.0/4 dev w0
route add 10.5.0.0/24 via 10.0.0.10 src 10.0.0.2
route add 10.6.0.0/24 via 10.0.0.10 src 10.0.0.3
route add 10.7.0.0/24 via 10.0.0.10 src 10.9.0.9
route add 10.8.0.0/24 via 10.0.0.10 src 10.77.0.1
route add 10.4.0.0/24 via 10.0.0.10 src 10.0.0.1 metric 10
route add 10.4.0.0/24 via 10.9.0.10 src 10.9.0.1 metric 20
route add 10.3.0.0/24 via 10.0.0.10 src 10.0.0.1
route add fd00:1::10/128 dev w0 src fd00:1::1
route add fd00:5::/64 via fd00:1::10 src fd00:1::2
route add fd00:6::/64 via fd00:1::10 src fd00:1::3
route add fd00:8::/64 via fd00:1::10 src fd00:77::1
rule add fwmark 7 table 100
route add 10.4.0.0/24 via 10.9.0.10 src 10.9.0.1 table 100
";

const REMOTE: &str = "\
link set lo up
addr add 10.0.0.10/24 brd 10.0.0.255 dev r0
addr add 10.9.0.10/24 brd 10.9.0.255 dev r1
addr add fd00:1::10/64 dev r0 nodad
addr add fe80::10/64 dev r0 nodad
addr add 10.4.0.1/32 dev lo
addr add 10.5.0.1/32 dev lo
addr add 10.6.0.1/32 dev lo
addr add 10.7.0.1/32 dev lo
addr add 10.8.0.1/32 dev lo
addr add fd00:5::1/128 dev lo nodad
addr add fd00:6::1/128 dev lo nodad
addr add fd00:8::1/128 dev lo nodad
link set r0 up
link set r1 up
route add 10.77.0.0/24 dev r0
route add fd00:77::/64 dev r0
route add 224.0.0.0/4 dev r0
route add blackhole 10.3.0.0/24
";

/// Ports of runs are handed out from here on, below those that the kernel hands out.
const FIRST_PORT: u16 = 7000;

/// The network of one row.
pub(crate) struct World {
    host: Namespace,
    remote: Namespace,
    next_port: Cell<u16>,
}

impl World {
    /// Makes the calling thread's namespace, which is empty, the host of a world.
    pub(crate) fn new() -> Outcome<Self> {
        let host = Namespace::current()?;
        net::enter_empty_namespace()?;
        let remote = Namespace::current()?;
        // An answer may leave by another wire than the question came by. Interfaces that are made later inherit this.
        no_reverse_path_filter()?;
        host.enter()?;
        no_reverse_path_filter()?;
        let wires = format!(
            "link add w0 type veth peer name r0 netns {0}\nlink add w1 type veth peer name r1 netns {0}\n",
            remote.path()
        );
        ip(&wires)?;
        let world = Self { host, remote, next_port: Cell::new(FIRST_PORT) };
        world.at_remote(|| ip(REMOTE))?;
        ip(HOST)?;
        Ok(world)
    }

    /// Does something in the remote's namespace. Sockets that are made there stay there.
    pub(crate) fn at_remote<T>(&self, act: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        self.remote.enter()?;
        let done = act();
        self.host.enter()?;
        done
    }

    /// Does something where that address is.
    pub(crate) fn at<T>(&self, address: IpAddr, act: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        if self.is_remote(address) { self.at_remote(act) } else { act() }
    }

    /// Whether this is an address of the remote, or one that only the remote receives on.
    pub(crate) fn is_remote(&self, address: IpAddr) -> bool {
        let is = |text: &str| text.split('%').next().is_some_and(|ip| ip.parse() == Ok(address));
        NAMES.iter().any(|(_, text, remote)| *remote && is(text))
    }

    fn fresh_port(&self) -> u16 {
        self.next_port.replace(self.next_port.get() + 1)
    }
}

fn no_reverse_path_filter() -> Outcome {
    net::sysctl("ipv4.conf.all.rp_filter", "0")?;
    net::sysctl("ipv4.conf.default.rp_filter", "0")
}

/// What the names of the table stand for in one run: addresses, and ports (P, P2, P3 …) that no other run has used.
pub(crate) struct Names<'a> {
    world: &'a World,
    ports: RefCell<HashMap<String, u16>>,
    others: Vec<(&'static str, String)>,
}

impl<'a> Names<'a> {
    /// `BIN` is where the probes are; `SEEN` is how L is seen where it is a peer, or where something arrived at it, `SEEN6` the
    /// same of X6.
    pub(crate) fn new(world: &'a World, t: &Test, by: By) -> Self {
        let (uid, gid) = t.bed().ids(Who::User);
        let seen = |as_it_is: &str, inside: &str| if by == By::Shim { inside } else { as_it_is }.to_owned();
        let others = vec![
            ("UID", uid.to_string()),
            ("GID", gid.to_string()),
            ("DIR", t.dir().display().to_string()),
            ("BIN", t.bed().bin().display().to_string()),
            ("SEEN", seen("127.3.232.1", "127.0.0.1")),
            ("SEEN6", seen("fd00:77::1", "::1")),
        ];
        Self { world, ports: RefCell::default(), others }
    }

    /// The text with every name replaced. A name stands alone: what letters and digits surround is none.
    pub(crate) fn resolve(&self, text: &str) -> String {
        let mut resolved = String::with_capacity(text.len() * 2);
        let mut rest = text;
        while !rest.is_empty() {
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, tail) = rest.split_at(word);
            resolved.push_str(&self.value(word).unwrap_or_else(|| word.to_owned()));
            let between = tail.find(is_word).unwrap_or(tail.len());
            let (between, tail) = tail.split_at(between);
            resolved.push_str(between);
            rest = tail;
        }
        resolved
    }

    /// The text with the names of the ports of this run in their places, so that runs can be compared.
    pub(crate) fn unresolve(&self, text: &str) -> String {
        let ports = self.ports.borrow();
        let mut result = String::with_capacity(text.len());
        for piece in text.split_inclusive(|c: char| !c.is_ascii_digit()) {
            let digits = piece.trim_end_matches(|c: char| !c.is_ascii_digit());
            let name = ports.iter().find(|(_, port)| port.to_string() == digits).map(|(name, _)| name.as_str());
            result.push_str(name.unwrap_or(digits));
            result.push_str(piece.strip_prefix(digits).unwrap_or_default());
        }
        result
    }

    fn value(&self, word: &str) -> Option<String> {
        let known = NAMES.iter().find(|(name, ..)| *name == word).map(|(_, text, _)| (*text).to_owned());
        let other = || self.others.iter().find(|(name, _)| *name == word).map(|(_, text)| text.clone());
        known.or_else(other).or_else(|| {
            let number = word.strip_prefix('P')?;
            let is_port = number.chars().all(|c| c.is_ascii_digit());
            is_port.then(|| {
                let mut ports = self.ports.borrow_mut();
                ports.entry(word.to_owned()).or_insert_with(|| self.world.fresh_port()).to_string()
            })
        })
    }
}

/// Sets a system control as long as it lives.
pub(crate) struct Sysctl {
    name: String,
    before: String,
}

impl Sysctl {
    /// From `ipv4.ip_local_port_range 40000 40003`.
    pub(crate) fn set(words: &str) -> Outcome<Self> {
        let (name, value) = words.split_once(' ').ok_or("a system control has a name and a value")?;
        let before = std::fs::read_to_string(format!("/proc/sys/net/{}", name.replace('.', "/")))?;
        net::sysctl(name, value)?;
        Ok(Self { name: name.to_owned(), before })
    }
}

impl Drop for Sysctl {
    fn drop(&mut self) {
        // It was there before, so it can be set.
        let _ = net::sysctl(&self.name, self.before.trim());
    }
}

/// Fails unless names stand for themselves alone.
pub(crate) fn check_names() -> Outcome {
    for (at, (name, ..)) in NAMES.iter().enumerate() {
        let is_port = name.strip_prefix('P').is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()));
        let twice = NAMES.iter().skip(at + 1).any(|(other, ..)| other == name);
        ensure!(!is_port && !twice, "the name {name} says two things");
    }
    Ok(())
}
