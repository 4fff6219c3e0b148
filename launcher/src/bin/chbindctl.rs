//! The `chbindctl` command. Everything is in the library; this is the only place that exits.

use chbind::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = cli::chbindctl::task().and_then(|task| cli::chbindctl::run(&task));
    ExitCode::from(done.err().unwrap_or_default())
}
