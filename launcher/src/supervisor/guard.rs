//! What goes before a socket that is bound to a wildcard: a filter, locked, that lets through what is sent to the context
//! and nothing else (row 3).

use crate::bpf::{instruction, jump, load, ret};
use crate::sys::seccomp::Instruction;
use crate::sys::{self, socket};
use chbind_policy::Context;
use ipnet::IpNet;
use std::os::fd::BorrowedFd;

/// Where the header of the network layer begins (linux/filter.h), and in it the version and the destination of IPv4
/// (RFC 791) and IPv6 (RFC 8200), in bytes.
const HEADER: u32 = libc::SKF_NET_OFF as u32;
const VERSION: u32 = HEADER;
const DESTINATION_V4: u32 = HEADER + 16;
const DESTINATION_V6: u32 = HEADER + 24;
/// The index of the interface that it came in by.
const INTERFACE: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_IFINDEX) as u32;
/// What the host sends to itself comes in by `lo` (`LOOPBACK_IFINDEX`, include/net/flow.h).
const LOOPBACK_INTERFACE: u32 = 1;
/// `BPF_MAXINSNS` (linux/bpf_common.h).
const MOST: usize = 4096;

const PASS: Instruction = ret(u32::MAX);
const DROP: Instruction = ret(0);

/// The filter of a context.
pub(super) struct Guard(Vec<Instruction>);

impl Guard {
    pub(super) fn new(context: &Context) -> Self {
        let of_version = |v4: bool| {
            let heard = context.heard().filter(move |(net, _)| matches!(net, IpNet::V4(_)) == v4);
            let mut part: Vec<Instruction> = heard.flat_map(|(net, scope)| pass_if(net, scope)).collect();
            part.push(DROP);
            part
        };
        let (v4, v6) = (of_version(true), of_version(false));
        let version = instruction(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, 0, VERSION);
        let high = instruction(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, 0xf0);
        // Conditional jumps reach 255 instructions: the part for IPv4 is passed over by an unconditional one.
        let over = instruction(libc::BPF_JMP | libc::BPF_JA, 0, 0, u32::try_from(v4.len()).unwrap_or(u32::MAX));
        let mut program = vec![version, high, jump(libc::BPF_JEQ, 0x40, 1, 0), over];
        program.extend(v4);
        program.extend(v6);
        Guard(program)
    }

    /// Whether `found`, which is before the socket, is this, for good: a program may put one like it there, and take it away.
    pub(super) fn is(&self, fd: BorrowedFd, found: &[Instruction]) -> bool {
        found == self.0 && socket::is_filter_locked(fd)
    }

    /// Whether it is before the socket, for good.
    pub(super) fn is_at(&self, fd: BorrowedFd) -> bool {
        socket::filter(fd, self.0.len()).is_ok_and(|found| self.is(fd, &found))
    }

    /// Puts it in the place of the filter that is before the socket, or leaves that if it has no room, for good.
    pub(super) fn replace(&self, fd: BorrowedFd) -> sys::Result<()> {
        if self.0.len() <= MOST {
            socket::attach_filter(fd, &self.0)?;
        }
        socket::lock_filter(fd)
    }

    /// Puts it before the socket for good. False where it cannot be: the program has a filter of its own there, or the
    /// context has more addresses than a filter can tell.
    pub(super) fn place(&self, fd: BorrowedFd) -> bool {
        if self.0.len() > MOST {
            return false;
        }
        let placed = match socket::filter(fd, self.0.len()) {
            Ok(none) if none.is_empty() => socket::attach_filter(fd, &self.0).is_ok(),
            Ok(other) => other == self.0,
            Err(_) => false,
        };
        // A process outside that shares the socket may change it before the lock is on: what counts is what is found then.
        placed && socket::lock_filter(fd).is_ok() && self.is_at(fd)
    }
}

/// Passes what is sent to an address in `net` (for a link-local one by the interface `scope`), and otherwise goes on.
fn pass_if(net: IpNet, scope: u32) -> Vec<Instruction> {
    let words = |bytes: &[u8]| -> Vec<u32> {
        bytes.chunks_exact(4).map(|word| u32::from_be_bytes(word.try_into().unwrap_or_default())).collect()
    };
    let (at, address, mask) = match net {
        IpNet::V4(net) => (DESTINATION_V4, words(&net.network().octets()), words(&net.netmask().octets())),
        IpNet::V6(net) => (DESTINATION_V6, words(&net.network().octets()), words(&net.netmask().octets())),
    };
    // From the last test to the first: how far it is to the end is then known.
    let mut body = vec![PASS];
    let mut require = |test: Vec<Instruction>, value: u32, or: Option<u32>| {
        let end = body.len() as u8;
        let mut tested = test;
        match or {
            Some(other) => tested.extend([jump(libc::BPF_JEQ, value, 1, 0), jump(libc::BPF_JEQ, other, 0, end)]),
            None => tested.push(jump(libc::BPF_JEQ, value, 0, end)),
        }
        tested.append(&mut body);
        body = tested;
    };
    if scope != 0 {
        require(vec![load(INTERFACE)], scope, Some(LOOPBACK_INTERFACE));
    }
    for (n, (&value, &mask)) in address.iter().zip(&mask).enumerate().rev() {
        let mut test = vec![load(at + 4 * n as u32)];
        if mask != u32::MAX {
            test.push(instruction(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, mask));
        }
        if mask != 0 {
            require(test, value, None);
        }
    }
    body
}
