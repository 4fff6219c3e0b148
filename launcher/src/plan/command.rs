//! The command: found, as execvp(3) would, before anything is set up.

use crate::program::locate::{self, SHELL, locate};
use crate::sys::{Errno, process};
use std::ffi::{CString, NulError, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Why a command is not run.
#[derive(Debug)]
pub enum Error {
    /// It is not there, or cannot be executed.
    Locate(locate::Error),
    /// An argument or a variable has a zero byte in it.
    ZeroByte(NulError),
    /// The kernel did not execute it.
    Exec(PathBuf, Errno),
}

/// A command that can be executed.
#[derive(Debug)]
pub struct Command {
    path: CString,
    args: Vec<CString>,
}

fn c_string(text: impl Into<Vec<u8>>) -> Result<CString, Error> {
    // Arguments come from the kernel, which ends them at the first zero byte.
    CString::new(text).map_err(Error::ZeroByte)
}

impl Command {
    /// Finds the command that `words` name.
    ///
    /// # Errors
    ///
    /// [`Error::Locate`] where it is not there or cannot be executed, [`Error::ZeroByte`] where a word has a zero byte
    /// in it.
    pub fn find(words: &[OsString]) -> Result<Self, Error> {
        let name = words.first().map(OsString::as_os_str).unwrap_or_default();
        let path = locate(name).map_err(Error::Locate)?;
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
        Error::Exec(self.path().to_owned(), failed)
    }
}
