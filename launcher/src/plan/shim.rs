//! The launcher's part of the shim: where it is, and what it is told (see `chbind_policy::wire`).

use super::request::{Enforcement, Request};
use crate::sys::Errno;
use crate::sys::Number as _;
use chbind_policy::wire::{self, Name, ShimConfig};
use chbind_policy::{Context, Rules};
use nix::unistd::geteuid;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const FILE: &str = "libchbind_preload.so";
/// Where it is looked for, from the directory of the program itself.
const PLACES: [&str; 3] = [".", "../lib/chbind", "../lib"];
/// One string of an environment can be so long, the zero byte included (`MAX_ARG_STRLEN`, linux/binfmts.h).
const TEXT_MAX: usize = 128 * 1024;
/// ld.so(8)
const PRELOAD: &str = "LD_PRELOAD";

/// Why chbind's library cannot be used.
#[derive(Debug)]
pub enum Error {
    /// It is not where it is looked for, from this directory on.
    Missing(PathBuf),
    /// It cannot be read.
    Unreadable(PathBuf, Errno),
    /// Its path cannot be given to the loader, or not all users can read it.
    Unusable(PathBuf),
    /// The context has more addresses or rules than it can be told.
    TooMuch,
    /// No secret could be made for it.
    NoSecret(Errno),
}

/// What the command is given to come under the shim.
pub struct Shim {
    path: PathBuf,
    text: String,
    /// What lets its calls past the filter.
    pub secret: Option<u64>,
}

impl Shim {
    /// Makes it; `None` where it has no part.
    ///
    /// # Errors
    ///
    /// In this order, and none where the shim has no part:
    ///
    /// - [`Error::NoSecret`], with `--enforce hybrid`: /dev/urandom cannot be read.
    /// - [`Error::TooMuch`]: more than [`wire`] has room for, or than one string of an environment may have
    ///   (`MAX_ARG_STRLEN`, linux/binfmts.h).
    /// - [`Error::Missing`], [`Error::Unreadable`], [`Error::Unusable`]: of its file.
    pub fn new(request: &Request, context: &Context, name: &str) -> Result<Option<Self>, Error> {
        let secret = match request.enforcement {
            Enforcement::Seccomp => return Ok(None),
            Enforcement::Hybrid => Some(secret()?),
            Enforcement::Preload => None,
        };
        let standard_error = std::io::stderr().as_fd().try_clone_to_owned().ok().map(File::from);
        let stderr = standard_error.and_then(|file| file.metadata().ok()).map(|of| (of.dev(), of.ino()));
        let config = ShimConfig {
            context: Context { rules: Rules { granted: &[], ..context.rules }, ..*context },
            name: Name::Plain(name),
            hides_interfaces: request.hide_interfaces,
            quiet: request.quiet,
            verbose: request.verbose,
            stderr,
            secret,
        };
        let mut text = String::new();
        wire::write(&config, &mut text).map_err(|_| Error::TooMuch)?;
        if text.len() + wire::VARIABLE.len() + 2 > TEXT_MAX {
            return Err(Error::TooMuch);
        }
        Ok(Some(Shim { path: locate(request.enforcement)?, text, secret }))
    }

    /// The environment with what loads the shim. What the user preloads comes first: the calls of those libraries meet ours.
    pub fn environment(&self, env: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
        let mut preload = OsString::new();
        let mut env: Vec<_> = env
            .into_iter()
            .filter(|(name, value)| {
                if name == PRELOAD {
                    preload.clone_from(value);
                }
                name != PRELOAD && name != wire::VARIABLE
            })
            .collect();
        if !preload.is_empty() {
            preload.push(":");
        }
        preload.push(&self.path);
        env.push((PRELOAD.into(), preload));
        env.push((wire::VARIABLE.into(), self.text.clone().into()));
        env
    }
}

fn secret() -> Result<u64, Error> {
    let mut bytes = [0; 8];
    let failed = |error: std::io::Error| Error::NoSecret(error.errno());
    // Neither half may be what the upper halves of registers usually are: those of small numbers, and of negative ones.
    loop {
        File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).map_err(failed)?;
        let secret = u64::from_ne_bytes(bytes);
        let is_usual = |half: u64| half == 0 || half == u64::from(u32::MAX);
        if !is_usual(secret >> 32) && !is_usual(secret & u64::from(u32::MAX)) {
            return Ok(secret);
        }
    }
}

fn locate(enforcement: Enforcement) -> Result<PathBuf, Error> {
    let own = std::env::current_exe().and_then(fs::canonicalize).unwrap_or_default();
    let directory = own.parent().unwrap_or(&own);
    let found = PLACES.iter().find_map(|place| fs::canonicalize(directory.join(place).join(FILE)).ok());
    let path = found.ok_or_else(|| Error::Missing(directory.to_owned()))?;
    File::open(&path).map_err(|error| Error::Unreadable(path.clone(), error.errno()))?;
    // The loader takes both for the end of a name (ld.so(8)).
    let is_separator = |byte: &u8| byte.is_ascii_whitespace() || *byte == b':';
    if path.as_os_str().as_bytes().iter().any(is_separator) {
        return Err(Error::Unusable(path));
    }
    // Who becomes another user would be without it, and with it alone outside of the context.
    if enforcement == Enforcement::Preload && geteuid().is_root() && !is_open_to_all(&path) {
        return Err(Error::Unusable(path));
    }
    Ok(path)
}

/// Whether every user can read the file, as far as its mode and those of its directories say.
fn is_open_to_all(path: &Path) -> bool {
    path.ancestors().all(|part| {
        let wanted = if part == path { 0o004 } else { 0o001 };
        fs::metadata(part).is_ok_and(|of| of.mode() & wanted == wanted)
    })
}
