//! What was typed.

use super::NAME;
use crate::cli::args::FAILED;
use crate::cli::report;
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use std::ffi::OsString;

/// Look at programs as chbind sees them, and for running contexts.
#[derive(Debug, Parser)]
#[command(name = NAME, version, max_term_width = 100, disable_help_subcommand = true)]
#[command(
    after_help = "Exit status: 0; 125 if chbindctl failed, 126 if a program cannot be read or executed, 127 if it \
                        was not found; 1 if there is no such context.\n\nExample: chbindctl inspect nginx"
)]
pub struct Args {
    /// What is to be done.
    #[command(subcommand)]
    pub task: Task,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Show what a program file is, and which enforcement works for it
    Inspect {
        /// The program, looked for as chbind looks for its command
        #[arg(value_name = "PROGRAM")]
        program: OsString,
    },
    /// Show the running contexts that have this name
    Find {
        /// What --name says, or else the name of the command
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// The arguments of this process, or the exit status if there is nothing more to do.
pub fn parse() -> Result<Args, u8> {
    Args::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A closed standard output is nobody's error.
            let _ = error.print();
            0
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            usage("nothing to do was given")
        }
        ErrorKind::MissingRequiredArgument => usage("nothing was named"),
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            usage(first.trim_start_matches("error: "))
        }
    })
}

fn usage(wrong: &str) -> u8 {
    report::line_of(NAME, &format!("{wrong}\nhint: 'chbindctl --help' shows how it is used"));
    FAILED
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together() {
        Args::command().debug_assert();
    }
}
