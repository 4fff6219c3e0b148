//! What [`perform`](chbind_policy::perform) looks at and acts on: descriptors of the program, and our own.

use crate::option;
use crate::sys::{Fd, Own, Result, socket};
use chbind_policy::perform::{Endpoint, Look};
use chbind_policy::sockaddr;
use core::net::SocketAddr;

impl Look for Fd {
    fn local(&self) -> Result<Option<SocketAddr>> {
        Ok(self.local_name()?.decode())
    }

    fn peer(&self) -> Result<Option<SocketAddr>> {
        Ok(self.peer_name()?.decode())
    }

    fn option(&self, level: i32, name: i32) -> Result<i32> {
        self.number_of(level, name)
    }

    fn is_explicitly_bound(&self) -> bool {
        option::is_explicitly_bound(*self)
    }
}

impl Endpoint for Fd {
    type StandIn = Own;

    fn bind(&self, address: SocketAddr) -> Result<()> {
        self.bind_bytes(sockaddr::encode(address).bytes())
    }

    fn connect(&self, address: SocketAddr) -> Result<()> {
        self.connect_bytes(sockaddr::encode(address).bytes())
    }

    fn disconnect(&self) -> Result<()> {
        self.connect_bytes(&[0; sockaddr::LEN_V4])
    }

    fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<()> {
        self.set(level, name, value)
    }

    fn stand_in(&self, domain: i32, kind: i32, protocol: i32) -> Result<Own> {
        socket(domain, kind | libc::SOCK_CLOEXEC, protocol)
    }
}

impl Look for Own {
    fn local(&self) -> Result<Option<SocketAddr>> {
        self.fd().local()
    }

    fn peer(&self) -> Result<Option<SocketAddr>> {
        self.fd().peer()
    }

    fn option(&self, level: i32, name: i32) -> Result<i32> {
        self.fd().option(level, name)
    }

    fn is_explicitly_bound(&self) -> bool {
        false
    }
}

impl Endpoint for Own {
    type StandIn = Own;

    fn bind(&self, address: SocketAddr) -> Result<()> {
        self.fd().bind(address)
    }

    fn connect(&self, address: SocketAddr) -> Result<()> {
        self.fd().connect(address)
    }

    fn disconnect(&self) -> Result<()> {
        self.fd().disconnect()
    }

    fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<()> {
        self.fd().set_option(level, name, value)
    }

    fn stand_in(&self, domain: i32, kind: i32, protocol: i32) -> Result<Own> {
        self.fd().stand_in(domain, kind, protocol)
    }
}
