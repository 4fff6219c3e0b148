//! Who carries out a call, and in what they differ.

use crate::context::Context;
use crate::errno::Errno;
use crate::host::Host;
use crate::perform::socket::{self, Endpoint, repin};
use crate::socket::Socket;
use crate::verdict::Refusal;
use core::net::SocketAddr;

/// Another thread may give the socket an address between the look at it and the act: then the rule is asked again, so often in
/// all.
pub(crate) const ATTEMPTS: usize = 3;

/// Why a call goes no further.
pub trait Stop: From<Errno> + From<Refusal> {
    /// What the kernel has said; `None` if it is not the kernel that ends the call.
    fn errno(&self) -> Option<Errno>;
}

/// What it takes to act on a socket: nothing is done to one before there is a permit for it, and what was looked at is still so
/// as long as it lasts.
pub trait Permit {
    /// A socket to act on.
    type Socket: Endpoint;

    /// The socket.
    fn socket(&self) -> &Self::Socket;
}

/// One call on one socket, and who carries it out.
pub trait Shell: Host {
    /// Leave to act on the socket.
    type Permit: Permit;
    /// Why a call goes no further.
    type Stop: Stop;

    /// Gives leave to act; `is_judged` unless the call has nothing to be judged by.
    ///
    /// The supervisor has several threads, so one of them at a time is at a socket, if there is something to judge; and its
    /// caller must still wait, or what was read of it may have been somebody else's. The shim is in the thread that makes the
    /// call, which needs neither.
    ///
    /// # Errors
    ///
    /// In the supervisor ENOBUFS, where other threads have kept the socket for a second, and that the caller no longer
    /// waits. The shim never fails here.
    fn enter(&mut self, is_judged: bool) -> Result<Self::Permit, Self::Stop>;

    /// Whether all that the rule has asked of the world could be found out.
    ///
    /// The supervisor asks the kernel's tables. The shim can only try, by a socket of its own that is made as the program's is;
    /// where that cannot be it leaves the call to the supervisor, if there is one.
    ///
    /// # Errors
    ///
    /// The shim asks the supervisor where something could not be found out. The supervisor never fails here.
    fn has_found_out(&self) -> Result<(), Self::Stop>;

    /// Fails if a call of another thread is under way on the socket.
    ///
    /// The supervisor makes calls that block outside of what `enter` protects, and says itself what the kernel would. The shim
    /// leaves it to the kernel.
    ///
    /// # Errors
    ///
    /// In the supervisor EALREADY, as the kernel says to a socket that is being connected. The shim never fails here.
    fn require_idle(&self, permit: &Self::Permit) -> Result<(), Self::Stop>;

    /// Gives a datagram socket the port that it has by the time when the kernel looks at the address (`inet_autobind`,
    /// net/ipv4/af_inet.c), where the call is not made.
    ///
    /// The shim does without. Where there is a supervisor, that refuses the call once more and gives the port then; where there
    /// is none the socket goes without.
    fn give_port(&mut self, permit: &Self::Permit);

    /// Pins the socket to a source that is chosen for the program.
    ///
    /// The supervisor remembers of which sockets the program has chosen the address. The shim remembers nothing, and leaves a
    /// mark on a stream instead.
    ///
    /// # Errors
    ///
    /// Those of [`socket::pin`]: EINVAL if the socket has a port by now. In the shim also what the kernel says to the
    /// option that is the mark.
    fn pin(&mut self, permit: &Self::Permit, source: SocketAddr) -> socket::Result<()>;

    /// Takes the source away again from a stream that has not been connected; `given` is what this call has pinned it to, if it
    /// has.
    ///
    /// The supervisor looks at what is remembered: whatever the program has not chosen goes. The shim knows of no other call
    /// than this one.
    fn unpin(&mut self, permit: &Self::Permit, given: Option<SocketAddr>);

    /// Does what may leave a datagram socket without an address for a moment.
    ///
    /// The supervisor lets the socket hear nothing meanwhile: another thread of a hostile program could get it a port on every
    /// address of the host by a write. The shim serves programs that are trusted.
    ///
    /// # Errors
    ///
    /// In the supervisor EPERM, [`Reason::OwnFilter`](crate::Reason::OwnFilter), where the program has locked a filter
    /// of its own: then nothing is done. What the kernel says when a filter is put there or taken away again can come
    /// after `act`, too. The shim never fails here.
    fn deafened<T>(&mut self, permit: &Self::Permit, act: impl FnOnce() -> T) -> Result<T, Self::Stop>;
}

/// Gives a socket the address again that it was made with, after a bind that failed and may have taken it away.
pub(crate) fn recover<S: Shell>(
    shell: &mut S,
    permit: &S::Permit,
    context: &Context,
    socket: &Socket,
) -> Result<(), S::Stop> {
    shell.deafened(permit, || repin(permit.socket(), context, socket))
}

/// Whether a call that connects has failed. One that goes on in the background may have failed, too, but nobody has been told.
pub fn has_failed<T, E: Stop>(done: &Result<T, E>) -> bool {
    done.as_ref().is_err_and(|stop| stop.errno() != Some(Errno::EINPROGRESS))
}
