//! Program files.

use super::form::Words;
use super::form::said;
use crate::cli::exit::{NOT_EXECUTABLE, NOT_FOUND};
use crate::program::elf::{Fault, Part};
use crate::program::{Class, DEPTH, Error, Machine, Obstacle, Why, locate};
use crate::sys::Errno;
use std::ffi::OsStr;

/// A name out of a file, or of one, for a person: what would move a terminal's cursor is escaped.
pub(super) fn shown(name: impl AsRef<OsStr>) -> String {
    let name = name.as_ref().to_string_lossy();
    name.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

impl Words for locate::Error {
    fn sentence(&self) -> String {
        match self {
            locate::Error::NotFound(name) => format!("'{}': command not found", name.to_string_lossy()),
            locate::Error::NotExecutable(path, errno) => {
                format!("cannot execute '{}': {}", path.to_string_lossy(), said(*errno))
            }
        }
    }

    fn status(&self) -> u8 {
        match self {
            locate::Error::NotFound(_) => NOT_FOUND,
            locate::Error::NotExecutable(..) => NOT_EXECUTABLE,
        }
    }
}

impl Words for Error {
    fn sentence(&self) -> String {
        match self {
            Error::NotExecutable(path, errno) => format!("cannot execute '{}': {}", shown(path), said(*errno)),
            Error::Unreadable(path, errno) => format!("cannot read '{}': {}", shown(path), said(*errno)),
            Error::Interpreter(script, path, errno) => {
                format!("cannot execute '{}': its interpreter '{}': {}", shown(script), shown(path), said(*errno))
            }
            Error::TooDeep(path) => {
                format!("cannot execute '{}': more than {DEPTH} scripts that run one another", shown(path))
            }
            Error::Elf(path, fault @ Fault::Unreadable(_)) => {
                format!("cannot read '{}': {}", shown(path), fault.sentence())
            }
            Error::Elf(path, fault) => format!("cannot execute '{}': {}", shown(path), fault.sentence()),
        }
    }

    fn status(&self) -> u8 {
        if self.errno() == Errno(libc::ENOENT) { NOT_FOUND } else { NOT_EXECUTABLE }
    }
}

impl Words for Fault {
    fn sentence(&self) -> String {
        match self {
            Fault::NotElf => "not an ELF file".to_owned(),
            Fault::NotProgram => "an ELF file that is no program".to_owned(),
            Fault::Damaged(part) => format!("a damaged ELF file ({})", name(*part)),
            Fault::Unreadable(errno) => said(*errno),
        }
    }
}

fn name(part: Part) -> &'static str {
    match part {
        Part::Header => "its header",
        Part::HeaderCount => "its number of program headers",
        Part::ProgramHeaders => "its program headers",
        Part::Loader => "the name of its loader",
        Part::Dynamic => "its dynamic section",
        Part::Library => "the name of a library",
        Part::Symbols => "its symbols",
    }
}

impl Words for Obstacle {
    fn sentence(&self) -> String {
        format!("'{}' is {}", shown(&self.path), because(&self.why))
    }
}

/// The reason, in words that follow "it is".
pub(super) fn because(why: &Why) -> String {
    match why {
        Why::OtherClass(class) => format!("a {class} program: the library is for {} ones", Class::OWN),
        Why::OtherMachine(machine) => format!("for {machine}: the library is for {}", Machine::OWN),
        Why::Static => "statically linked: a library cannot be loaded into it".to_owned(),
        Why::NoLoader(loader) => format!("without its loader '{}', which cannot be executed here", shown(loader)),
        Why::SetId { user, group } => {
            let kind = match (user, group) {
                (Some(_), Some(_)) => "set-user-id and set-group-id",
                (None, _) => "set-group-id",
                (_, None) => "set-user-id",
            };
            format!("{kind}: its loader takes no library from the environment")
        }
        Why::FileCapabilities(_) => {
            "a file with capabilities: its loader takes no library from the environment".to_owned()
        }
        Why::UnknownLibc(loader) => {
            format!("made for a C library that the library does not know (its loader is '{}')", shown(loader))
        }
        Why::Go => "a Go program: it makes its system calls by itself, past every library".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn programs_that_cannot_be_executed() {
        let path = |text: &str| PathBuf::from(text);
        let elf = |fault| Error::Elf(path("/a"), fault);
        for (error, sentence, status) in [
            (Error::NotExecutable(path("/a"), Errno(libc::EISDIR)), "cannot execute '/a': Is a directory", 126),
            (
                Error::NotExecutable(path("/a"), Errno(libc::ENOENT)),
                "cannot execute '/a': No such file or directory",
                127,
            ),
            (Error::Unreadable(path("/a"), Errno(libc::EACCES)), "cannot read '/a': Permission denied", 126),
            (
                Error::Interpreter(path("/a"), path("/\x1b[1m"), Errno(libc::ENOENT)),
                "cannot execute '/a': its interpreter '/\\u{1b}[1m': No such file or directory",
                127,
            ),
            (Error::TooDeep(path("/6")), "cannot execute '/6': more than 5 scripts that run one another", 126),
            (elf(Fault::Damaged(Part::Header)), "cannot execute '/a': a damaged ELF file (its header)", 126),
            (elf(Fault::Unreadable(Errno(libc::EIO))), "cannot read '/a': Input/output error", 126),
        ] {
            assert_eq!((error.sentence().as_str(), error.status()), (sentence, status));
        }
    }

    #[test]
    fn obstacles() {
        let of = |why| Obstacle { path: "/bin/true".into(), why }.sentence();
        assert_eq!(of(Why::Static), "'/bin/true' is statically linked: a library cannot be loaded into it");
        assert_eq!(
            of(Why::UnknownLibc("/lib/ld-uClibc.so.1".into())),
            "'/bin/true' is made for a C library that the library does not know (its loader is '/lib/ld-uClibc.so.1')"
        );
    }
}
