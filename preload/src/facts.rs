//! What has to be known of a socket.

use crate::stop::Stop;
use crate::sys::{Fd, shim};
use chbind_policy::perform::Look;
use chbind_policy::{Socket, non_inet};
use libc::{
    AF_INET6, IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, SO_DOMAIN, SO_PROTOCOL, SO_TYPE, SOCK_STREAM, SOL_SOCKET,
};

/// Only TCP and MPTCP sockets know it (Linux 5.16).
const TCP_IS_MPTCP: i32 = 43;

/// What it is; `None` for the families whose calls run as they are.
pub(crate) fn identify(fd: Fd) -> Result<Option<Socket>, Stop> {
    let domain = fd.option(SOL_SOCKET, SO_DOMAIN)?;
    if non_inet::is_non_inet(domain) {
        return Ok(None);
    }
    let (kind, protocol) = if fd.option(IPPROTO_TCP, TCP_IS_MPTCP) == Ok(0) {
        (SOCK_STREAM, IPPROTO_TCP)
    } else {
        (fd.option(SOL_SOCKET, SO_TYPE)?, fd.option(SOL_SOCKET, SO_PROTOCOL)?)
    };
    let v6only = domain == AF_INET6 && fd.option(IPPROTO_IPV6, IPV6_V6ONLY)? != 0;
    Ok(Some(Socket::identify(&shim().config.context, domain, kind, protocol, v6only)?))
}
