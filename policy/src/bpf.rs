//! Instructions of classic BPF (bpf(4) of the BSDs; Documentation/networking/filter.rst), for the filters that a context needs.

/// `struct sock_filter` (linux/filter.h), 8 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instruction {
    /// What is done.
    pub code: u16,
    /// How many instructions a jump passes over if its condition holds,
    pub jt: u8,
    /// and if not.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

/// `BPF_MAXINSNS` (linux/bpf_common.h).
pub const INSTRUCTIONS_MAX: usize = 4096;

/// One instruction.
pub const fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> Instruction {
    Instruction { code: code as u16, jt, jf, k }
}

/// Loads the 32-bit word at `offset`.
pub const fn load(offset: u32) -> Instruction {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset)
}

/// Ends with `action`.
pub const fn ret(action: u32) -> Instruction {
    instruction(libc::BPF_RET | libc::BPF_K, 0, 0, action)
}

/// Compares what is loaded with `k`, and passes over so many instructions if it holds or does not.
pub const fn jump(condition: u32, k: u32, jt: u8, jf: u8) -> Instruction {
    instruction(libc::BPF_JMP | condition | libc::BPF_K, jt, jf, k)
}
