//! The seccomp filter: which calls of a context meet the supervisor.
//!
//! Calls that cannot say anything about an address pass without leaving the kernel; those that can wait for the
//! supervisor's answer; other ways to the same sockets (io_uring, other system call tables) are shut. The conditions on
//! arguments are compiled by seccompiler; this file frames them.

use super::arch;
use super::error::Error;
use super::rule::{Conditions, OFFSET_ARCH, OFFSET_NR, Rule, for_range, is_masked};
use crate::sys::seccomp::Instruction;
use chbind_policy::bpf::{jump, load, ret};
use libc::{SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_USER_NOTIF, c_long};

#[cfg(test)]
pub(in crate::seccomp) mod tests;

/// Where the upper half of an argument is in struct seccomp_data, on machines that begin with the lowest byte.
const fn upper_half_of(argument: u32) -> u32 {
    16 + argument * 8 + 4
}

/// Where a call that the shim makes by itself (`--enforce hybrid`) carries the halves of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretAt {
    /// In the last two arguments, for calls that have four or fewer.
    SpareArguments,
    /// In the upper halves of the first and the last argument, which are `int`s: the kernel does not look at these.
    UpperHalves,
}

impl SecretAt {
    /// Where both halves are in struct seccomp_data. (The lower half of a spare argument is left alone, so that one comparison
    /// does for each.)
    const fn offsets(self) -> [u32; 2] {
        match self {
            SecretAt::SpareArguments => [upper_half_of(4), upper_half_of(5)],
            SecretAt::UpperHalves => [upper_half_of(0), upper_half_of(5)],
        }
    }
}

/// Which calls of a kind wait for the supervisor.
pub(crate) enum Held {
    /// Each.
    All,
    /// Those that meet none of these.
    AllBut(Vec<Conditions>),
    /// Those that meet one of these.
    Only(Vec<Conditions>),
}

/// A checked call, as the filter sees it.
pub(crate) struct HeldCall {
    /// Its number, in the native table.
    pub nr: c_long,
    /// Which are held.
    pub held: Held,
    /// How those of the shim are known; `None` if it makes none.
    pub secret: Option<SecretAt>,
}

impl HeldCall {
    fn rule(self) -> Rule {
        let always = |conditions: Vec<Conditions>, action| conditions.into_iter().map(|of| (of, action)).collect();
        match self.held {
            Held::All => Rule::always(self.nr, NOTIFY),
            Held::AllBut(passing) => Rule { nr: self.nr, cases: always(passing, PASS), otherwise: NOTIFY },
            Held::Only(held) => Rule { nr: self.nr, cases: always(held, NOTIFY), otherwise: PASS },
        }
    }
}

const NOTIFY: u32 = SECCOMP_RET_USER_NOTIF;
const PASS: u32 = SECCOMP_RET_ALLOW;
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
    Ok(Rule { nr: clone, cases: vec![(vec![shared_by_another], FORBIDDEN)], otherwise: PASS })
}

/// Once this filter's listener is gone the kernel would take another, whose owner could answer for the supervisor.
fn no_listener() -> Result<Rule, Error> {
    let listens = vec![is_masked(1, NEW_LISTENER, NEW_LISTENER)?];
    Ok(Rule { nr: libc::SYS_seccomp, cases: vec![(listens, BUSY)], otherwise: PASS })
}

/// Passes the calls that the shim makes, if they carry `secret`; all others go on, with their number loaded. This comes first,
/// for the shim is there to be fast.
fn of_shim(secret: u64, calls: &[HeldCall]) -> Result<Vec<Instruction>, Error> {
    let [first_half, last_half] = [secret >> 32, secret & u64::from(u32::MAX)].map(|half| half as u32);
    let mut program = Vec::new();
    for place in [SecretAt::SpareArguments, SecretAt::UpperHalves] {
        let [first, last] = place.offsets().map(load);
        let tests =
            [first, jump(libc::BPF_JEQ, first_half, 0, 3), last, jump(libc::BPF_JEQ, last_half, 0, 1), ret(PASS)];
        let passed_over = u8::try_from(tests.len() + 1).map_err(|_| Error::TooLong)?;
        let numbers: Vec<c_long> = calls.iter().filter(|call| call.secret == Some(place)).map(|call| call.nr).collect();
        if numbers.is_empty() {
            // Nothing would stand before the tests, and any call could pass by them.
            continue;
        }
        for (n, nr) in numbers.iter().enumerate() {
            let (nr, left) = (u32::try_from(*nr), u8::try_from(numbers.len() - n - 1));
            let (nr, left) = (nr.map_err(|_| Error::TooLong)?, left.map_err(|_| Error::TooLong)?);
            // To the tests, or to the next number, or past all of it.
            program.push(jump(libc::BPF_JEQ, nr, left, if left == 0 { passed_over } else { 0 }));
        }
        program.extend(tests);
        program.push(load(OFFSET_NR));
    }
    Ok(program)
}

/// The program that holds `calls` back; `strict` if what it is for is taken for hostile. Calls of the shim that carry `secret`
/// pass.
pub(crate) fn program(calls: Vec<HeldCall>, strict: bool, secret: Option<u64>) -> Result<Vec<Instruction>, Error> {
    let (native, predecessor) = arch::AUDIT;
    let mut foreign = vec![jump(libc::BPF_JEQ, predecessor, 1, 0), ret(SECCOMP_RET_KILL_PROCESS), load(OFFSET_NR)];
    for range in arch::SOCKETS_32.iter().chain([&arch::SECCOMP_32, &arch::IO_URING]) {
        foreign.extend(for_range(range, ABSENT));
    }
    // What a program is told of Landlock it is told by each table: rules for the network would not hold.
    foreign.extend(for_range(&arch::LANDLOCK, NOTIFY));
    if strict {
        foreign.extend(for_range(&arch::CLONE3, ABSENT));
        foreign.extend(own_tables(arch::CLONE_32.into())?.compile()?);
    }
    foreign.push(ret(PASS));

    let over = u8::try_from(foreign.len()).map_err(|_| Error::TooLong)?;
    let mut program = vec![load(OFFSET_ARCH), jump(libc::BPF_JEQ, native, over, 0)];
    program.extend(foreign);
    program.push(load(OFFSET_NR));
    if let Some(secret) = secret {
        program.extend(of_shim(secret, &calls)?);
    }
    program.extend(for_range(&(arch::FURTHER_TABLE..=u32::MAX), ABSENT));
    program.extend(for_range(&arch::IO_URING, ABSENT));
    if strict {
        program.extend(for_range(&arch::CLONE3, ABSENT));
    }
    for call in calls {
        program.extend(call.rule().compile()?);
    }
    program.extend(no_listener()?.compile()?);
    if strict {
        program.extend(own_tables(libc::SYS_clone)?.compile()?);
    }
    program.push(ret(PASS));
    Ok(program)
}
