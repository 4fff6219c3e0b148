//! A program file looked at, from its first script to the program in the end.

use super::capabilities;
use super::elf::{self, Elf};
use super::error::Error;
use super::inspection::{Inspection, Step};
use super::locate::{SHELL, executable};
use super::script::{self, HEAD, Line};
use super::source::Source;
use crate::sys::Number as _;
use crate::sys::{Errno, xattr};
use nix::fcntl::OFlag;
use nix::sys::statvfs::{FsFlags, fstatvfs};
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How many scripts may run one another (`exec_binprm`, fs/exec.c).
pub const DEPTH: usize = 5;

/// What execve(2) of the file would come to, for this process. One that is no program is run by the shell, as chbind does.
///
/// # Errors
///
/// Of the first file on the way that is wrong:
///
/// - [`Error::NotExecutable`]: `path` itself, with the errno of [`executable`], or EACCES for what is neither a file
///   nor a directory. Of a script's interpreter, or of the shell, it is [`Error::Interpreter`]; for an interpreter that
///   is a directory the errno is EACCES then, as the kernel says. Of the shell it is ENOEXEC if that is no program.
/// - [`Error::Unreadable`]: this process may execute the file, and cannot read it or ask about it.
/// - [`Error::TooDeep`]: more than [`DEPTH`] scripts run one another (`exec_binprm`, fs/exec.c).
/// - [`Error::Elf`]: it begins like an ELF program, and [`elf::read`] finds a fault.
pub fn inspect(path: &Path) -> Result<Inspection, Error> {
    let mut chain = Vec::new();
    if let Some(inspection) = follow(path.to_owned(), &mut chain)? {
        return Ok(inspection);
    }
    let shell = PathBuf::from(OsStr::from_bytes(SHELL.to_bytes()));
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
        _ => executable(path).map_err(|errno| Error::NotExecutable(path.to_owned(), errno))?,
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
    let lacks_loader = elf.interpreter.as_ref().is_some_and(|loader| executable(loader).is_err());
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
