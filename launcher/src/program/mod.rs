//! A program file, as execve(2) sees it: the interpreters of a script, the ELF program in the end, and what stands in the
//! way of loading chbind's library into that.
//!
//! What `binfmt_misc` runs is not seen: such files are taken for what they are without it.

use crate::plan::command;
use crate::sys::{Errno, Number, text, xattr};
use nix::fcntl::OFlag;
use nix::sys::statvfs::{FsFlags, fstatvfs};
use script::{HEAD, Line};
use source::Source;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub mod capabilities;
pub mod elf;
pub mod obstacle;
pub mod script;
pub mod source;

pub use elf::{CHECKED, Class, Elf, Machine, SYSCALL};
pub use obstacle::{Libc, Obstacle, Why};

/// How many scripts may run one another (`exec_binprm`, fs/exec.c).
const DEPTH: usize = 5;

/// A script, and what runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The script.
    pub script: PathBuf,
    /// The program, or other script, that runs it.
    pub interpreter: PathBuf,
    /// What it is given before the name of the script.
    pub argument: Option<OsString>,
    /// The file names no interpreter that the kernel would take: whoever starts it has the shell run it.
    pub by_shell: bool,
}

/// What a program file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The scripts, in the order in which they are met. Empty if the program is none.
    pub chain: Vec<Step>,
    /// The ELF program in the end.
    pub path: PathBuf,
    /// What that says of itself.
    pub elf: Elf,
    /// The loader that it names is not there.
    pub lacks_loader: bool,
    /// The owner, if it is set-user-id. A script's bits, and those on a file system mounted `nosuid`, mean nothing.
    pub set_user_id: Option<u32>,
    /// The group, if it is set-group-id.
    pub set_group_id: Option<u32>,
    /// The capabilities that its file has, if it has any (`security.capability`), by their names.
    pub capabilities: Option<Vec<String>>,
}

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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::NotExecutable(path, errno) => write!(f, "cannot execute '{}': {}", shown(path), text(*errno)),
            Error::Unreadable(path, errno) => write!(f, "cannot read '{}': {}", shown(path), text(*errno)),
            Error::Interpreter(script, path, errno) => {
                write!(f, "cannot execute '{}': its interpreter '{}': {}", shown(script), shown(path), text(*errno))
            }
            Error::TooDeep(path) => {
                write!(f, "cannot execute '{}': more than {DEPTH} scripts that run one another", shown(path))
            }
            Error::Elf(path, elf::Fault::Unreadable(errno)) => {
                write!(f, "cannot read '{}': {}", shown(path), text(*errno))
            }
            Error::Elf(path, fault) => write!(f, "cannot execute '{}': {fault}", shown(path)),
        }
    }
}

impl std::error::Error for Error {}

/// A name out of a file, or of one, for a person: what would move a terminal's cursor is escaped.
pub fn shown(name: impl AsRef<OsStr>) -> String {
    let name = name.as_ref().to_string_lossy();
    name.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// What execve(2) of the file would come to, for this process. One that is no program is run by the shell, as chbind does.
pub fn inspect(path: &Path) -> Result<Inspection, Error> {
    let mut chain = Vec::new();
    if let Some(inspection) = follow(path.to_owned(), &mut chain)? {
        return Ok(inspection);
    }
    let shell = PathBuf::from(OsStr::from_bytes(command::SHELL.to_bytes()));
    let step = Step { script: path.to_owned(), interpreter: shell.clone(), argument: None, by_shell: true };
    let mut chain = vec![step];
    match follow(shell.clone(), &mut chain) {
        Ok(Some(inspection)) => Ok(inspection),
        Ok(None) => Err(Error::NotExecutable(shell, Errno(libc::ENOEXEC))),
        Err(Error::NotExecutable(_, errno)) => Err(Error::Interpreter(path.to_owned(), shell, errno)),
        Err(error) => Err(error),
    }
}

/// From script to script, down to the program; `None` if there is none (ENOEXEC).
fn follow(mut path: PathBuf, chain: &mut Vec<Step>) -> Result<Option<Inspection>, Error> {
    let first = chain.len();
    loop {
        let (file, of) = match open(&path) {
            Ok(opened) => opened,
            Err(Error::NotExecutable(path, errno)) if chain.len() > first => {
                // The kernel's word for a directory, which to it an empty name is one of as well.
                let is_directory = errno == Errno(libc::EISDIR) || path.as_os_str().is_empty();
                let errno = if is_directory { Errno(libc::EACCES) } else { errno };
                let script = chain.last().map(|step| step.script.clone()).unwrap_or_default();
                return Err(Error::Interpreter(script, path, errno));
            }
            Err(error) => return Err(error),
        };
        let head = file.piece(0, HEAD).map_err(|errno| Error::Unreadable(path.clone(), errno))?;
        let Some(Line { interpreter, argument }) = script::read(&head) else {
            return match elf::read(&file) {
                Ok(elf) => conclude(std::mem::take(chain), path, elf, &file, &of).map(Some),
                Err(elf::Fault::NotElf) => Ok(None),
                Err(fault) => Err(Error::Elf(path, fault)),
            };
        };
        if chain.len() - first == DEPTH {
            let path = chain.get(first).map_or(path, |step| step.script.clone());
            return Err(Error::TooDeep(path));
        }
        let interpreter = PathBuf::from(OsString::from_vec(interpreter));
        let argument = argument.map(OsString::from_vec);
        chain.push(Step { script: path, interpreter: interpreter.clone(), argument, by_shell: false });
        path = interpreter;
    }
}

fn open(path: &Path) -> Result<(File, Metadata), Error> {
    let unreadable =
        |error: std::io::Error| Error::Unreadable(path.to_owned(), Errno(error.raw_os_error().unwrap_or(libc::EIO)));
    // Asked before it is opened, for to open a device may have effects, and to open a pipe takes as long as another likes.
    match std::fs::metadata(path) {
        Ok(of) if !of.is_file() && !of.is_dir() => {
            return Err(Error::NotExecutable(path.to_owned(), Errno(libc::EACCES)));
        }
        _ => command::executable(path).map_err(|errno| Error::NotExecutable(path.to_owned(), errno))?,
    }
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path).map_err(unreadable)?;
    let of = file.metadata().map_err(unreadable)?;
    if !of.is_file() {
        return Err(Error::NotExecutable(path.to_owned(), Errno(libc::EACCES)));
    }
    Ok((file, of))
}

fn conclude(chain: Vec<Step>, path: PathBuf, elf: Elf, file: &File, of: &Metadata) -> Result<Inspection, Error> {
    let unreadable = |errno: Errno| Error::Unreadable(path.clone(), errno);
    let lacks_loader = elf.interpreter.as_ref().is_some_and(|loader| command::executable(loader).is_err());
    let system = fstatvfs(file).map_err(|errno| unreadable(errno.errno()))?;
    let means_it = !system.flags().contains(FsFlags::ST_NOSUID);
    let has = |bits: libc::mode_t| means_it && of.mode() & bits == bits;
    let capabilities = xattr::capability(file).map_err(unreadable)?.filter(|_| means_it);
    Ok(Inspection {
        lacks_loader,
        set_user_id: has(libc::S_ISUID).then(|| of.uid()),
        // Without the group's right to execute it, the bit has meant mandatory locking.
        set_group_id: has(libc::S_ISGID | libc::S_IXGRP).then(|| of.gid()),
        capabilities: capabilities.map(|value| capabilities::names(&value)),
        chain,
        path,
        elf,
    })
}

#[cfg(test)]
mod tests;
