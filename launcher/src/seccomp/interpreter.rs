//! Runs filters without a kernel, so that tables can say what a filter does to a call.
//!
//! As strict as the kernel: a program that seccomp(2) would not take is no [`Program`]. It reads classic BPF in two steps, as
//! the kernel does (`bpf_check_classic`, net/core/filter.c, then `seccomp_check_filter`, kernel/seccomp.c).

use super::arch;
use crate::sys::seccomp::Instruction;
use chbind_policy::bpf::INSTRUCTIONS_MAX;
use libc::c_long;

mod kernel;
mod tests;

/// `struct seccomp_data` (linux/seccomp.h): all that a filter sees of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Data {
    pub(super) nr: u32,
    pub(super) arch: u32,
    pub(super) instruction_pointer: u64,
    pub(super) args: [u64; 6],
}

impl Data {
    /// A call of this machine's own table.
    pub(super) fn native(nr: c_long, args: [u64; 6]) -> Self {
        Data { nr: nr as u32, arch: arch::AUDIT.0, instruction_pointer: 0, args }
    }

    /// A call of the table of its 32-bit predecessor.
    pub(super) fn predecessor(nr: u32, args: [u64; 6]) -> Self {
        Data { nr, arch: arch::AUDIT.1, instruction_pointer: 0, args }
    }

    /// The words in the order in which they lie in memory, on machines that begin with the lowest byte.
    pub(super) fn words(&self) -> [u32; WORDS] {
        let mut words = [0; WORDS];
        let halves = |of: u64| [of as u32, (of >> 32) as u32];
        let rest = [self.instruction_pointer].into_iter().chain(self.args).flat_map(halves);
        words.iter_mut().zip([self.nr, self.arch].into_iter().chain(rest)).for_each(|(word, value)| *word = value);
        words
    }

    pub(super) fn of_words(words: &[u32; WORDS]) -> Self {
        let whole = |at: usize| u64::from(words[at]) | u64::from(words[at + 1]) << 32;
        let args = [4, 6, 8, 10, 12, 14].map(whole);
        Data { nr: words[0], arch: words[1], instruction_pointer: whole(2), args }
    }
}

/// Words in `struct seccomp_data`.
pub(super) const WORDS: usize = 16;
/// Words of memory that a program has (`BPF_MEMWORDS`, linux/filter.h).
const CELLS: usize = 16;

/// What the kernel does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    Allow,
    Notify,
    Errno(i32),
    KillProcess,
    /// One that neither filter gives.
    Other(u32),
}

impl From<u32> for Action {
    fn from(returned: u32) -> Self {
        match (returned & libc::SECCOMP_RET_ACTION_FULL, returned & libc::SECCOMP_RET_DATA) {
            (libc::SECCOMP_RET_ALLOW, _) => Action::Allow,
            (libc::SECCOMP_RET_USER_NOTIF, _) => Action::Notify,
            // MAX_ERRNO (__seccomp_filter, kernel/seccomp.c).
            (libc::SECCOMP_RET_ERRNO, errno) => Action::Errno(errno.min(4095) as i32),
            (libc::SECCOMP_RET_KILL_PROCESS, _) => Action::KillProcess,
            _ => Action::Other(returned),
        }
    }
}

/// Why the kernel would not take a program: what is wrong, and with which instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Length,
    Opcode(usize),
    Offset(usize),
    Jump(usize),
    Shift(usize),
    DivisionByZero(usize),
    Cell(usize),
    /// A cell is read to which nothing need have been written.
    Unwritten(usize),
    NoReturn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Register {
    A,
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    Constant(u32),
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Word(usize),
    Constant(u32),
    Cell(usize),
}

/// An instruction, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Load(Register, Source),
    Store(Register, usize),
    /// By the bits of its opcode.
    Compute(u32, Operand),
    Negate,
    /// To the register.
    Move(Register),
    /// How many instructions to pass over.
    Jump(u32),
    /// By the bits of its opcode; how many to pass over if it holds, and if not.
    Branch(u32, Operand, u8, u8),
    Return(u32),
    ReturnA,
}

