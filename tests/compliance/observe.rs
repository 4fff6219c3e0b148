//! What is seen from outside of the contexts, in words:
//!
//! | words | meaning |
//! |---|---|
//! | `tcp R:P sees A` | somebody at R:P accepts a connection, and it comes from A |
//! | `udp R:P sees A hello` | somebody at R:P receives this text (`hello` if there is none here), and it comes from A |
//! | `icmp R sees A` | R receives an echo request from A |
//! | `udp F:P sees nobody` | somebody is there, and nothing comes |
//! | `tcp R:P is full` | somebody listens there whose queue is full: who connects waits |
//! | `table udp A:P` | in the kernel's table this, and nothing else of ours, is bound at P (TCP: listens) |
//! | `R reaches A:P` | a connection from R to A:P is accepted |
//! | `R fails F:P` | it is refused |
//! | `R sends A:P text` | a datagram from R to A:P |
//! | `R asks B:P from A` | the same, and the answer comes from A |
//! | `go` | the probe goes on from its `wait`; what follows happens while it runs on |
//! | `queue empties` | until the probe has ended, the full queue is emptied |
//! | `supervisor dies` | all of chbind's own processes are killed |
//! | `told WORD WORD` | chbind says a line that holds these |
//! | `nothing told` | chbind says nothing |
//!
//! Those who have to be there beforehand are there before the probe is started. What comes to them is looked at when it has
//! ended, everything else while it waits, in the order of the words.

use std::net::{IpAddr, SocketAddr};

use chbind_tests::{Outcome, ensure};

#[derive(Debug)]
pub(crate) enum Observation {
    Sees(Post, Seen),
    Full(SocketAddr),
    Table(Transport, Vec<SocketAddr>),
    Reaches(IpAddr, SocketAddr),
    Fails(IpAddr, SocketAddr),
    Sends(IpAddr, SocketAddr, String),
    Asks(IpAddr, SocketAddr, IpAddr),
    Go,
    Empties,
    Dies,
    Told(Vec<String>),
    NothingTold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Udp,
    Icmp,
}

/// Where somebody looks out. (ICMP has no ports.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) transport: Transport,
    pub(crate) at: SocketAddr,
}

#[derive(Debug)]
pub(crate) enum Seen {
    Nobody,
    From(IpAddr, Option<String>),
}

/// When something is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    While,
    After,
}

impl Observation {
    /// From words in which all names have been replaced.
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(match words.as_slice() {
            ["go"] => Self::Go,
            ["queue", "empties"] => Self::Empties,
            ["supervisor", "dies"] => Self::Dies,
            ["nothing", "told"] => Self::NothingTold,
            ["told", keywords @ ..] if !keywords.is_empty() => {
                Self::Told(keywords.iter().map(|word| (*word).to_owned()).collect())
            }
            ["tcp", at, "is", "full"] => Self::Full(socket(at)?),
            [transport, at, "sees", "nobody"] => Self::Sees(post(transport, at)?, Seen::Nobody),
            [transport, at, "sees", source, rest @ ..] if rest.len() < 2 => {
                let text = rest.first().map(|text| (*text).to_owned());
                Self::Sees(post(transport, at)?, Seen::From(ip(source)?, text))
            }
            ["table", "tcp", addresses @ ..] => Self::Table(Transport::Tcp, sockets(addresses)?),
            ["table", "udp", addresses @ ..] => Self::Table(Transport::Udp, sockets(addresses)?),
            [from, "reaches", to] => Self::Reaches(ip(from)?, socket(to)?),
            [from, "fails", to] => Self::Fails(ip(from)?, socket(to)?),
            [from, "sends", to, text] => Self::Sends(ip(from)?, socket(to)?, (*text).to_owned()),
            [from, "asks", to, "from", answer] => Self::Asks(ip(from)?, socket(to)?, ip(answer)?),
            _ => return Err(format!("the table cannot be read: {text:?}").into()),
        })
    }

    pub(crate) fn when(&self) -> When {
        match self {
            Self::Full(_) => When::Before,
            Self::Sees(..) | Self::Told(_) | Self::NothingTold => When::After,
            _ => When::While,
        }
    }

    /// Who has to be there beforehand.
    pub(crate) fn post(&self) -> Option<Post> {
        match self {
            Self::Sees(post, _) => Some(*post),
            _ => None,
        }
    }
}

fn transport(word: &str) -> Outcome<Transport> {
    Ok(match word {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        "icmp" => Transport::Icmp,
        _ => return Err(format!("no transport: {word:?}").into()),
    })
}

fn post(word: &str, at: &str) -> Outcome<Post> {
    let transport = transport(word)?;
    let at = if transport == Transport::Icmp { SocketAddr::new(ip(at)?, 0) } else { socket(at)? };
    Ok(Post { transport, at })
}

fn ip(word: &str) -> Outcome<IpAddr> {
    let plain = word.split('%').next().unwrap_or(word);
    plain.parse().map_err(|_| format!("no address: {word:?}").into())
}

fn socket(word: &str) -> Outcome<SocketAddr> {
    let unscoped: String = match (word.find('%'), word.find(']')) {
        (Some(from), Some(to)) => word.chars().take(from).chain(word.chars().skip(to)).collect(),
        _ => word.to_owned(),
    };
    unscoped.parse().map_err(|_| format!("no address with a port: {word:?}").into())
}

fn sockets(words: &[&str]) -> Outcome<Vec<SocketAddr>> {
    ensure!(!words.is_empty(), "the table of the kernel shows what?");
    words.iter().map(|word| socket(word)).collect()
}
