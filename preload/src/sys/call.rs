//! System calls, without the C library in between: its `errno` stays as it is, and no other preloaded library sees them.

use chbind_policy::Errno;
use core::arch::asm;
#[cfg(debug_assertions)]
use core::arch::global_asm;
use libc::c_long;

/// What the kernel says: a number, or an error.
pub(crate) type Result<T> = core::result::Result<T, Errno>;

/// A system call with all six arguments.
///
/// # Safety
///
/// As for the call: pointers among the arguments must be good for what it does with them.
#[cfg(target_arch = "x86_64")]
pub(crate) unsafe fn raw(number: c_long, args: [usize; 6]) -> Result<usize> {
    let [a, b, c, d, e, f] = args;
    let answer: isize;
    // SAFETY: the convention of syscall(2): rcx and r11 are lost, nothing else; memory as the caller promises.
    unsafe {
        asm!("syscall", inlateout("rax") number as isize => answer, in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d,
            in("r8") e, in("r9") f, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    understand(answer)
}

/// A system call with all six arguments.
///
/// # Safety
///
/// As for the call: pointers among the arguments must be good for what it does with them.
#[cfg(target_arch = "aarch64")]
pub(crate) unsafe fn raw(number: c_long, args: [usize; 6]) -> Result<usize> {
    let [a, b, c, d, e, f] = args;
    let answer: isize;
    // SAFETY: the convention of syscall(2); memory as the caller promises.
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") a as isize => answer, in("x1") b, in("x2") c, in("x3") d,
            in("x4") e, in("x5") f, options(nostack));
    }
    understand(answer)
}

/// The highest errno (include/linux/err.h).
const MAX_ERRNO: isize = 4095;

fn understand(answer: isize) -> Result<usize> {
    if (-MAX_ERRNO..0).contains(&answer) { Err(Errno(-answer as i32)) } else { Ok(answer as usize) }
}

// Without optimisation the parts of `core` that are compiled for unwinding ask for it. Nothing unwinds here.
#[cfg(debug_assertions)]
global_asm!(".globl rust_eh_personality", ".hidden rust_eh_personality", "rust_eh_personality:", ".byte 0");
