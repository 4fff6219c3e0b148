//! Where a command is, looked for as execvp(3) does.

use crate::sys::{Errno, Number};
use nix::unistd::{AccessFlags, eaccess};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where commands are looked for if PATH is not set (the `confstr(_CS_PATH)` of the C library).
const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// What runs a script without `#!`, as execvp(3) and every shell do.
pub const SHELL: &std::ffi::CStr = c"/bin/sh";

/// Why there is nothing to be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Nothing has this name.
    NotFound(OsString),
    /// It is there, and cannot be executed.
    NotExecutable(PathBuf, Errno),
}

/// Whether execve(2) would begin with this file: it is one, and this process may execute it.
///
/// # Errors
///
/// What stat(2) says, ENOENT and ENOTDIR for instance; EISDIR for a directory; then what access(2) says of the rights
/// that this process has now: EACCES.
pub fn executable(path: &Path) -> Result<(), Errno> {
    let of = std::fs::metadata(path).map_err(|e| Errno(e.raw_os_error().unwrap_or(libc::EIO)))?;
    if of.is_dir() {
        return Err(Errno(libc::EISDIR));
    }
    eaccess(path, AccessFlags::X_OK).map_err(Number::errno)
}

/// The file that a command's name stands for.
///
/// # Errors
///
/// - A name with a slash: [`Error::NotFound`] if [`executable`] says ENOENT or ENOTDIR, else [`Error::NotExecutable`]
///   with what it says.
/// - One that is looked for in PATH: [`Error::NotExecutable`] with EACCES, of the first file that it is true of, if no
///   other can be executed; else [`Error::NotFound`]. An empty name is never found.
pub fn locate(name: &OsStr) -> Result<PathBuf, Error> {
    if name.as_bytes().contains(&b'/') {
        return match executable(Path::new(name)) {
            Ok(()) => Ok(PathBuf::from(name)),
            Err(Errno(libc::ENOENT | libc::ENOTDIR)) => Err(Error::NotFound(name.to_owned())),
            Err(errno) => Err(Error::NotExecutable(name.into(), errno)),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    let mut denied = None;
    for directory in std::env::split_paths(&path).filter(|_| !name.is_empty()) {
        // An empty entry is the current directory.
        let candidate = if directory.as_os_str().is_empty() { Path::new(".").join(name) } else { directory.join(name) };
        match executable(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(errno @ Errno(libc::EACCES)) => denied = denied.or(Some((candidate, errno))),
            Err(_) => {}
        }
    }
    match denied {
        Some((candidate, errno)) => Err(Error::NotExecutable(candidate, errno)),
        None => Err(Error::NotFound(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_not_found_not_executable() {
        let not_found = |name: &str| Err(Error::NotFound(name.into()));
        let not_executable = |path: &str, errno| Err(Error::NotExecutable(path.into(), Errno(errno)));
        assert!(locate(OsStr::new("sh")).is_ok_and(|path| path.is_absolute()));
        for (name, outcome) in [
            ("/bin/sh", Ok("/bin/sh".into())),
            ("no-such-command", not_found("no-such-command")),
            ("/no/such", not_found("/no/such")),
            ("/etc/passwd/sh", not_found("/etc/passwd/sh")),
            ("", not_found("")),
            ("/", not_executable("/", libc::EISDIR)),
            ("/etc/passwd", not_executable("/etc/passwd", libc::EACCES)),
        ] {
            assert_eq!(locate(OsStr::new(name)), outcome);
        }
    }
}
