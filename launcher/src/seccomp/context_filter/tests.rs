//! The context's filter, by tables: a call in a situation, and what becomes of it.

use super::program;
use crate::seccomp::interpreter::Action::{self, Allow, Errno, Notify};
use crate::seccomp::interpreter::{Data, Program};
use crate::supervisor::held_calls;
use chbind_policy::{Assigned, Context, Loopback};
use libc::{
    AF_ALG, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, AF_VSOCK, IPPROTO_ICMP, IPPROTO_IP, IPPROTO_IPV6,
    IPPROTO_MPTCP, IPPROTO_TCP, IPPROTO_UDP, SO_ATTACH_BPF, SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_LOCK_FILTER,
    SO_REUSEADDR, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM, SOL_SOCKET, c_long,
};
use std::net::Ipv4Addr;

mod clones;
mod other_tables;
mod properties;
mod secrets;

/// What a filter is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::seccomp) enum Situation {
    /// One IPv4 address, and no options.
    Plain,
    /// One IPv6 address, and `--loopback deny`: no use for IPv4
    OfIpv6,
    /// Addresses of both families.
    OfBoth,
    /// `--loopback host`
    HostLoopback,
    /// `--loopback deny`
    NoLoopback,
    /// `--raw-icmp`, with addresses of both families
    RawIcmp,
    /// `--strict`
    Strict,
    /// `--enforce hybrid`
    Hybrid,
}

use Situation::{HostLoopback, Hybrid, NoLoopback, OfBoth, OfIpv6, Plain, RawIcmp, Strict};

pub(in crate::seccomp) const ALL: [Situation; 8] =
    [Plain, OfIpv6, OfBoth, HostLoopback, NoLoopback, RawIcmp, Strict, Hybrid];
/// That of the filter of [`Hybrid`].
pub(in crate::seccomp) const SECRET: u64 = 0x1357_9bdf_0246_8ace;

/// A context of these addresses, as chbind makes it without further options.
pub(in crate::seccomp) fn context(addresses: &[&str]) -> Context<'static> {
    let addresses = addresses.iter().map(|text| Assigned::new(text.parse().unwrap(), 0)).collect::<Vec<_>>();
    Context::new(Vec::leak(addresses), Ipv4Addr::new(127, 0, 0, 2))
}

impl Situation {
    pub(in crate::seccomp) fn filter(self) -> Program {
        let mut context = context(match self {
            OfIpv6 => &["2001:db8::1/64"],
            OfBoth | RawIcmp => &["10.0.0.1/24", "2001:db8::1/64"],
            _ => &["10.0.0.1/24"],
        });
        context.raw_icmp = self == RawIcmp;
        context.loopback = match self {
            HostLoopback => Loopback::Host,
            OfIpv6 | NoLoopback => Loopback::Deny,
            _ => Loopback::Remap,
        };
        let instructions =
            program(held_calls(&context).unwrap(), self == Strict, (self == Hybrid).then_some(SECRET)).unwrap();
        Program::check(&instructions).unwrap()
    }
}

/// An `int` as a register holds it.
const fn int(value: i32) -> u64 {
    value as u32 as u64
}

/// What the upper half of a register may hold besides: the kernel does not look at it where it takes an `int`.
const UPPER: u64 = 0xdead_beef_0000_0000;

/// In each of `situations`, each row of `rows` has arguments for `nr` and what becomes of the call.
fn table(situations: &[Situation], nr: c_long, rows: &[([u64; 6], Action)]) {
    for situation in situations {
        let filter = situation.filter();
        for (args, action) in rows {
            assert_eq!(filter.action(&Data::native(nr, *args)), *action, "{situation:?}: {nr} {args:x?}");
        }
    }
}

/// The same for a call whose three first arguments are of type `int`: the rows hold them, and hold with dirty upper halves.
fn table_of_ints(situations: &[Situation], nr: c_long, rows: &[([i32; 3], Action)]) {
    for ([a, b, c], action) in rows {
        let args = [int(*a), int(*b), int(*c), 0, 0, 0];
        table(situations, nr, &[(args, *action), (args.map(|arg| arg | UPPER), *action)]);
    }
}

#[test]
fn calls_that_always_meet_the_supervisor() {
    let calls = [
        libc::SYS_sendmsg,
        libc::SYS_sendmmsg,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_getsockname,
        libc::SYS_landlock_create_ruleset,
    ];
    for nr in calls {
        table(&ALL, nr, &[([0; 6], Notify), ([3, 4, 16, 0, 0, 0], Notify), ([u64::MAX; 6], Notify)]);
    }
}

