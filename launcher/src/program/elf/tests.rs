use super::*;
use crate::program::source::Source;
use goblin::elf::dynamic::*;
use goblin::elf::header::ET_EXEC;
use goblin::elf::program_header::{PT_DYNAMIC, PT_INTERP, PT_LOAD, PT_NOTE};
use std::cell::Cell;

/// Where the made-up files are in memory.
const BASE: u64 = 0x40_0000;
const LOADER: &[u8] = b"/lib64/ld-linux-x86-64.so.2\0";

/// A 64-bit file of one's own making: a header, program headers, and what these are about.
struct Made {
    kind: u16,
    entry_size: u16,
    count: Option<u16>,
    headers: Vec<[u64; 7]>,
    rest: Vec<u8>,
}

/// The fields of a program header in the order of the file; the first has type and flags.
fn segment(kind: u32, at: u64, length: u64) -> [u64; 7] {
    [u64::from(kind), at, BASE.wrapping_add(at), BASE.wrapping_add(at), length, length, 8]
}

/// Where `rest` begins: behind room for four program headers.
const REST: u64 = 64 + 4 * 56;

impl Made {
    fn new() -> Self {
        Made { kind: ET_EXEC, entry_size: 56, count: None, headers: vec![segment(PT_LOAD, 0, 4096)], rest: Vec::new() }
    }

    /// Adds bytes, and says where they are.
    fn put(&mut self, bytes: &[u8]) -> u64 {
        let at = REST + self.rest.len() as u64;
        self.rest.extend(bytes);
        self.rest.resize(self.rest.len().next_multiple_of(8), 0);
        at
    }

    fn put_segment(&mut self, kind: u32, bytes: &[u8]) {
        let at = self.put(bytes);
        self.headers.push(segment(kind, at, bytes.len() as u64));
    }

    fn put_dynamic(&mut self, entries: &[(u64, u64)]) {
        let bytes: Vec<u8> =
            entries.iter().flat_map(|(tag, value)| [tag.to_le_bytes(), value.to_le_bytes()].concat()).collect();
        self.put_segment(PT_DYNAMIC, &bytes);
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        let half =
            |bytes: &mut Vec<u8>, values: &[u16]| values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        let long =
            |bytes: &mut Vec<u8>, values: &[u64]| values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        half(&mut bytes, &[self.kind, 62, 1, 0]);
        long(&mut bytes, &[BASE, 64, 0]);
        let count = self.count.unwrap_or(self.headers.len() as u16);
        half(&mut bytes, &[0, 0, 64, self.entry_size, count, 0, 0, 0]);
        self.headers.iter().for_each(|header| long(&mut bytes, header));
        bytes.resize(REST as usize, 0);
        bytes.extend(&self.rest);
        bytes
    }

    fn read(&self) -> Result<Elf, Fault> {
        read(&self.bytes()[..])
    }
}

/// A program with these symbols, each with the section that it is in, and with libraries. Gives where its tables are, too.
fn with_symbols(symbols: &[(&str, u16)], needed: &[&str]) -> (Made, [(u64, u64); 3]) {
    let mut made = Made::new();
    made.put_segment(PT_INTERP, LOADER);
    let mut strings = vec![0];
    let mut named = |name: &str| {
        let at = strings.len();
        strings.extend(name.bytes().chain([0]));
        at as u64
    };
    let mut table = vec![0; 24];
    for (name, section) in symbols {
        table.extend((named(name) as u32).to_le_bytes());
        // Global functions.
        table.extend([0x12, 0]);
        table.extend(section.to_le_bytes());
        table.extend([0; 16]);
    }
    let mut entries: Vec<(u64, u64)> = needed.iter().map(|name| (DT_NEEDED, named(name))).collect();
    let symbols = made.put(&table);
    let places =
        [(DT_SYMTAB, BASE + symbols), (DT_STRTAB, BASE + made.put(&strings)), (DT_STRSZ, strings.len() as u64)];
    entries.extend(places);
    made.put_dynamic(&entries);
    (made, places)
}

#[test]
fn the_least_that_is_a_program() {
    let elf = Made::new().read().unwrap();
    assert_eq!((elf.class, elf.movable, elf.interpreter, elf.is_go), (Class::Bits64, false, None, false));
    assert_eq!(elf.machine, Machine { number: 62, big_endian: false });
    assert_eq!(elf.machine.to_string(), "x86-64");
    assert_eq!(Machine { number: 999, big_endian: true }.to_string(), "machine 999, big-endian");
}

