//! The table as a person reads it: a row, its cases with one column for each way and identity, what came instead, the count.

use std::fmt::Write;

use crate::table::{Case, Row};

/// What a cell came to.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    /// The case is not for this identity.
    Empty,
    Holds,
    /// It cannot hold there, for this reason, and does not.
    Cannot(&'static str),
    /// What came instead.
    Wrong(Vec<String>),
}

impl Cell {
    fn word(&self) -> &'static str {
        match self {
            Self::Empty => "-",
            Self::Holds => "ok",
            Self::Cannot(_) => "cannot",
            Self::Wrong(_) => "WRONG",
        }
    }
}

/// How wide the columns are, in characters.
const CONTEXT: usize = 10;
const CALL: usize = 46;
const EXPECTED: usize = 44;
const SEEN: usize = 34;
const CELL: usize = 8;

/// The text in lines of that width, broken at blanks where there are any.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut();
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn line(out: &mut String, columns: &[(&str, usize)]) {
    let cells: Vec<String> = columns.iter().map(|(text, width)| format!("{text:<width$}")).collect();
    let _ = writeln!(out, "{}", cells.join(" | ").trim_end());
}

/// The head of the table, with the names of the columns.
pub(crate) fn head(columns: &[String]) -> String {
    let mut out = String::new();
    let names: Vec<Vec<String>> = columns.iter().map(|name| wrap(name, CELL)).collect();
    for at in 0..names.iter().map(Vec::len).max().unwrap_or(0) {
        let fixed = if at == 0 { ["ctx", "call", "expected", "seen from outside"] } else { [""; 4] };
        let mut cells = vec![(fixed[0], CONTEXT), (fixed[1], CALL), (fixed[2], EXPECTED), (fixed[3], SEEN)];
        cells.extend(names.iter().map(|name| (name.get(at).map_or("", String::as_str), CELL)));
        line(&mut out, &cells);
    }
    out
}

/// One row with the outcomes of its cases.
pub(crate) fn row(row: &Row, columns: &[String], outcomes: &[Vec<Cell>]) -> String {
    let mut out = format!("\n{}: {}\n", row.name, row.says);
    for (case, cells) in row.cases.iter().zip(outcomes) {
        out.push_str(&one_case(case, columns, cells));
    }
    out
}

fn one_case(case: &Case, columns: &[String], cells: &[Cell]) -> String {
    let mut out = String::new();
    let context = wrap(&format!("{} {}", case.context.name, case.context.more), CONTEXT);
    let call = wrap(&[case.around, case.inside, case.words].join(" "), CALL);
    let expected = wrap(case.prints, EXPECTED);
    let mut seen: Vec<String> = Vec::new();
    if !case.given.is_empty() {
        seen.extend(wrap(&format!("(given {})", case.given), SEEN));
    }
    for (context, words, prints) in case.beside {
        seen.extend(wrap(&format!("({} beside it: {words}: {prints})", context.name), SEEN));
    }
    seen.extend(case.seen.iter().flat_map(|text| wrap(text, SEEN)));
    let height = [&context, &call, &expected, &seen].into_iter().map(Vec::len).max().unwrap_or(1);
    for at in 0..height {
        let text = |column: &'_ [String]| column.get(at).cloned().unwrap_or_default();
        let (context, call, expected, seen) = (text(&context), text(&call), text(&expected), text(&seen));
        let mut shown = vec![(&*context, CONTEXT), (&*call, CALL), (&*expected, EXPECTED), (&*seen, SEEN)];
        shown.extend(cells.iter().map(|cell| (if at == 0 { cell.word() } else { "" }, CELL)));
        line(&mut out, &shown);
    }
    let mut notes: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, cell) in columns.iter().zip(cells) {
        let texts = match cell {
            Cell::Cannot(reason) => vec![format!("cannot, as {reason}")],
            Cell::Wrong(what) => what.clone(),
            Cell::Empty | Cell::Holds => Vec::new(),
        };
        for text in texts {
            match notes.iter_mut().find(|(other, _)| *other == text) {
                Some((_, names)) => names.push(name),
                None => notes.push((text, vec![name])),
            }
        }
    }
    for (text, names) in notes {
        let everywhere = names.len() == cells.iter().filter(|cell| !matches!(cell, Cell::Empty)).count();
        let names = if everywhere { "everywhere".to_owned() } else { names.join(", ") };
        let _ = writeln!(out, "    {names}: {}", text.trim().replace('\n', "\n        "));
    }
    out
}

/// The line that counts, as the test programs of Rust have it.
pub(crate) fn count(cells: &[Cell]) -> (String, bool) {
    let number = |is: fn(&Cell) -> bool| cells.iter().filter(|cell| is(cell)).count();
    let failed = number(|cell| matches!(cell, Cell::Wrong(_)));
    let passed = number(|cell| matches!(cell, Cell::Holds | Cell::Cannot(_)));
    let word = if failed == 0 { "ok" } else { "FAILED" };
    (
        format!("test result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out"),
        failed == 0,
    )
}
