//! What becomes of a program that is executed: whether the shim is loaded into it too.
//!
//! This runs in children of vfork(2), in signal handlers and on small stacks: nothing large is kept on the stack.

use crate::sys::{Fd, has_capabilities, is_executable_at, keeps_rights, open_at, real_ids, stat_at};
use core::ffi::CStr;
use core::fmt;
use libc::{AT_FDCWD, O_NOCTTY, O_NONBLOCK, O_RDONLY, S_IFMT, S_IFREG, S_ISGID, S_ISUID, S_IXGRP, c_int};

/// Why it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Static,
    OtherMachine,
    OtherLoader,
    SetId,
    Capabilities,
    NoEnvironment,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Static => "it is statically linked",
            Reason::OtherMachine => "it is for another machine",
            Reason::OtherLoader => "its loader is not known",
            Reason::SetId => "it runs as another user or group (set-id)",
            Reason::Capabilities => "its file gives it capabilities",
            Reason::NoEnvironment => "its environment does not name the context",
        })
    }
}

/// `BINPRM_BUF_SIZE` (linux/binfmts.h): as much of a script's first line counts.
const FIRST_LINE: usize = 256;
/// How many scripts can be each other's interpreters (`exec_binprm`, fs/exec.c).
const DEPTH: usize = 5;

/// elf(5): the class and the machine of this library, and the types of program headers.
const CLASS_32: u8 = 1;
const CLASS_64: u8 = 2;
/// The machine, and its 32-bit predecessor, whose programs the kernel runs as well.
#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = 62;
#[cfg(target_arch = "x86_64")]
const PREDECESSOR: u16 = 3;
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;
#[cfg(target_arch = "aarch64")]
const PREDECESSOR: u16 = 40;
const PT_INTERP: u32 = 3;
/// The size of `Elf64_Phdr`, and the most of them that are looked at.
const PROGRAM_HEADER: usize = 56;
const HEADERS_MAX: u16 = 128;

/// A program file: a path from a directory, which can be a file itself if the path is empty (execveat(2)).
#[derive(Clone, Copy)]
pub(crate) struct Program<'a> {
    pub(crate) directory: c_int,
    pub(crate) path: &'a CStr,
}

impl<'a> Program<'a> {
    pub(crate) fn at(path: &'a CStr) -> Self {
        Program { directory: AT_FDCWD, path }
    }
}

/// What stands at the beginning of a file.
enum Head {
    Script,
    Elf(Option<Reason>),
    Other,
}

/// Why the shim is not loaded into the program; `None` if it is, or if nobody can tell.
pub(crate) fn leaves(program: Program) -> Option<Reason> {
    let mut line = [0; FIRST_LINE + 1];
    let mut head = look(program, &mut line)?;
    for _ in 0..DEPTH {
        match head {
            Head::Elf(reason) => return reason,
            Head::Script => {
                let interpreter = interpreter(&mut line)?;
                let mut next = [0; FIRST_LINE + 1];
                head = look(Program::at(interpreter), &mut next)?;
                line = next;
            }
            // The shell runs it, or nobody.
            Head::Other => head = look(Program::at(c"/bin/sh"), &mut line)?,
        }
    }
    None
}

fn is_file(of: &libc::stat) -> bool {
    of.st_mode & S_IFMT == S_IFREG
}

/// Looks at a file, and reads what a script says into `line`.
fn look(program: Program, line: &mut [u8; FIRST_LINE + 1]) -> Option<Head> {
    // A file that cannot be read can be executed. (What is not an ordinary file cannot be: nothing is opened that would wait.)
    // What this user may not execute is not executed.
    let Program { directory, path } = program;
    let of = stat_at(directory, path).ok().filter(|of| is_file(of) && is_executable_at(directory, path))?;
    let file = match open_at(directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY) {
        Ok(file) => file,
        Err(_) => return Some(Head::Elf(gives_rights(None, &of))),
    };
    let fd = file.fd();
    let len = fd.read_at(line.get_mut(..FIRST_LINE)?, 0).ok()?;
    let head = line.get(..len)?;
    Some(if head.starts_with(b"#!") {
        Head::Script
    } else if head.starts_with(b"\x7fELF") {
        Head::Elf(of_elf(fd, head).or_else(|| gives_rights(Some(fd), &of)))
    } else {
        Head::Other
    })
}

