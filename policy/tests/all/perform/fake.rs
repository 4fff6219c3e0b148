//! A socket and a shell that write down what is done, in order.

use crate::common::*;
use chbind_policy::perform::{Connects, Endpoint, Look, Permit, Result, Sends, Shell, Stop};
use chbind_policy::send::Send;
use chbind_policy::{Errno, Family, Host, LocalAddr, Refusal, Transport};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

/// What happens on one host: shared by the shell, the socket and its stand-ins.
#[derive(Default)]
pub(crate) struct World {
    /// Done so far, a word or two each; what only looks is left out.
    pub(crate) done: Vec<String>,
    /// What fails: the first that begins so, once.
    pub(crate) fails: VecDeque<(&'static str, i32)>,
    /// The local addresses that the socket shows, from look to look; the last remains.
    pub(crate) shows: VecDeque<&'static str>,
    /// The program has chosen an address without a port.
    pub(crate) is_explicit: bool,
    /// `IP_BIND_ADDRESS_NO_PORT` of the socket.
    no_port: bool,
}

impl World {
    fn act(&mut self, what: String) -> Result<()> {
        let fails = self.fails.front().is_some_and(|(act, _)| what.starts_with(act));
        self.done.push(what);
        match self.fails.pop_front_if(|_| fails) {
            Some((_, errno)) => Err(Errno(errno)),
            None => Ok(()),
        }
    }
}

/// The socket, or one like it.
pub(crate) struct Fake {
    world: Rc<RefCell<World>>,
    is_stand_in: bool,
}

impl Fake {
    fn act(&self, what: &str) -> Result<()> {
        let who = if self.is_stand_in { "stand-in " } else { "" };
        self.world.borrow_mut().act(format!("{who}{what}"))
    }
}

const NO_PORT: (i32, i32) = (libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT);

impl Look for Fake {
    fn local(&self) -> Result<Option<SocketAddr>> {
        let shows = &mut self.world.borrow_mut().shows;
        let text = if shows.len() > 1 { shows.pop_front() } else { shows.front().copied() };
        Ok(text.map(at))
    }

    fn peer(&self) -> Result<Option<SocketAddr>> {
        Err(Errno(libc::ENOTCONN))
    }

    fn option(&self, level: i32, name: i32) -> Result<i32> {
        Ok(i32::from((level, name) == NO_PORT && self.world.borrow().no_port))
    }

    fn is_explicitly_bound(&self) -> bool {
        self.world.borrow().is_explicit
    }
}

impl Endpoint for Fake {
    type StandIn = Fake;

    fn bind(&self, address: SocketAddr) -> Result<()> {
        let pins = self.world.borrow().no_port && address.port() == 0;
        self.act(&format!("{} {address}", if pins { "pin" } else { "bind" }))
    }

    fn connect(&self, address: SocketAddr) -> Result<()> {
        self.act(&format!("connect {address}"))
    }

    fn disconnect(&self) -> Result<()> {
        self.act("disconnect")
    }

    fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<()> {
        if (level, name) == NO_PORT {
            self.world.borrow_mut().no_port = value.iter().any(|byte| *byte != 0);
        }
        Ok(())
    }

    fn stand_in(&self, _: i32, _: i32, _: i32) -> Result<Fake> {
        Ok(Fake { world: self.world.clone(), is_stand_in: true })
    }
}

/// Why a call went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Fail(Errno),
    Refused(Refusal),
    /// By the shell itself.
    Given,
}

impl From<Errno> for Ended {
    fn from(errno: Errno) -> Self {
        Ended::Fail(errno)
    }
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        Ended::Refused(refusal)
    }
}

impl Stop for Ended {
    fn errno(&self) -> Option<Errno> {
        match self {
            Ended::Fail(errno) => Some(*errno),
            Ended::Refused(_) | Ended::Given => None,
        }
    }
}

impl Permit for Fake {
    type Socket = Fake;

    fn socket(&self) -> &Fake {
        self
    }
}

/// Who carries out the call. It can be made to end at each of its hooks.
pub(crate) struct FakeShell {
    pub(crate) world: Rc<RefCell<World>>,
    pub(crate) host: FakeHost,
    pub(crate) transport: Transport,
    /// What is said before the address, if anything.
    pub(crate) said: Option<std::result::Result<(), Ended>>,
    /// Whether a wildcard can be kept to the context.
    pub(crate) opens: bool,
    pub(crate) room: Vec<u8>,
}

