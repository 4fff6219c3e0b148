//! The `chbind` command. Everything is in the library; this is the only place that exits.

use chbind::cli::{args, report};
use chbind::{plan, setup};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match args::parse() {
        Ok(args) => args,
        Err(status) => return ExitCode::from(status),
    };
    match plan::resolve(&args).and_then(setup::launch) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            report::error(&error);
            ExitCode::from(error.status())
        }
    }
}
