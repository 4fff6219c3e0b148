//! What becomes of a program that is executed: whether the shim is loaded into it too.

use crate::sys::{Fd, PATH_MAX, Path, has_capabilities, keeps_rights, open, real_ids};
use core::fmt;
use libc::{O_RDONLY, S_IFMT, S_IFREG, S_ISGID, S_ISUID, S_IXGRP};

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
const CLASS_64: u8 = 2;
#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = 62;
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;
const PT_INTERP: u32 = 3;
/// The size of `Elf64_Phdr`, and the most of them that are looked at.
const PROGRAM_HEADER: usize = 56;
const HEADERS_MAX: u16 = 128;

/// Why the shim is not loaded into the program at `path`; `None` if it is, or if nobody can tell.
pub(crate) fn leaves(path: &Path) -> Option<Reason> {
    let mut path = path.clone();
    for _ in 0..=DEPTH {
        let file = open(path.as_c_str(), O_RDONLY).ok()?;
        let fd = file.fd();
        let mut head = [0; FIRST_LINE];
        let len = fd.read_at(&mut head, 0).ok()?;
        let head = head.get(..len)?;
        if let Some(line) = head.strip_prefix(b"#!") {
            path = interpreter(line)?;
        } else if head.starts_with(b"\x7fELF") {
            return of_elf(fd, head).or_else(|| of_file(fd, &path));
        } else {
            // The shell runs it, or nobody.
            path = Path::new(b"/bin/sh")?;
        }
    }
    None
}

fn interpreter(line: &[u8]) -> Option<Path> {
    let is_blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let line = line.split(|byte| *byte == b'\n').next()?;
    let from = line.iter().position(|byte| !is_blank(byte))?;
    Path::new(line.get(from..)?.split(is_blank).next()?)
}

fn of_elf(fd: Fd, head: &[u8]) -> Option<Reason> {
    let word =
        |at: usize| head.get(at..).and_then(|rest| rest.first_chunk::<2>()).map(|bytes| u16::from_le_bytes(*bytes));
    if head.get(4) != Some(&CLASS_64) || word(18) != Some(MACHINE) {
        return Some(Reason::OtherMachine);
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

/// Where the kernel changes who a program runs as, the loader does not preload (`AT_SECURE`, getauxval(3)).
fn of_file(fd: Fd, path: &Path) -> Option<Reason> {
    if keeps_rights() {
        return None;
    }
    let of = fd.stat().ok().filter(|of| of.st_mode & S_IFMT == S_IFREG)?;
    let (user, group) = real_ids();
    let is_other_user = of.st_mode & S_ISUID != 0 && of.st_uid != user;
    let is_other_group = of.st_mode & S_ISGID != 0 && of.st_mode & S_IXGRP != 0 && of.st_gid != group;
    if is_other_user || is_other_group {
        return Some(Reason::SetId);
    }
    (user != 0 && has_capabilities(path.as_c_str())).then_some(Reason::Capabilities)
}

/// Where execvp(3) finds `name`.
pub(crate) fn find(name: &[u8], directories: Option<&[u8]>, is_executable: impl Fn(&Path) -> bool) -> Option<Path> {
    if name.contains(&b'/') {
        return Path::new(name);
    }
    directories.unwrap_or(b"/bin:/usr/bin").split(|byte| *byte == b':').find_map(|directory| {
        let mut bytes = [0; PATH_MAX];
        // An empty entry is the current directory.
        let directory = if directory.is_empty() { b"." } else { directory };
        let whole = directory.iter().chain(b"/").chain(name);
        let mut len = 0;
        for (to, from) in bytes.iter_mut().zip(whole) {
            *to = *from;
            len += 1;
        }
        (len == directory.len() + 1 + name.len()).then_some(())?;
        Path::new(bytes.get(..len)?).filter(&is_executable)
    })
}