/// One that the kernel would take.
#[derive(Clone, Debug)]
pub(super) struct Program(Vec<Operation>);

impl Program {
    pub(super) fn check(instructions: &[Instruction]) -> Result<Self, Fault> {
        if instructions.is_empty() || instructions.len() > INSTRUCTIONS_MAX {
            return Err(Fault::Length);
        }
        let read = instructions.iter().enumerate().map(|(at, instruction)| operation(at, instruction));
        let operations = read.collect::<Result<Vec<_>, _>>()?;
        let program = Program(operations);
        for (at, operation) in program.0.iter().enumerate() {
            let inside = |over: u32| usize::try_from(over).is_ok_and(|over| over < program.0.len() - at - 1);
            match *operation {
                Operation::Jump(over) if !inside(over) => return Err(Fault::Jump(at)),
                Operation::Branch(_, _, yes, no) if !inside(yes.into()) || !inside(no.into()) => {
                    return Err(Fault::Jump(at));
                }
                _ => {}
            }
        }
        if !matches!(program.0.last(), Some(Operation::Return(_) | Operation::ReturnA)) {
            return Err(Fault::NoReturn);
        }
        program.writes_before_it_reads()?;
        Ok(program)
    }

    /// `check_load_and_stores`: on the way to each read something was written to that cell, whichever the way.
    fn writes_before_it_reads(&self) -> Result<(), Fault> {
        const ALL: u16 = u16::MAX;
        let mut on_arrival = vec![ALL; self.0.len()];
        let mut written = 0;
        for (at, operation) in self.0.iter().enumerate() {
            written &= on_arrival[at];
            match *operation {
                Operation::Store(_, cell) => written |= 1 << cell,
                Operation::Load(_, Source::Cell(cell)) if written & (1 << cell) == 0 => {
                    return Err(Fault::Unwritten(at));
                }
                Operation::Jump(over) => {
                    on_arrival[at + 1 + over as usize] &= written;
                    written = ALL;
                }
                Operation::Branch(_, _, yes, no) => {
                    for over in [yes, no] {
                        on_arrival[at + 1 + usize::from(over)] &= written;
                    }
                    written = ALL;
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn operations(&self) -> &[Operation] {
        &self.0
    }

    /// What becomes of a call.
    pub(super) fn action(&self, data: &Data) -> Action {
        self.run(data).into()
    }

    /// What the program returns.
    pub(super) fn run(&self, data: &Data) -> u32 {
        let words = data.words();
        let (mut a, mut x, mut cells) = (0u32, 0u32, [0u32; CELLS]);
        let mut at = 0;
        loop {
            let operation = self.0[at];
            at += 1;
            let value = |operand| if let Operand::Constant(k) = operand { k } else { x };
            match operation {
                Operation::Load(to, from) => {
                    let value = match from {
                        Source::Word(word) => words[word],
                        Source::Constant(k) => k,
                        Source::Cell(cell) => cells[cell],
                    };
                    *if to == Register::A { &mut a } else { &mut x } = value;
                }
                Operation::Store(from, cell) => cells[cell] = if from == Register::A { a } else { x },
                // The program ends with 0, which kills the thread.
                Operation::Compute(libc::BPF_DIV, operand) if value(operand) == 0 => return 0,
                Operation::Compute(how, operand) => a = computed(how, a, value(operand)),
                Operation::Negate => a = a.wrapping_neg(),
                Operation::Move(Register::A) => a = x,
                Operation::Move(Register::X) => x = a,
                Operation::Jump(over) => at += over as usize,
                Operation::Branch(test, operand, yes, no) => {
                    at += usize::from(if holds(test, a, value(operand)) { yes } else { no });
                }
                Operation::Return(k) => return k,
                Operation::ReturnA => return a,
            }
        }
    }
}

/// `a` with `k`; only the five lowest bits of a shift count.
fn computed(how: u32, a: u32, k: u32) -> u32 {
    match how {
        libc::BPF_ADD => a.wrapping_add(k),
        libc::BPF_SUB => a.wrapping_sub(k),
        libc::BPF_MUL => a.wrapping_mul(k),
        libc::BPF_DIV => a / k,
        libc::BPF_AND => a & k,
        libc::BPF_OR => a | k,
        libc::BPF_XOR => a ^ k,
        libc::BPF_LSH => a.wrapping_shl(k),
        libc::BPF_RSH => a.wrapping_shr(k),
        _ => unreachable!("no such computation is read"),
    }
}

pub(super) fn holds(test: u32, a: u32, k: u32) -> bool {
    match test {
        libc::BPF_JEQ => a == k,
        libc::BPF_JGT => a > k,
        libc::BPF_JGE => a >= k,
        libc::BPF_JSET => a & k != 0,
        _ => unreachable!("no such test is read"),
    }
}

/// Reads one instruction: all that seccomp knows, and nothing else.
fn operation(at: usize, &Instruction { code, jt, jf, k }: &Instruction) -> Result<Operation, Fault> {
    const TXA: u32 = 0x80;
    let code = u32::from(code);
    let (class, how) = (code & 0x07, code & 0xf0);
    let operand = if code & libc::BPF_X == 0 { Operand::Constant(k) } else { Operand::X };
    let cell = || usize::try_from(k).ok().filter(|cell| *cell < CELLS).ok_or(Fault::Cell(at));
    let to = if class == libc::BPF_LDX { Register::X } else { Register::A };
    Ok(match (class, code & !0x07) {
        _ if code > 0xff => return Err(Fault::Opcode(at)),
        (libc::BPF_LD, libc::BPF_ABS) if k % 4 == 0 && k / 4 < WORDS as u32 => {
            Operation::Load(to, Source::Word(k as usize / 4))
        }
        (libc::BPF_LD, libc::BPF_ABS) => return Err(Fault::Offset(at)),
        (libc::BPF_LD | libc::BPF_LDX, libc::BPF_LEN) => Operation::Load(to, Source::Constant(4 * WORDS as u32)),
        (libc::BPF_LD | libc::BPF_LDX, libc::BPF_IMM) => Operation::Load(to, Source::Constant(k)),
        (libc::BPF_LD | libc::BPF_LDX, libc::BPF_MEM) => Operation::Load(to, Source::Cell(cell()?)),
        (libc::BPF_ST, 0) => Operation::Store(Register::A, cell()?),
        (libc::BPF_STX, 0) => Operation::Store(Register::X, cell()?),
        (libc::BPF_ALU, libc::BPF_NEG) => Operation::Negate,
        (libc::BPF_ALU, _) => match (how, operand) {
            (libc::BPF_DIV, Operand::Constant(0)) => return Err(Fault::DivisionByZero(at)),
            (libc::BPF_LSH | libc::BPF_RSH, Operand::Constant(32..)) => return Err(Fault::Shift(at)),
            (
                libc::BPF_ADD
                | libc::BPF_SUB
                | libc::BPF_MUL
                | libc::BPF_DIV
                | libc::BPF_AND
                | libc::BPF_OR
                | libc::BPF_XOR
                | libc::BPF_LSH
                | libc::BPF_RSH,
                _,
            ) => Operation::Compute(how, operand),
            _ => return Err(Fault::Opcode(at)),
        },
        (libc::BPF_JMP, libc::BPF_JA) => Operation::Jump(k),
        (libc::BPF_JMP, _) => match how {
            libc::BPF_JEQ | libc::BPF_JGT | libc::BPF_JGE | libc::BPF_JSET => Operation::Branch(how, operand, jt, jf),
            _ => return Err(Fault::Opcode(at)),
        },
        (libc::BPF_RET, libc::BPF_K) => Operation::Return(k),
        (libc::BPF_RET, libc::BPF_A) => Operation::ReturnA,
        (libc::BPF_MISC, libc::BPF_TAX) => Operation::Move(Register::X),
        (libc::BPF_MISC, TXA) => Operation::Move(Register::A),
        _ => return Err(Fault::Opcode(at)),
    })
}