#[test]
fn what_is_none() {
    assert_eq!(read(&b""[..]), Err(Fault::NotElf));
    assert_eq!(read(&b"#!/bin/sh\n"[..]), Err(Fault::NotElf));
    for kind in [0, 1, 4, 0xffff] {
        assert_eq!(Made { kind, ..Made::new() }.read(), Err(Fault::NotProgram));
    }
    let number = Err(Fault::Damaged(Part::HeaderCount));
    assert_eq!(Made { entry_size: 55, ..Made::new() }.read(), number);
    assert_eq!(Made { count: Some(0), ..Made::new() }.read(), number);
    assert_eq!(Made { count: Some(0xffff), ..Made::new() }.read(), number);
    assert_eq!(Made { count: Some(1170), ..Made::new() }.read(), Err(Fault::Damaged(Part::ProgramHeaders)));
    for (at, value) in [(4, 0), (4, 3), (5, 0), (5, 3)] {
        let mut bytes = Made::new().bytes();
        bytes[at] = value;
        assert_eq!(read(&bytes[..]), Err(Fault::Damaged(Part::Header)), "{at} {value}");
    }
}

#[test]
fn loaders() {
    let with = |name: &[u8]| {
        let mut made = Made::new();
        made.put_segment(PT_INTERP, name);
        made.read().map(|elf| elf.interpreter)
    };
    assert_eq!(with(b"/l\0"), Ok(Some("/l".into())));
    assert_eq!(with(b"/l\0rest\0"), Ok(Some("/l".into())));
    let wrong = Err(Fault::Damaged(Part::Loader));
    assert_eq!(with(b"\0"), wrong);
    assert_eq!(with(b"/lib"), wrong);
    assert_eq!(with(&[vec![b'/'; 4096], vec![0]].concat()), wrong);
    assert_eq!(with(&[vec![b'/'; 4095], vec![0]].concat()), Ok(Some("/".repeat(4095).into())));
    // The first one counts, and lies behind the end here.
    let mut made = Made::new();
    made.headers.push(segment(PT_INTERP, u64::MAX - 3, 8));
    made.put_segment(PT_INTERP, LOADER);
    assert_eq!(made.read().map(|elf| elf.interpreter), wrong);
}

#[test]
fn symbols_and_libraries() {
    let symbols =
        [("bind", 0), ("bindx", 0), ("bin", 0), ("socket", 7), ("syscall", 0), ("connect", 0), ("mine", 7), ("", 0)];
    let (made, _) = with_symbols(&symbols, &["libc.so.6", "libm.so.6"]);
    let elf = made.read().unwrap();
    assert_eq!(elf.imports, ["bind", "connect", "syscall"]);
    assert_eq!(elf.needed, ["libc.so.6", "libm.so.6"]);
    assert_eq!(exports(&made.bytes()[..]).unwrap(), ["mine", "socket"]);
    let all: Vec<(&str, u16)> = checked().map(|name| (name, 0)).collect();
    assert_eq!(with_symbols(&all, &[]).0.read().unwrap().imports, checked().collect::<Vec<_>>());
}

#[test]
fn more_symbols_than_are_read_at_once() {
    let mut symbols = vec![("other", 0); 10_000];
    symbols.push(("listen", 0));
    let (mut made, _) = with_symbols(&symbols, &[]);
    made.headers[0] = segment(PT_LOAD, 0, 1 << 20);
    assert_eq!(made.read().unwrap().imports, ["listen"]);
}

