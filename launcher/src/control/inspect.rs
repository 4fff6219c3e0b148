//! `chbindctl inspect`: what a program file is.

use super::error::Error;
use crate::program::locate::locate;
use crate::program::{self, Inspection};
use std::ffi::OsStr;

/// Looks at the program of this name, which is looked for as chbind looks for its command.
pub(crate) fn inspect(name: &OsStr) -> Result<Inspection, Error> {
    let path = locate(name).map_err(Error::Locate)?;
    program::inspect(&path).map_err(Error::Program)
}
