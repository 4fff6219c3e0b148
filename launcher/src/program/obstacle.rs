//! Why chbind's library cannot do its work in a program.

use super::elf::{Class, Machine};
use super::inspection::Inspection;
use std::fmt;
use std::path::{Path, PathBuf};

/// The C library that a program is made for, by the name of its loader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Libc {
    /// The GNU C library.
    Glibc,
    /// musl.
    Musl,
    /// None that chbind knows.
    Unknown,
}

impl Libc {
    fn of(loader: &Path) -> Self {
        let name = loader.file_name().unwrap_or_default().to_string_lossy();
        let between = |before: &str, after: &str| {
            name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(|rest| !rest.is_empty())
        };
        if between("ld-musl-", ".so.1") {
            Libc::Musl
        } else if matches!(&*name, "ld-linux.so.2" | "ld-linux-armhf.so.3")
            || between("ld-linux-", ".so.1")
            || between("ld-linux-", ".so.2")
        {
            Libc::Glibc
        } else {
            Libc::Unknown
        }
    }
}

impl fmt::Display for Libc {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Libc::Glibc => "glibc",
            Libc::Musl => "musl",
            Libc::Unknown => "unknown",
        })
    }
}

/// A program that chbind's library cannot do its work in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The program.
    pub path: PathBuf,
    /// The reason.
    pub why: Why,
}

/// The reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its addresses are not as wide as the library's.
    OtherClass(Class),
    /// It is for another kind of processor.
    OtherMachine(Machine),
    /// Nothing loads libraries into it.
    Static,
    /// What would load them is missing, and so it does not run at all.
    NoLoader(PathBuf),
    /// It gets the rights of another user, or of a group, and the loader heeds no foreign environment then.
    SetId {
        /// The user.
        user: Option<u32>,
        /// The group.
        group: Option<u32>,
    },
    /// It gets rights by capabilities, with the same effect.
    FileCapabilities(Vec<String>),
    /// Its C library, by the name of its loader, is none that the library knows.
    UnknownLibc(PathBuf),
    /// The library can be loaded, and would see nothing: Go's own library makes system calls by itself.
    Go,
}

impl Why {
    /// It is in force only while the kernel honours the rights that go with the file: not for those who run with
    /// `no_new_privs`, nor for those who have these rights already.
    pub fn is_of_rights(&self) -> bool {
        matches!(self, Why::SetId { .. } | Why::FileCapabilities(_))
    }
}

impl Inspection {
    /// The C library that the program is made for; `None` if it is static.
    pub fn libc(&self) -> Option<Libc> {
        self.elf.interpreter.as_deref().map(Libc::of)
    }

    /// Why chbind's library cannot do its work in it: the first reason that applies.
    ///
    /// Rights that go with the file count for everybody, though a caller who has them already would not be refused the
    /// library by the loader: who will start the program next is not known.
    pub fn obstacle(&self) -> Option<Obstacle> {
        self.why().map(|why| Obstacle { path: self.path.clone(), why })
    }

    fn why(&self) -> Option<Why> {
        let elf = &self.elf;
        if elf.class != Class::OWN && elf.machine.is_narrow_own() {
            return Some(Why::OtherClass(elf.class));
        }
        if elf.class != Class::OWN || elf.machine != Machine::OWN {
            return Some(Why::OtherMachine(elf.machine));
        }
        let Some(loader) = &elf.interpreter else { return Some(Why::Static) };
        if self.lacks_loader {
            return Some(Why::NoLoader(loader.clone()));
        }
        if self.set_user_id.is_some() || self.set_group_id.is_some() {
            return Some(Why::SetId { user: self.set_user_id, group: self.set_group_id });
        }
        if let Some(names) = &self.capabilities {
            return Some(Why::FileCapabilities(names.clone()));
        }
        match Libc::of(loader) {
            Libc::Unknown => Some(Why::UnknownLibc(loader.clone())),
            _ if elf.is_go => Some(Why::Go),
            _ => None,
        }
    }
}
