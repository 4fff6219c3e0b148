//! Other ways to the same sockets: io_uring, the tables of other system calls, calls of other machines.

use super::{ALL, Strict};
use crate::seccomp::arch;
use crate::seccomp::interpreter::Action::{Allow, Errno, KillProcess, Notify};
use crate::seccomp::interpreter::Data;

const ABSENT: crate::seccomp::interpreter::Action = Errno(libc::ENOSYS);
const ARGUMENTS: [[u64; 6]; 3] = [[0; 6], [3, 4, 16, 0, 0, 0], [u64::MAX; 6]];

/// i386: socketcall, sendmmsg, seccomp; socket, socketpair, bind, connect, listen, accept4, getsockopt, setsockopt,
/// getsockname, getpeername, sendto, sendmsg, recvfrom, recvmsg, shutdown.
#[cfg(target_arch = "x86_64")]
const SHUT: [u32; 18] = [102, 345, 354, 359, 360, 361, 362, 363, 364, 365, 366, 367, 368, 369, 370, 371, 372, 373];
/// Those beside them: getpriority's neighbours and the like, and calls of no consequence.
#[cfg(target_arch = "x86_64")]
const OPEN: [u32; 13] = [0, 1, 3, 4, 20, 101, 103, 344, 346, 353, 355, 358, 374];

/// arm: socketcall, seccomp, sendmmsg; socket, bind, connect, listen, accept, getsockname, getpeername, socketpair, send,
/// sendto, recv, recvfrom, shutdown, setsockopt, getsockopt, sendmsg, recvmsg.
#[cfg(target_arch = "aarch64")]
const SHUT: [u32; 20] =
    [102, 383, 374, 281, 282, 283, 284, 285, 286, 287, 288, 289, 290, 291, 292, 293, 294, 295, 296, 297];
#[cfg(target_arch = "aarch64")]
const OPEN: [u32; 12] = [0, 1, 3, 4, 20, 101, 103, 280, 298, 373, 375, 382];

#[test]
fn io_uring_is_absent_in_every_table() {
    for situation in ALL {
        let filter = situation.filter();
        for args in ARGUMENTS {
            for nr in 425..=427 {
                assert_eq!(filter.action(&Data::native(nr, args)), ABSENT, "{situation:?} {nr}");
                assert_eq!(filter.action(&Data::predecessor(nr as u32, args)), ABSENT, "{situation:?} {nr}");
            }
            for nr in [424, 428] {
                assert_eq!(filter.action(&Data::native(nr, args)), Allow, "{situation:?} {nr}");
                assert_eq!(filter.action(&Data::predecessor(nr as u32, args)), Allow, "{situation:?} {nr}");
            }
        }
    }
}

/// x32: the numbers of the 64-bit table with bit 30 set, and its own from 512.
#[test]
fn the_further_table_is_absent() {
    const X32: u32 = 0x4000_0000;
    let own = [0, 1, 41, 42, 44, 49, 56, 231, 425, 512, 518, 537, 545, 547, 0x1ff_ffff];
    let numbers = own.into_iter().map(|nr| nr | X32).chain([0x8000_0000, 0x8000_0031, 0xc000_0031, u32::MAX]);
    for (situation, nr) in ALL.into_iter().flat_map(|situation| numbers.clone().map(move |nr| (situation, nr))) {
        let filter = situation.filter();
        for args in ARGUMENTS {
            assert_eq!(filter.action(&Data::native(nr.into(), args)), ABSENT, "{situation:?} {nr:#x}");
        }
        assert_eq!(filter.action(&Data::native((X32 - 1).into(), [0; 6])), Allow);
    }
}

#[test]
fn the_32_bit_table_has_no_sockets_and_no_listeners() {
    for situation in ALL {
        let filter = situation.filter();
        for args in ARGUMENTS {
            for nr in SHUT {
                assert_eq!(filter.action(&Data::predecessor(nr, args)), ABSENT, "{situation:?} {nr}");
            }
            for nr in OPEN {
                assert_eq!(filter.action(&Data::predecessor(nr, args)), Allow, "{situation:?} {nr}");
            }
        }
    }
}

/// It is made by the supervisor, which knows the call by its number: the same in every table.
#[test]
fn landlock_meets_the_supervisor_in_every_table() {
    assert_eq!([*arch::LANDLOCK.start(), *arch::LANDLOCK.end()], [libc::SYS_landlock_create_ruleset as u32; 2]);
    for situation in ALL {
        let filter = situation.filter();
        for args in ARGUMENTS {
            let by_table = [Data::native(444, args), Data::predecessor(444, args)];
            assert_eq!(by_table.map(|data| filter.action(&data)), [Notify; 2], "{situation:?}");
            // landlock_add_rule, landlock_restrict_self
            for nr in [443, 445, 446] {
                assert_eq!(filter.action(&Data::predecessor(nr, args)), Allow, "{situation:?} {nr}");
            }
        }
    }
}

/// There is nothing else in it but what is named here, and with `--strict` clone and clone3.
#[test]
fn the_32_bit_table_is_open_beside() {
    for situation in ALL {
        let filter = situation.filter();
        let is_named = |nr: &u32| {
            SHUT.contains(nr)
                || *nr == 444
                || (425..=427).contains(nr)
                || (situation == Strict && [*arch::CLONE3.start(), arch::CLONE_32 as u32].contains(nr))
        };
        for nr in (0..1000).chain([0x4000_0000, 0x4000_0066, u32::MAX]).filter(|nr| !is_named(nr)) {
            for args in ARGUMENTS {
                assert_eq!(filter.action(&Data::predecessor(nr, args)), Allow, "{situation:?} {nr}");
            }
        }
    }
}

#[test]
fn calls_of_other_machines_end_the_process() {
    let (native, predecessor) = arch::AUDIT;
    // i386, x86_64, arm, aarch64, and riscv64, ppc64le, s390x, mips; none at all.
    let machines =
        [0x4000_0003, 0xc000_003e, 0x4000_0028, 0xc000_00b7, 0xc000_00f3, 0xc000_0015, 0x8000_0016, 8, 0, u32::MAX];
    for situation in ALL {
        let filter = situation.filter();
        for arch in machines.into_iter().filter(|arch| ![native, predecessor].contains(arch)) {
            for nr in [0, 1, 41, 49, 102, 231, 425, 0x4000_0031] {
                let data = Data { arch, ..Data::native(nr, [0; 6]) };
                assert_eq!(filter.action(&data), KillProcess, "{situation:?} {arch:#x} {nr}");
            }
        }
    }
}