impl FakeShell {
    pub(crate) fn new(transport: Transport, shows: &[&'static str]) -> Self {
        let world = World { shows: shows.iter().copied().collect(), ..World::default() };
        let world = Rc::new(RefCell::new(world));
        FakeShell { world, host: host(), transport, said: None, opens: true, room: Vec::new() }
    }

    pub(crate) fn failing(self, act: &'static str, errno: i32) -> Self {
        self.world.borrow_mut().fails.push_back((act, errno));
        self
    }

    /// What was done, and forgets it.
    pub(crate) fn done(&self) -> Vec<String> {
        std::mem::take(&mut self.world.borrow_mut().done)
    }

    /// Writes a hook down; ends the call where it is to fail.
    fn hook(&self, what: String) -> std::result::Result<(), Ended> {
        self.world.borrow_mut().act(what).map_err(|_| Ended::Given)
    }

    fn socket(&self) -> Fake {
        Fake { world: self.world.clone(), is_stand_in: false }
    }
}

impl Host for FakeShell {
    fn preferred_source(&self, destination: SocketAddr) -> Option<IpAddr> {
        self.host.preferred_source(destination)
    }

    fn is_on_device(&self) -> bool {
        self.host.is_on_device()
    }

    fn serves(&self, transport: Transport, family: Family, port: u16) -> Option<IpAddr> {
        self.host.serves(transport, family, port)
    }
}

impl Shell for FakeShell {
    type Permit = Fake;
    type Stop = Ended;

    fn enter(&mut self, is_judged: bool) -> std::result::Result<Fake, Ended> {
        self.hook(if is_judged { "enter" } else { "enter unjudged" }.to_owned())?;
        Ok(self.socket())
    }

    fn has_found_out(&self) -> std::result::Result<(), Ended> {
        self.hook("found out".to_owned())
    }

    fn require_idle(&self, _: &Fake) -> std::result::Result<(), Ended> {
        self.hook("idle".to_owned())
    }

    fn give_port(&mut self, _: &Fake) {
        let _ = self.hook("give port".to_owned());
    }

    fn pin(&mut self, of: &Fake, source: SocketAddr) -> Result<()> {
        let family = Family::of(source.ip());
        let socket = chbind_policy::Socket { family, transport: self.transport, v6only: false };
        chbind_policy::perform::pin(of, &socket, source)
    }

    fn unpin(&mut self, _: &Fake, given: Option<SocketAddr>) {
        let _ = self.hook(given.map_or("unpin".to_owned(), |given| format!("unpin {given}")));
    }

    fn deafened<T>(&mut self, _: &Fake, act: impl FnOnce() -> T) -> std::result::Result<T, Ended> {
        self.hook("deaf".to_owned())?;
        let done = act();
        self.hook("hears".to_owned())?;
        Ok(done)
    }
}

impl Connects for FakeShell {
    fn may_be_pinned(&self, _: &Fake, _: SocketAddr) -> bool {
        !self.world.borrow().is_explicit
    }

    fn said_before_the_address(&mut self, _: &Fake) -> Option<std::result::Result<(), Ended>> {
        let _ = self.hook("ask".to_owned());
        self.said
    }

    fn dissolved(&mut self, _: &Fake, before: LocalAddr) {
        let _ = self.hook(format!("dissolved {}", before.as_bound()));
    }

    fn may_fix_source(&mut self, _: &Fake, local: LocalAddr) -> std::result::Result<(), Ended> {
        self.hook(format!("may fix {}", local.as_bound()))
    }

    fn connect(&mut self, of: &mut Fake, destination: SocketAddr) -> std::result::Result<(), Ended> {
        Ok(Endpoint::connect(of, destination)?)
    }
}

impl Sends for FakeShell {
    fn is_to_judge(&mut self, _: &Fake, local: LocalAddr) -> std::result::Result<(), Ended> {
        self.hook(format!("judge {}", local.as_bound()))
    }

    fn withholds(&mut self, _: &Fake, _: &Send, _: Option<SocketAddr>) -> std::result::Result<(), Ended> {
        self.hook("withhold".to_owned())
    }

    fn room(&mut self, len: usize) -> std::result::Result<&mut [u8], Ended> {
        self.hook(format!("room {len}"))?;
        self.room = vec![0; len];
        Ok(&mut self.room)
    }

    fn open(&mut self, of: &Fake, any: SocketAddr, otherwise: SocketAddr) -> std::result::Result<bool, Ended> {
        of.act(&format!("open {any} or {otherwise}"))?;
        Ok(self.opens)
    }

    fn send(&mut self, of: &mut Fake, destination: Option<SocketAddr>) -> std::result::Result<usize, Ended> {
        of.act(&destination.map_or("send".to_owned(), |destination| format!("send {destination}")))?;
        Ok(7)
    }
}
