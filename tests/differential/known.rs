//! Differences that are known: where a context answers otherwise than the kernel does, and no row of the contract wants it.
//!
//! A sequence whose first difference is one of these counts as agreeing and is not compared further, for its sockets are
//! others from there on. Each has examples that must still differ so: what is mended goes from this list.

use crate::difference::Difference;

/// Differences for one reason.
pub(crate) struct Known {
    /// For a reader.
    pub(crate) reason: &'static str,
    /// Whether this is the reason for the difference that these steps, the last one included, have come to.
    pub(crate) explains: fn(&Difference, &History) -> bool,
    /// The host, `several` or `one` (see `host.rs`), and the steps, parted by `;`.
    pub(crate) examples: &'static [(&'static str, &'static str)],
}

/// What went before.
pub(crate) struct History<'a> {
    /// The host has several addresses.
    pub(crate) several: bool,
    /// The steps.
    pub(crate) steps: &'a [String],
    /// What they came to outside.
    pub(crate) outcomes: &'a [String],
}

impl History<'_> {
    /// Whether there is a step of this call that is so: its words behind the slot, and what it came to.
    fn has(&self, call: &str, is_so: impl Fn(&str, &str) -> bool) -> bool {
        let steps = self.steps.iter().zip(self.outcomes).filter_map(|(step, outcome)| {
            let (name, rest) = step.split_once(' ')?;
            let (_, words) = rest.split_once(' ').unwrap_or((rest, ""));
            (name == call).then_some((words, outcome.as_str()))
        });
        steps.into_iter().any(|(words, outcome)| is_so(words, outcome))
    }

    fn last(&self) -> &str {
        self.steps.last().map_or("", String::as_str)
    }
}

/// The address in the words of a step: others have no dot and no two colons, or come behind it.
fn address(words: &str) -> &str {
    words.split(' ').find(|word| word.contains('.') || word.contains("::")).unwrap_or_default()
}

/// Whether a step names an IPv4 address, in whatever form.
fn is_to_v4(words: &str) -> bool {
    address(words).contains('.')
}

fn is_to_v6(words: &str) -> bool {
    !is_to_v4(words) && !address(words).is_empty()
}

/// Whether a connect dissolves: by the word, or by the family.
fn is_unspec(words: &str) -> bool {
    words.starts_with("unspec") || words.contains("family=0")
}

/// Whether the sockets have other names in the end, and both are so.
fn are_names(difference: &Difference, is_so: impl Fn(&str) -> bool) -> bool {
    let is_name = |text: &str| text.strip_prefix("name ").is_some_and(&is_so);
    difference.call == "end" && is_name(&difference.outside) && is_name(&difference.inside)
}

/// Whether they have other names with a port that nobody asked for, or none.
fn is_name(difference: &Difference) -> bool {
    are_names(difference, |name| name.ends_with(":*") || name.ends_with(":0"))
}

/// Whether a datagram socket of IPv6 is told so inside.
fn tells_udp6(difference: &Difference, errno: &str) -> bool {
    difference.kind == "udp6" && difference.inside == errno
}

