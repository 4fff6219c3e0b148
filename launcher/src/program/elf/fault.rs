//! Why a file is not read to its end.

use crate::sys::Errno;

/// Why a file is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not begin as ELF files do.
    NotElf,
    /// It is ELF, but neither a program nor a library: an object file, a core.
    NotProgram,
    /// What the kernel, or the loader, would not take.
    Damaged(Part),
    /// The file could not be read.
    Unreadable(Errno),
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Fault::Unreadable(errno)
    }
}

/// What of a file is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The ELF header.
    Header,
    /// How many program headers it says there are, or how long they are.
    HeaderCount,
    /// The program headers.
    ProgramHeaders,
    /// The name of its loader.
    Loader,
    /// The dynamic section.
    Dynamic,
    /// The name of a library that it needs.
    Library,
    /// The dynamic symbols.
    Symbols,
}
