//! The filter before a wildcard, run by a small machine for classic BPF over packets: it passes what the context hears, and
//! nothing else (rows 3, 9 and 10).

use crate::common::*;
use chbind_policy::bpf::{INSTRUCTIONS_MAX, Instruction};
use chbind_policy::{Assigned, Context, Family, wildcard_filter};
use ipnet::IpNet;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A datagram as a socket filter of UDP finds it: the network header before the data, and the interface that it came by.
struct Packet {
    network: Vec<u8>,
    interface: u32,
}

impl Packet {
    fn to(ip: IpAddr, interface: u32) -> Self {
        let network = match ip {
            // The source is one that nobody hears: where it is looked at instead, nothing passes.
            IpAddr::V4(ip) => {
                let mut header = vec![0x45, 0, 0, 29, 0x12, 0x34, 0, 0, 64, 17, 0, 0, 203, 0, 113, 9];
                header.extend(ip.octets());
                header
            }
            IpAddr::V6(ip) => {
                let mut header = vec![0x60, 0, 0, 0, 0, 9, 17, 64];
                header.extend(Ipv6Addr::new(0x2001, 0xdb8, 9, 9, 9, 9, 9, 9).octets());
                header.extend(ip.octets());
                header
            }
        };
        Packet { network, interface }
    }
}

/// linux/filter.h: where the network header begins, and the ancillary data.
const NET_OFF: u32 = -0x10_0000_i32 as u32;
const AD_IFINDEX: u32 = (-0x1000_i32 + 8) as u32;

/// What a program returns: how much of a packet is kept. The instructions are those of bpf(4); any other, a load that is not
/// in the packet, and a jump that leaves the program are faults of the program. (The kernel checks the last two.)
fn run(program: &[Instruction], packet: &Packet) -> u32 {
    let mut accumulator = 0u32;
    let mut at = 0usize;
    loop {
        let Instruction { code, jt, jf, k } = program[at];
        at += 1;
        let branch = |holds: bool| usize::from(if holds { jt } else { jf });
        match code {
            // BPF_LD | BPF_ABS, of 32 bits and of 8.
            0x20 if k == AD_IFINDEX => accumulator = packet.interface,
            0x20 => {
                let from = k.wrapping_sub(NET_OFF) as usize;
                let word = &packet.network[from..from + 4];
                accumulator = u32::from_be_bytes(word.try_into().unwrap());
            }
            0x30 => accumulator = u32::from(packet.network[k.wrapping_sub(NET_OFF) as usize]),
            // BPF_ALU | BPF_AND | BPF_K
            0x54 => accumulator &= k,
            // BPF_JMP | BPF_JA, BPF_JMP | BPF_JEQ | BPF_K
            0x05 => at += k as usize,
            0x15 => at += branch(accumulator == k),
            // BPF_RET | BPF_K
            0x06 => return k,
            code => unreachable!("instruction {code:#x} at {}", at - 1),
        }
    }
}

fn program(context: &Context) -> Vec<Instruction> {
    wildcard_filter::program(context).collect()
}

/// Whether a packet to that address passes whole; none is cut.
fn passes(context: &Context, ip: IpAddr, interface: u32) -> bool {
    match run(&program(context), &Packet::to(ip, interface)) {
        0 => false,
        u32::MAX => true,
        kept => unreachable!("{kept} bytes are kept"),
    }
}

/// Those of a host with `lo` and two others.
const INTERFACES: [u32; 3] = [1, 2, 3];

/// What goes to an own link-local address passes from `lo` as well: so the host's own datagrams come.
fn is_heard(context: &Context, ip: IpAddr, interface: u32) -> bool {
    context.heard().any(|(net, by)| net.contains(&ip) && (by == 0 || by == interface || interface == 1))
}

#[test]
fn row_03_own_and_foreign() {
    for interface in INTERFACES {
        let hears = |context: &Context, text: &str| passes(context, ip(text), interface);
        for own in ["10.0.0.1", "10.0.0.2", "127.3.232.1", "10.0.0.255", "255.255.255.255"] {
            assert!(hears(&m(), own), "{own}");
            assert!(!hears(&p(), own) || own.starts_with("127.3") || own.starts_with("255"), "{own}");
        }
        for foreign in ["10.0.0.3", "10.0.0.0", "127.0.0.1", "127.3.233.1", "0.0.0.0", "192.0.2.77", "224.0.0.251"] {
            assert!(!hears(&m(), foreign), "{foreign}");
        }
        assert!(hears(&d(), "fd00:1::1") && hears(&with_lback6(d()), "fd00:1::99"));
        for foreign in ["fd00:1::2", "fd00:1::", "::1", "::", "ff02::1", "fd00:1::99", "fd01:1::1", "fd00:1:0:1::1"] {
            assert!(!hears(&d(), foreign), "{foreign}");
        }
        assert!(hears(&h(), "127.0.0.1") && !hears(&h(), "127.3.232.1") && !hears(&z(), "127.3.232.1"));
    }
}