pub(crate) const LIST: &[Known] = &[
    Known {
        reason: "What a TCP socket is called that is not connected any more, or was not, and has no port that was asked for: \
                 the kernel leaves it the last port, and now the address, now none. Such a name is nobody's",
        explains: |difference, history| {
            let ended = ["connect", "shutdown"].into_iter().any(|call| history.has(call, |_, _| true));
            difference.kind.starts_with("tcp") && is_name(difference) && ended
        },
        examples: &[
            ("several", "socket 1 tcp4; connect 1 127.0.0.1 P0"),
            ("several", "socket 0 tcp6 flags=0x800; connect 0 ::ffff:127.0.0.1 P0; connect 0 unspec"),
            ("several", "socket 1 tcp6; connect 1 ::ffff:10.9.0.7 P0; shutdown 1 2"),
            ("several", "socket 0 tcp4; bind 0 0.0.0.0 0; connect 0 10.0.0.1 P1"),
        ],
    },
    Known {
        reason: "A TCP socket of IPv6 whose connection has failed, without a word of it yet, or that has ceased to listen, has \
                 an address of another family, or none, when it is used again",
        explains: |difference, history| {
            let failed = history.has("connect", |_, outcome| outcome == "EINPROGRESS");
            let listened = history.has("listen", |_, _| true);
            let ceased = history.has("shutdown", |_, _| true) || history.has("connect", |words, _| is_unspec(words));
            let used = listened || history.has("bind", |_, _| true);
            let refused = ["EINVAL", "ENETUNREACH"].contains(&difference.inside.as_str());
            difference.kind == "tcp6"
                && (used && failed && refused || listened && ceased && difference.outside == "EAFNOSUPPORT")
        },
        examples: &[("several", "socket 0 tcp6; listen 0 0; shutdown 0 0; connect 0 ::1 P0")],
    },
    Known {
        reason: "A datagram socket with an IPv6 address is not connected to an IPv4 one: the kernel would make up a source",
        explains: |difference, history| {
            let has_v6 = |call| history.has(call, |words, _| is_to_v6(words));
            tells_udp6(difference, "ENETUNREACH")
                && difference.call == "connect"
                && is_to_v4(history.last())
                && ["bind", "connect"].into_iter().any(has_v6)
        },
        examples: &[
            ("several", "socket 2 udp6; connect 2 :: P0; connect 2 224.0.0.251 Q"),
            ("several", "socket 0 udp6; connect 0 fd00:1::2 Q; connect 0 198.51.100.1 P1"),
        ],
    },
    Known {
        reason: "A datagram socket that could not be connected, in a context of one address, has that, and its family",
        explains: |difference, history| {
            let failed = |_: &str, outcome: &str| !outcome.starts_with("ok");
            difference.kind.starts_with("udp")
                && !history.several
                && history.has("connect", failed)
                && (is_name(difference) || difference.inside == "EAFNOSUPPORT")
        },
        examples: &[
            ("one", "socket 0 udp4; connect 0 192.0.2.77 P0"),
            ("one", "socket 1 udp6; connect 1 ::ffff:10.9.0.7 0; connect 1 ::1 P0"),
        ],
    },
    Known {
        reason: "A datagram socket that was connected from a wildcard, or sent from one address, keeps the source when it has \
                 lost its peer, or the lack of one: SOCK_BINDADDR_LOCK",
        explains: |difference, history| {
            difference.kind.starts_with("udp")
                && history.has("connect", |words, _| is_unspec(words))
                && (are_names(difference, |_| true) || difference.outside == "EAFNOSUPPORT")
        },
        examples: &[
            ("several", "socket 0 udp6; bind 0 :: P0; connect 0 ::ffff:10.9.0.7 P1; connect 0 unspec"),
            ("one", "socket 0 udp4; sendto 0 5 10.0.0.1 P0; connect 0 unspec"),
            ("one", "socket 1 udp6; sendto 1 5 none; connect 1 unspec; sendto 1 5 ::1 P0"),
        ],
    },
    Known {
        reason: "Where a context has no IPv6 address, that is said before what else is wrong with a message to one (row 16)",
        explains: |difference, history| {
            tells_udp6(difference, "ENETUNREACH") && !history.several && is_to_v6(history.last())
        },
        examples: &[("one", "socket 1 udp6; sendmsg 1 5 fd00:9::7 P0 source6=::ffff:10.0.0.1")],
    },
    Known {
        reason: "A message that asks for the kernel's choice of a source has that of its socket (row 44), and is refused where \
                 that has none",
        explains: |difference, history| {
            let asks = |call| history.has(call, |words, _| words.contains("source=0.0.0.0"));
            difference.kind.starts_with("udp")
                && (difference.inside == "EPERM" && history.last().contains("source=0.0.0.0")
                    || [&difference.outside, &difference.inside].into_iter().any(|came| came.contains("ECONNREFUSED"))
                        && ["sendmsg", "sendmmsg"].into_iter().any(asks))
        },
        examples: &[
            ("several", "socket 0 udp4; bind 0 0.0.0.0 P1; sendmsg 0 0 none source=0.0.0.0"),
            ("several", "socket 0 udp4; bind 0 127.0.0.1 P1; connect 0 10.0.0.1 P0; sendmsg 0 5 none source=0.0.0.0"),
        ],
    },
    Known {
        reason: "A peer with port 0 is none to getpeername, and so none to the supervisor",
        explains: |difference, history| {
            tells_udp6(difference, "EINVAL")
                && history.last().contains(" unspec")
                && history.has("connect", |words, _| words.split(' ').nth(1) == Some("0"))
        },
        examples: &[("several", "socket 0 udp6; connect 0 ::ffff:127.0.0.1 0; sendto 0 5 unspec")],
    },
    Known {
        reason: "A datagram socket of IPv6 alone, in a context without IPv6 but loopback, has that from the first message on",
        explains: |difference, history| {
            difference.kind == "udp6"
                && !history.several
                && is_name(difference)
                && difference.inside.starts_with("name loopback6")
        },
        examples: &[("one", "socket 0 udp6; set 0 v6only 1; sendto 0 5 ::1 P1")],
    },
];

/// The reason, if it is a known one.
pub(crate) fn reason(difference: &Difference, history: &History) -> Option<&'static str> {
    LIST.iter().find(|known| (known.explains)(difference, history)).map(|known| known.reason)
}
