//! The seccomp filter: which calls of a context meet the supervisor.
//!
//! Calls that cannot say anything about an address pass without leaving the kernel; those that can wait for the
//! supervisor's answer; other ways to the same sockets (io_uring, other system call tables) are shut. The conditions on
//! arguments are compiled by seccompiler; this file frames them.

use super::arch;
use super::rule::{Error, OFFSET_ARCH, OFFSET_NR, Rule, for_range, is, is_masked};
use crate::sys::seccomp::Instruction;
use chbind_policy::bpf::{jump, load, ret};
use chbind_policy::{Context, Loopback, option, socket};
use libc::{SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_USER_NOTIF, c_long};
use seccompiler::{SeccompCmpArgLen::Qword, SeccompCmpOp, SeccompCondition};

#[cfg(test)]
pub(in crate::seccomp) mod tests;

/// Where the upper half of an argument is in struct seccomp_data, on machines that begin with the lowest byte.
const fn upper_half_of(argument: u32) -> u32 {
    16 + argument * 8 + 4
}

/// The calls that the shim makes by itself (`--enforce hybrid`), and where each has the halves of the secret: in arguments that
/// it does not have, or, where it has all or nearly all, in upper halves that the kernel does not look at. Filters of others look
/// at arguments that there are, in full.
const OF_SHIM: [(&[c_long], [u32; 2]); 2] = [
    (
        &[
            libc::SYS_sendmsg,
            libc::SYS_socket,
            libc::SYS_bind,
            libc::SYS_connect,
            libc::SYS_listen,
            libc::SYS_getsockname,
            libc::SYS_getpeername,
        ],
        [upper_half_of(4), upper_half_of(5)],
    ),
    (&[libc::SYS_sendto, libc::SYS_setsockopt], [upper_half_of(0), upper_half_of(5)]),
];

/// `SECCOMP_FILTER_FLAG_NEW_LISTENER` (linux/seccomp.h).
const NEW_LISTENER: i32 = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER as i32;
/// What the kernel says to a second listener.
const BUSY: u32 = SECCOMP_RET_ERRNO | libc::EBUSY as u32;
const FORBIDDEN: u32 = SECCOMP_RET_ERRNO | libc::EPERM as u32;
const ABSENT: u32 = SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

/// With `--strict`, no process shares its table of descriptors with another process: then one that has a single thread shares
/// it with nobody, and /proc says how many threads there are. (What executes a program has a table of its own from then on,
/// so the first process of the context has. `clone3` has its flags in memory, which can change; programs know from containers
/// that it may be absent.)
fn own_tables(clone: c_long) -> Result<Rule, Error> {
    let shared_by_another = is_masked(0, libc::CLONE_FILES | libc::CLONE_THREAD, libc::CLONE_FILES)?;
    Ok(Rule { nr: clone, cases: vec![(vec![shared_by_another], FORBIDDEN)], otherwise: SECCOMP_RET_ALLOW })
}

fn rules(context: &Context, strict: bool) -> Result<Vec<Rule>, Error> {
    const NOTIFY: u32 = SECCOMP_RET_USER_NOTIF;
    const PASS: u32 = SECCOMP_RET_ALLOW;
    let mut plain = Vec::new();
    for kind in socket::plain_kinds(context) {
        let mut conditions = vec![is(0, kind.domain)?];
        if let Some((kind, protocol)) = kind.detail {
            conditions.extend([is_masked(1, socket::TYPE_MASK, kind)?, is(2, protocol)?]);
        }
        plain.push((conditions, PASS));
    }
    let mut judged = Vec::new();
    for (level, name) in option::judged(context) {
        judged.push((vec![is(1, level)?, is(2, name)?], NOTIFY));
    }
    // Without an address sendto() goes to the connected peer.
    let no_address = SeccompCondition::new(4, Qword, SeccompCmpOp::Eq, 0)?;
    let mut rules = vec![
        Rule { nr: libc::SYS_sendto, cases: vec![(vec![no_address], PASS)], otherwise: NOTIFY },
        Rule::always(libc::SYS_sendmsg, NOTIFY),
        Rule::always(libc::SYS_sendmmsg, NOTIFY),
        Rule::always(libc::SYS_connect, NOTIFY),
        Rule::always(libc::SYS_bind, NOTIFY),
        Rule::always(libc::SYS_listen, NOTIFY),
        Rule::always(libc::SYS_getsockname, NOTIFY),
        Rule { nr: libc::SYS_socket, cases: plain.clone(), otherwise: NOTIFY },
        Rule { nr: libc::SYS_socketpair, cases: plain, otherwise: NOTIFY },
        Rule::always(libc::SYS_landlock_create_ruleset, NOTIFY),
        Rule { nr: libc::SYS_setsockopt, cases: judged, otherwise: PASS },
        // Once this filter's listener is gone the kernel would take another, whose owner could answer for the supervisor.
        Rule {
            nr: libc::SYS_seccomp,
            cases: vec![(vec![is_masked(1, NEW_LISTENER, NEW_LISTENER)?], BUSY)],
            otherwise: PASS,
        },
    ];
    if strict {
        rules.push(own_tables(libc::SYS_clone)?);
    }
    if context.loopback == Loopback::Remap {
        rules.push(Rule::always(libc::SYS_getpeername, NOTIFY));
    }
    Ok(rules)
}

