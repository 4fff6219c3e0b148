//! Names for numbers.

use libc::c_long;

/// This machine and its 32-bit predecessor.
#[cfg(target_arch = "x86_64")]
pub(super) const MACHINES: [&str; 2] = ["x86_64", "i386"];
#[cfg(target_arch = "aarch64")]
pub(super) const MACHINES: [&str; 2] = ["aarch64", "arm"];

macro_rules! named {
    ($($constant:ident)*) => { [$((libc::$constant, stringify!($constant))),*] };
}

/// The calls that the two filters know.
const CALLS: &[(c_long, &str)] = &named![
    SYS_accept SYS_accept4 SYS_bind SYS_brk SYS_capget SYS_capset SYS_clock_gettime SYS_clock_nanosleep SYS_clone SYS_clone3
    SYS_close SYS_connect SYS_exit SYS_exit_group SYS_fcntl SYS_fstat SYS_futex SYS_getdents64 SYS_geteuid SYS_getpeername
    SYS_getpid SYS_getrandom SYS_getsockname SYS_getsockopt SYS_gettid SYS_gettimeofday SYS_getuid SYS_io_uring_enter
    SYS_io_uring_register SYS_io_uring_setup SYS_ioctl SYS_landlock_create_ruleset SYS_listen SYS_lseek SYS_madvise
    SYS_membarrier SYS_mmap SYS_mprotect SYS_mremap SYS_munmap SYS_nanosleep SYS_newfstatat SYS_openat SYS_openat2
    SYS_pidfd_getfd SYS_pidfd_open SYS_ppoll SYS_prctl SYS_pread64 SYS_prlimit64 SYS_process_vm_readv SYS_pwrite64 SYS_read
    SYS_readlinkat SYS_recvfrom SYS_restart_syscall SYS_rseq SYS_rt_sigaction SYS_rt_sigprocmask SYS_rt_sigreturn
    SYS_sched_getaffinity SYS_sched_yield SYS_seccomp SYS_sendmmsg SYS_sendmsg SYS_sendto SYS_set_robust_list SYS_setfsgid
    SYS_setfsuid SYS_setgroups SYS_setresgid SYS_setresuid SYS_setsockopt SYS_sigaltstack SYS_socket SYS_socketpair SYS_statx
    SYS_tgkill SYS_tkill SYS_waitid SYS_write SYS_writev
];
#[cfg(target_arch = "x86_64")]
const OLDER: &[(c_long, &str)] = &named![SYS_poll SYS_readlink SYS_stat SYS_time];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[(c_long, &str)] = &[];

/// In the 32-bit table.
#[cfg(target_arch = "x86_64")]
const CALLS_32: &[(u32, &str)] = &[
    (102, "socketcall"),
    (120, "clone"),
    (345, "sendmmsg"),
    (354, "seccomp"),
    (359, "socket"),
    (373, "shutdown"),
    (425, "io_uring_setup"),
    (427, "io_uring_register"),
    (435, "clone3"),
    (444, "landlock_create_ruleset"),
];
#[cfg(target_arch = "aarch64")]
const CALLS_32: &[(u32, &str)] = &[
    (102, "socketcall"),
    (120, "clone"),
    (281, "socket"),
    (297, "recvmsg"),
    (374, "sendmmsg"),
    (383, "seccomp"),
    (425, "io_uring_setup"),
    (427, "io_uring_register"),
    (435, "clone3"),
    (444, "landlock_create_ruleset"),
];

/// The name of a call, of this machine's own table or of the 32-bit one.
pub(super) fn call(number: u32, native: bool) -> String {
    let found = if native {
        let named = CALLS.iter().chain(OLDER).find(|(nr, _)| *nr == c_long::from(number));
        named.map(|(_, constant)| constant.trim_start_matches("SYS_"))
    } else {
        CALLS_32.iter().find(|(nr, _)| *nr == number).map(|(_, name)| *name)
    };
    found.map_or_else(|| format!("call {number}"), str::to_owned)
}

/// The name of an argument, where there is one, by the manual page of the call.
pub(super) fn argument(call: &str, argument: usize) -> String {
    let names: &[&str] = match call {
        "sendto" => &["sockfd", "buf", "size", "flags", "address", "address length"],
        "socket" | "socketpair" => &["domain", "type", "protocol"],
        "setsockopt" => &["sockfd", "level", "name", "value", "length"],
        "seccomp" => &["operation", "flags"],
        "clone" => &["flags"],
        "ioctl" => &["fd", "request"],
        "openat" => &["dirfd", "path", "flags"],
        "mmap" | "mprotect" => &["address", "length", "protection"],
        "prctl" => &["operation"],
        "prlimit64" => &["pid"],
        _ => &[],
    };
    names.get(argument).map_or_else(|| format!("argument {argument}"), |name| (*name).to_owned())
}

const REQUESTS: [(u32, &str); 6] = [
    (libc::SECCOMP_IOCTL_NOTIF_RECV as u32, "SECCOMP_IOCTL_NOTIF_RECV"),
    (libc::SECCOMP_IOCTL_NOTIF_SEND as u32, "SECCOMP_IOCTL_NOTIF_SEND"),
    (libc::SECCOMP_IOCTL_NOTIF_ID_VALID as u32, "SECCOMP_IOCTL_NOTIF_ID_VALID"),
    (libc::SECCOMP_IOCTL_NOTIF_ADDFD as u32, "SECCOMP_IOCTL_NOTIF_ADDFD"),
    (crate::sys::memory::PROCMAP_QUERY as u32, "PROCMAP_QUERY"),
    (libc::FIONBIO as u32, "FIONBIO"),
];

macro_rules! values {
    ($value:expr; $($constant:ident)*) => {
        match $value as i32 { $(libc::$constant => Some(stringify!($constant)),)* _ => None }
    };
}

/// The name of what an argument of that name is compared with, where there is one.
pub(super) fn value(argument: &str, value: u32) -> Option<String> {
    let name = match argument {
        "domain" => values!(value; AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_ALG),
        "level" => values!(value; IPPROTO_IP SOL_SOCKET IPPROTO_IPV6 SOL_RAW),
        "operation" => values!(value; PR_SET_DUMPABLE PR_CAPBSET_READ PR_SET_NAME PR_SET_VMA),
        "request" => REQUESTS.iter().find(|(request, _)| *request == value).map(|(_, name)| *name),
        _ => None,
    };
    name.map(str::to_owned)
}
