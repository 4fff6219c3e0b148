//! What was typed to chbindctl, and how it is answered.

use super::report::{answer, error};
use super::usage::Wording;
use super::words::{found, inspection};
use super::{CHBINDCTL, usage};
use crate::control;
use clap::{Parser, Subcommand};
use std::ffi::OsString;

/// Inspect programs, and find running contexts.
#[derive(Debug, Parser)]
#[command(name = CHBINDCTL, version, subcommand_value_name = "TASK", subcommand_help_heading = "Tasks")]
#[command(
    after_help = "Examples: chbindctl inspect nginx\n          chbindctl find web\n\nExit status: 0; 1 if there is no such \
                        context; 125 if chbindctl failed, 126 if a program\ncannot be read or executed, 127 if it was not found."
)]
struct Args {
    #[command(subcommand)]
    task: Task,
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

/// What this process is to do, or the exit status if there is nothing more to do.
///
/// # Errors
///
/// 0 after help or the version was shown; [`FAILED`](super::exit::FAILED) where what was typed cannot be understood.
pub fn task() -> Result<Task, u8> {
    let wording = Wording { program: CHBINDCTL, nothing: "nothing to do was given", unnamed: "nothing was named" };
    Args::try_parse().map(|args| args.task).map_err(|error| usage::status(&error, &wording))
}

/// Does it.
///
/// # Errors
///
/// [`NO_CONTEXT`](super::exit::NO_CONTEXT) where no running context has the name; [`NOT_FOUND`](super::exit::NOT_FOUND)
/// or [`NOT_EXECUTABLE`](super::exit::NOT_EXECUTABLE) for a program that is not there, or cannot be read or executed;
/// [`FAILED`](super::exit::FAILED) where contexts cannot be looked for, or standard output cannot be written to.
pub fn run(task: &Task) -> Result<(), u8> {
    let text = match task {
        Task::Inspect { program } => control::inspect(program).map(|of| inspection::text(&of)),
        Task::Find { name } => control::find(name).map(|all| found::text(&all)),
    };
    let text = text.map_err(|failed| error(CHBINDCTL, &failed))?;
    answer(&text).map_err(|failed| error(CHBINDCTL, &failed))
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
