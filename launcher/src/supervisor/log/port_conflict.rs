//! Who holds an address and port that a bind did not get: the first question of whoever reads EADDRINUSE.

use super::events::Log;
use crate::procfs;
use chbind_policy::Transport;
use libc::pid_t;
use std::collections::VecDeque;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

/// Collisions looked into, per context: each is a walk through /proc.
const CONFLICTS_MAX: usize = 16;

type Collision = (pid_t, SocketAddr, Transport);

#[derive(Default)]
struct Noticed {
    known: Vec<(SocketAddr, Transport)>,
    queue: VecDeque<Collision>,
}

/// Collisions to look into.
#[derive(Default)]
pub(crate) struct Collisions(Mutex<Noticed>);

impl Collisions {
    /// Whether this one is new and will be looked into.
    pub(crate) fn add(&self, tid: pid_t, address: SocketAddr, transport: Transport) -> bool {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.known.len() >= CONFLICTS_MAX || table.known.contains(&(address, transport)) {
            return false;
        }
        table.known.push((address, transport));
        table.queue.push_back((tid, address, transport));
        true
    }

    fn next(&self) -> Option<Collision> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).queue.pop_front()
    }
}

/// Tells of every collision that was put aside.
pub(crate) fn tell_collisions(collisions: &Collisions, log: &Log) {
    while let Some((tid, address, transport)) = collisions.next() {
        let Some((local, inode)) = find_socket(address, transport) else { continue };
        let holder = match find_process(inode) {
            Some((pid, comm)) => format!("{comm}[{pid}]"),
            None => "another process".to_owned(),
        };
        // A wildcard outside takes the port from every context.
        let hint = if local.ip().is_unspecified() { "; that service can be started under chbind too" } else { "" };
        let name = transport.name();
        log.tell(tid, format_args!("bind to {address}/{name} failed: {holder} holds {local}/{name}{hint}"));
    }
}

/// The local address and inode of a socket that is in the way.
fn find_socket(address: SocketAddr, transport: Transport) -> Option<(SocketAddr, u64)> {
    let (files, state) = match transport {
        // TCP_LISTEN; TCP_CLOSE is what an unconnected UDP socket is in (include/net/tcp_states.h).
        Transport::Tcp => (["/proc/net/tcp", "/proc/net/tcp6"], "0A"),
        Transport::Udp => (["/proc/net/udp", "/proc/net/udp6"], "07"),
        Transport::Ping | Transport::RawIcmp => return None,
    };
    files.iter().filter_map(|file| fs::read_to_string(file).ok()).find_map(|table| {
        table.lines().skip(1).filter_map(|line| row(line, state)).find(|(local, _)| {
            local.port() == address.port() && (local.ip().is_unspecified() || local.ip().to_canonical() == address.ip())
        })
    })
}

/// One line of proc_net_tcp(5): the local address is the second column, the state the fourth, the inode the tenth.
fn row(line: &str, state: &str) -> Option<(SocketAddr, u64)> {
    let mut columns = line.split_whitespace();
    let local = columns.nth(1)?;
    if columns.nth(1)? != state {
        return None;
    }
    let inode = columns.nth(5)?.parse().ok()?;
    let (ip, port) = local.split_once(':')?;
    Some((SocketAddr::new(hex_ip(ip)?, u16::from_str_radix(port, 16).ok()?), inode))
}

/// Addresses are printed as 32-bit words in host order.
fn hex_ip(text: &str) -> Option<IpAddr> {
    let mut bytes = Vec::new();
    for at in (0..text.len()).step_by(8) {
        bytes.extend(u32::from_str_radix(text.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    }
    match bytes.len() {
        4 => Some(IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?))),
        16 => Some(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?))),
        _ => None,
    }
}

/// A process that has the socket open, where this process may see that.
fn find_process(inode: u64) -> Option<(pid_t, String)> {
    let name = format!("socket:[{inode}]");
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<pid_t>().ok()) else { continue };
        let Ok(descriptors) = fs::read_dir(entry.path().join("fd")) else { continue };
        let held =
            descriptors.flatten().any(|fd| fs::read_link(fd.path()).is_ok_and(|to| to.as_os_str() == name.as_str()));
        if held {
            return Some((pid, procfs::comm(pid)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn rows_of_proc_net_tcp() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 4242 1";
        assert_eq!(row(line, "0A"), Some(("127.0.0.1:8080".parse().unwrap(), 4242)));
        assert_eq!(row(line, "01"), None);
        assert_eq!(hex_ip("00000000000000000000000001000000"), Some("::1".parse().unwrap()));
        assert_eq!(hex_ip("0100"), None);
    }
}
