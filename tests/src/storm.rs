//! A storm of random calls in a context (`probes/storm.c`), and what is looked at from outside meanwhile: the addresses of
//! its sockets, that its calls return, and what the supervisor holds.

use std::net::{IpAddr, UdpSocket};
use std::process::Stdio;
use std::time::Duration;

use crate::diag::{self, Seen};
use crate::net::{A, A6, B, F, F6, Peer};
use crate::{Outcome, Patience, Proc, Test, at_most, ensure, wait_for};

/// Where the storm finds somebody outside of the context, at `F`.
const PEER: u16 = 7000;
/// A call that does not return is told by the storm after 20 s; this is for a storm that tells nothing.
const SILENCE: Duration = Duration::from_secs(50);
/// TCP_TIME_WAIT (include/net/tcp_states.h): there is no socket any more.
const TIME_WAIT: u8 = 6;

/// As `probes/storm.h` has it.
const NOT_FOR_US: &[u8] = b"for somebody else";

/// What the storm tells of a time of calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    /// Calls that were made.
    pub calls: u64,
    /// Those of them that are sure to have met the supervisor.
    pub held: u64,
    /// Processes that made them.
    pub processes: u64,
    /// Those of them that were killed.
    pub killed: u64,
}

/// What was seen of sockets meanwhile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watched {
    /// How many times all of them were looked at.
    pub looks: u64,
    /// Sockets with an own address, summed up.
    pub own: u64,
    /// Wildcards to which was sent what is not for them, summed up.
    pub open: u64,
    /// Those that were there in the end, and heard nothing of it.
    pub deaf: usize,
}

/// What the supervisor holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Descriptors.
    pub descriptors: usize,
    /// Memory in KiB.
    pub resident: u64,
    /// Threads.
    pub threads: u64,
}

/// A UDP socket on a wildcard.
fn is_open(seen: &Seen) -> bool {
    seen.protocol == "udp" && seen.ip.is_unspecified()
}

/// A running storm.
#[derive(Debug)]
pub struct Storm<'t> {
    test: &'t Test,
    process: Proc,
    /// The storm's lines that were read.
    heard: usize,
    peer: Peer,
    /// Sends to foreign addresses, from one of each family.
    strangers: [UdpSocket; 2],
    own: Vec<IpAddr>,
}

impl<'t> Storm<'t> {
    /// Starts it in a context of one address, or of several.
    pub fn start(test: &'t Test, several: bool, model: &str) -> Outcome<Self> {
        // Ping sockets for everybody.
        crate::net::sysctl("ipv4.ping_group_range", "0 2147483647")?;
        let addresses: &[&str] = if several { &[A, B, A6] } else { &[A] };
        let options: String = addresses.iter().map(|address| format!("--ip {address} ")).collect();
        let mut own: Vec<IpAddr> = addresses.iter().map(|address| address.parse()).collect::<Result<_, _>>()?;
        // L of this number, and what every datagram socket may be bound to (row 9).
        own.extend([IpAddr::from([127, 3, 232, 1]), IpAddr::from([255; 4])]);
        let options = format!("{options} {model} --nid 1000 -q");
        // What `--strict` promises holds for sockets that are put in the place of others too.
        let program = if model.contains("--strict") { "storm mixed" } else { "storm" };
        let process = test.chbind(&options, program).stdin(Stdio::piped()).start()?;
        let strangers = [UdpSocket::bind((F, 0))?, UdpSocket::bind((F6, 0))?];
        Ok(Self { test, process, heard: 0, peer: Peer::listen(&format!("{F}:{PEER}"))?, strangers, own })
    }

