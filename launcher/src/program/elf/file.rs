//! The tables of a file, as the kernel and the loader find them.

use super::fault::{Fault, Part};
use crate::program::source::Source;
use goblin::container::{Ctx, Endian};
use goblin::elf::dynamic::{
    DT_FINI, DT_FINI_ARRAY, DT_GNU_HASH, DT_HASH, DT_INIT, DT_INIT_ARRAY, DT_JMPREL, DT_NEEDED, DT_NULL, DT_PLTGOT,
    DT_REL, DT_RELA, DT_STRSZ, DT_STRTAB, DT_SYMTAB, DT_VERDEF, DT_VERNEED, DT_VERSYM, Dyn,
};
use goblin::elf::header::{ELFMAG, ET_DYN, ET_EXEC, Header, SELFMAG};
use goblin::elf::program_header::{PT_DYNAMIC, PT_INTERP, PT_LOAD, PT_NOTE, ProgramHeader};
use scroll::Pread;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// The most that program headers may take (`load_elf_phdrs`).
const HEADERS: u64 = 65536;
/// The most of a dynamic section that is looked at; real ones have some dozens of entries of 16 bytes.
const DYNAMIC: u64 = 65536;
/// The most of each note segment that is looked at.
const NOTES: u64 = 4096;
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

/// The headers of a file, and the file.
pub(super) struct File<'a, S: ?Sized> {
    pub(super) source: &'a S,
    pub(super) ctx: Ctx,
    pub(super) headers: Vec<ProgramHeader>,
}

/// What the dynamic section says, as far as it is asked.
#[derive(Default)]
pub(super) struct Dynamic {
    pub(super) needed: Vec<u64>,
    pub(super) strings: Option<u64>,
    pub(super) strings_size: Option<u64>,
    pub(super) symbols: Option<u64>,
    /// Where tables are, all that there are.
    pub(super) tables: Vec<u64>,
}

impl<'a, S: Source + ?Sized> File<'a, S> {
    pub(super) fn open(source: &'a S) -> Result<(Self, Header), Fault> {
        // The longer one of the two kinds; a file that ends before is one of the shorter kind, or damaged.
        let head = source.piece(0, 64)?;
        if head.get(..SELFMAG) != Some(ELFMAG) {
            return Err(Fault::NotElf);
        }
        let header: Header = head.pread_with(0, Endian::Little).map_err(|_| Fault::Damaged(Part::Header))?;
        let ctx = match (header.container(), header.endianness()) {
            (Ok(container), Ok(order)) => Ctx::new(container, order),
            _ => return Err(Fault::Damaged(Part::Header)),
        };
        if !matches!(header.e_type, ET_EXEC | ET_DYN) {
            return Err(Fault::NotProgram);
        }
        let size = ProgramHeader::size(ctx) as u64;
        let length = size * u64::from(header.e_phnum);
        if u64::from(header.e_phentsize) != size || length == 0 || length > HEADERS {
            return Err(Fault::Damaged(Part::HeaderCount));
        }
        let table = source.exactly(header.e_phoff, length)?.ok_or(Fault::Damaged(Part::ProgramHeaders))?;
        let headers = ProgramHeader::parse(&table, 0, header.e_phnum.into(), ctx);
        let headers = headers.map_err(|_| Fault::Damaged(Part::ProgramHeaders))?;
        Ok((File { source, ctx, headers }, header))
    }

    /// The first one counts, as in the kernel.
    pub(super) fn interpreter(&self) -> Result<Option<PathBuf>, Fault> {
        const WRONG: Fault = Fault::Damaged(Part::Loader);
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
    pub(super) fn dynamic(&self) -> Result<Dynamic, Fault> {
        let mut dynamic = Dynamic::default();
        let Some(header) = self.headers.iter().rfind(|header| header.p_type == PT_DYNAMIC) else {
            return Ok(dynamic);
        };
        let length = header.p_filesz.min(DYNAMIC);
        let table = self.source.exactly(header.p_offset, length)?.ok_or(Fault::Damaged(Part::Dynamic))?;
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
    pub(super) fn place(&self, address: u64) -> Option<(u64, u64)> {
        self.headers.iter().filter(|header| header.p_type == PT_LOAD).find_map(|header| {
            let within = address.checked_sub(header.p_vaddr)?;
            let left = header.p_filesz.checked_sub(within).filter(|left| *left > 0)?;
            Some((header.p_offset.checked_add(within)?, left))
        })
    }

    /// The place of the strings' table, and its length.
    pub(super) fn strings(&self, dynamic: &Dynamic) -> Option<(u64, u64)> {
        let (place, left) = self.place(dynamic.strings?)?;
        Some((place, left.min(dynamic.strings_size.unwrap_or(left))))
    }

    /// The string at this place of the strings' table.
    pub(super) fn string(&self, dynamic: &Dynamic, at: u64) -> Result<OsString, Fault> {
        const WRONG: Fault = Fault::Damaged(Part::Library);
        let (place, length) = self.strings(dynamic).ok_or(WRONG)?;
        let left = length.checked_sub(at).ok_or(WRONG)?.min(PATH);
        let place = place.checked_add(at).ok_or(WRONG)?;
        let mut text = self.source.piece(place, left as usize)?;
        let end = text.iter().position(|byte| *byte == 0).ok_or(WRONG)?;
        text.truncate(end);
        Ok(OsString::from_vec(text))
    }

    /// Go's linker leaves a note with the number of the build: `Go`, type 4.
    pub(super) fn is_go(&self) -> Result<bool, Fault> {
        for header in self.headers.iter().filter(|header| header.p_type == PT_NOTE) {
            let notes = self.source.piece(header.p_offset, header.p_filesz.min(NOTES) as usize);
            let notes = notes?;
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
