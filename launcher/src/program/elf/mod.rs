//! An ELF file, read as the kernel's `load_elf_binary` (fs/binfmt_elf.c) and the loader read it: by its program headers and
//! its dynamic section. Section headers are not asked, for nobody else asks them.
//!
//! The file may be anybody's. What is read of it is bounded, whatever its headers say: a few tables of 64 KiB at most, and
//! the symbols one piece after the other.

use super::source::Source;
use crate::sys::{Errno, text};
use goblin::container::{Ctx, Endian};
use goblin::elf::dynamic::{
    DT_FINI, DT_FINI_ARRAY, DT_GNU_HASH, DT_HASH, DT_INIT, DT_INIT_ARRAY, DT_JMPREL, DT_NEEDED, DT_NULL, DT_PLTGOT,
    DT_REL, DT_RELA, DT_STRSZ, DT_STRTAB, DT_SYMTAB, DT_VERDEF, DT_VERNEED, DT_VERSYM, Dyn,
};
use goblin::elf::header::{ELFMAG, ET_DYN, ET_EXEC, Header, SELFMAG};
use goblin::elf::program_header::{PT_DYNAMIC, PT_INTERP, PT_LOAD, PT_NOTE, ProgramHeader};
use scroll::Pread;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

mod machine;
mod symbols;

pub use machine::{Class, Machine};
pub use symbols::{CHECKED, SYSCALL, exports};

/// The most that program headers may take (`load_elf_phdrs`).
const HEADERS: u64 = 65536;
/// The most of a dynamic section that is looked at; real ones have some dozens of entries of 16 bytes.
const DYNAMIC: u64 = 65536;
/// The most of each note segment that is looked at.
const NOTES: u64 = 4096;
/// The most libraries that are named.
const LIBRARIES: usize = 1024;
/// `PATH_MAX`.
const PATH: u64 = 4096;

/// The entries of a dynamic section that are addresses of something that has one place of its own.
const TABLES: [u64; 14] = [
    DT_FINI,
    DT_FINI_ARRAY,
    DT_GNU_HASH,
    DT_HASH,
    DT_INIT,
    DT_INIT_ARRAY,
    DT_JMPREL,
    DT_PLTGOT,
    DT_REL,
    DT_RELA,
    DT_STRTAB,
    DT_VERDEF,
    DT_VERNEED,
    DT_VERSYM,
];

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
    /// Those of [`CHECKED`], and [`SYSCALL`], that it asks libraries for, in that order.
    pub imports: Vec<&'static str>,
    /// It was made by the Go compiler, and so makes its system calls by itself even where it has a C library.
    pub is_go: bool,
}

/// Why a file is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not begin as ELF files do.
    NotElf,
    /// It is ELF, but neither a program nor a library: an object file, a core.
    NotProgram,
    /// What the kernel, or the loader, would not take.
    Damaged(&'static str),
    /// The file could not be read.
    Unreadable(Errno),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Fault::NotElf => f.write_str("not an ELF file"),
            Fault::NotProgram => f.write_str("an ELF file that is no program"),
            Fault::Damaged(what) => write!(f, "a damaged ELF file ({what})"),
            Fault::Unreadable(errno) => text(*errno).fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

/// The headers of a file, and the file.
struct File<'a, S: ?Sized> {
    source: &'a S,
    ctx: Ctx,
    headers: Vec<ProgramHeader>,
}

/// What the dynamic section says, as far as it is asked.
#[derive(Default)]
struct Dynamic {
    needed: Vec<u64>,
    strings: Option<u64>,
    strings_size: Option<u64>,
    symbols: Option<u64>,
    /// Where tables are, all that there are.
    tables: Vec<u64>,
}

/// Reads an ELF program.
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

impl<'a, S: Source + ?Sized> File<'a, S> {
    fn open(source: &'a S) -> Result<(Self, Header), Fault> {
        // The longer one of the two kinds; a file that ends before is one of the shorter kind, or damaged.
        let head = source.piece(0, 64).map_err(Fault::Unreadable)?;
        if head.get(..SELFMAG) != Some(ELFMAG) {
            return Err(Fault::NotElf);
        }
        let header: Header = head.pread_with(0, Endian::Little).map_err(|_| Fault::Damaged("its header"))?;
        let ctx = match (header.container(), header.endianness()) {
            (Ok(container), Ok(order)) => Ctx::new(container, order),
            _ => return Err(Fault::Damaged("its header")),
        };
        if !matches!(header.e_type, ET_EXEC | ET_DYN) {
            return Err(Fault::NotProgram);
        }
        let size = ProgramHeader::size(ctx) as u64;
        let length = size * u64::from(header.e_phnum);
        if u64::from(header.e_phentsize) != size || length == 0 || length > HEADERS {
            return Err(Fault::Damaged("its number of program headers"));
        }
        let table = source.exactly(header.e_phoff, length)?.ok_or(Fault::Damaged("its program headers"))?;
        let headers = ProgramHeader::parse(&table, 0, header.e_phnum.into(), ctx);
        let headers = headers.map_err(|_| Fault::Damaged("its program headers"))?;
        Ok((File { source, ctx, headers }, header))
    }

