//! Rules for system calls, and how they become instructions: the conditions on arguments are compiled by seccompiler; this
//! file frames them.

#[cfg(test)]
mod tests;

use super::arch;
use super::error::Error;
use crate::sys::seccomp::Instruction;
use chbind_policy::bpf::{instruction, jump, load, ret};
use libc::{SECCOMP_RET_KILL_PROCESS, c_long};
use seccompiler::{
    BpfProgram, SeccompCmpArgLen::Dword, SeccompCmpArgLen::Qword, SeccompCmpOp, SeccompCondition, SeccompRule,
};
use std::ops::RangeInclusive;

// Offsets in struct seccomp_data (linux/seccomp.h).
pub(super) const OFFSET_NR: u32 = 0;
pub(super) const OFFSET_ARCH: u32 = 4;

/// Answers `action` for the loaded number in `range`, and otherwise goes on.
pub(super) fn for_range(range: &RangeInclusive<u32>, action: u32) -> [Instruction; 3] {
    [jump(libc::BPF_JGE, *range.start(), 0, 2), jump(libc::BPF_JGT, *range.end(), 1, 0), ret(action)]
}

/// The conditions of a case: it holds if all hold.
pub(crate) type Conditions = Vec<SeccompCondition>;

/// What happens to one system call: the first case whose conditions all hold, or the rest.
pub(super) struct Rule {
    pub(super) nr: c_long,
    pub(super) cases: Vec<(Conditions, u32)>,
    pub(super) otherwise: u32,
}

impl Rule {
    pub(super) fn always(nr: c_long, action: u32) -> Self {
        Rule { nr, cases: Vec::new(), otherwise: action }
    }

    pub(super) fn compile(self) -> Result<Vec<Instruction>, Error> {
        let mut body = Vec::new();
        for (conditions, action) in self.cases {
            // A compiled rule falls out after exactly one following instruction.
            let compiled = BpfProgram::from(SeccompRule::new(conditions)?);
            body.extend(compiled.into_iter().map(|of| Instruction { code: of.code, jt: of.jt, jf: of.jf, k: of.k }));
            body.push(ret(action));
        }
        body.push(ret(self.otherwise));
        let nr = u32::try_from(self.nr).map_err(|_| Error::TooLong)?;
        // Conditional jumps reach 255 instructions: step over the body with an unconditional one.
        let over = u32::try_from(body.len()).map_err(|_| Error::TooLong)?;
        let mut rule = vec![jump(libc::BPF_JEQ, nr, 1, 0), instruction(libc::BPF_JMP | libc::BPF_JA, 0, 0, over)];
        rule.extend(body);
        Ok(rule)
    }
}

/// The kernel takes `int` arguments from the low half of a register, whatever the upper half holds: so do these.
pub(crate) fn is(argument: u8, value: i32) -> Result<SeccompCondition, Error> {
    Ok(SeccompCondition::new(argument, Dword, SeccompCmpOp::Eq, u64::from(value as u32))?)
}

pub(crate) fn is_masked(argument: u8, mask: i32, value: i32) -> Result<SeccompCondition, Error> {
    let operator = SeccompCmpOp::MaskedEq(u64::from(mask as u32));
    Ok(SeccompCondition::new(argument, Dword, operator, u64::from(value as u32))?)
}

/// A pointer counts as a whole.
pub(crate) fn is_null(argument: u8) -> Result<SeccompCondition, Error> {
    Ok(SeccompCondition::new(argument, Qword, SeccompCmpOp::Eq, 0)?)
}

/// Ends the process for a call of another machine or table, and loads the number of one of this.
pub(super) fn native_only() -> Vec<Instruction> {
    let (native, _) = arch::AUDIT;
    let mut program = vec![load(OFFSET_ARCH), jump(libc::BPF_JEQ, native, 1, 0), ret(SECCOMP_RET_KILL_PROCESS)];
    program.push(load(OFFSET_NR));
    program.extend(for_range(&(arch::FURTHER_TABLE..=u32::MAX), SECCOMP_RET_KILL_PROCESS));
    program
}
