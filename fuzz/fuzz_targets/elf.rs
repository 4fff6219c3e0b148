//! Program files: the first line of a script, the headers, symbols and notes of an ELF file.
#![no_main]

use chbind::cli::words::Words;
use chbind::program::elf::{self, Fault, SYSCALL, checked};
use chbind::program::{capabilities, script};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let line = script::read(data);
    let elf = elf::read(data);
    // Nothing is both.
    assert!(line.is_none() || elf == Err(Fault::NotElf));
    if let Some(line) = line {
        let head = &data[..data.len().min(script::HEAD)];
        let holds = |part: &[u8]| part.is_empty() || head.windows(part.len()).any(|window| window == part);
        assert!(holds(&line.interpreter) && line.argument.iter().all(|argument| holds(argument)), "{line:?}");
        let ends = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | 0);
        assert!(!line.interpreter.iter().any(ends), "{line:?}");
        assert!(
            !line.argument.iter().any(|argument| argument.iter().any(|byte| matches!(byte, b'\n' | 0))),
            "{line:?}"
        );
    }
    match elf {
        Ok(elf) => {
            // In order, and each once.
            let mut known = checked().chain([SYSCALL]);
            assert!(elf.imports.iter().all(|name| known.any(|known| known == *name)), "{:?}", elf.imports);
            // Names have no zero in them, and are no longer than the file.
            let names = elf.needed.iter().map(|name| name.as_encoded_bytes());
            let loader = elf.interpreter.iter().map(|loader| loader.as_os_str().as_encoded_bytes());
            assert!(names.chain(loader).all(|name| name.len() < data.len() && !name.contains(&0)), "{elf:?}");
            assert!(!elf.machine.to_string().is_empty());
        }
        Err(fault) => assert!(!fault.sentence().is_empty()),
    }
    if let Ok(names) = elf::exports(data) {
        assert!(names.is_sorted());
    }
    assert!(capabilities::names(data).len() <= 64);
});
