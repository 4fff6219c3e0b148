//! The dynamic symbols of an ELF file: what it asks of libraries, and what it offers.

use super::fault::{Fault, Part};
use super::file::{Dynamic, File};
use crate::program::source::{PIECE_MAX, Source};
use goblin::elf::sym::{STB_GLOBAL, STB_GNU_UNIQUE, STB_WEAK, Sym};
use scroll::Pread;

/// The functions of the C library that a context has to do with, in an order for people. They are those that the shim stands
/// before, which a trial reads in this file too (tests/e2e/shim.rs).
pub fn checked() -> impl Iterator<Item = &'static str> {
    include_str!("checked.txt").lines()
}

/// The function by which programs make system calls of their own.
pub const SYSCALL: &str = "syscall";

/// The most symbols that are looked at; large programs have some ten thousand, a compiler's library has a hundred thousand.
const MOST_SYMBOLS: u64 = 1 << 18;
/// Names are compared up to here.
const LONGEST: u64 = 64;
/// What `st_shndx` says of a symbol that is elsewhere (`SHN_UNDEF`).
const ELSEWHERE: usize = 0;

/// Those of [`checked`], and [`SYSCALL`], that it asks libraries for.
pub(super) fn imports<S: Source + ?Sized>(file: &File<S>, dynamic: &Dynamic) -> Result<Vec<&'static str>, Fault> {
    let mut found: Vec<bool> = known().map(|_| false).collect();
    each(file, dynamic, |symbol, name| {
        let known = known().position(|known| known.as_bytes() == name);
        if let (ELSEWHERE, Some(known)) = (symbol.st_shndx, known.and_then(|at| found.get_mut(at))) {
            *known = true;
        }
    })?;
    Ok(known().zip(found).filter_map(|(name, found)| found.then_some(name)).collect())
}

fn known() -> impl Iterator<Item = &'static str> {
    checked().chain([SYSCALL])
}

/// The names that an ELF library offers to others, sorted. One that is longer than 63 bytes is cut off there.
///
/// # Errors
///
/// See [the module](super#errors). A library's loader and the libraries that it needs are not looked at: no
/// [`Part::Loader`], no [`Part::Library`].
pub fn exports<S: Source + ?Sized>(source: &S) -> Result<Vec<String>, Fault> {
    let (file, _) = File::open(source)?;
    let mut names = Vec::new();
    each(&file, &file.dynamic()?, |symbol, name| {
        if symbol.st_shndx != ELSEWHERE && matches!(symbol.st_bind(), STB_GLOBAL | STB_WEAK | STB_GNU_UNIQUE) {
            names.push(String::from_utf8_lossy(name).into_owned());
        }
    })?;
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Calls `seen` for each dynamic symbol that has a name.
///
/// Nothing says how many there are, other than the section headers, which may be missing, and hash tables, which do not
/// count what is elsewhere. The table ends where the next one begins that the dynamic section names, at the latest.
fn each<S: Source + ?Sized>(file: &File<S>, dynamic: &Dynamic, mut seen: impl FnMut(&Sym, &[u8])) -> Result<(), Fault> {
    const WRONG: Fault = Fault::Damaged(Part::Symbols);
    let Some(address) = dynamic.symbols else { return Ok(()) };
    let (place, left) = file.place(address).ok_or(WRONG)?;
    let (names, names_length) = file.strings(dynamic).ok_or(WRONG)?;
    let next = dynamic.tables.iter().filter_map(|value| value.checked_sub(address)).filter(|gap| *gap > 0).min();
    let size = Sym::size(file.ctx.container);
    let count = (next.unwrap_or(left).min(left) / size as u64).min(MOST_SYMBOLS);
    let at_once = PIECE_MAX / size;
    let mut first = 0;
    while first < count {
        let wanted = (count - first).min(at_once as u64);
        let at = place.checked_add(first * size as u64).ok_or(WRONG)?;
        let table = file.source.piece(at, wanted as usize * size)?;
        let mut offset = 0;
        while let Ok(symbol) = table.gread_with::<Sym>(&mut offset, file.ctx) {
            let name = symbol.st_name as u64;
            let (Some(at), true) = (names.checked_add(name), name > 0 && name < names_length) else { continue };
            let text = file.source.piece(at, LONGEST.min(names_length - name) as usize)?;
            seen(&symbol, text.split(|byte| *byte == 0).next().unwrap_or_default());
        }
        if table.len() < wanted as usize * size {
            // The file ends before its headers say.
            return Ok(());
        }
        first += wanted;
    }
    Ok(())
}
