//! The command: found, as execvp(3) would, before anything is set up.

use crate::error::Error;
use crate::sys::{Errno, Number, process};
use nix::unistd::{AccessFlags, eaccess};
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Where commands are looked for if PATH is not set (the `confstr(_CS_PATH)` of the C library).
const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// What runs a script without `#!`, as execvp(3) and every shell do.
pub const SHELL: &std::ffi::CStr = c"/bin/sh";

/// A command that can be executed.
#[derive(Debug)]
pub struct Command {
    path: CString,
    args: Vec<CString>,
}

fn c_string(text: impl Into<Vec<u8>>) -> Result<CString, Error> {
    // Arguments come from the kernel, which ends them at the first zero byte.
    CString::new(text).map_err(|_| Error::Step("take an argument with a zero byte", Errno(libc::EINVAL)))
}

impl Command {
    /// Finds the command that `words` name.
    pub fn find(words: &[OsString]) -> Result<Self, Error> {
        let name = words.first().map(OsString::as_os_str).unwrap_or_default();
        let path = locate(name)?;
        let args = words.iter().map(|word| c_string(word.as_bytes())).collect::<Result<_, _>>()?;
        Ok(Command { path: c_string(path.into_os_string().into_vec())?, args })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(self.path.as_bytes()))
    }

    /// The last part of its path.
    pub fn base_name(&self) -> String {
        self.path().file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Becomes the command. Returns only if that failed.
    pub fn exec(&self, env: Vec<(OsString, OsString)>) -> Error {
        let env: Result<Vec<CString>, Error> =
            env.into_iter().map(|(key, value)| c_string([key.as_bytes(), b"=", value.as_bytes()].concat())).collect();
        let env = match env {
            Ok(env) => env,
            Err(error) => return error,
        };
        let mut failed = process::exec(&self.path, &self.args, &env);
        if failed == Errno(libc::ENOEXEC) {
            let mut args = vec![SHELL.to_owned(), self.path.clone()];
            args.extend(self.args.iter().skip(1).cloned());
            failed = process::exec(&SHELL.to_owned(), &args, &env);
        }
        Error::NotExecutable(self.path.to_string_lossy().into_owned(), failed)
    }
}

/// Whether execve(2) would begin with this file: it is one, and this process may execute it.
pub fn executable(path: &Path) -> Result<(), Errno> {
    let of = std::fs::metadata(path).map_err(|e| Errno(e.raw_os_error().unwrap_or(libc::EIO)))?;
    if of.is_dir() {
        return Err(Errno(libc::EISDIR));
    }
    eaccess(path, AccessFlags::X_OK).map_err(Number::errno)
}

/// The file that a command's name stands for.
pub fn locate(name: &OsStr) -> Result<PathBuf, Error> {
    let shown = name.to_string_lossy().into_owned();
    if name.as_bytes().contains(&b'/') {
        return match executable(Path::new(name)) {
            Ok(()) => Ok(PathBuf::from(name)),
            Err(Errno(libc::ENOENT | libc::ENOTDIR)) => Err(Error::CommandNotFound(shown)),
            Err(errno) => Err(Error::NotExecutable(shown, errno)),
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
        Some((candidate, errno)) => Err(Error::NotExecutable(candidate.to_string_lossy().into_owned(), errno)),
        None => Err(Error::CommandNotFound(shown)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(name: &str) -> Result<(), (u8, String)> {
        Command::find(&[name.into()]).map(drop).map_err(|error| (error.status(), error.to_string()))
    }

    #[test]
    fn found_not_found_not_executable() {
        assert_eq!(status("sh"), Ok(()));
        assert_eq!(status("/bin/sh"), Ok(()));
        assert_eq!(status("no-such-command"), Err((127, "'no-such-command': command not found".into())));
        assert_eq!(status("/no/such"), Err((127, "'/no/such': command not found".into())));
        assert_eq!(status(""), Err((127, "'': command not found".into())));
        assert_eq!(status("/"), Err((126, "cannot execute '/': Is a directory".into())));
        assert_eq!(status("/etc/passwd"), Err((126, "cannot execute '/etc/passwd': Permission denied".into())));
    }
}