#[test]
fn row_03_a_link_local_address_by_its_interface_and_lo() {
    let context = context(&["fe80::1/64%2", "10.0.0.1/24"]);
    assert_eq!(INTERFACES.map(|interface| passes(&context, ip("fe80::1"), interface)), [true, true, false]);
    assert_eq!(INTERFACES.map(|interface| passes(&context, ip("fe80::2"), interface)), [false; 3]);
    assert_eq!(INTERFACES.map(|interface| passes(&context, ip("10.0.0.1"), interface)), [true; 3]);
}

#[test]
fn row_10_groups() {
    let context = Context { multicast: true, ..d() };
    for group in ["224.0.0.0", "239.255.255.255", "ff02::fb", "ff00::", "ffff:ffff::1"] {
        assert!(passes(&context, ip(group), 2) && !passes(&d(), ip(group), 2), "{group}");
    }
    for other in ["223.255.255.255", "240.0.0.1", "feff::1", "10.0.0.3"] {
        assert!(!passes(&context, ip(other), 2), "{other}");
    }
}

/// The kernel takes no longer ones, and no jump may be cut short on the way there.
#[test]
fn many_addresses() {
    let v4 =
        (0..200u32).map(|n| Assigned::new(IpNet::new(Ipv4Addr::from(0x0a00_0001 + n * 256).into(), 24).unwrap(), 0));
    let v6 = (0..200u16).map(|n| {
        let (ip, scope) = ([0xfe80, 0, 0, 0, 0, 0, 0, n + 1].into(), u32::from(n % 2) + 2);
        Assigned::new(IpNet::new(Ipv6Addr::into(ip), 64).unwrap(), scope)
    });
    let addresses: Vec<Assigned> = v4.chain(v6).collect();
    let context = Context { addresses: &addresses, ..s() };
    let program = program(&context);
    assert!(program.len() <= INSTRUCTIONS_MAX, "{}", program.len());
    for own in &addresses {
        for interface in INTERFACES {
            let wanted = own.scope() == 0 || interface == 1 || interface == own.scope();
            assert_eq!(run(&program, &Packet::to(own.ip(), interface)) != 0, wanted, "{} by {interface}", own.ip());
        }
    }
    for foreign in ["10.0.200.1", "10.0.0.2", "fe80::c9", "fe80::", "::1"] {
        assert_eq!(run(&program, &Packet::to(ip(foreign), 2)), 0, "{foreign}");
    }
}

/// 4 is for IPv4, all else is read as IPv6; options of IPv4 come after the destination.
#[test]
fn versions_and_options() {
    let program = program(&d());
    let mut packet = Packet::to(ip("10.0.0.1"), 2);
    packet.network.extend([0x94, 4, 0, 0, 203, 0, 113, 1, 203, 0, 113, 2, 203, 0, 113, 3, 203, 0, 113, 4]);
    for (first, wanted) in [(0x45, u32::MAX), (0x4f, u32::MAX), (0x40, u32::MAX), (0x65, 0), (0x05, 0), (0x54, 0)] {
        packet.network[0] = first;
        assert_eq!(run(&program, &packet), wanted, "{first:#x}");
    }
}

fn any_own() -> impl Strategy<Value = Context<'static>> {
    let scope = prop_oneof![3 => Just(0u32), 1 => 1..4u32];
    let one = (any_ip(), 0..=128u8, scope).prop_map(|(ip, bits, scope)| {
        let ip = ip.to_canonical();
        let net = IpNet::new(ip, if ip.is_ipv4() { bits % 33 } else { bits }).unwrap();
        Assigned::new(net, if ip.is_ipv4() { 0 } else { scope })
    });
    (prop::collection::vec(one, 0..6), any_context())
        .prop_map(|(own, context)| Context { addresses: own.leak(), ..context })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_passes_is_what_is_heard(context in any_own(), address in any_address(), interface in 1..5u32, bit in 0..128u32) {
        // As it goes over the wire: a v4-mapped address is IPv4's.
        let near = context.addresses.iter().map(|own| match own.ip() {
            IpAddr::V4(ip) => IpAddr::V4((ip.to_bits() ^ 1 << (bit % 32)).into()),
            IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() ^ 1 << bit).into()),
        });
        let own = context.addresses.iter().map(Assigned::ip);
        let broadcasts = context.addresses.iter().filter_map(Assigned::directed_broadcast).map(IpAddr::V4);
        let loopback = [Family::V4, Family::V6].into_iter().filter_map(|family| context.loopback_of(family));
        let program = program(&context);
        for ip in near.chain(own).chain(broadcasts).chain(loopback).chain([address.ip().to_canonical()]) {
            let passed = run(&program, &Packet::to(ip, interface)) != 0;
            prop_assert_eq!(passed, is_heard(&context, ip, interface), "{} by {}", SocketAddr::new(ip, 0), interface);
        }
    }
}
