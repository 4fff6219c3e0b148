//! What goes before a socket that is bound to a wildcard: a filter that lets through what is sent to the context and
//! nothing else (row 3: docs/semantics.md#row-3). Whoever puts it there locks it.

use crate::bpf::{Instruction, instruction, jump, load, ret};
use crate::context::Context;
use core::net::IpAddr;
use ipnet::IpNet;

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

const PASS: Instruction = ret(u32::MAX);
const DROP: Instruction = ret(0);

/// The filter of a context, instruction by instruction.
pub fn program(context: &Context) -> impl Iterator<Item = Instruction> {
    let of_version = |v4: bool| {
        let heard = context.heard().filter(move |(net, _)| matches!(net, IpNet::V4(_)) == v4);
        heard.flat_map(|(net, scope)| pass_if(net, scope)).chain([DROP])
    };
    let version = instruction(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, 0, VERSION);
    let high = instruction(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, 0xf0);
    // Conditional jumps reach 255 instructions: the part for IPv4 is passed over by an unconditional one.
    let len = u32::try_from(of_version(true).count()).unwrap_or(u32::MAX);
    let over = instruction(libc::BPF_JMP | libc::BPF_JA, 0, 0, len);
    let head = [version, high, jump(libc::BPF_JEQ, 0x40, 1, 0), over];
    head.into_iter().chain(of_version(true)).chain(of_version(false))
}

/// One thing that is asked of a datagram.
#[derive(Clone, Copy)]
struct Test {
    /// Where the word is that is looked at, and its bits that count.
    at: u32,
    mask: u32,
    value: u32,
    /// Another value that will do.
    or: Option<u32>,
}

impl Test {
    /// The instructions, if there are `after` more to the end of those that go with it.
    fn instructions(self, after: u8) -> impl Iterator<Item = Instruction> {
        let masked = instruction(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, self.mask);
        let masked = (self.mask != u32::MAX).then_some(masked);
        let compared = match self.or {
            Some(other) => [Some(jump(libc::BPF_JEQ, self.value, 1, 0)), Some(jump(libc::BPF_JEQ, other, 0, after))],
            None => [Some(jump(libc::BPF_JEQ, self.value, 0, after)), None],
        };
        [Some(load(self.at)), masked].into_iter().chain(compared).flatten()
    }

    fn len(self) -> u8 {
        2 + u8::from(self.mask != u32::MAX) + u8::from(self.or.is_some())
    }
}

/// Passes what is sent to an address in `net` (for a link-local one by the interface `scope`), and otherwise goes on.
fn pass_if(net: IpNet, scope: u32) -> impl Iterator<Item = Instruction> {
    let (at, address, mask) = match net {
        IpNet::V4(net) => (DESTINATION_V4, words(net.network().into()), words(net.netmask().into())),
        IpNet::V6(net) => (DESTINATION_V6, words(net.network().into()), words(net.netmask().into())),
    };
    let arrival = Test { at: INTERFACE, mask: u32::MAX, value: scope, or: Some(LOOPBACK_INTERFACE) };
    let word = move |n: usize| -> Option<Test> {
        let (value, mask) = (*address.get(n)?, *mask.get(n)?);
        let at = at + 4 * u32::try_from(n).ok()?;
        (mask != 0).then_some(Test { at, mask, value, or: None })
    };
    let tests = [(scope != 0).then_some(arrival), word(0), word(1), word(2), word(3)];
    let after = move |n: usize| 1 + tests.iter().skip(n + 1).flatten().map(|test| test.len()).sum::<u8>();
    let asked = tests.into_iter().enumerate().filter_map(|(n, test)| Some((n, test?)));
    asked.flat_map(move |(n, test)| test.instructions(after(n))).chain([PASS])
}

/// The words of an address, the first in the first place; the mask of IPv4 leaves the other three alone.
fn words(ip: IpAddr) -> [u32; 4] {
    match ip {
        IpAddr::V4(ip) => [ip.to_bits(), 0, 0, 0],
        IpAddr::V6(ip) => {
            let [a, b, c, d, e, f, g, h] = ip.segments().map(u32::from);
            [a << 16 | b, c << 16 | d, e << 16 | f, g << 16 | h]
        }
    }
}
