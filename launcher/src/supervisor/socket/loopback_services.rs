//! Where this context serves the ports of its loopback (row 36: docs/semantics.md#row-36).

use chbind_policy::{Context, Family, Transport};
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// One byte a port: 0 for none, 1 for the loopback address, 2 and up for the assigned addresses in order.
type Page = [AtomicU8; 256];
/// A page for each high byte of a port; most are never needed.
type Table = [OnceLock<Box<Page>>; 256];

const LOOPBACK: u8 = 1;

/// For every port, the address of the last bind to a wildcard or to loopback. An entry outlives its socket: it only
/// decides which of the context's own addresses a connect to 127.0.0.1 tries.
pub(crate) struct LoopbackServices {
    context: &'static Context<'static>,
    /// TCP over IPv4 and IPv6, UDP over IPv4 and IPv6.
    tables: [Table; 4],
}

impl LoopbackServices {
    pub(crate) fn new(context: &'static Context<'static>) -> Self {
        LoopbackServices { context, tables: [const { [const { OnceLock::new() }; 256] }; 4] }
    }

    fn table(&self, transport: Transport, family: Family) -> Option<&Table> {
        let [tcp4, tcp6, udp4, udp6] = &self.tables;
        match (transport, family) {
            (Transport::Tcp, Family::V4) => Some(tcp4),
            (Transport::Tcp, Family::V6) => Some(tcp6),
            (Transport::Udp, Family::V4) => Some(udp4),
            (Transport::Udp, Family::V6) => Some(udp6),
            (Transport::Ping | Transport::RawIcmp, _) => None,
        }
    }

    /// `at` (canonical) was bound with `port`.
    pub(crate) fn note(&self, transport: Transport, port: u16, at: IpAddr) {
        let assigned = self.context.addresses.iter().position(|assigned| assigned.ip() == at);
        let code = match assigned {
            // An address beyond what a byte can tell is not remembered: a connect to 127.0.0.1 then tries loopback.
            Some(index) => u8::try_from(index + 2).unwrap_or_default(),
            None => LOOPBACK,
        };
        let [high, low] = port.to_be_bytes().map(usize::from);
        if let Some(page) = self.table(transport, Family::of(at)).and_then(|table| table.get(high))
            && let Some(entry) = page.get_or_init(|| Box::new([const { AtomicU8::new(0) }; 256])).get(low)
        {
            entry.store(code, Ordering::Relaxed);
        }
    }

    pub(crate) fn at(&self, transport: Transport, family: Family, port: u16) -> Option<IpAddr> {
        let [high, low] = port.to_be_bytes().map(usize::from);
        match self.table(transport, family)?.get(high)?.get()?.get(low)?.load(Ordering::Relaxed) {
            0 => None,
            LOOPBACK => self.context.loopback_of(family),
            code => self.context.addresses.get(usize::from(code) - 2).map(|assigned| assigned.ip()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chbind_policy::Assigned;

    #[test]
    fn the_last_bind_of_each_family_counts() {
        let assigned = |net: &str| Assigned::new(net.parse().unwrap(), 0);
        let context: &'static Context = Box::leak(Box::new(Context::new(
            Box::leak(Box::new([assigned("10.0.0.1/32"), assigned("fd00::1/128")])),
            "127.3.232.1".parse().unwrap(),
        )));
        let served = LoopbackServices::new(context);
        let at = |transport, family| served.at(transport, family, 80);
        assert_eq!(at(Transport::Tcp, Family::V4), None);
        served.note(Transport::Tcp, 80, "10.0.0.1".parse().unwrap());
        served.note(Transport::Tcp, 80, "fd00::1".parse().unwrap());
        served.note(Transport::Udp, 80, "127.3.232.1".parse().unwrap());
        assert_eq!(at(Transport::Tcp, Family::V4), Some("10.0.0.1".parse().unwrap()));
        assert_eq!(at(Transport::Tcp, Family::V6), Some("fd00::1".parse().unwrap()));
        assert_eq!(at(Transport::Udp, Family::V4), Some("127.3.232.1".parse().unwrap()));
        served.note(Transport::Tcp, 80, "127.3.232.1".parse().unwrap());
        assert_eq!(at(Transport::Tcp, Family::V4), Some("127.3.232.1".parse().unwrap()));
        assert_eq!(served.at(Transport::Tcp, Family::V4, 81), None);
    }
}
