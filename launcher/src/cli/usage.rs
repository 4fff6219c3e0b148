//! What is said to whoever typed something that cannot be understood.

use super::exit::FAILED;
use super::report;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error;

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
    if let ErrorKind::DisplayHelp | ErrorKind::DisplayVersion = error.kind() {
        // A closed standard output is nobody's error.
        let _ = report::answer(&format!("{}\n", error.render().to_string().trim_end()));
        return 0;
    }
    let hint = hint(error).unwrap_or_else(|| format!("'{} --help' shows how it is used", wording.program));
    report::line(wording.program, &format!("{}\nhint: {hint}", sentence(error, wording)));
    FAILED
}

/// What is wrong.
fn sentence(error: &clap::Error, wording: &Wording) -> String {
    let typed = text(error, ContextKind::InvalidArg).unwrap_or_default();
    let option = option_of(&typed);
    let value = text(error, ContextKind::InvalidValue).unwrap_or_default();
    match error.kind() {
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            wording.nothing.to_owned()
        }
        ErrorKind::MissingRequiredArgument => wording.unnamed.to_owned(),
        ErrorKind::UnknownArgument if typed.starts_with('-') => format!("'{typed}': no such option"),
        ErrorKind::UnknownArgument => format!("'{typed}': one word too many"),
        ErrorKind::InvalidSubcommand => {
            format!("'{}': no such task", text(error, ContextKind::InvalidSubcommand).unwrap_or_default())
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("{option}: a value is missing"),
        ErrorKind::InvalidValue => {
            format!("{option} '{value}': not one of {}", texts(error, ContextKind::ValidValue).join(", "))
        }
        ErrorKind::ValueValidation => {
            let why = error.source().map(ToString::to_string);
            format!("{option} '{value}': {}", why.unwrap_or_else(|| "not a value that it takes".to_owned()))
        }
        ErrorKind::TooManyValues => format!("{option} takes no value"),
        ErrorKind::ArgumentConflict => match text(error, ContextKind::PriorArg) {
            Some(other) if option_of(&other) != option => {
                format!("{option} and {} exclude each other", option_of(&other))
            }
            _ => format!("{option} is given twice"),
        },
        _ => {
            let whole = error.to_string();
            whole.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    }
}

/// What may have been meant.
fn hint(error: &clap::Error) -> Option<String> {
    let meant = match error.kind() {
        ErrorKind::UnknownArgument => text(error, ContextKind::SuggestedArg)?,
        ErrorKind::InvalidSubcommand => texts(error, ContextKind::SuggestedSubcommand).into_iter().next()?,
        ErrorKind::InvalidValue => {
            let option = text(error, ContextKind::InvalidArg)?;
            if text(error, ContextKind::InvalidValue).unwrap_or_default().is_empty() {
                return Some(format!("write it as {}", option.replace(['<', '>'], "")));
            }
            format!("{} {}", option_of(&option), text(error, ContextKind::SuggestedValue)?)
        }
        _ => return None,
    };
    Some(format!("did you mean {meant}?"))
}

/// An option without the name of its value.
fn option_of(shown: &str) -> &str {
    shown.split(' ').next().unwrap_or(shown)
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    texts(error, kind).into_iter().next()
}

fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}
