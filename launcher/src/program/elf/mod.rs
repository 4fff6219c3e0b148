//! An ELF file, read as the kernel's `load_elf_binary` (fs/binfmt_elf.c) and the loader read it: by its program headers and
//! its dynamic section. Section headers are not asked, for nobody else asks them.
//!
//! The file may be anybody's. What is read of it is bounded, whatever its headers say: a few tables of 64 KiB at most, and
//! the symbols one piece after the other.
//!
//! # Errors
//!
//! [`read`] and [`exports`] give the first [`Fault`], in this order: [`Fault::NotElf`]; a damaged [`Part::Header`];
//! [`Fault::NotProgram`]; then damage of the other [parts](Part), as they are listed. [`Fault::Unreadable`], with what
//! pread(2) says, can come at any time. A file that is shorter than its headers say is damaged where a table or a name
//! is missing; the symbols may end early.

mod fault;
mod file;
mod machine;
mod program;
mod symbols;

pub use fault::{Fault, Part};
pub use machine::{Class, Machine};
pub use program::{Elf, read};
pub use symbols::{SYSCALL, checked, exports};

#[cfg(test)]
mod tests;