    /// Lets it make calls for a time, and until so many have met the supervisor; looks at its sockets meanwhile, with that
    /// much rest in between.
    pub fn go(&mut self, seed: u64, time: Duration, calls: u64, rest: Duration) -> Outcome<(Told, Watched)> {
        self.process.say(&format!("go {seed} {} {calls}", time.as_millis()))?;
        let (mut watched, mut patience) = (Watched::default(), Patience::new(time + SILENCE));
        let line = loop {
            self.look(&mut watched)?;
            if let Some(line) = self.next_line() {
                break line;
            }
            self.must_live(patience.rest(rest))?;
        };
        let mut numbers = line.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok());
        let mut number = || numbers.next().ok_or_else(|| format!("the storm: {line}"));
        ensure!(line.starts_with("quiet "), "the storm: {line}");
        let told = Told { calls: number()?, held: number()?, processes: number()?, killed: number()? };
        watched.deaf = self.filters_hold()?;
        Ok((told, watched))
    }

    /// Ends its processes.
    pub fn drop_all(&mut self) -> Outcome {
        self.process.say("drop")?;
        let mut patience = Patience::new(SILENCE);
        let line = loop {
            if let Some(line) = self.next_line() {
                break line;
            }
            self.must_live(patience.rest(Duration::from_millis(2)))?;
        };
        ensure!(line == "gone", "the storm: {line}");
        Ok(())
    }

    /// Ends the storm; the supervisor must follow.
    pub fn end(mut self) -> Outcome {
        self.process.hang_up();
        self.process.finish(crate::SOON)?.ok()?;
        ensure!(wait_for(crate::SOON, || self.test.supervisors().is_empty()), "the supervisor stays");
        Ok(())
    }

    fn next_line(&mut self) -> Option<String> {
        let text = self.process.stdout();
        let line = text.lines().nth(self.heard).filter(|_| text.ends_with('\n'))?.to_owned();
        self.heard += 1;
        Some(line)
    }

    fn must_live(&mut self, in_time: bool) -> Outcome {
        if let Some(status) = self.process.status() {
            return Err(format!("the storm: {status}\n{}", self.process.stderr()).into());
        }
        ensure!(in_time, "the storm tells nothing");
        Ok(())
    }

    /// Nothing has an address that is not the context's; and the peer takes those who connect.
    fn look(&self, watched: &mut Watched) -> Outcome {
        while self.peer.was_reached() {}
        watched.looks += 1;
        for seen in diag::sockets()? {
            ensure!(self.is_allowed(&seen), "a foreign address: {seen}");
            watched.own += u64::from(self.own.contains(&seen.ip) && seen.state != TIME_WAIT);
            if is_open(&seen) {
                self.send_past(seen.port);
                watched.open += 1;
            }
        }
        Ok(())
    }

    /// Sends to addresses of the host that are not the context's. The storm tells when it hears that.
    fn send_past(&self, port: u16) {
        for (stranger, to) in self.strangers.iter().zip([F, F6]) {
            // Nobody there, or an earlier one was refused: then there is an error on the socket already, once.
            let _ = stranger.send_to(NOT_FOR_US, (to, port)).or_else(|_| stranger.send_to(NOT_FOR_US, (to, port)));
        }
    }

    fn is_allowed(&self, seen: &Seen) -> bool {
        // A connection that the peer has not taken and that is being given up has lost its port, and has no file.
        let is_peers = seen.ip.to_string() == F && (seen.port == PEER || (seen.port, seen.inode) == (0, 0));
        // UDP has its filter, which is tried: see `send_past`. A ping socket has the wildcard where nothing asked
        // for an address, and each of its messages names a source (docs/limits.md#udp-wildcards).
        let is_ping = seen.protocol == "icmp" && seen.ip.is_unspecified();
        let is_it =
            |stranger: &UdpSocket| stranger.local_addr().is_ok_and(|at| (at.ip(), at.port()) == (seen.ip, seen.port));
        let is_strangers = seen.protocol == "udp" && self.strangers.iter().any(is_it);
        is_peers || is_strangers || is_open(seen) || is_ping || self.own.contains(&seen.ip)
    }

    /// Now that all is quiet: what is sent to foreign addresses reaches none of the wildcards that the storm has left.
    fn filters_hold(&self) -> Outcome<usize> {
        // Without a filter it would be seen: so it is with a socket that is nobody's, to which it is sent last.
        let control = UdpSocket::bind("[::]:0")?;
        let port = control.local_addr()?.port();
        let mut before: Vec<Seen> = diag::sockets()?.into_iter().filter(is_open).collect();
        before.sort_by_key(|seen| seen.port == port);
        before.iter().for_each(|seen| self.send_past(seen.port));
        control.set_read_timeout(Some(at_most(crate::SOON)))?;
        let mut text = [0; NOT_FOR_US.len()];
        control.recv(&mut text).map_err(|error| format!("nothing comes even without a filter: {error}"))?;
        ensure!(text == NOT_FOR_US, "something else comes without a filter: {text:?}");
        let after = diag::sockets()?;
        for was in before.iter().filter(|was| was.port != port) {
            let is_it = |now: &&Seen| now.inode == was.inode && now.unread > was.unread;
            ensure!(!after.iter().any(|now| is_it(&now)), "sent to foreign addresses, it got: {was}");
        }
        // One of them is the control.
        Ok(before.len() - 1)
    }

    /// What chbind's own processes hold.
    pub fn held(&self) -> Outcome<Held> {
        let mut sum = Held::default();
        for process in self.test.supervisors() {
            let directory = format!("/proc/{}", process.pid);
            let status = std::fs::read_to_string(format!("{directory}/status"))?;
            let number = |key: &str| -> Option<u64> {
                let line = status.lines().find_map(|line| line.strip_prefix(key))?;
                line.split_whitespace().next()?.parse().ok()
            };
            sum.descriptors += std::fs::read_dir(format!("{directory}/fd"))?.count();
            sum.resident += number("VmRSS:").ok_or("no VmRSS")?;
            sum.threads += number("Threads:").ok_or("no Threads")?;
        }
        ensure!(sum.threads > 0, "no supervisor");
        Ok(sum)
    }
}
