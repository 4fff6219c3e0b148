//! What is different between what a sequence came to outside and inside, in words that do not depend on its numbers.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::host::Outcomes;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// How many steps there are up to here, this one included.
    pub(crate) at: usize,
    /// The call, or `end` where all calls came to the same and the sockets did not.
    pub(crate) call: String,
    /// The kind of the socket, as the step that made it says.
    pub(crate) kind: String,
    pub(crate) outside: String,
    pub(crate) inside: String,
}

impl Difference {
    /// The first call that came to something else: after it the sockets are others. Where all calls came to the same, all
    /// that is different of the sockets.
    pub(crate) fn all(steps: &[String], [outside, inside]: &Outcomes) -> Vec<Self> {
        let mut kinds = Kinds::default();
        for (n, ((step, outside), inside)) in steps.iter().zip(outside).zip(inside).enumerate() {
            if outside != inside {
                return vec![Self { at: n + 1, ..of_call(step, kinds.of(step), outside, inside) }];
            }
            kinds.follow(step, outside);
        }
        let sockets = outside.iter().zip(inside).skip(steps.len());
        let different = sockets.flat_map(|(outside, inside)| of_socket(&kinds, outside, inside));
        different.map(|difference| Self { at: steps.len(), ..difference }).collect()
    }

    /// Whether the other is one of the same kind.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        Self { at: other.at, ..self.clone() } == *other
    }
}

fn of_call(step: &str, kind: String, outside: &str, inside: &str) -> Difference {
    let call = step.split(' ').next().unwrap_or_default();
    // A name that is asked for is the same as the one that is told in the end.
    if let ("name", Some(outside), Some(inside)) = (call, name(outside), name(inside)) {
        return Difference { at: 0, call: "end".to_owned(), kind, outside, inside };
    }
    // How much was done tells nothing where the other did nothing.
    let done = |line: &str| line.split(' ').next() == Some("ok");
    let told = |line: &str| if done(line) { "ok".to_owned() } else { shape(line) };
    let [outside, inside] =
        if done(outside) == done(inside) { [outside, inside].map(shape) } else { [outside, inside].map(told) };
    Difference { at: 0, call: call.to_owned(), kind, outside, inside }
}

/// The name in what asking for it came to.
fn name(outcome: &str) -> Option<String> {
    Some(format!("name {}", address(outcome.strip_prefix("ok ")?.split(' ').next()?)?))
}

/// Of two lines about a socket, what they do not share. Behind the number of the slot are words and their values.
fn of_socket(kinds: &Kinds, outside: &str, inside: &str) -> Vec<Difference> {
    let kind = kinds.of(&outside.replace(':', " "));
    let pairs = |line: &str| {
        let words: Vec<_> = line.split(' ').skip(2).collect();
        words.chunks(2).map(|pair| pair.join(" ")).collect::<Vec<_>>()
    };
    let different = pairs(outside).into_iter().zip(pairs(inside)).filter(|(outside, inside)| outside != inside);
    let difference = |(outside, inside): (String, String)| Difference {
        at: 0,
        call: "end".to_owned(),
        kind: kind.clone(),
        outside: shape(&outside),
        inside: shape(&inside),
    };
    let different: Vec<_> = different.map(difference).collect();
    if different.is_empty() && outside != inside {
        return vec![difference((outside.to_owned(), inside.to_owned()))];
    }
    different
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} | {} | {}", self.call, self.kind, self.outside, self.inside)
    }
}

/// What the slots hold.
#[derive(Default)]
struct Kinds([Option<String>; 8]);

impl Kinds {
    fn of(&self, step: &str) -> String {
        self.slot(step, 1).and_then(|slot| self.0[slot].clone()).unwrap_or_else(|| "nothing".to_owned())
    }

    fn slot(&self, step: &str, word: usize) -> Option<usize> {
        step.split(' ').nth(word)?.parse().ok().filter(|&slot| slot < self.0.len())
    }

    fn follow(&mut self, step: &str, outcome: &str) {
        let call = step.split(' ').next().unwrap_or_default();
        let made = outcome.starts_with("ok");
        let (place, kind) = match call {
            "socket" | "file" => (1, Some(made_by(step))),
            "accept" | "dup" => (2, Some(self.of(step))),
            "close" => (1, None),
            _ => return,
        };
        let Some(place) = self.slot(step, place) else { return };
        // A duplicate that is put where the original is leaves it there.
        if call == "dup" && self.slot(step, 1) == Some(place) {
            return;
        }
        self.0[place] = kind.filter(|_| made);
    }
}

/// What a step makes: a kind in a word, or in numbers.
fn made_by(step: &str) -> String {
    let words = step.split_once(" odd ").map_or(step.split(' ').nth(2).unwrap_or_default(), |(_, numbers)| numbers);
    let mut numbers = words.split(' ');
    match (numbers.next(), numbers.next()) {
        (Some("domain=2"), Some("type=1")) => "tcp4".to_owned(),
        (Some("domain=2"), Some("type=2")) => "udp4".to_owned(),
        _ => words.to_owned(),
    }
}

/// The words with addresses named by what they are, and ports by where they come from.
fn shape(line: &str) -> String {
    line.split(' ').map(|word| address(word).unwrap_or_else(|| word.to_owned())).collect::<Vec<_>>().join(" ")
}

fn address(word: &str) -> Option<String> {
    let (host, port) = word.rsplit_once(':')?;
    let host = host.trim_matches(['[', ']']);
    let host = host.split_once('%').map_or(host, |(host, _)| host);
    let name = match host.parse().ok()? {
        IpAddr::V4(host) => name_v4(host).to_owned(),
        IpAddr::V6(host) => match host.to_ipv4_mapped() {
            Some(v4) => format!("mapped-{}", name_v4(v4)),
            None => name_v6(host).to_owned(),
        },
    };
    let port = if port.starts_with(['P', 'Q']) { "P" } else { port };
    Some(format!("{name}:{port}"))
}

fn name_v4(host: Ipv4Addr) -> &'static str {
    match host.octets() {
        [0, 0, 0, 0] => "any4",
        [127, ..] => "loopback4",
        [10, 0, 0, _] | [10, 9, 0, 1] => "own4",
        [224..=239, ..] => "group4",
        _ => "other4",
    }
}

fn name_v6(host: Ipv6Addr) -> &'static str {
    match host.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "any6",
        [0, 0, 0, 0, 0, 0, 0, 1] => "loopback6",
        [0xfd00, 1, ..] | [0xfd00, 9, .., 1] => "own6",
        [0xff00..=0xffff, ..] => "group6",
        _ => "other6",
    }
}
