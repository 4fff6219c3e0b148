//! Where this context serves the ports of its loopback (row 36).

use chbind_policy::{Context, Transport};
use std::net::IpAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

/// One byte a port: 0 for none, 1 for the loopback address, 2 and up for the assigned addresses in order.
type Page = [AtomicU8; 256];
/// A page for each high byte of a port; most are never needed.
type Table = [OnceLock<Box<Page>>; 256];

/// For every port, the address of the last bind to a wildcard or to loopback. An entry outlives its socket: it only
/// decides which of the context's own addresses a connect to 127.0.0.1 tries.
pub(super) struct Served {
    context: &'static Context<'static>,
    tcp: Table,
    udp: Table,
}

const LOOPBACK: u8 = 1;

impl Served {
    pub(super) fn new(context: &'static Context<'static>) -> Self {
        Served { context, tcp: [const { OnceLock::new() }; 256], udp: [const { OnceLock::new() }; 256] }
    }

    fn table(&self, transport: Transport) -> Option<&Table> {
        match transport {
            Transport::Tcp => Some(&self.tcp),
            Transport::Udp => Some(&self.udp),
            Transport::Ping => None,
        }
    }

    /// `at` (canonical) was bound with `port`.
    pub(super) fn note(&self, transport: Transport, port: u16, at: IpAddr) {
        let assigned = self.context.addresses.iter().position(|assigned| assigned.ip() == at);
        let code = match assigned {
            // An address beyond what a byte can tell is not remembered: a connect to 127.0.0.1 then tries loopback.
            Some(index) => u8::try_from(index + 2).unwrap_or_default(),
            None => LOOPBACK,
        };
        let [high, low] = port.to_be_bytes().map(usize::from);
        if let Some(page) = self.table(transport).and_then(|table| table.get(high))
            && let Some(entry) = page.get_or_init(|| Box::new([const { AtomicU8::new(0) }; 256])).get(low)
        {
            entry.store(code, Ordering::Relaxed);
        }
    }

    pub(super) fn at(&self, transport: Transport, port: u16) -> Option<IpAddr> {
        let [high, low] = port.to_be_bytes().map(usize::from);
        match self.table(transport)?.get(high)?.get()?.get(low)?.load(Ordering::Relaxed) {
            0 => None,
            LOOPBACK => Some(IpAddr::V4(self.context.lback)),
            code => self.context.addresses.get(usize::from(code) - 2).map(|assigned| assigned.ip()),
        }
    }
}
