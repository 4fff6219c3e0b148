//! What the world sees of an attack: the peers that it may reach and those that it may not, and the kernel's tables of
//! sockets. A thread of its own looks all the time, for what is there only for a moment.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chbind_tests::net::{A, A6, F, F6};
use chbind_tests::{Outcome, SOON, ensure, wait_for};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};

use crate::tables;

/// The context of an attack with that number; one peer must not be reached.
pub(crate) fn context(nid: u16) -> String {
    format!("--ip {A}/24 --nid {nid} --deny-connect {F}:7301 -q")
}

/// What is 127.0.0.1 in it.
fn loopback(nid: u16) -> Ipv4Addr {
    let [high, low] = nid.to_be_bytes();
    Ipv4Addr::new(127, high, low, 1)
}

/// Where a peer is, who may speak to it, and from where. (programs/attack.h has the same numbers.)
const PLACES: [(&str, u16, Welcome); 6] = [
    (F, 7300, Welcome::FromContext),
    (F6, 7300, Welcome::FromContext),
    (F, 7301, Welcome::Nobody("a peer that a rule forbids was reached")),
    (F6, 7301, Welcome::Nobody("a peer that a rule forbids was reached")),
    ("127.0.0.1", 7100, Welcome::Nobody("the host's own loopback was reached")),
    ("::1", 7100, Welcome::Nobody("the host's own loopback was reached")),
];

/// The port of a peer whose queue is full, and of what is bound outside by those who hand it in.
pub(crate) const SILENT: u16 = 7302;

/// Between two looks at the tables.
const LOOKS: Duration = Duration::from_millis(25);

#[derive(Clone, Copy)]
enum Welcome {
    FromContext,
    Nobody(&'static str),
}

enum Peer {
    Stream(TcpListener, Welcome),
    Datagram(UdpSocket, Welcome),
}

#[derive(Default)]
struct Shared {
    faults: Mutex<BTreeSet<String>>,
    stop: AtomicBool,
    /// Looks that were asked for, and that were taken.
    asked: AtomicU64,
    answered: AtomicU64,
    /// The addresses of the context.
    own: Vec<IpAddr>,
}

impl Shared {
    fn of_context(&self, ip: IpAddr) -> bool {
        self.own.contains(&ip.to_canonical())
    }
}

/// The peers and those who look, in the namespace of the thread that made them.
pub(crate) struct Outside {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Outside {
    pub(crate) fn new(nid: u16) -> Outcome<Self> {
        let mut peers = Vec::new();
        for (ip, port, welcome) in PLACES {
            let at = (ip.parse::<IpAddr>()?, port);
            let (stream, datagram) = (TcpListener::bind(at)?, UdpSocket::bind(at)?);
            stream.set_nonblocking(true)?;
            datagram.set_nonblocking(true)?;
            // None of many may be lost.
            setsockopt(&datagram, RcvBufForce, &(64 << 20))?;
            peers.extend([Peer::Stream(stream, welcome), Peer::Datagram(datagram, welcome)]);
        }
        let own = vec![A.parse()?, A6.parse()?, loopback(nid).into()];
        let shared = Arc::new(Shared { own, ..Shared::default() });
        let watching = Arc::clone(&shared);
        // A new thread is in the network namespace of the one that makes it.
        let thread = std::thread::spawn(move || watch(&peers, &watching));
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What was seen of calls that got out, up to now and this moment.
    pub(crate) fn faults(&self) -> Outcome<Vec<String>> {
        let asked = self.shared.asked.fetch_add(1, Ordering::SeqCst) + 1;
        ensure!(wait_for(SOON, || self.shared.answered.load(Ordering::SeqCst) >= asked), "nobody looks from outside");
        Ok(self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect())
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn watch(peers: &[Peer], shared: &Shared) {
    let ours: Vec<u16> = PLACES.iter().map(|(_, port, _)| *port).chain([SILENT]).collect();
    let mut looked = Instant::now();
    while !shared.stop.load(Ordering::SeqCst) {
        let asked = shared.asked.load(Ordering::SeqCst);
        let fds = peers.iter().map(|peer| match peer {
            Peer::Stream(listener, _) => listener.as_fd(),
            Peer::Datagram(socket, _) => socket.as_fd(),
        });
        let mut fds: Vec<PollFd> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        let _ = poll(&mut fds, PollTimeout::from(10u8));
        for peer in peers {
            hear(peer, shared);
        }
        if asked > shared.answered.load(Ordering::SeqCst) || looked.elapsed() >= LOOKS {
            looked = Instant::now();
            tables::strays(|ip| shared.of_context(ip), &ours, SILENT).into_iter().for_each(|what| fault(shared, what));
            shared.answered.store(asked, Ordering::SeqCst);
        }
    }
}

fn fault(shared: &Shared, what: String) {
    shared.faults.lock().unwrap_or_else(PoisonError::into_inner).insert(what);
}

/// Takes all that waits at a peer.
fn hear(peer: &Peer, shared: &Shared) {
    let mut text = [0; 2048];
    loop {
        let (from, welcome) = match peer {
            Peer::Stream(listener, welcome) => (listener.accept().map(|(_, from)| from), welcome),
            Peer::Datagram(socket, welcome) => (socket.recv_from(&mut text).map(|(_, from)| from), welcome),
        };
        match (from, welcome) {
            (Ok(from), Welcome::FromContext) if shared.of_context(from.ip()) => {}
            (Ok(from), Welcome::FromContext) => fault(shared, format!("a peer was reached from {}", from.ip())),
            (Ok(_), Welcome::Nobody(what)) => fault(shared, (*what).to_owned()),
            (Err(error), _) if error.kind() == ErrorKind::WouldBlock => return,
            // A connection that was given up before it was accepted.
            (Err(_), _) => {}
        }
    }
}
