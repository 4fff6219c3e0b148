//! What a row of the table is. The rows themselves are in the modules that are named after their subjects.
//!
//! A row belongs to one row (or paragraph) of the semantics and has a case for each thing that it says. A case is a context, the
//! words of the probe (`tests/probes/probe.c`), what it has to print, and what is seen from outside meanwhile and
//! afterwards (`observe.rs`). In all of these the names of `world.rs` stand for addresses, and P, P2 … for fresh ports.

use chbind_tests::Who;

/// A context: its name in the semantics, the options of chbind that make it, and further ones.
#[derive(Clone, Copy)]
pub(crate) struct Context {
    pub(crate) name: &'static str,
    options: &'static str,
    pub(crate) more: &'static str,
}

/// The contexts by the names that the semantics give them; their number is known, and so is their loopback L.
pub(crate) const S: Context = context("S", "--nid 1000 --ip A/24");
pub(crate) const M: Context = context("M", "--nid 1000 --ip A/24 --ip B/24");
pub(crate) const D: Context = context("D", "--nid 1000 --ip A/24 --ip A6/64");
pub(crate) const P: Context = context("P", "--nid 1000 --ip A6/64");
pub(crate) const Z: Context = context("Z", "--nid 1000 --ip A/24 --loopback deny");
/// As D, with the IPv6 address first: it is the primary.
pub(crate) const D6: Context = context("D6", "--nid 1000 --ip A6/64 --ip A/24");
/// Two addresses in two subnets.
pub(crate) const M2: Context = context("M2", "--nid 1000 --ip A/24 --ip C/24");
/// Two IPv6 addresses; two of each family.
pub(crate) const P2: Context = context("P2", "--nid 1000 --ip A6/64 --ip B6/64");
pub(crate) const D2: Context = context("D2", "--nid 1000 --ip A/24 --ip B/24 --ip A6/64 --ip B6/64");
/// A second context beside one of the above: with an address of its own, or with the same.
pub(crate) const S2: Context = context("S2", "--nid 1001 --ip B/24");
pub(crate) const S1: Context = context("S1", "--nid 1001 --ip A/24");
pub(crate) const PB: Context = context("PB", "--nid 1001 --ip B6/64");
/// No context: a process outside.
pub(crate) const OUTSIDE: Context = context("outside", "");

const fn context(name: &'static str, options: &'static str) -> Context {
    Context { name, options, more: "" }
}

impl Context {
    /// The same with these options as well.
    pub(crate) const fn with(mut self, more: &'static str) -> Self {
        self.more = more;
        self
    }

    /// A context that has no name.
    pub(crate) const fn of(options: &'static str) -> Self {
        Self { name: "", options: "--nid 1000", more: options }
    }

    /// The options of chbind; `None` outside of all contexts.
    pub(crate) fn options(&self) -> Option<String> {
        (!self.options.is_empty()).then(|| format!("{} {}", self.options, self.more))
    }
}

/// A way in which the rules are kept.
pub(crate) struct Enforcement {
    pub(crate) name: &'static str,
    /// The option that chooses it.
    pub(crate) option: &'static str,
    /// The process models that it has. Everything has to be the same in all of them.
    pub(crate) models: &'static [&'static str],
    /// The probes that it is for, and who answers their calls. A cell of the table holds if it holds for all of them.
    pub(crate) probes: &'static [(&'static str, By)],
}

/// Who answers a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The supervisor, or (natively) the kernel alone: what arrives shows peers as they are.
    Supervisor,
    /// The shim, in the process itself. It shows peers as they are called inside.
    Shim,
}

/// The probe, and the same with bare system calls: no library in the process sees those.
pub(crate) const PROBES: &[(&str, By)] = &[("probe", By::Supervisor), ("probe-raw", By::Supervisor)];

/// All that there are: each case runs in each.
pub(crate) const ENFORCEMENTS: &[Enforcement] = &[
    Enforcement { name: "seccomp", option: "", models: &["exec", "parent"], probes: PROBES },
    Enforcement {
        name: "hybrid",
        option: "--enforce hybrid",
        models: &["exec", "parent"],
        probes: &[("probe", By::Shim), ("probe-raw", By::Supervisor)],
    },
    // Static programs and bare calls are out of its reach.
    Enforcement { name: "preload", option: "--enforce preload", models: &["exec"], probes: &[("probe", By::Shim)] },
];

/// In which enforcements something cannot hold, and why.
pub(crate) type Reasons = &'static [(&'static str, &'static str)];

