//! The supervisor's own filter, by tables: a call, and what becomes of it. Then the same by the kernel.

use super::program;
use crate::seccomp::arch;
use crate::seccomp::interpreter::Action::{self, Allow, Errno, KillProcess};
use crate::seccomp::interpreter::{Data, Program};
use crate::sys::memory::PROCMAP_QUERY;
use libc::{
    AF_ALG, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, AF_VSOCK, CLONE_FILES, CLONE_FS, CLONE_SIGHAND,
    CLONE_THREAD, CLONE_VFORK, CLONE_VM, O_APPEND, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_PATH, O_RDONLY, O_RDWR,
    O_TMPFILE, O_TRUNC, O_WRONLY, PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE, SIGCHLD, c_long,
};

mod kernel;
mod properties;

const FORBIDDEN: Action = Errno(libc::EPERM);
const ABSENT: Action = Errno(libc::ENOSYS);
/// What may stand in the upper half of a register for an `int`.
const UPPER: u64 = 0xdead_beef_0000_0000;

fn filter(strict: bool) -> Program {
    Program::check(&program(strict).unwrap()).unwrap()
}

/// In each row: arguments of `nr`, and what becomes of the call with both filters. `argument` is the one of them that is
/// compared, by its lower half.
fn table(nr: c_long, argument: usize, rows: &[(i32, Action)]) {
    for strict in [false, true] {
        let filter = filter(strict);
        for (value, action) in rows {
            for others in [0, 1, u64::MAX] {
                let mut args = [others; 6];
                args[argument] = u64::from(*value as u32);
                assert_eq!(filter.action(&Data::native(nr, args)), *action, "{nr} {value:#x}");
                args[argument] |= UPPER;
                assert_eq!(filter.action(&Data::native(nr, args)), *action, "{nr} {value:#x} with a dirty upper half");
            }
        }
    }
}

fn always(numbers: &[c_long], action: Action) {
    for strict in [false, true] {
        let filter = filter(strict);
        for nr in numbers {
            for args in [[0; 6], [1; 6], [u64::MAX; 6]] {
                assert_eq!(filter.action(&Data::native(*nr, args)), action, "{nr}");
            }
        }
    }
}

#[test]
fn files_are_opened_and_not_made() {
    let rows = [
        (O_RDONLY, Allow),
        (O_RDONLY | O_CLOEXEC | O_DIRECTORY, Allow),
        (O_PATH | O_CLOEXEC, Allow),
        // /proc/TID/mem
        (O_WRONLY | O_CLOEXEC, Allow),
        (O_CREAT, FORBIDDEN),
        (O_WRONLY | O_CREAT | O_EXCL, FORBIDDEN),
        (O_WRONLY | O_TRUNC, FORBIDDEN),
        (O_WRONLY | O_APPEND, FORBIDDEN),
        (O_RDWR | O_CREAT | O_TRUNC | O_APPEND, FORBIDDEN),
        // A file without a name, in the directory that is opened.
        (O_RDWR | O_TMPFILE, FORBIDDEN),
        (O_WRONLY | O_TMPFILE | O_EXCL, FORBIDDEN),
        (-1, FORBIDDEN),
    ];
    table(libc::SYS_openat, 2, &rows);
}

/// The protection is an `unsigned long`, of which the kernel looks at the lowest bits.
#[test]
fn memory_and_no_code() {
    let rows = [
        (PROT_NONE, Allow),
        (PROT_READ, Allow),
        (PROT_READ | PROT_WRITE, Allow),
        (PROT_EXEC, FORBIDDEN),
        (PROT_READ | PROT_EXEC, FORBIDDEN),
        (PROT_READ | PROT_WRITE | PROT_EXEC, FORBIDDEN),
        (-1, FORBIDDEN),
    ];
    table(libc::SYS_mmap, 2, &rows);
    table(libc::SYS_mprotect, 2, &rows);
    always(
        &[libc::SYS_pkey_mprotect, libc::SYS_shmat, libc::SYS_remap_file_pages, libc::SYS_memfd_create],
        KillProcess,
    );
}

/// The flags are an `unsigned long`, of which the kernel takes the lower half (`lower_32_bits`, kernel/fork.c).
#[test]
fn threads_and_no_processes() {
    let thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
    let rows = [
        (thread, Allow),
        (CLONE_THREAD, Allow),
        (SIGCHLD, FORBIDDEN),
        (CLONE_VM | CLONE_VFORK | SIGCHLD, FORBIDDEN),
        (thread & !CLONE_THREAD, FORBIDDEN),
        (0, FORBIDDEN),
    ];
    table(libc::SYS_clone, 0, &rows);
    // The C library takes clone, then.
    always(&[libc::SYS_clone3], ABSENT);
    #[cfg(target_arch = "x86_64")]
    always(&[libc::SYS_fork, libc::SYS_vfork], KillProcess);
}

