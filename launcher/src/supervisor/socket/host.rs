//! What the rules may ask of the world, on behalf of one socket.

use super::sockets::Sockets;
use crate::supervisor::caller::duplicate::Duplicate;
use crate::sys::diag;
use crate::sys::route::Packet;
use chbind_policy::loopback_services::places;
use chbind_policy::sockaddr::scope;
use chbind_policy::{Family, Host, Transport};
use std::net::{IpAddr, SocketAddr};

/// The world as it is for `socket`.
pub(crate) struct Asker<'a> {
    pub(crate) sockets: &'a Sockets,
    pub(crate) socket: &'a Duplicate,
    /// The index of the interface that the message asks for, 0 for none.
    pub(crate) interface: u32,
}

impl Host for Asker<'_> {
    fn preferred_source(&self, destination: SocketAddr) -> Option<IpAddr> {
        if destination.ip().is_multicast()
            && destination.is_ipv4()
            && let Ok(set) = self.sockets.multicast_source(self.socket)
            && !set.is_unspecified()
        {
            return Some(IpAddr::V4(set));
        }
        let option = |name| self.socket.option(libc::SOL_SOCKET, name).unwrap_or_default();
        self.sockets.routes.preferred_source(&Packet {
            destination: destination.ip(),
            port: destination.port(),
            protocol: u8::try_from(option(libc::SO_PROTOCOL)).unwrap_or_default(),
            interface: match (self.interface, scope(destination)) {
                (0, 0) => option(libc::SO_BINDTOIFINDEX) as u32,
                (0, scope) => scope,
                (interface, _) => interface,
            },
            mark: option(libc::SO_MARK) as u32,
            user: self.socket.owner().ok(),
        })
    }

    fn is_on_device(&self) -> bool {
        self.socket.option(libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX).is_ok_and(|index| index != 0)
    }

    fn serves(&self, transport: Transport, family: Family, port: u16) -> Option<IpAddr> {
        // What the shim has bound or closed is not known here.
        let there = |ip: &IpAddr| diag::is_served_at(transport, *ip, port).unwrap_or(false);
        let found = self.sockets.hybrid.then(|| places(self.sockets.context, family).find(there)).flatten();
        found.or_else(|| self.sockets.loopback_services.at(transport, family, port))
    }
}