/// Passes the calls that the shim makes, if they carry `secret`; all others go on, with their number loaded. This comes first,
/// for the shim is there to be fast.
fn of_shim(secret: u64) -> Result<Vec<Instruction>, Error> {
    let [first_half, last_half] = [secret >> 32, secret & u64::from(u32::MAX)].map(|half| half as u32);
    let mut program = Vec::new();
    for (calls, at) in OF_SHIM {
        let [first, last] = at.map(load);
        let tests = [
            first,
            jump(libc::BPF_JEQ, first_half, 0, 3),
            last,
            jump(libc::BPF_JEQ, last_half, 0, 1),
            ret(SECCOMP_RET_ALLOW),
        ];
        let passed_over = u8::try_from(tests.len() + 1).map_err(|_| Error::TooLong)?;
        for (n, nr) in calls.iter().enumerate() {
            let (nr, left) = (u32::try_from(*nr), u8::try_from(calls.len() - n - 1));
            let (nr, left) = (nr.map_err(|_| Error::TooLong)?, left.map_err(|_| Error::TooLong)?);
            // To the tests, or to the next number, or past all of it.
            program.push(jump(libc::BPF_JEQ, nr, left, if left == 0 { passed_over } else { 0 }));
        }
        program.extend(tests);
        program.push(load(OFFSET_NR));
    }
    Ok(program)
}

/// The program for `context`; `strict` if the one that it is for is taken for hostile. Calls that carry `secret` pass.
pub fn program(context: &Context, strict: bool, secret: Option<u64>) -> Result<Vec<Instruction>, Error> {
    let (native, predecessor) = arch::AUDIT;
    let mut foreign = vec![jump(libc::BPF_JEQ, predecessor, 1, 0), ret(SECCOMP_RET_KILL_PROCESS), load(OFFSET_NR)];
    for range in arch::SOCKETS_32.iter().chain([&arch::SECCOMP_32, &arch::IO_URING]) {
        foreign.extend(for_range(range, ABSENT));
    }
    if strict {
        foreign.extend(for_range(&arch::CLONE3, ABSENT));
        foreign.extend(own_tables(arch::CLONE_32.into())?.compile()?);
    }
    foreign.push(ret(SECCOMP_RET_ALLOW));

    let over = u8::try_from(foreign.len()).map_err(|_| Error::TooLong)?;
    let mut program = vec![load(OFFSET_ARCH), jump(libc::BPF_JEQ, native, over, 0)];
    program.extend(foreign);
    program.push(load(OFFSET_NR));
    if let Some(secret) = secret {
        program.extend(of_shim(secret)?);
    }
    program.extend(for_range(&(arch::FURTHER_TABLE..=u32::MAX), ABSENT));
    program.extend(for_range(&arch::IO_URING, ABSENT));
    if strict {
        program.extend(for_range(&arch::CLONE3, ABSENT));
    }
    for rule in rules(context, strict)? {
        program.extend(rule.compile()?);
    }
    program.push(ret(SECCOMP_RET_ALLOW));
    Ok(program)
}
