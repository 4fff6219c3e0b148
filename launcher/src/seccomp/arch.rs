//! Everything that depends on the machine, in one place.

use std::ops::RangeInclusive;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("the system call tables of this machine are not known here");

/// `AUDIT_ARCH_*` (linux/audit.h) of this machine's system calls, and of those of its 32-bit predecessor.
#[cfg(target_arch = "x86_64")]
pub(super) const AUDIT: (u32, u32) = (0xc000_003e, 0x4000_0003);
#[cfg(target_arch = "aarch64")]
pub(super) const AUDIT: (u32, u32) = (0xc000_00b7, 0x4000_0028);

/// From this number on, calls belong to a further table (x32: `__X32_SYSCALL_BIT`). Elsewhere there are no calls
/// with such numbers.
pub(super) const FURTHER_TABLE: u32 = 0x4000_0000;

/// The socket calls of the 32-bit table: socketcall, sendmmsg, and socket to shutdown (i386), recvmmsg, sendmmsg
/// and socket to recvmsg (arm). None is answered, so that table has no sockets.
#[cfg(target_arch = "x86_64")]
pub(super) const SOCKETS_32: [RangeInclusive<u32>; 3] = [102..=102, 345..=345, 359..=373];
/// `seccomp` in the 32-bit table: filters set there could have a listener.
#[cfg(target_arch = "x86_64")]
pub(super) const SECCOMP_32: RangeInclusive<u32> = 354..=354;
#[cfg(target_arch = "aarch64")]
pub(super) const SECCOMP_32: RangeInclusive<u32> = 383..=383;
/// `clone` in the 32-bit tables of both, whose first argument is the flags as well.
pub(super) const CLONE_32: i32 = 120;
/// `clone3`, the same number in every table (Linux 5.3).
pub(super) const CLONE3: RangeInclusive<u32> = 435..=435;
#[cfg(target_arch = "aarch64")]
pub(super) const SOCKETS_32: [RangeInclusive<u32>; 3] = [102..=102, 281..=297, 374..=374];

/// io_uring_setup, io_uring_enter, io_uring_register: the same numbers in every table (Linux 5.1).
pub(super) const IO_URING: RangeInclusive<u32> = 425..=427;
/// landlock_create_ruleset: the same number in every table (Linux 5.13), by which the supervisor knows it whichever table a
/// caller takes it from. What it points to looks the same to programs of 32 bits.
pub(super) const LANDLOCK: RangeInclusive<u32> = 444..=444;
