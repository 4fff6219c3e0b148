//! What can be wrong with a program file.

use super::elf;
use crate::sys::Errno;
use std::path::PathBuf;

/// Why a file cannot be inspected. Most of it keeps the kernel from executing it too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It cannot be executed.
    NotExecutable(PathBuf, Errno),
    /// It may be executed, and not be read.
    Unreadable(PathBuf, Errno),
    /// The script names an interpreter that cannot be executed.
    Interpreter(PathBuf, PathBuf, Errno),
    /// More scripts run one another than the kernel allows.
    TooDeep(PathBuf),
    /// It begins like an ELF program, and is none.
    Elf(PathBuf, elf::Fault),
}

impl Error {
    /// The error number of the kernel for it.
    pub fn errno(&self) -> Errno {
        match self {
            Error::NotExecutable(_, errno) | Error::Unreadable(_, errno) | Error::Interpreter(.., errno) => *errno,
            Error::TooDeep(_) => Errno(libc::ELOOP),
            Error::Elf(_, elf::Fault::Unreadable(errno)) => *errno,
            Error::Elf(..) => Errno(libc::ENOEXEC),
        }
    }
}
