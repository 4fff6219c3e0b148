//! How a message is sent.

use crate::context::Context;
use crate::control::{self, Reader, SOURCE_LEN};
use crate::errno::Errno;
use crate::local::LocalAddr;
use crate::perform::shell::{ATTEMPTS, Permit, Shell, Stop, has_failed, recover};
use crate::perform::socket::{Look, local};
use crate::send::{self, Send, Source};
use crate::socket::{Socket, Transport};
use core::net::SocketAddr;
use libc::MSG_FASTOPEN;

/// What the caller says of a message, but for its payload.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its address; `None` where there is none.
    pub address: Option<&'a [u8]>,
    /// Its control messages.
    pub control: &'a [u8],
    /// The flags of the call.
    pub flags: i32,
}

/// Who sends a message.
pub trait Sends: Shell {
    /// The socket is at `local`, and the message is about to be judged.
    ///
    /// The supervisor judges all that comes to it. The shim leaves to it what takes knowledge of others, if it is there.
    ///
    /// # Errors
    ///
    /// The shim asks the supervisor about what goes to loopback or has `MSG_FASTOPEN`, after what the kernel says to
    /// the mark. The supervisor never fails here.
    fn is_to_judge(&mut self, permit: &Self::Permit, local: LocalAddr) -> Result<(), Self::Stop>;

    /// What the kernel would say to what is kept from it; `far` is the peer that the message goes to, as far as that is known.
    ///
    /// The supervisor does not hand on a payload that is longer than any datagram, nor an address that is none to IPv6. The
    /// shim hands on all that the program gave.
    ///
    /// # Errors
    ///
    /// In the supervisor, of UDP towards IPv4: EMSGSIZE for a message with a destination that is longer than any
    /// datagram (`udp_sendmsg` looks at that before all else, net/ipv4/udp.c); ENETUNREACH for the address `AF_UNSPEC`
    /// on a connected IPv6 socket (`udpv6_sendmsg`, net/ipv6/udp.c). The shim never fails here.
    fn withholds(&mut self, permit: &Self::Permit, judged: &Send, far: Option<SocketAddr>) -> Result<(), Self::Stop>;

    /// Room for so many bytes of control messages, which go with the message.
    ///
    /// The supervisor has copied those of the caller, however long the kernel allows. The shim has no memory but its stack:
    /// longer ones are for the supervisor, or for nobody.
    ///
    /// # Errors
    ///
    /// The shim asks the supervisor where there is no room for as much; EMSGSIZE if there is no supervisor. The
    /// supervisor never fails here.
    fn room(&mut self, len: usize) -> Result<&mut [u8], Self::Stop>;

    /// Binds a socket without an address to the wildcard `any`, kept to what the context may hear, or gives it `otherwise` where
    /// that cannot be. Whether it is on the wildcard.
    ///
    /// The supervisor knows who else is at the port, and remembers what it gives. The shim leaves it to the supervisor, if there
    /// is one.
    ///
    /// # Errors
    ///
    /// The shim asks the supervisor. Otherwise what bind(2) says: EINVAL if the socket has a port by now.
    fn open(&mut self, permit: &Self::Permit, any: SocketAddr, otherwise: SocketAddr) -> Result<bool, Self::Stop>;

    /// sendmsg(2) to `destination`, or where the socket is connected to.
    ///
    /// The supervisor sends the copy that it has made, and gives up its place in what [`enter`](Shell::enter) protects before it
    /// blocks. The shim sends what the program has; the thread may be cancelled.
    ///
    /// # Errors
    ///
    /// What sendmsg(2) says. In the supervisor also those of [`Connects::connect`](crate::perform::Connects::connect)
    /// where it has to wait, and that there is no memory for a copy (`MSG_ZEROCOPY`).
    fn send(&mut self, permit: &mut Self::Permit, destination: Option<SocketAddr>) -> Result<usize, Self::Stop>;
}

