//! Which tasks may share a table of descriptors.

use super::{ALL, Situation, Strict, table_of_ints};
use crate::seccomp::arch;
use crate::seccomp::interpreter::Action::{self, Allow, Errno};
use crate::seccomp::interpreter::Data;
use libc::{CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM, SIGCHLD};

const THREAD: i32 = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
const FORBIDDEN: Action = Errno(libc::EPERM);
const ABSENT: Action = Errno(libc::ENOSYS);

/// Flags, and what becomes of the call where no table may be shared between processes.
const FLAGS: [([i32; 3], Action); 8] = [
    ([SIGCHLD, 0, 0], Allow),
    ([CLONE_VM | libc::CLONE_VFORK | SIGCHLD, 0, 0], Allow),
    ([THREAD, 0, 0], Allow),
    // A thread with a table of its own.
    ([THREAD & !CLONE_FILES, 0, 0], Allow),
    ([CLONE_FILES, 0, 0], FORBIDDEN),
    ([CLONE_FILES | SIGCHLD, 0, 0], FORBIDDEN),
    ([THREAD & !CLONE_THREAD, 0, 0], FORBIDDEN),
    ([!CLONE_THREAD, 0, 0], FORBIDDEN),
];

fn lenient() -> Vec<Situation> {
    ALL.into_iter().filter(|situation| *situation != Strict).collect()
}

/// The flags are an `unsigned long`, of which the kernel takes the low half (`lower_32_bits`, kernel/fork.c).
#[test]
fn strict_has_no_processes_that_share_descriptors() {
    table_of_ints(&[Strict], libc::SYS_clone, &FLAGS);
    table_of_ints(&lenient(), libc::SYS_clone, &FLAGS.map(|(args, _)| (args, Allow)));
    // Its flags are in memory.
    let clone3 = |action| [([0, 0, 0], action), ([-1, -1, -1], action)];
    table_of_ints(&[Strict], libc::SYS_clone3, &clone3(ABSENT));
    table_of_ints(&lenient(), libc::SYS_clone3, &clone3(Allow));
    #[cfg(target_arch = "x86_64")]
    table_of_ints(&ALL, libc::SYS_vfork, &[([0, 0, 0], Allow), ([CLONE_FILES, 0, 0], Allow)]);
}

/// The same by the 32-bit table, where the number of clone is 120 on either machine.
#[test]
fn nor_by_the_32_bit_table() {
    for situation in ALL {
        let filter = situation.filter();
        let of = |nr, flags| filter.action(&Data::predecessor(nr, [flags, 0, 0, 0, 0, 0]));
        for ([flags, ..], action) in FLAGS {
            let expected = if situation == Strict { action } else { Allow };
            let flags = super::int(flags);
            assert_eq!([of(120, flags), of(120, flags | super::UPPER)], [expected; 2], "{situation:?} {flags:x}");
        }
        let expected = if situation == Strict { ABSENT } else { Allow };
        assert_eq!(of(*arch::CLONE3.start(), 0), expected, "{situation:?}");
    }
}
