//! sendto, sendmsg and sendmmsg.

use crate::bind::{bind_to, is_of_others};
use crate::connect::is_near;
use crate::facts::identify;
use crate::foreign_sockets;
use crate::option;
use crate::shell::{Call, mark};
use crate::stop::{Stop, answer, ask_if_possible};
use crate::sys::{self, Fd, Pieces, cancellable, shim};
use chbind_policy::bind::Place;
use chbind_policy::control::{self, SOURCE_LEN};
use chbind_policy::perform::{self, Sends};
use chbind_policy::send::Send;
use chbind_policy::sockaddr::{self, SockAddr, canonical};
use chbind_policy::{Errno, Family, LocalAddr, Subject, Transport};
use core::net::SocketAddr;
use libc::{MSG_FASTOPEN, c_int};

/// Control messages that can be changed, in bytes; longer ones are for the supervisor, or for nobody.
const CONTROL_MAX: usize = 1024;

/// A message as the program has it, but for what it says of addresses, which is a copy.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    /// `None` where there is none.
    pub(crate) address: Option<&'a [u8]>,
    pub(crate) control: &'a [u8],
    pub(crate) pieces: Pieces,
    pub(crate) flags: c_int,
}

impl Message<'_> {
    /// Whether the kernel does with it what the rules say, whatever socket it is for.
    #[inline]
    pub(crate) fn goes_as_it_is(&self) -> bool {
        if !self.control.is_empty() && control::names_way(self.control) {
            return false;
        }
        match self.address {
            _ if self.flags & MSG_FASTOPEN != 0 => false,
            // To whom it is connected, or nobody.
            None => true,
            Some(address) => is_plain(address) || is_of_others(address),
        }
    }
}

/// Whether the destination is what it is called, and every socket that can send there sends from an address of the context.
#[inline]
fn is_plain(address: &[u8]) -> bool {
    let shim = shim();
    let Some(asked) = sockaddr::decode(address) else { return false };
    if shim.single != Some(Family::of(asked.ip())) || asked.port() == 0 {
        return false;
    }
    let ip = asked.ip();
    let is_usual = match ip {
        core::net::IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_unspecified(),
        core::net::IpAddr::V6(ip) => !ip.is_loopback() && ip.to_ipv4().is_none(),
    };
    (is_usual || shim.config.context.is_assigned(ip, 0)) && foreign_sockets::is_own()
}

/// One message. `ask` sends it as the program did.
pub(crate) fn send_call(fd: Fd, message: &Message, ask: impl FnOnce() -> sys::Result<usize>) -> sys::Result<usize> {
    let shown = message.address.and_then(sockaddr::decode);
    let subject = || match (shown, identify(fd)) {
        (Some(shown), Ok(Some(socket))) => Subject::Address("send to", canonical(shown), socket.transport),
        _ => Subject::Call("send"),
    };
    answer(sent(fd, message), subject, || cancellable(ask))
}

fn sent(fd: Fd, message: &Message) -> Result<usize, Stop> {
    let context = &shim().config.context;
    let (asked, control) = (message.address, message.control);
    let Some(socket) = identify(fd)? else {
        let sent = cancellable(|| fd.sendmsg(asked.unwrap_or_default(), control, message.pieces, message.flags));
        return Ok(sent?);
    };
    let what = Sending {
        message,
        is_near: asked.is_some_and(|address| is_near(context, address)),
        control: [0; SOURCE_LEN + CONTROL_MAX],
        control_len: 0,
    };
    let judged = perform::Message { address: asked, control, flags: message.flags };
    perform::send(&mut Call::new(fd, &socket, control::interface(control), what), context, &socket, judged)
}

/// A message, and what goes with it.
struct Sending<'a> {
    message: &'a Message<'a>,
    /// It goes to loopback, where what others serve counts.
    is_near: bool,
    control: [u8; SOURCE_LEN + CONTROL_MAX],
    control_len: usize,
}

impl Sends for Call<'_, Sending<'_>> {
    fn is_to_judge(&mut self, fd: &Fd, local: LocalAddr) -> Result<(), Stop> {
        let opens = self.what.message.flags & MSG_FASTOPEN != 0;
        if !self.what.is_near && !opens {
            return Ok(());
        }
        let is_opening = self.socket.transport == Transport::Tcp && opens;
        let is_unbound = local.as_bound().ip().is_unspecified();
        if shim().is_hybrid() && is_opening && is_unbound && !option::wants_no_port() {
            // The supervisor is about to pin it.
            mark(*fd, true)?;
        }
        ask_if_possible()
    }

    fn withholds(&mut self, _: &Fd, _: &Send, _: Option<SocketAddr>) -> Result<(), Stop> {
        Ok(())
    }

    fn room(&mut self, len: usize) -> Result<&mut [u8], Stop> {
        let Some(room) = self.what.control.get_mut(..len) else {
            ask_if_possible()?;
            return Err(Stop::Fail(Errno::EMSGSIZE));
        };
        self.what.control_len = len;
        Ok(room)
    }

    fn open(&mut self, fd: &Fd, any: SocketAddr, otherwise: SocketAddr) -> Result<bool, Stop> {
        foreign_sockets::note_foreign();
        ask_if_possible()?;
        bind_to(*fd, self.socket, Place::Open { any, otherwise })?;
        Ok(perform::local(fd)?.as_bound().ip().to_canonical().is_unspecified())
    }

    fn send(&mut self, fd: &mut Fd, destination: Option<SocketAddr>) -> Result<usize, Stop> {
        let Sending { message, control, control_len, .. } = &self.what;
        let encoded = destination.map_or(SockAddr::NONE, sockaddr::encode);
        let address = match (destination, message.address) {
            (Some(_), _) => encoded.bytes(),
            // What is no address to the kernel (AF_UNSPEC to IPv6) it may still look at.
            (None, Some(asked)) if self.socket.transport != Transport::Tcp => asked,
            (None, _) => &[],
        };
        let control = control.get(..*control_len).unwrap_or_default();
        Ok(cancellable(|| fd.sendmsg(address, control, message.pieces, message.flags))?)
    }
}
