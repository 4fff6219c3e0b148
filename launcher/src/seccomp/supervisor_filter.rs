//! The filter that the supervisor puts on itself: the system calls that it makes, and no others.
//!
//! Who takes it over has what it does anyway (looking into callers and acting on their sockets), but cannot start programs or
//! processes, trace, make files, or map code. It has no Landlock domain: from inside of one the kernel lets nobody look into a
//! process that is outside (`domain_ptrace`, security/landlock/task.c), and looking into those is its work.
//!
//! A filter sees no paths. Files that are there may be opened for writing, for so are answers written into the memory of callers
//! (`/proc/TID/mem`); that reaches every process that the supervisor may look into, itself included. With `--strict` paths are
//! found by `openat2`, whose flags are in memory: no filter can tell how a file is opened by it.

#[cfg(test)]
mod tests;

use super::error::Error;
use super::rule::{Rule, is, is_masked, native_only};
use crate::sys::memory::PROCMAP_QUERY;
use crate::sys::seccomp::Instruction;
use chbind_policy::bpf::ret;
use libc::{SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS, c_long};

const PASS: u32 = SECCOMP_RET_ALLOW;
const FORBIDDEN: u32 = SECCOMP_RET_ERRNO | libc::EPERM as u32;
/// The C library falls back to what is older, and says in a register what it wants.
const ABSENT: u32 = SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

/// Calls whose arguments say nothing that matters here.
const PLAIN: &[c_long] = &[
    // Callers, and their sockets.
    libc::SYS_process_vm_readv,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept4,
    libc::SYS_connect,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_landlock_create_ruleset,
    libc::SYS_recvfrom,
    // Files: /proc, messages, the ends of channels.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_fcntl,
    libc::SYS_ppoll,
    // Who it acts as.
    libc::SYS_capget,
    libc::SYS_capset,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    // Itself: memory, threads, signals, time.
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_tgkill,
    libc::SYS_tkill,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_waitid,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// The same for calls that only some machines have.
#[cfg(target_arch = "x86_64")]
const OLDER: &[c_long] = &[libc::SYS_poll, libc::SYS_readlink, libc::SYS_stat, libc::SYS_time, libc::SYS_gettimeofday];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[c_long] = &[libc::SYS_gettimeofday];

/// `PR_SET_VMA` (linux/prctl.h), by which the C library names memory.
const PR_SET_VMA: i32 = 0x5356_4d41;

fn rules() -> Result<Vec<Rule>, Error> {
    let ioctls = [
        libc::SECCOMP_IOCTL_NOTIF_RECV as i32,
        libc::SECCOMP_IOCTL_NOTIF_SEND as i32,
        libc::SECCOMP_IOCTL_NOTIF_ID_VALID as i32,
        libc::SECCOMP_IOCTL_NOTIF_ADDFD as i32,
        PROCMAP_QUERY as i32,
        libc::FIONBIO as i32,
    ];
    let any = |argument, values: &[i32]| -> Result<Vec<_>, Error> {
        values.iter().map(|value| Ok((vec![is(argument, *value)?], PASS))).collect()
    };
    let no_code = |argument| -> Result<_, Error> {
        Ok(vec![(vec![is_masked(argument, libc::PROT_EXEC, libc::PROT_EXEC)?], FORBIDDEN)])
    };
    let creating = |argument| -> Result<Vec<_>, Error> {
        let made = |flag| Ok((vec![is_masked(argument, flag, flag)?], FORBIDDEN));
        [libc::O_CREAT, libc::O_TMPFILE, libc::O_TRUNC, libc::O_APPEND].into_iter().map(made).collect()
    };
    let domains = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK, libc::AF_UNIX];
    let mut rules = vec![
        Rule { nr: libc::SYS_ioctl, cases: any(1, &ioctls)?, otherwise: FORBIDDEN },
        Rule { nr: libc::SYS_socket, cases: any(0, &domains)?, otherwise: FORBIDDEN },
        Rule { nr: libc::SYS_openat, cases: creating(2)?, otherwise: PASS },
        Rule { nr: libc::SYS_mmap, cases: no_code(2)?, otherwise: PASS },
        Rule { nr: libc::SYS_mprotect, cases: no_code(2)?, otherwise: PASS },
        // Threads, no processes.
        Rule {
            nr: libc::SYS_clone,
            cases: vec![(vec![is_masked(0, libc::CLONE_THREAD, libc::CLONE_THREAD)?], PASS)],
            otherwise: FORBIDDEN,
        },
        Rule::always(libc::SYS_clone3, ABSENT),
        Rule {
            nr: libc::SYS_prctl,
            cases: [
                vec![(vec![is(0, libc::PR_SET_DUMPABLE)?, is(1, 0)?], PASS)],
                any(0, &[libc::PR_CAPBSET_READ, libc::PR_SET_NAME, PR_SET_VMA])?,
            ]
            .concat(),
            otherwise: FORBIDDEN,
        },
        // Limits are asked for, and may be lowered by whoever may: it has none to raise.
        Rule { nr: libc::SYS_prlimit64, cases: any(0, &[0])?, otherwise: FORBIDDEN },
    ];
    rules.extend(PLAIN.iter().chain(OLDER).map(|nr| Rule::always(*nr, PASS)));
    Ok(rules)
}

/// The program. What is not in it kills the process: then the calls of its context fail.
pub(crate) fn program(strict: bool) -> Result<Vec<Instruction>, Error> {
    let mut program = native_only();
    for rule in rules()? {
        program.extend(rule.compile()?);
    }
    if strict {
        // It opens nothing: a path is found, as the caller would find it.
        program.extend(Rule::always(libc::SYS_openat2, PASS).compile()?);
    }
    program.push(ret(SECCOMP_RET_KILL_PROCESS));
    Ok(program)
}