    /// The first one counts, as in the kernel.
    fn interpreter(&self) -> Result<Option<PathBuf>, Fault> {
        const WRONG: Fault = Fault::Damaged("the name of its loader");
        let Some(header) = self.headers.iter().find(|header| header.p_type == PT_INTERP) else { return Ok(None) };
        if !(2..=PATH).contains(&header.p_filesz) {
            return Err(WRONG);
        }
        let mut name = self.source.exactly(header.p_offset, header.p_filesz)?.ok_or(WRONG)?;
        if name.last() != Some(&0) {
            return Err(WRONG);
        }
        name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or_default());
        Ok(Some(PathBuf::from(OsString::from_vec(name))))
    }

    /// The last one counts, as in the loader.
    fn dynamic(&self) -> Result<Dynamic, Fault> {
        let mut dynamic = Dynamic::default();
        let Some(header) = self.headers.iter().rfind(|header| header.p_type == PT_DYNAMIC) else {
            return Ok(dynamic);
        };
        let length = header.p_filesz.min(DYNAMIC);
        let table = self.source.exactly(header.p_offset, length)?.ok_or(Fault::Damaged("its dynamic section"))?;
        let mut at = 0;
        while let Ok(entry) = table.gread_with::<Dyn>(&mut at, self.ctx) {
            if TABLES.contains(&entry.d_tag) {
                dynamic.tables.push(entry.d_val);
            }
            match entry.d_tag {
                DT_NULL => break,
                DT_NEEDED => dynamic.needed.push(entry.d_val),
                DT_STRTAB => dynamic.strings = Some(entry.d_val),
                DT_STRSZ => dynamic.strings_size = Some(entry.d_val),
                DT_SYMTAB => dynamic.symbols = Some(entry.d_val),
                _ => {}
            }
        }
        Ok(dynamic)
    }

    /// Where in the file that is which is at `address` in memory, and how much of the segment follows.
    fn place(&self, address: u64) -> Option<(u64, u64)> {
        self.headers.iter().filter(|header| header.p_type == PT_LOAD).find_map(|header| {
            let within = address.checked_sub(header.p_vaddr)?;
            let left = header.p_filesz.checked_sub(within).filter(|left| *left > 0)?;
            Some((header.p_offset.checked_add(within)?, left))
        })
    }

    /// The place of the strings' table, and its length.
    fn strings(&self, dynamic: &Dynamic) -> Option<(u64, u64)> {
        let (place, left) = self.place(dynamic.strings?)?;
        Some((place, left.min(dynamic.strings_size.unwrap_or(left))))
    }

    /// The string at this place of the strings' table.
    fn string(&self, dynamic: &Dynamic, at: u64) -> Result<OsString, Fault> {
        const WRONG: Fault = Fault::Damaged("the name of a library");
        let (place, length) = self.strings(dynamic).ok_or(WRONG)?;
        let left = length.checked_sub(at).ok_or(WRONG)?.min(PATH);
        let place = place.checked_add(at).ok_or(WRONG)?;
        let mut text = self.source.piece(place, left as usize).map_err(Fault::Unreadable)?;
        let end = text.iter().position(|byte| *byte == 0).ok_or(WRONG)?;
        text.truncate(end);
        Ok(OsString::from_vec(text))
    }

    /// Go's linker leaves a note with the number of the build: `Go`, type 4.
    fn is_go(&self) -> Result<bool, Fault> {
        for header in self.headers.iter().filter(|header| header.p_type == PT_NOTE) {
            let notes = self.source.piece(header.p_offset, header.p_filesz.min(NOTES) as usize);
            let notes = notes.map_err(Fault::Unreadable)?;
            let number = |at: usize| notes.pread_with::<u32>(at, self.ctx.le).ok();
            let is_go = |at: usize| {
                number(at) == Some(4) && number(at + 8) == Some(4) && notes.get(at + 12..at + 16) == Some(b"Go\0\0")
            };
            if (0..notes.len()).step_by(4).any(is_go) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests;
