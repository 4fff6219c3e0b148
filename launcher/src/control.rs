//! What `chbindctl` does.

use crate::command;
use crate::error::Error;
use crate::program;
use crate::report;
use crate::sys::Errno;
use args::{Args, Task};

pub mod args;
mod inspect;

/// The name that its messages begin with.
const NAME: &str = "chbindctl";

/// Does what was asked, and gives the exit status.
pub fn run(args: &Args) -> u8 {
    let answer = match &args.task {
        Task::Inspect { program } => {
            command::locate(program).and_then(|path| program::inspect(&path).map_err(Error::Program))
        }
    };
    let told = answer.and_then(|inspection| {
        let failed = |error: std::io::Error| Errno(error.raw_os_error().unwrap_or(libc::EIO));
        report::answer(&inspect::text(&inspection)).map_err(failed).map_err(Error::step("write to standard output"))
    });
    match told {
        Ok(()) => 0,
        Err(error) => {
            report::error_of(NAME, &error);
            error.status()
        }
    }
}
