//! An ELF file, read as the kernel's `load_elf_binary` (fs/binfmt_elf.c) and the loader read it: by its program headers and
//! its dynamic section. Section headers are not asked, for nobody else asks them.
//!
//! The file may be anybody's. What is read of it is bounded, whatever its headers say: a few tables of 64 KiB at most, and
//! the symbols one piece after the other.

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
