//! What is known of a program file.

use super::elf::Elf;
use std::ffi::OsString;
use std::path::PathBuf;

/// A script, and what runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The script.
    pub script: PathBuf,
    /// The program, or other script, that runs it.
    pub interpreter: PathBuf,
    /// What it is given before the name of the script.
    pub argument: Option<OsString>,
    /// The file names no interpreter that the kernel would take: whoever starts it has the shell run it.
    pub by_shell: bool,
}

/// What a program file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The scripts, in the order in which they are met. Empty if the program is none.
    pub chain: Vec<Step>,
    /// The ELF program in the end.
    pub path: PathBuf,
    /// What that says of itself.
    pub elf: Elf,
    /// The loader that it names is not there.
    pub lacks_loader: bool,
    /// The owner, if it is set-user-id. A script's bits, and those on a file system mounted `nosuid`, mean nothing.
    pub set_user_id: Option<u32>,
    /// The group, if it is set-group-id.
    pub set_group_id: Option<u32>,
    /// The capabilities that its file has, if it has any (`security.capability`), by their names.
    pub capabilities: Option<Vec<String>>,
}
