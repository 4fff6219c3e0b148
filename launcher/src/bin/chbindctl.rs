//! The `chbindctl` command. Everything is in the library; this is the only place that exits.

use chbind::control;
use std::process::ExitCode;

fn main() -> ExitCode {
    let status = match control::args::parse() {
        Ok(args) => control::run(&args),
        Err(status) => status,
    };
    ExitCode::from(status)
}
