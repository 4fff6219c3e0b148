//! The matrix as it stands in docs/security.md.

use std::path::{Path, PathBuf};

use chbind_tests::{Outcome, ensure};

/// Between these lines of the page it stands.
const MARKS: (&str, &str) = ("<!-- tests/attacks writes from here -->", "<!-- tests/attacks wrote until here -->");

/// If this is set, the matrix on the page is written anew.
pub(crate) const WRITE: &str = "CHBIND_WRITE_MATRIX";

/// The page, as messages name it.
const PAGE: &str = "docs/security.md";

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(PAGE)
}

pub(crate) fn head(columns: &[String]) -> [String; 2] {
    [format!("| attack | {} |", columns.join(" | ")), format!("|---|{}", "---|".repeat(columns.len()))]
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
    parts.ok_or_else(|| format!("{PAGE} lacks '{}' and '{}'", MARKS.0, MARKS.1).into())
}

/// How many of the lines are on the page, and what differs; if these are all, it has no others.
pub(crate) fn compare(lines: &[String], all: bool) -> Outcome<(usize, Vec<String>)> {
    let text = std::fs::read_to_string(page())?;
    let committed: Vec<&str> = split(&text)?.1.trim().lines().collect();
    let missing = lines.iter().filter(|line| !committed.contains(&line.as_str()));
    let mut differences: Vec<String> = missing.map(|line| format!("{PAGE} has not: {line}")).collect();
    let as_committed = lines.len() - differences.len();
    let others = committed.iter().filter(|line| all && !lines.iter().any(|ours| ours == *line));
    differences.extend(others.map(|line| format!("{PAGE} has, and it is not so: {line}")));
    Ok((as_committed, differences))
}

/// Writes it anew.
pub(crate) fn write(lines: &[String]) -> Outcome {
    let text = std::fs::read_to_string(page())?;
    let (before, _, after) = split(&text)?;
    let new = format!("{before}{}\n{}\n{}{after}", MARKS.0, lines.join("\n"), MARKS.1);
    ensure!(!lines.is_empty(), "an empty matrix");
    Ok(std::fs::write(page(), new)?)
}
