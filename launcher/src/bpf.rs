//! Instructions of classic BPF (bpf(4) of the BSDs; Documentation/networking/filter.rst), for the filters made here.

use crate::sys::seccomp::Instruction;

pub(crate) const fn instruction(code: u32, jt: u8, jf: u8, k: u32) -> Instruction {
    Instruction { code: code as u16, jt, jf, k }
}

/// Loads the 32-bit word at `offset`.
pub(crate) const fn load(offset: u32) -> Instruction {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset)
}

/// Ends with `action`.
pub(crate) const fn ret(action: u32) -> Instruction {
    instruction(libc::BPF_RET | libc::BPF_K, 0, 0, action)
}

/// Compares what is loaded with `k`, and passes over so many instructions if it holds or does not.
pub(crate) const fn jump(condition: u32, k: u32, jt: u8, jf: u8) -> Instruction {
    instruction(libc::BPF_JMP | condition | libc::BPF_K, jt, jf, k)
}
