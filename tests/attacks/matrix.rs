//! The matrix as it stands in the README.

use std::path::{Path, PathBuf};

use chbind_tests::{Outcome, ensure};

/// Between these lines of the README it stands.
const MARKS: (&str, &str) = ("<!-- tests/attacks writes from here -->", "<!-- tests/attacks wrote until here -->");

/// If this is set, the matrix in the README is written anew.
pub(crate) const WRITE: &str = "CHBIND_WRITE_MATRIX";

fn readme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")
}

pub(crate) fn head(columns: &[String]) -> String {
    format!("| attack | {} |\n|---|{}", columns.join(" | "), "---|".repeat(columns.len()))
}

pub(crate) fn row(name: &str, cells: &[String]) -> String {
    format!("| {name} | {} |", cells.join(" | "))
}

/// What stands before, between and after the marks.
fn split(text: &str) -> Outcome<(&str, &str, &str)> {
    let parts = text.split_once(MARKS.0).and_then(|(before, rest)| {
        let (matrix, after) = rest.split_once(MARKS.1)?;
        Some((before, matrix, after))
    });
    parts.ok_or_else(|| format!("README.md lacks '{}' and '{}'", MARKS.0, MARKS.1).into())
}

/// The lines of the README's matrix.
pub(crate) fn committed() -> Outcome<Vec<String>> {
    let text = std::fs::read_to_string(readme())?;
    Ok(split(&text)?.1.trim().lines().map(str::to_owned).collect())
}

/// Writes it anew.
pub(crate) fn write(lines: &[String]) -> Outcome {
    let text = std::fs::read_to_string(readme())?;
    let (before, _, after) = split(&text)?;
    let new = format!("{before}{}\n{}\n{}{after}", MARKS.0, lines.join("\n"), MARKS.1);
    ensure!(!lines.is_empty(), "an empty matrix");
    Ok(std::fs::write(readme(), new)?)
}
