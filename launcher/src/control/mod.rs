//! What `chbindctl` does.

use crate::cli::report;
use crate::contexts::name as names;
use crate::error::Error;
use crate::plan::command;
use crate::procfs::printable;
use crate::program;
use crate::sys::Errno;
use args::{Args, Task};

pub mod args;
mod find;
mod inspect;

/// The name that its messages begin with.
const NAME: &str = "chbindctl";

/// Does what was asked, and gives the exit status.
pub fn run(args: &Args) -> u8 {
    let answer = match &args.task {
        Task::Inspect { program } => command::locate(program)
            .and_then(|path| program::inspect(&path).map_err(Error::Program))
            .map(|inspection| inspect::text(&inspection)),
        Task::Find { name } => match names::find(&printable(name)) {
            Ok(all) if all.is_empty() => Err(Error::NoContext(printable(name))),
            all => all.map(|all| find::text(&all)),
        },
    };
    let told = answer.and_then(|text| {
        let failed = |error: std::io::Error| Errno(error.raw_os_error().unwrap_or(libc::EIO));
        report::answer(&text).map_err(failed).map_err(Error::step("write to standard output"))
    });
    match told {
        Ok(()) => 0,
        Err(error) => {
            report::error_of(NAME, &error);
            error.status()
        }
    }
}