/// The interpreter that a first line names, with a zero byte put behind it.
fn interpreter(line: &mut [u8; FIRST_LINE + 1]) -> Option<&CStr> {
    let is_blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let rest = line.get_mut(2..)?;
    let from = rest.iter().position(|byte| !is_blank(byte))?;
    let name = rest.get_mut(from..)?;
    let end = name.iter().position(|byte| is_blank(byte) || *byte == b'\n' || *byte == 0)?;
    *name.get_mut(end)? = 0;
    CStr::from_bytes_with_nul(name.get(..=end)?).ok().filter(|name| !name.is_empty())
}

fn of_elf(fd: Fd, head: &[u8]) -> Option<Reason> {
    let word =
        |at: usize| head.get(at..).and_then(|rest| rest.first_chunk::<2>()).map(|bytes| u16::from_le_bytes(*bytes));
    match (head.get(4), word(18)) {
        (Some(&CLASS_64), Some(MACHINE)) => {}
        (Some(&CLASS_32), Some(PREDECESSOR)) => return Some(Reason::OtherMachine),
        // The kernel does not take it.
        _ => return None,
    }
    let table = u64::from_le_bytes(*head.get(32..)?.first_chunk()?);
    let (size, count) = (usize::from(word(54)?), word(56)?.min(HEADERS_MAX));
    if size != PROGRAM_HEADER {
        return None;
    }
    for n in 0..u64::from(count) {
        let mut header = [0; PROGRAM_HEADER];
        let at = table.checked_add(n * PROGRAM_HEADER as u64)?;
        if fd.read_at(&mut header, at).ok()? != PROGRAM_HEADER {
            return None;
        }
        let number =
            |at: usize| header.get(at..).and_then(|rest| rest.first_chunk()).map(|bytes| u64::from_le_bytes(*bytes));
        if header.first_chunk() == Some(&PT_INTERP.to_le_bytes()) {
            let mut loader = [0; FIRST_LINE];
            let len = usize::try_from(number(32)?).ok()?.min(loader.len());
            fd.read_at(loader.get_mut(..len)?, number(8)?).ok()?;
            let is_known = [b"/ld-linux".as_slice(), b"/ld-musl-"];
            let is_known = is_known.iter().any(|name| loader.windows(name.len()).any(|part| part == *name));
            return (!is_known).then_some(Reason::OtherLoader);
        }
    }
    Some(Reason::Static)
}

/// Where the kernel changes who a program runs as, the loader does not preload (`AT_SECURE`, getauxval(3)). `fd` is the file, if
/// it could be opened.
fn gives_rights(fd: Option<Fd>, of: &libc::stat) -> Option<Reason> {
    if fd.is_some_and(Fd::is_on_nosuid) {
        return None;
    }
    let (user, group) = real_ids();
    let is_other_user = of.st_mode & S_ISUID != 0 && of.st_uid != user;
    let is_other_group = of.st_mode & S_ISGID != 0 && of.st_mode & S_IXGRP != 0 && of.st_gid != group;
    if (is_other_user || is_other_group) && !keeps_rights() {
        return Some(Reason::SetId);
    }
    // Also where it gets none of them (no_new_privs; cap_bprm_creds_from_file, security/commoncap.c).
    (user != 0 && fd.is_some_and(has_capabilities)).then_some(Reason::Capabilities)
}

/// The longest path that is looked for: there may be no room for more.
const PATH: usize = 1024;

/// Does something with the path at which execvp(3) finds `name`.
pub(crate) fn with_found<T>(name: &CStr, directories: Option<&[u8]>, act: impl FnOnce(Option<&CStr>) -> T) -> T {
    if name.to_bytes().contains(&b'/') {
        return act(Some(name));
    }
    let mut path = [0; PATH];
    for directory in directories.unwrap_or(b"/bin:/usr/bin").split(|byte| *byte == b':') {
        // An empty entry is the current directory.
        let directory = if directory.is_empty() { b"." } else { directory };
        let len = directory.len() + 1 + name.count_bytes();
        let Some(room) = path.get_mut(..=len) else { continue };
        for (to, from) in room.iter_mut().zip(directory.iter().chain(b"/").chain(name.to_bytes_with_nul())) {
            *to = *from;
        }
        let is_program =
            |path: &CStr| stat_at(AT_FDCWD, path).is_ok_and(|of| is_file(&of)) && is_executable_at(AT_FDCWD, path);
        if CStr::from_bytes_with_nul(room).is_ok_and(is_program) {
            return act(path.get(..=len).and_then(|path| CStr::from_bytes_with_nul(path).ok()));
        }
    }
    act(None)
}
