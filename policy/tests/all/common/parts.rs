//! What a context is made of, and borrows. (That of the fuzz targets, too.)
#![allow(unreachable_pub, reason = "the fuzz targets are programs of their own")]

use chbind_policy::rules::{ConnectRule, Service};
use chbind_policy::{Assigned, Context, Loopback, Rules};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[derive(Clone, Debug)]
pub struct Parts {
    pub addresses: Vec<Assigned>,
    pub lback: Ipv4Addr,
    pub lback6: Option<Ipv6Addr>,
    pub loopback: Loopback,
    pub host_loopback: Vec<u16>,
    pub resolvers: Vec<IpAddr>,
    pub multicast: bool,
    pub raw_icmp: bool,
    pub allow_bind: Vec<Service>,
    pub deny_bind: Vec<Service>,
    pub allow_connect: Vec<ConnectRule>,
    pub deny_connect: Vec<ConnectRule>,
}

impl Parts {
    pub fn context(&self) -> Context<'_> {
        Context {
            addresses: &self.addresses,
            lback: self.lback,
            lback6: self.lback6,
            loopback: self.loopback,
            host_loopback: &self.host_loopback,
            resolvers: &self.resolvers,
            multicast: self.multicast,
            raw_icmp: self.raw_icmp,
            keeps_one: false,
            rules: Rules {
                allow_bind: &self.allow_bind,
                deny_bind: &self.deny_bind,
                allow_connect: &self.allow_connect,
                deny_connect: &self.deny_connect,
                granted: &[],
            },
        }
    }
}

impl From<Context<'_>> for Parts {
    fn from(context: Context<'_>) -> Self {
        Parts {
            addresses: context.addresses.to_vec(),
            lback: context.lback,
            lback6: context.lback6,
            loopback: context.loopback,
            host_loopback: context.host_loopback.to_vec(),
            resolvers: context.resolvers.to_vec(),
            multicast: context.multicast,
            raw_icmp: context.raw_icmp,
            allow_bind: context.rules.allow_bind.to_vec(),
            deny_bind: context.rules.deny_bind.to_vec(),
            allow_connect: context.rules.allow_connect.to_vec(),
            deny_connect: context.rules.deny_connect.to_vec(),
        }
    }
}
