//! The `chbind` command. Everything is in the library; this is the only place that exits.

use chbind::cli::report::{self, Reporter};
use chbind::{cli, plan, setup};
use std::process::ExitCode;

fn main() -> ExitCode {
    let status = cli::chbind::request()
        .and_then(|request| plan::resolve(&request).map_err(|error| report::error(cli::CHBIND, &error)))
        .and_then(|plan| setup::launch(plan, &Reporter).map_err(|error| report::error(cli::CHBIND, &error)));
    ExitCode::from(status.unwrap_or_else(|failed| failed))
}