#[test]
fn a_peer_is_asked_for_where_loopback_stands_for_another_address() {
    let rows = |action| [([0; 6], action), ([3, 4, 16, 0, 0, 0], action), ([u64::MAX; 6], action)];
    table(&[Plain, OfBoth, RawIcmp, Strict, Hybrid], libc::SYS_getpeername, &rows(Notify));
    table(&[OfIpv6, HostLoopback, NoLoopback], libc::SYS_getpeername, &rows(Allow));
}

#[test]
fn calls_that_say_nothing_of_an_address_pass() {
    let calls = [
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_recvfrom,
        libc::SYS_recvmsg,
        libc::SYS_recvmmsg,
        libc::SYS_getsockopt,
        libc::SYS_shutdown,
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_sendfile,
        libc::SYS_splice,
        libc::SYS_dup3,
        libc::SYS_close,
        libc::SYS_execve,
        libc::SYS_ioctl,
        libc::SYS_prctl,
        libc::SYS_landlock_add_rule,
        libc::SYS_landlock_restrict_self,
        libc::SYS_pidfd_getfd,
    ];
    for nr in calls {
        table(&ALL, nr, &[([0; 6], Allow), ([3, 4, 16, 0, 0, 0], Allow), ([u64::MAX; 6], Allow)]);
    }
}

/// The address is a pointer: all of its register counts.
#[test]
fn sendto_meets_the_supervisor_with_an_address() {
    let to = |address, length| [3, 0x7fff_0000_1000, 5, 0, address, length];
    let rows = [
        (to(0, 0), Allow),
        (to(0, 16), Allow),
        (to(0x7fff_0000_2000, 16), Notify),
        (to(0x2000, 16), Notify),
        (to(1, 0), Notify),
        (to(1 << 32, 16), Notify),
        (to(1 << 63, 16), Notify),
        (to(u64::MAX, 0), Notify),
        ([u64::MAX, u64::MAX, u64::MAX, u64::MAX, 0, u64::MAX], Allow),
    ];
    table(&ALL, libc::SYS_sendto, &rows);
}

const FLAGS: i32 = SOCK_CLOEXEC | SOCK_NONBLOCK;

#[test]
fn sockets_that_need_no_judgement_pass() {
    let everywhere = [
        ([AF_UNIX, SOCK_STREAM, 0], Allow),
        ([AF_UNIX, SOCK_DGRAM | FLAGS, 7], Allow),
        ([AF_UNIX, SOCK_SEQPACKET, 0], Allow),
        ([AF_NETLINK, SOCK_RAW, 0], Allow),
        ([AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, 15], Allow),
        ([AF_ALG, SOCK_SEQPACKET, 0], Allow),
        ([0, SOCK_STREAM, 0], Notify),
        ([-1, SOCK_STREAM, 0], Notify),
        ([AF_PACKET, SOCK_RAW, 0x300], Notify),
        ([AF_VSOCK, SOCK_STREAM, 0], Notify),
        // SMC
        ([43, SOCK_STREAM, 0], Notify),
        ([AF_INET, SOCK_DGRAM, 0], Notify),
        ([AF_INET, SOCK_DGRAM, IPPROTO_UDP], Notify),
        ([AF_INET, SOCK_DGRAM | FLAGS, IPPROTO_ICMP], Notify),
        ([AF_INET, SOCK_RAW, IPPROTO_ICMP], Notify),
        ([AF_INET, SOCK_STREAM, IPPROTO_MPTCP], Notify),
        ([AF_INET, SOCK_STREAM, IPPROTO_UDP], Notify),
        ([AF_INET, SOCK_STREAM, -1], Notify),
        ([AF_INET, SOCK_SEQPACKET, 132], Notify),
        ([AF_INET, 0, 0], Notify),
        ([AF_INET6, SOCK_DGRAM, 0], Notify),
        ([AF_INET6, SOCK_RAW, 58], Notify),
        ([AF_INET6, SOCK_STREAM, IPPROTO_MPTCP], Notify),
    ];
    let tcp = |domain, action| {
        [
            ([domain, SOCK_STREAM, 0], action),
            ([domain, SOCK_STREAM, IPPROTO_TCP], action),
            ([domain, SOCK_STREAM | SOCK_CLOEXEC, 0], action),
            ([domain, SOCK_STREAM | FLAGS, IPPROTO_TCP], action),
            // Flags that there are none of: the kernel says so (__sys_socket, net/socket.c).
            ([domain, SOCK_STREAM | 0x10, 0], action),
        ]
    };
    for nr in [libc::SYS_socket, libc::SYS_socketpair] {
        table_of_ints(&ALL, nr, &everywhere);
        table_of_ints(&[Plain, OfBoth, HostLoopback, NoLoopback, RawIcmp, Strict, Hybrid], nr, &tcp(AF_INET, Allow));
        table_of_ints(&[OfIpv6], nr, &tcp(AF_INET, Notify));
        table_of_ints(&[OfIpv6, OfBoth, HostLoopback, RawIcmp], nr, &tcp(AF_INET6, Allow));
        table_of_ints(&[Plain, NoLoopback, Strict, Hybrid], nr, &tcp(AF_INET6, Notify));
    }
}

