//! `-h` and `--help` of a command with many options: made of what clap knows of them, in one screen or under headings with an
//! example each.

use clap::{Arg, Command};

/// No line is longer.
const WIDTH: usize = 100;
/// Where descriptions begin.
const COLUMN: usize = 28;
/// As much room has a value, and the blanks behind it.
const VALUE: usize = 9;

/// What is shown beside the options.
pub(super) struct Page {
    pub(super) about: &'static str,
    pub(super) sections: &'static [Section],
    /// Paragraphs.
    pub(super) end: &'static [&'static str],
    pub(super) short_end: &'static str,
}

/// What is shown beside the options of one heading.
pub(super) struct Section {
    pub(super) heading: &'static str,
    pub(super) note: &'static str,
    pub(super) example: &'static str,
}

/// The command with both texts in the place of clap's.
pub(super) fn with_pages(mut command: Command, page: &Page) -> Command {
    let title = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.render_usage().to_string();
    let (short, long) = (short(&command, page), long(&command, page));
    command
        .help_template("{before-help}")
        .before_help(format!("{title}\n\n{usage}\n\n{short}"))
        .before_long_help(format!("{title}\n\n{usage}\n\n{long}"))
}

/// A line for each option that is often needed.
fn short(command: &Command, page: &Page) -> String {
    let mut text = String::new();
    for arg in options(command).filter(|arg| !arg.is_hide_short_help_set()) {
        let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
        text.push_str(&entry(&flags(arg), COLUMN, &[about, values(arg), default(arg)].join(" ")));
    }
    text.push('\n');
    text + page.short_end
}

/// All, under headings.
fn long(command: &Command, page: &Page) -> String {
    let mut text = entry("", 0, page.about);
    for Section { heading, note, example } in page.sections {
        text.push_str(&format!("\n{heading}:\n"));
        if !note.is_empty() {
            text.push_str(&entry("", 2, note));
        }
        for arg in options(command).filter(|arg| arg.get_help_heading() == Some(heading)) {
            let about = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
            text.push_str(&entry(
                &flags(arg),
                COLUMN,
                &[about.replace("\n\n[", " [").replace("\n\n", ". "), default(arg)].join(" "),
            ));
            for value in arg.get_possible_values().iter().filter(|_| arg.get_action().takes_values()) {
                let about = value.get_help().map(ToString::to_string).unwrap_or_default();
                text.push_str(&entry(&format!("{:COLUMN$}{}", "", value.get_name()), COLUMN + VALUE, &about));
            }
        }
        text.push_str(&format!("  Example: {example}\n"));
    }
    page.end.iter().for_each(|paragraph| text.push_str(&format!("\n{}", entry("", 0, paragraph))));
    text
}

fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_positional())
}

fn flags(arg: &Arg) -> String {
    let short = arg.get_short().map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
    let value = arg.get_value_names().filter(|_| arg.get_action().takes_values());
    let value = value.and_then(|names| names.first()).map(|name| format!(" {name}")).unwrap_or_default();
    format!("  {short}--{}{value}", arg.get_long().unwrap_or_default())
}

fn values(arg: &Arg) -> String {
    let names: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if names.is_empty() || !arg.get_action().takes_values() { String::new() } else { format!("({})", names.join(", ")) }
}

fn default(arg: &Arg) -> String {
    let value = arg.get_default_values().first().filter(|_| arg.get_action().takes_values());
    value.map(|value| format!("[default: {}]", value.display())).unwrap_or_default()
}

/// What is on the left, and from `column` on, in as many lines as it takes, what is said of it.
fn entry(left: &str, column: usize, about: &str) -> String {
    let margin = " ".repeat(column);
    let mut lines = vec![format!("{left:column$}")];
    if left.len() >= column && !left.is_empty() {
        lines.push(margin.clone());
    }
    let mut blank = "";
    for word in about.split_whitespace() {
        if lines.last().is_some_and(|line| line.chars().count() + blank.len() + word.chars().count() > WIDTH) {
            lines.push(margin.clone());
            blank = "";
        }
        if let Some(line) = lines.last_mut() {
            *line += blank;
            *line += word;
        }
        blank = " ";
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_goes_on_below() {
        assert_eq!(entry("  -q", 8, "Say nothing"), "  -q    Say nothing\n");
        assert_eq!(entry("  --quiet", 8, "Say nothing"), "  --quiet\n        Say nothing\n");
        let long = entry("", 2, &"word ".repeat(40));
        assert_eq!(long.lines().map(str::len).collect::<Vec<_>>(), [96, 96, 11]);
    }
}
