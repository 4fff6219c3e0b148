//! What a rule may ask of the world.

use crate::socket::{Family, Transport};
use core::net::{IpAddr, SocketAddr};

/// What a rule may ask of the world.
pub trait Host {
    /// The source address that the kernel's routing would choose for `destination` (canonical), `None` where it has no
    /// route.
    fn preferred_source(&self, destination: SocketAddr) -> Option<IpAddr>;

    /// Whether the socket is bound to a device (`SO_BINDTODEVICE`): then it leaves the host by that, even for loopback.
    fn is_on_device(&self) -> bool;

    /// The address of `family` at which this context itself serves `port` of what a program inside takes for its loopback,
    /// where that is known: the loopback address for a socket that hears it, an assigned address for one whose wildcard
    /// was narrowed.
    fn serves(&self, transport: Transport, family: Family, port: u16) -> Option<IpAddr>;
}
