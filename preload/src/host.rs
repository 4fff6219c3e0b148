//! What the rules may ask of the world, on behalf of one socket.

use crate::shell::Call;
use crate::sys::{shim, socket};
use chbind_policy::perform::{self, Endpoint, IP_UNICAST_IF, IPV6_UNICAST_IF, Look};
use chbind_policy::{Family, Host, Socket, Transport, loopback_services, sock_diag};
use core::net::{IpAddr, SocketAddr};
use libc::{AF_NETLINK, NETLINK_SOCK_DIAG, SO_BINDTOIFINDEX, SOCK_CLOEXEC, SOCK_DGRAM, SOL_SOCKET};

impl<W> Host for Call<'_, W> {
    /// Another socket like this one is connected there.
    fn preferred_source(&self, destination: SocketAddr) -> Option<IpAddr> {
        if destination.ip().is_multicast()
            && destination.is_ipv4()
            && let Ok(set) = perform::multicast_source(&self.fd)
            && !set.is_unspecified()
        {
            return Some(IpAddr::V4(set));
        }
        let family = Family::of(destination.ip());
        let like = Socket { family, transport: Transport::Udp, v6only: self.socket.v6only };
        let Ok(Some(stand_in)) = perform::similar_socket(&self.fd, &like) else {
            self.is_at_a_loss.set(true);
            return None;
        };
        if self.interface != 0 {
            let index = self.interface.to_be_bytes();
            let (level, name) = match family {
                Family::V4 => (libc::IPPROTO_IP, IP_UNICAST_IF),
                Family::V6 => (libc::IPPROTO_IPV6, IPV6_UNICAST_IF),
            };
            stand_in.set_option(level, name, &index).ok()?;
        }
        stand_in.connect(destination).ok()?;
        stand_in.local().ok()?.map(|source| source.ip().to_canonical())
    }

    fn is_on_device(&self) -> bool {
        self.fd.option(SOL_SOCKET, SO_BINDTOIFINDEX).is_ok_and(|index| index != 0)
    }

    fn serves(&self, transport: Transport, family: Family, port: u16) -> Option<IpAddr> {
        first_there(transport, port, loopback_services::places(&shim().config.context, family))
    }
}

/// The first of these addresses where somebody serves the port.
pub(crate) fn first_there(
    transport: Transport,
    port: u16,
    mut addresses: impl Iterator<Item = IpAddr>,
) -> Option<IpAddr> {
    let diag = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG).ok()?;
    let is_served = |ip: &IpAddr| {
        let mut answer = [0; 512];
        let question = sock_diag::question(transport, *ip, port);
        let len = question.and_then(|question| diag.fd().ask(&question, &mut answer).ok());
        len.is_some_and(|len| sock_diag::is_there(answer.get(..len).unwrap_or_default(), *ip))
    };
    addresses.find(is_served)
}