/// Judges a message and sends it. How many bytes were sent.
///
/// # Errors
///
/// In this order:
///
/// 1. Those of [`Shell::enter`], of getsockname(2), and of [`Sends::is_to_judge`].
/// 2. Those of the rule, [`send`](send::send()).
/// 3. Those of [`Shell::has_found_out`] and [`Sends::withholds`].
/// 4. Those of [`Sends::room`], and of the control messages ([`Reader::check`]).
/// 5. Where the socket has no address: those of [`Shell::require_idle`], and what the kernel says when it is given one
///    ([`Shell::pin`], [`Sends::open`]). EINVAL means that another thread has got it a port meanwhile: then all of this
///    is done again, and EINVAL is the answer after the third time.
/// 6. What the kernel says to the message itself, sendmsg(2).
pub fn send<S: Sends>(shell: &mut S, context: &Context, socket: &Socket, message: Message) -> Result<usize, S::Stop> {
    let is_stream = socket.transport == Transport::Tcp;
    // A stream that does not connect has nothing to be judged by.
    let is_judged = !is_stream || message.flags & MSG_FASTOPEN != 0;
    for _ in 0..ATTEMPTS {
        let mut permit = shell.enter(is_judged)?;
        let local = local(permit.socket())?;
        shell.is_to_judge(&permit, local)?;
        let judged = match send::send(context, socket, local, message.address, message.flags, &*shell) {
            Ok(judged) => judged,
            Err(refusal) => {
                shell.give_port(&permit);
                return Err(refusal.into());
            }
        };
        shell.has_found_out()?;
        let far = match judged.destination {
            None if message.address.is_some() || !message.control.is_empty() => permit.socket().peer().ok().flatten(),
            destination => destination,
        };
        shell.withholds(&permit, &judged, far)?;
        let reader = Reader::of(socket, far);
        // Before the socket is changed: a message that is refused leaves nothing behind.
        put_controls(shell, context, reader, message.control, judged.source, local)?;
        if matches!(judged.source, Source::Pin(_) | Source::Open { .. }) {
            shell.require_idle(&permit)?;
        }
        match take_place(shell, &permit, judged.source) {
            Ok(source) if source == judged.source => {}
            Ok(source) => put_controls(shell, context, reader, message.control, source, local)?,
            Err(stop) => match stop.errno() {
                Some(Errno::EINVAL) => continue,
                Some(_) => {
                    recover(shell, &permit, context, socket)?;
                    return Err(stop);
                }
                None => return Err(stop),
            },
        }
        let done = shell.send(&mut permit, judged.destination);
        if let Source::Pin(source) = judged.source
            && is_stream
            && has_failed(&done)
        {
            shell.unpin(&permit, Some(source));
        }
        return done;
    }
    Err(Errno::EINVAL.into())
}

/// Puts the control messages where they go with the message, judged, for one with this source from a socket at `local`.
fn put_controls<S: Sends>(
    shell: &mut S,
    context: &Context,
    reader: Reader,
    control: &[u8],
    source: Source,
    local: LocalAddr,
) -> Result<(), S::Stop> {
    let (own, named) = match source {
        Source::Own => (local.as_bound(), None),
        Source::Pin(at) => (at, None),
        Source::Open { named, .. } | Source::Named(named) => (named, Some(named)),
    };
    let (naming, before) = named.map_or(([0; SOURCE_LEN], 0), control::naming);
    let all = shell.room(before + control.len())?;
    for (to, from) in all.iter_mut().zip(naming.iter().take(before).chain(control)) {
        *to = *from;
    }
    let own = Some(own.ip().to_canonical()).filter(|own| !own.is_unspecified());
    Ok(reader.check(context, all.get_mut(before..).unwrap_or_default(), own)?)
}

/// Gives a socket without an address what it sends from. Says which source it has come to.
fn take_place<S: Sends>(shell: &mut S, permit: &S::Permit, source: Source) -> Result<Source, S::Stop> {
    match source {
        Source::Own | Source::Named(_) => Ok(source),
        Source::Pin(at) => Ok(shell.pin(permit, at).map(|()| source)?),
        Source::Open { any, otherwise, .. } => {
            Ok(if shell.open(permit, any, otherwise)? { source } else { Source::Pin(otherwise) })
        }
    }
}
