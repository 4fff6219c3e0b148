//! What a program says of itself.

use super::fault::Fault;
use super::file::File;
use super::machine::{Class, Machine};
use super::symbols;
use crate::program::source::Source;
use goblin::elf::header::ET_DYN;
use std::ffi::OsString;
use std::path::PathBuf;

/// The most libraries that are named.
const LIBRARIES: usize = 1024;

/// What an ELF program says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elf {
    /// How wide its addresses are.
    pub class: Class,
    /// What it runs on.
    pub machine: Machine,
    /// It can be loaded at any address (`ET_DYN`).
    pub movable: bool,
    /// The loader that it names (PT_INTERP). Without one it is static, whatever dynamic section it has.
    pub interpreter: Option<PathBuf>,
    /// The libraries that it names (DT_NEEDED).
    pub needed: Vec<OsString>,
    /// Those of [`checked`](symbols::checked), and [`SYSCALL`](symbols::SYSCALL), that it asks libraries for, in that order.
    pub imports: Vec<&'static str>,
    /// It was made by the Go compiler, and so makes its system calls by itself even where it has a C library.
    pub is_go: bool,
}

/// Reads an ELF program.
///
/// # Errors
///
/// See [the module](super#errors).
pub fn read<S: Source + ?Sized>(source: &S) -> Result<Elf, Fault> {
    let (file, header) = File::open(source)?;
    let interpreter = file.interpreter()?;
    let dynamic = file.dynamic()?;
    let needed = dynamic.needed.iter().take(LIBRARIES).map(|at| file.string(&dynamic, *at));
    Ok(Elf {
        class: if file.ctx.is_big() { Class::Bits64 } else { Class::Bits32 },
        machine: Machine { number: header.e_machine, big_endian: !file.ctx.is_little_endian() },
        movable: header.e_type == ET_DYN,
        interpreter,
        needed: needed.collect::<Result<_, _>>()?,
        imports: symbols::imports(&file, &dynamic)?,
        is_go: file.is_go()?,
    })
}