#[test]
fn options_that_change_sources_or_ways_meet_the_supervisor() {
    const SOL_RAW: i32 = 255;
    let of = |level: i32, names: &[i32], action| -> Vec<([i32; 3], Action)> {
        names.iter().map(|name| ([3, level, *name], action)).collect()
    };
    let judged = [
        // IP_HDRINCL, IP_OPTIONS, IP_BIND_ADDRESS_NO_PORT, IP_MULTICAST_IF, IP_LOCAL_PORT_RANGE
        of(IPPROTO_IP, &[3, 4, 24, 32, 51], Notify),
        // IPV6_2292PKTOPTIONS, IPV6_HDRINCL, IPV6_PKTINFO, IPV6_RTHDR
        of(IPPROTO_IPV6, &[6, 36, 50, 57], Notify),
        of(SOL_SOCKET, &[SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_ATTACH_BPF, SO_LOCK_FILTER], Notify),
        // A name that is judged at one level is not at another.
        of(IPPROTO_IP, &[1, 2, 6, 8, 36, 50, 57, SO_ATTACH_FILTER], Allow),
        of(IPPROTO_IPV6, &[3, 4, 24, 26, 32, 49, 51, SO_LOCK_FILTER], Allow),
        of(SOL_SOCKET, &[SO_REUSEADDR, 3, 4, 24, 32, 51, -1], Allow),
        of(IPPROTO_TCP, &[1, 4, 24, SO_ATTACH_FILTER], Allow),
        of(-1, &[3, 4, 24, 32, 51], Allow),
    ]
    .concat();
    table_of_ints(&ALL, libc::SYS_setsockopt, &judged);
    // IP_ROUTER_ALERT; IPV6_JOIN_GROUP, _ROUTER_ALERT, _MULTICAST_ALL, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP; what
    // multicast routing has (linux/mroute.h).
    let of_raw = |action| {
        let routing: Vec<i32> = (200..=212).collect();
        [
            of(SOL_RAW, &[36], action),
            of(IPPROTO_IP, &[5], action),
            of(IPPROTO_IPV6, &[20, 22, 29, 42, 46], action),
            of(IPPROTO_IP, &routing, action),
            of(IPPROTO_IPV6, &routing, action),
            of(IPPROTO_IP, &[199, 213, 42], Allow),
            of(SOL_RAW, &[1, 200], Allow),
        ]
        .concat()
    };
    let without: Vec<Situation> = ALL.into_iter().filter(|situation| *situation != RawIcmp).collect();
    table_of_ints(&without, libc::SYS_setsockopt, &of_raw(Allow));
    table_of_ints(&[RawIcmp], libc::SYS_setsockopt, &of_raw(Notify));
}

#[test]
fn no_second_listener() {
    const NEW_LISTENER: i32 = 1 << 3;
    let rows = [
        ([1, NEW_LISTENER, 0], Errno(libc::EBUSY)),
        ([1, NEW_LISTENER | 1 | 1 << 5, 0], Errno(libc::EBUSY)),
        ([-1, -1, -1], Errno(libc::EBUSY)),
        ([0, 0, 0], Allow),
        ([1, 0, 0], Allow),
        ([1, !NEW_LISTENER, 0], Allow),
        ([2, 0, 0], Allow),
    ];
    table_of_ints(&ALL, libc::SYS_seccomp, &rows);
}
