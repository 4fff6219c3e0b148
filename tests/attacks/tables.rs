//! The kernel's tables of sockets, in the network namespace of the thread that looks.

use std::net::{IpAddr, Ipv6Addr, UdpSocket};

use chbind_tests::net::F;

/// The tables of sockets that have a local address, all in one format (Documentation/networking/proc_net_tcp.rst).
const TABLES: [&str; 10] = ["tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6"];

/// A line of a table.
struct Entry {
    ip: IpAddr,
    port: u16,
    peer: u16,
    /// Bytes that it has received and that nobody has read.
    waiting: u64,
}

fn table(name: &str) -> Vec<Entry> {
    // Those of protocols that the kernel lacks are absent.
    let text = std::fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default();
    text.lines().skip(1).filter_map(entry).collect()
}

fn entry(line: &str) -> Option<Entry> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (ip, port) = local(fields.get(1)?)?;
    let (_, peer) = local(fields.get(2)?)?;
    let (_, waiting) = fields.get(4)?.split_once(':')?;
    Some(Entry { ip, port, peer, waiting: u64::from_str_radix(waiting, 16).ok()? })
}

/// An address and port in hexadecimal: words of 32 bits in the byte order of the machine.
fn local(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let word = |at: usize| u32::from_str_radix(address.get(at * 8..at * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    let ip = match address.len() {
        8 => IpAddr::from(word(0)?),
        _ => {
            let mut bytes = [0; 16];
            for (at, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(at)?);
            }
            IpAddr::from(Ipv6Addr::from(bytes))
        }
    };
    Some((ip, u16::from_str_radix(port, 16).ok()?))
}

/// The sockets with a local address that is none of the context's, in words, but for those on one of our ports and
/// those in our queue at that port; and all packet sockets.
pub(crate) fn strays(of_context: impl Fn(IpAddr) -> bool, ours: &[u16], queue: u16) -> Vec<String> {
    let mut found = Vec::new();
    for name in TABLES {
        for Entry { ip, port, peer, .. } in table(name) {
            // What is the port elsewhere is the protocol in the tables of raw sockets.
            if port == 0 || of_context(ip) || ours.contains(&port) || peer == queue {
                continue;
            }
            let shown = if ip.is_unspecified() { "every address".to_owned() } else { ip.to_string() };
            if !name.starts_with("udp") || !ip.is_unspecified() || hears_all(name, port) {
                found.push(format!("a socket on {shown} in the table {name}"));
            }
        }
    }
    let packets = std::fs::read_to_string("/proc/thread-self/net/packet").unwrap_or_default();
    found.extend((packets.lines().count() > 1).then(|| "a packet socket".to_owned()));
    found
}

/// A datagram socket on a wildcard may be behind a filter: whether one takes what is sent to an address that no context
/// has.
fn hears_all(name: &str, port: u16) -> bool {
    let sent = UdpSocket::bind((F, 0)).and_then(|socket| socket.send_to(b"stray", (F, port)));
    // Without an answer to the question it counts as one that does.
    sent.is_err()
        || table(name).iter().any(|entry| entry.ip.is_unspecified() && entry.port == port && entry.waiting > 0)
}