#[test]
fn tables_that_are_nowhere() {
    let wrong = Fault::Damaged(Part::Symbols);
    let with = |change: fn(&mut [(u64, u64); 3])| {
        let (mut made, mut places) = with_symbols(&[("bind", 0)], &[]);
        change(&mut places);
        made.headers.pop();
        made.put_dynamic(&places);
        made.read().map(|elf| elf.imports)
    };
    assert_eq!(with(|_| ()), Ok(vec!["bind"]));
    assert_eq!(with(|places| places[0].1 = 0), Err(wrong));
    assert_eq!(with(|places| places[0].1 = BASE + 4096), Err(wrong));
    assert_eq!(with(|places| places[1].1 = BASE - 1), Err(wrong));
    assert_eq!(with(|places| places[1].1 = u64::MAX), Err(wrong));
    // Without strings there are no names.
    assert_eq!(with(|places| places[2].1 = 0), Ok(vec![]));
    // Behind the end of the file there is nothing, though a segment says so.
    assert_eq!(with(|places| places[0].1 = BASE + 4000), Ok(vec![]));
    let (mut made, places) = with_symbols(&[], &[]);
    made.headers.pop();
    made.put_dynamic(&[(DT_NEEDED, 5000), places[1]]);
    assert_eq!(made.read(), Err(Fault::Damaged(Part::Library)));
}

#[test]
fn go_is_known_by_its_note() {
    let with = |note: &[u8]| {
        let mut made = Made::new();
        made.put_segment(PT_NOTE, note);
        made.read().unwrap().is_go
    };
    assert!(with(b"\x04\0\0\0\x08\0\0\0\x04\0\0\0Go\0\0abcdefgh"));
    assert!(with(b"\x04\0\0\0\x04\0\0\0\x01\0\0\0GNU\0abcd\x04\0\0\0\x04\0\0\0\x04\0\0\0Go\0\0abcd"));
    assert!(!with(b"\x04\0\0\0\x04\0\0\0\x01\0\0\0Go\0\0abcd"));
    assert!(!with(b"\x04\0\0\0\x04\0\0\0\x04\0\0\0Go"));
}

#[test]
fn both_classes_and_orders() {
    // A 32-bit program whose most significant bytes come first: s390, say.
    let mut bytes = b"\x7fELF\x01\x02\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend([0, 3, 0, 22, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 52, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend([0, 52, 0, 32, 0, 1, 0, 0, 0, 0, 0, 0]);
    // PT_INTERP at 84, three bytes long.
    bytes.extend([0, 0, 0, 3, 0, 0, 0, 84, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1]);
    bytes.extend(b"/l\0");
    let elf = read(&bytes[..]).unwrap();
    assert_eq!((elf.class, elf.movable), (Class::Bits32, true));
    assert_eq!((elf.machine.to_string().as_str(), elf.interpreter), ("s390, big-endian", Some("/l".into())));
}

/// A file of any length whose bytes, behind the first ones, are all the same, and which counts what is read of it.
struct Endless {
    head: Vec<u8>,
    byte: u8,
    read: Cell<u64>,
}

impl Source for Endless {
    fn read_at(&self, buffer: &mut [u8], place: u64) -> std::io::Result<usize> {
        buffer.fill(self.byte);
        let head = usize::try_from(place).ok().and_then(|place| self.head.get(place..)).unwrap_or_default();
        buffer.iter_mut().zip(head).for_each(|(to, from)| *to = *from);
        self.read.set(self.read.get() + buffer.len() as u64);
        Ok(buffer.len())
    }
}

#[test]
fn little_is_read_of_a_file_without_end() {
    let all = i64::MAX as u64;
    for byte in [0, 1, 0x41, 0xff] {
        let mut made = Made::new();
        made.headers = vec![segment(PT_LOAD, 0, all), segment(PT_NOTE, 1 << 40, all), segment(PT_LOAD, 1 << 50, all)];
        made.put_dynamic(&[(DT_SYMTAB, BASE + (1 << 20)), (DT_STRTAB, BASE), (DT_STRSZ, all)]);
        made.headers[3][4] = all;
        let endless = Endless { head: made.bytes(), byte, read: Cell::new(0) };
        assert_eq!(read(&endless).map(|elf| elf.imports), Ok(vec![]));
        assert!(endless.read.get() < 32 << 20, "{} bytes read", endless.read.get());
        assert!(exports(&endless).is_ok());
    }
}

#[test]
fn whatever_is_wrong_with_a_byte() {
    let (made, _) = with_symbols(&[("bind", 0), ("mine", 1)], &["libc.so.6"]);
    let whole = made.bytes();
    let tell = |bytes: &[u8]| {
        let _ = (exports(bytes), read(bytes));
    };
    for at in 0..whole.len() {
        tell(&whole[..at]);
        for wrong in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = wrong;
            tell(&bytes);
        }
    }
}