const ONE: &str = "in a context of one address a UDP socket has one, so that it can send without being looked at";
/// Sockets that would be on a wildcard, for loopback and another address.
pub(crate) const KEEPS_ONE: Reasons = &[("hybrid", ONE), ("preload", ONE)];

/// Of a wildcard that is connected, and dissolved.
pub(crate) const KEEPS_SOURCE: Reasons = {
    const WHY: &str =
        "the kernel lets a socket that has been given a source keep it: the wildcard is gone with the first connect";
    &[("seccomp", WHY), ("hybrid", WHY), ("preload", WHY)]
};

/// Of a line that names who holds a port.
pub(crate) const NOBODY_LOOKS: Reasons = &[("preload", "it takes a supervisor to find out who holds a port")];

/// Another process of a case: it is started before the probe, must come to its `wait`, and goes on after the probe's end.
pub(crate) type Beside = (Context, &'static str, &'static str);

/// One line of the table.
pub(crate) struct Case {
    pub(crate) context: Context,
    pub(crate) words: &'static str,
    pub(crate) prints: &'static str,
    pub(crate) seen: &'static [&'static str],
    pub(crate) beside: &'static [Beside],
    pub(crate) who: Option<Who>,
    pub(crate) given: &'static str,
    pub(crate) resolver: &'static str,
    pub(crate) around: &'static str,
    pub(crate) inside: &'static str,
    pub(crate) natively: bool,
    pub(crate) by: Option<By>,
    pub(crate) cannot: Reasons,
}

/// In this context the probe, with these words, prints that.
pub(crate) const fn case(context: Context, words: &'static str, prints: &'static str) -> Case {
    Case {
        context,
        words,
        prints,
        seen: &[],
        beside: &[],
        who: None,
        given: "",
        resolver: "",
        around: "",
        inside: "",
        natively: false,
        by: None,
        cannot: &[],
    }
}

impl Case {
    /// From outside this is seen: see `observe.rs`.
    pub(crate) const fn seen(mut self, seen: &'static [&'static str]) -> Self {
        self.seen = seen;
        self
    }

    /// These processes are there as well.
    pub(crate) const fn beside(mut self, beside: &'static [Beside]) -> Self {
        self.beside = beside;
        self
    }

    /// Only for root.
    pub(crate) const fn root(mut self) -> Self {
        self.who = Some(Who::Root);
        self
    }

    /// Only for the ordinary user.
    pub(crate) const fn user(mut self) -> Self {
        self.who = Some(Who::User);
        self
    }

    /// With this system control (its name without `net.`, and its value).
    pub(crate) const fn given(mut self, sysctl: &'static str) -> Self {
        self.given = sysctl;
        self
    }

    /// With a resolv.conf that names this server.
    pub(crate) const fn resolver(mut self, address: &'static str) -> Self {
        self.resolver = address;
        self
    }

    /// chbind is started by these words.
    pub(crate) const fn around(mut self, words: &'static str) -> Self {
        self.around = words;
        self
    }

    /// The probe is started, in the context, by these words.
    pub(crate) const fn inside(mut self, words: &'static str) -> Self {
        self.inside = words;
        self
    }

    /// It is the same without a context: the answer is the kernel's own.
    pub(crate) const fn natively(mut self) -> Self {
        self.natively = true;
        self
    }

    /// Only where the supervisor answers.
    pub(crate) const fn supervised(mut self) -> Self {
        self.by = Some(By::Supervisor);
        self
    }

    /// Only where the shim answers.
    pub(crate) const fn in_process(mut self) -> Self {
        self.by = Some(By::Shim);
        self
    }

    /// It does not hold in those enforcements, for these reasons. It is run all the same, and must indeed not hold.
    pub(crate) const fn cannot(mut self, reasons: Reasons) -> Self {
        self.cannot = reasons;
        self
    }
}

/// A row of the semantics.
pub(crate) struct Row {
    /// `row_01`, or the paragraph.
    pub(crate) name: &'static str,
    /// What it says, in a few words.
    pub(crate) says: &'static str,
    pub(crate) cases: &'static [Case],
}

/// A row with its cases.
pub(crate) const fn row(name: &'static str, says: &'static str, cases: &'static [Case]) -> Row {
    Row { name, says, cases }
}

/// The rows that have to be there, by the numbers of the semantics.
pub(crate) fn missing(rows: &[&Row]) -> Vec<String> {
    let numbers = (1..=25).chain(31..=53).map(|number| format!("row_{number:02}"));
    let others = ["collisions", "section_5"].map(str::to_owned);
    numbers.chain(others).filter(|name| !rows.iter().any(|row| row.name == name && !row.cases.is_empty())).collect()
}