#[test]
fn sockets_of_four_domains() {
    let allowed = [AF_INET, AF_INET6, AF_NETLINK, AF_UNIX].map(|domain| (domain, Allow));
    let forbidden = [0, AF_PACKET, AF_VSOCK, AF_ALG, -1].map(|domain| (domain, FORBIDDEN));
    table(libc::SYS_socket, 0, &[allowed.as_slice(), &forbidden].concat());
    always(&[libc::SYS_socketpair, libc::SYS_sendmmsg, libc::SYS_recvmsg], KillProcess);
}

#[test]
fn requests_to_devices() {
    let allowed = [
        libc::SECCOMP_IOCTL_NOTIF_RECV as i32,
        libc::SECCOMP_IOCTL_NOTIF_SEND as i32,
        libc::SECCOMP_IOCTL_NOTIF_ID_VALID as i32,
        libc::SECCOMP_IOCTL_NOTIF_ADDFD as i32,
        PROCMAP_QUERY as i32,
        libc::FIONBIO as i32,
    ];
    let forbidden = [
        libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS as i32,
        libc::TIOCSTI as i32,
        libc::TCGETS as i32,
        libc::SIOCGIFCONF as i32,
        libc::FIONREAD as i32,
        libc::FIOASYNC as i32,
        0,
        -1,
    ];
    table(libc::SYS_ioctl, 1, &allowed.map(|request| (request, Allow)));
    table(libc::SYS_ioctl, 1, &forbidden.map(|request| (request, FORBIDDEN)));
}

#[test]
fn what_it_does_to_itself() {
    for strict in [false, true] {
        let filter = filter(strict);
        let prctl = |operation: i32, value: u64| {
            filter.action(&Data::native(libc::SYS_prctl, [operation as u64, value, 0, 0, 0, 0]))
        };
        // Never dumpable again. (The value is an `unsigned long`: with an upper half the kernel knows none such.)
        assert_eq!(prctl(libc::PR_SET_DUMPABLE, 0), Allow);
        assert_eq!([1, 2, u64::MAX, UPPER | 1].map(|value| prctl(libc::PR_SET_DUMPABLE, value)), [FORBIDDEN; 4]);
    }
    let rows = [
        (libc::PR_CAPBSET_READ, Allow),
        (libc::PR_SET_NAME, Allow),
        // PR_SET_VMA
        (0x5356_4d41, Allow),
        (libc::PR_SET_PTRACER, FORBIDDEN),
        (libc::PR_SET_SECCOMP, FORBIDDEN),
        (libc::PR_CAP_AMBIENT, FORBIDDEN),
        (libc::PR_SET_MM, FORBIDDEN),
        (libc::PR_SET_KEEPCAPS, FORBIDDEN),
        (libc::PR_SET_NO_NEW_PRIVS, FORBIDDEN),
        (0, FORBIDDEN),
    ];
    table(libc::SYS_prctl, 0, &rows);
    // The process is a pid_t: an `int`.
    table(libc::SYS_prlimit64, 0, &[(0, Allow), (1, FORBIDDEN), (-1, FORBIDDEN)]);
}

#[test]
fn paths_are_found_with_strict_alone() {
    let openat2 = |strict: bool| filter(strict).action(&Data::native(libc::SYS_openat2, [0; 6]));
    assert_eq!([openat2(false), openat2(true)], [KillProcess, Allow]);
}

#[test]
fn calls_that_end_it() {
    let calls = [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_writev,
        libc::SYS_process_madvise,
        libc::SYS_kill,
        libc::SYS_pidfd_send_signal,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_chroot,
        libc::SYS_bpf,
        libc::SYS_seccomp,
        libc::SYS_perf_event_open,
        libc::SYS_io_uring_setup,
        libc::SYS_init_module,
        libc::SYS_personality,
        libc::SYS_setuid,
        libc::SYS_setsid,
        libc::SYS_unlinkat,
        libc::SYS_linkat,
        libc::SYS_renameat2,
        libc::SYS_mkdirat,
        libc::SYS_symlinkat,
        libc::SYS_fchmodat,
        libc::SYS_fchownat,
        libc::SYS_truncate,
        libc::SYS_ftruncate,
        libc::SYS_add_key,
        libc::SYS_open_by_handle_at,
        libc::SYS_landlock_restrict_self,
        4000,
    ];
    always(&calls, KillProcess);
}

#[test]
fn calls_of_other_machines_and_tables_end_it() {
    for strict in [false, true] {
        let filter = filter(strict);
        for arch in [arch::AUDIT.1, 0xc000_00f3, 0, u32::MAX] {
            for nr in [0, 1, 3, 56, 120, 231] {
                assert_eq!(filter.action(&Data { arch, ..Data::native(nr, [0; 6]) }), KillProcess, "{arch:#x} {nr}");
            }
        }
        for nr in [0x4000_0000, 0x4000_0001, 0x4000_0101, 0x8000_0000, 0xffff_ffff] {
            assert_eq!(filter.action(&Data::native(nr, [0; 6])), KillProcess, "{nr:#x}");
        }
    }
}
