//! The calls that the shim makes itself, and those that only look like them.

use super::super::{Held, HeldCall, SecretAt, program};
use super::{Hybrid, Plain, SECRET, UPPER};
use crate::seccomp::interpreter::Action::{self, Allow, Notify};
use crate::seccomp::interpreter::{Data, Program};
use libc::c_long;
use std::sync::LazyLock;

const FIRST: u64 = SECRET & 0xffff_ffff_0000_0000;
const LAST: u64 = SECRET << 32;

/// Each call of the shim's, ordinary arguments, and the two arguments whose upper halves hold the secret: what the kernel takes
/// as an `int`, or does not take at all (preload/src/sys/socket.rs).
const CALLS: [(c_long, [u64; 6], [usize; 2]); 9] = [
    (libc::SYS_socket, [2, 2, 0, 0, 0, 0], [4, 5]),
    (libc::SYS_bind, [3, 0x7fff_0000, 16, 0, 0, 0], [4, 5]),
    (libc::SYS_connect, [3, 0x7fff_0000, 16, 0, 0, 0], [4, 5]),
    (libc::SYS_listen, [3, 128, 0, 0, 0, 0], [4, 5]),
    (libc::SYS_getsockname, [3, 0x7fff_0000, 0x7fff_1000, 0, 0, 0], [4, 5]),
    (libc::SYS_getpeername, [3, 0x7fff_0000, 0x7fff_1000, 0, 0, 0], [4, 5]),
    (libc::SYS_sendmsg, [3, 0x7fff_0000, 0, 0, 0, 0], [4, 5]),
    (libc::SYS_sendto, [3, 0x7fff_0000, 5, 0, 0x7fff_1000, 16], [0, 5]),
    (libc::SYS_setsockopt, [3, 0, 4, 0x7fff_0000, 4, 0], [0, 5]),
];

static FILTER: LazyLock<Program> = LazyLock::new(|| Hybrid.filter());

fn action(nr: c_long, args: [u64; 6]) -> Action {
    FILTER.action(&Data::native(nr, args))
}

/// `args` with `halves` in the upper halves of the arguments `at`.
fn with(args: [u64; 6], at: [usize; 2], halves: [u64; 2]) -> [u64; 6] {
    let mut args = args;
    for (at, half) in at.into_iter().zip(halves) {
        args[at] = args[at] & 0xffff_ffff | half;
    }
    args
}

#[test]
fn calls_with_the_secret_pass() {
    for (nr, args, at) in CALLS {
        assert_eq!(action(nr, args), Notify, "{nr} without the secret");
        assert_eq!(action(nr, with(args, at, [FIRST, LAST])), Allow, "{nr}");
    }
}

#[test]
fn half_a_secret_is_none() {
    let wrong = [
        [FIRST, 0],
        [0, LAST],
        [LAST, FIRST],
        [FIRST, FIRST],
        [LAST, LAST],
        [FIRST ^ 1 << 32, LAST],
        [FIRST, LAST ^ 1 << 63],
        [!FIRST, LAST],
        [UPPER, UPPER],
    ];
    for (nr, args, at) in CALLS {
        for halves in wrong {
            assert_eq!(action(nr, with(args, at, halves)), Notify, "{nr} {halves:x?}");
        }
        // Every bit of it counts, and that it is in the upper half.
        for bit in 32..64 {
            assert_eq!(action(nr, with(args, at, [FIRST ^ 1 << bit, LAST])), Notify, "{nr} {bit}");
            assert_eq!(action(nr, with(args, at, [FIRST, LAST ^ 1 << bit])), Notify, "{nr} {bit}");
        }
        let mut in_lower = args;
        in_lower[at[0]] = FIRST >> 32;
        in_lower[at[1]] = LAST >> 32;
        assert_eq!(action(nr, in_lower), Notify, "{nr}");
    }
}

/// Where one call has its secret another has arguments.
#[test]
fn a_secret_in_the_place_of_another_call_is_none() {
    for (nr, args, at) in CALLS {
        let other = if at == [4, 5] { [0, 5] } else { [4, 5] };
        assert_eq!(action(nr, with(args, other, [FIRST, LAST])), Notify, "{nr}");
    }
}

#[test]
fn a_secret_does_nothing_to_other_calls() {
    let (with_secret, without) = (Hybrid.filter(), Plain.filter());
    for nr in (0..1000).chain([0x4000_0031, 0xffff_ffff]).filter(|nr| !CALLS.iter().any(|(call, ..)| call == nr)) {
        for at in [[4, 5], [0, 5]] {
            for args in [[0; 6], [2, 1, 0, 0, 0, 0], [0x400, 8, 0, 0, 1, 0]] {
                let native = Data::native(nr, with(args, at, [FIRST, LAST]));
                assert_eq!(with_secret.action(&native), without.action(&native), "{nr}");
                for arch in [crate::seccomp::arch::AUDIT.1, 0] {
                    let foreign = Data { arch, ..native };
                    assert_eq!(with_secret.action(&foreign), without.action(&foreign), "{nr} {arch:#x}");
                }
            }
        }
    }
}

/// In the tables that are shut, and where there is no shim, it is a number like others.
#[test]
fn a_secret_opens_no_other_table_and_no_other_filter() {
    for (nr, args, at) in CALLS {
        let data = Data::native(nr, with(args, at, [FIRST, LAST]));
        assert_eq!(Plain.filter().action(&data), Notify, "{nr}");
        let x32 = Data { nr: data.nr | 0x4000_0000, ..data };
        assert_eq!(Hybrid.filter().action(&x32), Action::Errno(libc::ENOSYS), "{nr}");
    }
}

/// Where the shim makes no call that has its secret in a certain place, no other call passes by it.
#[test]
fn a_place_that_no_call_has_lets_nothing_pass() {
    for (place, other) in [(SecretAt::SpareArguments, [0, 5]), (SecretAt::UpperHalves, [4, 5])] {
        let of_shim = HeldCall { nr: libc::SYS_bind, held: Held::All, secret: Some(place) };
        let held = HeldCall { nr: libc::SYS_sendmmsg, held: Held::All, secret: None };
        let filter = Program::check(&program(vec![of_shim, held], false, Some(SECRET)).unwrap()).unwrap();
        for nr in [libc::SYS_bind, libc::SYS_sendmmsg] {
            let data = Data::native(nr, with([0; 6], other, [FIRST, LAST]));
            assert_eq!(filter.action(&data), Notify, "{place:?} {nr}");
        }
    }
}
