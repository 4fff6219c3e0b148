//! What a program runs on.

use std::fmt;

/// How wide a program's addresses are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// 32 bits.
    Bits32,
    /// 64 bits.
    Bits64,
}

impl Class {
    /// That of this very program, and of the library that goes with it.
    pub const OWN: Class = if cfg!(target_pointer_width = "64") { Class::Bits64 } else { Class::Bits32 };
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Class::Bits32 => "32-bit",
            Class::Bits64 => "64-bit",
        })
    }
}

/// A kind of processor, by its ELF number, and the order of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// `e_machine`.
    pub number: u16,
    /// The most significant byte comes first.
    pub big_endian: bool,
}

/// The names that people know; the numbers are those of linux/elf-em.h.
const MACHINES: [(u16, &str); 9] = [
    (3, "x86"),
    (8, "MIPS"),
    (21, "PowerPC64"),
    (22, "s390"),
    (40, "Arm"),
    (62, "x86-64"),
    (183, "AArch64"),
    (243, "RISC-V"),
    (258, "LoongArch"),
];

impl Machine {
    /// That of this very program, and of the library that goes with it.
    pub const OWN: Machine = Machine {
        number: if cfg!(target_arch = "aarch64") { 183 } else { 62 },
        big_endian: cfg!(target_endian = "big"),
    };

    /// Those whose 32-bit programs run on this kind of processor as well (the second one of x86-64 is x32).
    const NARROW_OWN: &[u16] = if cfg!(target_arch = "aarch64") { &[40] } else { &[3, 62] };

    /// Whether a 32-bit program for it is one for this kind of processor.
    pub fn is_narrow_own(self) -> bool {
        self.big_endian == Machine::OWN.big_endian && Machine::NARROW_OWN.contains(&self.number)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match MACHINES.iter().find(|(number, _)| *number == self.number) {
            Some((_, name)) => f.write_str(name)?,
            None => write!(f, "machine {}", self.number)?,
        }
        f.write_str(if self.big_endian { ", big-endian" } else { "" })
    }
}
