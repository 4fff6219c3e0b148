//! A host to ask that tells what it was told to tell. (That of the fuzz targets, too.)
#![allow(unreachable_pub, reason = "the fuzz targets are programs of their own")]

use chbind_policy::{Family, Host, Transport};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// A host with these routes, destination prefix and preferred source, and these listeners of the context.
#[derive(Clone, Debug, Default)]
pub struct FakeHost {
    pub routes: Vec<(IpNet, IpAddr)>,
    pub served: Vec<(Transport, u16, IpAddr)>,
    /// The socket is bound to a device.
    pub on_device: bool,
}

impl FakeHost {
    /// With a further route.
    #[must_use]
    pub fn route(mut self, to: &str, source: &str) -> Self {
        self.routes.push((to.parse().expect("a prefix"), source.parse().expect("an address")));
        self
    }

    /// With a further listener.
    #[must_use]
    pub fn serve(mut self, transport: Transport, port: u16, at: &str) -> Self {
        self.served.push((transport, port, at.parse().expect("an address")));
        self
    }
}

impl Host for FakeHost {
    fn preferred_source(&self, destination: SocketAddr) -> Option<IpAddr> {
        let matching = self.routes.iter().filter(|(net, _)| net.contains(&destination.ip()));
        matching.max_by_key(|(net, _)| net.prefix_len()).map(|(_, source)| *source)
    }

    fn is_on_device(&self) -> bool {
        self.on_device
    }

    fn serves(&self, transport: Transport, family: Family, port: u16) -> Option<IpAddr> {
        let wanted = (transport, family, port);
        self.served.iter().rev().find(|(of, at, ip)| (*of, Family::of(*ip), *at) == wanted).map(|(_, _, ip)| *ip)
    }
}
