//! The launcher's part of the shim: where it is, and what it is told (see `chbind_policy::wire`).

use crate::cli::args::{Args, Enforce};
use crate::error::Error;
use crate::sys::Errno;
use chbind_policy::wire::{self, Charge, Name};
use chbind_policy::{Context, Rules};
use nix::unistd::geteuid;
use std::ffi::{OsStr, OsString};
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

/// What the command is given to come under the shim.
pub struct Shim {
    path: PathBuf,
    text: String,
    /// What lets its calls past the filter.
    pub secret: Option<u64>,
}

impl Shim {
    /// Makes it; `None` where it has no part.
    pub fn new(args: &Args, context: &Context, name: &str) -> Result<Option<Self>, Error> {
        let secret = match args.enforce {
            Enforce::Seccomp => return Ok(None),
            Enforce::Hybrid => Some(secret()?),
            Enforce::Preload => None,
        };
        let standard_error = std::io::stderr().as_fd().try_clone_to_owned().ok().map(File::from);
        let stderr = standard_error.and_then(|file| file.metadata().ok()).map(|of| (of.dev(), of.ino()));
        let charge = Charge {
            context: Context { rules: Rules { granted: &[], ..context.rules }, ..*context },
            name: Name::Plain(name),
            hides_interfaces: args.hide_netif,
            quiet: args.quiet,
            verbose: args.verbose,
            stderr,
            secret,
        };
        let mut text = String::new();
        wire::write(&charge, &mut text).map_err(|_| Error::TooMuchForShim)?;
        if text.len() + wire::VARIABLE.len() + 2 > TEXT_MAX {
            return Err(Error::TooMuchForShim);
        }
        Ok(Some(Shim { path: locate(args.enforce)?, text, secret }))
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
    let failed = |error: std::io::Error| Error::Step("make a secret", Errno(error.raw_os_error().unwrap_or(libc::EIO)));
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

fn locate(enforce: Enforce) -> Result<PathBuf, Error> {
    let own = std::env::current_exe().and_then(fs::canonicalize).unwrap_or_default();
    let directory = own.parent().unwrap_or(&own);
    let found = PLACES.iter().find_map(|place| fs::canonicalize(directory.join(place).join(FILE)).ok());
    let path = found.ok_or_else(|| Error::NoShim(directory.to_string_lossy().into_owned()))?;
    File::open(&path).map_err(|_| Error::UnusableShim(path.to_string_lossy().into_owned()))?;
    // The loader takes both for the end of a name (ld.so(8)).
    let is_separator = |byte: &u8| byte.is_ascii_whitespace() || *byte == b':';
    if path.as_os_str().as_bytes().iter().any(is_separator) {
        return Err(Error::UnusableShim(path.to_string_lossy().into_owned()));
    }
    // Who becomes another user would be without it, and with it alone outside of the context.
    if enforce == Enforce::Preload && geteuid().is_root() && !is_open_to_all(&path) {
        return Err(Error::UnusableShim(path.to_string_lossy().into_owned()));
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

/// Whether this process is under a shim already.
pub fn is_above() -> bool {
    std::env::var_os(wire::VARIABLE).as_deref().is_some_and(|text: &OsStr| !text.is_empty())
}
