//! What is said to whoever typed something that cannot be understood.

use super::exit::FAILED;
use super::report;
use clap::error::ErrorKind;

/// The words that differ from command to command.
pub(super) struct Wording {
    pub(super) program: &'static str,
    /// Nothing was typed that says what is to be done.
    pub(super) nothing: &'static str,
    /// What is to be done needs a word more.
    pub(super) unnamed: &'static str,
}

/// Shows help or the version where that was asked for, otherwise what is wrong, and gives the exit status.
pub(super) fn status(error: &clap::Error, wording: &Wording) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A closed standard output is nobody's error.
            let _ = error.print();
            0
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            wrong(wording, wording.nothing)
        }
        ErrorKind::MissingRequiredArgument => wrong(wording, wording.unnamed),
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            wrong(wording, first.trim_start_matches("error: "))
        }
    }
}

fn wrong(wording: &Wording, sentence: &str) -> u8 {
    let program = wording.program;
    report::line(program, &format!("{sentence}\nhint: '{program} --help' shows how it is used"));
    FAILED
}
