//! For tests: system calls that a filter answers, made in a process of their own.

use super::Number;
use super::fork::{Fork, fork_among_threads};
use super::process::exit_now;
use super::seccomp::{self, Instruction};
use super::{Errno, Result, cerr};
use chbind_policy::bpf::{instruction, jump, load, ret};
use nix::fcntl::OFlag;
use nix::sys::prctl::set_no_new_privs;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, pipe2};
use std::fs::File;
use std::io::{Read, Write};

/// A call: its number and arguments, and whether it is made by the 32-bit entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) nr: u32,
    pub(crate) args: [u64; 6],
    pub(crate) by_32_bit_entry: bool,
}

/// Calls that do nothing, whatever their arguments.
pub(crate) const HARMLESS: [u32; 3] = [libc::SYS_getpid as u32, libc::SYS_getuid as u32, libc::SYS_getgid as u32];
/// What the process that makes the calls needs itself: numbers of the native table.
pub(crate) const OWN: [u32; 2] = [libc::SYS_write as u32, libc::SYS_exit_group as u32];

/// uretprobe and uprobe, which the kernel never asks a filter about (`seccomp_uprobe_exception`, kernel/seccomp.c): they are for
/// the code that it puts into a process itself, and end any other.
#[cfg(target_arch = "x86_64")]
pub(crate) const UNFILTERED: [u32; 2] = [335, 336];
#[cfg(not(target_arch = "x86_64"))]
pub(crate) const UNFILTERED: [u32; 0] = [];

/// Whether `program` answers every call with an error number, so that none is carried out.
fn carries_out_nothing(program: &[Instruction]) -> bool {
    program.iter().filter(|instruction| u32::from(instruction.code) & 7 == libc::BPF_RET).all(|instruction| {
        u32::from(instruction.code) == libc::BPF_RET | libc::BPF_K
            && instruction.k & libc::SECCOMP_RET_ACTION_FULL == libc::SECCOMP_RET_ERRNO
    })
}

/// What `calls` return (an error number as a negative value) to a process under `program`; EINVAL if the kernel does not take
/// it. `program` answers all of them with error numbers, or they are [`HARMLESS`]; none is one of [`OWN`] or
/// [`UNFILTERED`]. `arch` is this machine's `AUDIT_ARCH_*`.
pub(crate) fn answers(arch: u32, program: &[Instruction], calls: &[Call]) -> Result<Vec<i64>> {
    let native = |call: &Call| !call.by_32_bit_entry;
    assert!(!calls.iter().any(|call| native(call) && (OWN.contains(&call.nr) || UNFILTERED.contains(&call.nr))));
    assert!(carries_out_nothing(program) || calls.iter().all(|call| native(call) && HARMLESS.contains(&call.nr)));
    let whole = with_own_calls(arch, program);
    let (from, to) = pipe2(OFlag::O_CLOEXEC).map_err(Number::errno)?;
    let (mut from, mut to) = (File::from(from), File::from(to));
    // Nothing is allocated from here on in the child: another thread of the parent may have been at it.
    let mut bytes = Vec::with_capacity(8 * calls.len());
    // SAFETY: the child makes system calls, writes to a vector that has the room, and ends.
    let child = match unsafe { fork_among_threads() }? {
        Fork::Child => {
            if set_no_new_privs().is_err() {
                exit_now(1);
            }
            if let Err(Errno(errno)) = seccomp::confine(&whole) {
                exit_now(if errno == libc::EINVAL { 2 } else { 1 });
            }
            for call in calls {
                bytes.extend(make(call).to_ne_bytes());
            }
            exit_now(if to.write_all(&bytes).is_ok() { 0 } else { 1 });
        }
        Fork::Parent(child) => child,
    };
    drop(to);
    from.read_to_end(&mut bytes).map_err(|_| Errno(libc::EIO))?;
    match waitpid(Pid::from_raw(child), None).map_err(Number::errno)? {
        WaitStatus::Exited(_, 0) => {}
        WaitStatus::Exited(_, 2) => return Err(Errno(libc::EINVAL)),
        status => panic!("the calling process ended so: {status:?}"),
    }
    Ok(bytes.chunks_exact(8).map(|bytes| i64::from_ne_bytes(bytes.try_into().unwrap())).collect())
}

/// `program`, with the calls of [`OWN`] carried out before it is asked.
fn with_own_calls(arch: u32, program: &[Instruction]) -> Vec<Instruction> {
    let [write, exit] = OWN;
    let mut whole = vec![
        load(4),
        jump(libc::BPF_JEQ, arch, 0, 4),
        load(0),
        jump(libc::BPF_JEQ, write, 1, 0),
        jump(libc::BPF_JEQ, exit, 0, 1),
        ret(libc::SECCOMP_RET_ALLOW),
    ];
    // As at the beginning.
    whole.push(instruction(libc::BPF_LD | libc::BPF_IMM, 0, 0, 0));
    whole.extend(program);
    whole
}

fn make(call: &Call) -> i64 {
    let [a, b, c, d, e, f] = call.args;
    if call.by_32_bit_entry {
        return by_32_bit_entry(call.nr, &call.args);
    }
    // SAFETY: `answers` has seen to it that the call is carried out by nobody, or does nothing.
    match cerr(unsafe { libc::syscall(i64::from(call.nr), a, b, c, d, e, f) }) {
        Ok(returned) => returned,
        Err(Errno(errno)) => -i64::from(errno),
    }
}

#[cfg(target_arch = "x86_64")]
fn by_32_bit_entry(nr: u32, args: &[u64; 6]) -> i64 {
    let mut returned = u64::from(nr);
    // SAFETY: `answers` has seen to it that the call is carried out by nobody. What the entry takes its arguments from, and
    // what older kernels clear, is saved or given up.
    unsafe {
        std::arch::asm!(
            "push rbx", "push rbp",
            "mov rbx, [r8]", "mov rcx, [r8 + 8]", "mov rdx, [r8 + 16]",
            "mov rsi, [r8 + 24]", "mov rdi, [r8 + 32]", "mov rbp, [r8 + 40]",
            "int 0x80",
            "pop rbp", "pop rbx",
            inout("rax") returned, inout("r8") args.as_ptr() => _,
            out("rcx") _, out("rdx") _, out("rsi") _, out("rdi") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    i64::from(returned as i32)
}

#[cfg(not(target_arch = "x86_64"))]
fn by_32_bit_entry(_: u32, _: &[u64; 6]) -> i64 {
    unreachable!("programs of 64 bits have no such entry here")
}
