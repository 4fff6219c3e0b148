//! The contract as a table: every row of the semantics that is about bind, listen, connect, send and names, run in each
//! enforcement and process model, with both builds of the probe (where both come under it), as root and as an ordinary user,
//! and looked at from outside.
//!
//! `compliance row_33 row_4` runs the rows that have one of these in their name; `--list` names them all. Needs root.

#![forbid(unsafe_code)]

mod bind;
mod collisions;
mod connect;
mod names;
mod observe;
mod outside;
mod report;
mod run;
mod send;
mod table;
mod wildcard;
mod world;

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chbind_tests::survey::{IDENTITIES, Survey, print, run_jobs};
use chbind_tests::{Bed, Outcome, Who, case, net};

use crate::report::Cell;
use crate::run::Way;
use crate::table::{Case, ENFORCEMENTS, Row};
use crate::world::World;

/// Most of the time is spent in waiting for others.
const THREADS: usize = 3;

/// No row takes as long as this for one identity; one that does hangs, and is given up.
const LIMIT: Duration = Duration::from_secs(300);

/// The cells of a row for one identity: for each case one for each way.
type Cells = Vec<Vec<Cell>>;

fn rows() -> Vec<&'static Row> {
    [bind::ROWS, wildcard::ROWS, collisions::ROWS, connect::ROWS, send::ROWS, names::ROWS]
        .into_iter()
        .flatten()
        .collect()
}

fn main() -> ExitCode {
    let (survey, all) = (Survey("compliance"), rows());
    let missing = table::missing(&all);
    if let (Err(error), _) | (Ok(()), Some(error)) =
        (world::check_names(), (!missing.is_empty()).then(|| format!("no rows for {missing:?}").into()))
    {
        return survey.give_up(error.message().unwrap_or("the table is wrong"));
    }
    match survey.chosen(all, |row| row.name, |row| format!("{}: {}", row.name, row.says)) {
        Ok(rows) => survey.conduct(|bed| Ok(table(bed, &rows))),
        Err(code) => code,
    }
}

/// The columns for one identity.
fn ways() -> Vec<Way> {
    ENFORCEMENTS
        .iter()
        .flat_map(|enforcement| enforcement.models.iter().map(move |model| Some((enforcement, *model))))
        .collect()
}

/// Runs the rows, each identity of each in a world of its own, and prints them in their order as they come.
fn table(bed: &'static Bed, rows: &[&'static Row]) -> bool {
    let ways = ways();
    let columns: Vec<String> = IDENTITIES
        .iter()
        .flat_map(|(_, who)| {
            ways.iter().flatten().map(move |(enforcement, model)| format!("{} {model} {who}", enforcement.name))
        })
        .collect();
    print(&report::head(&columns));
    let jobs: Vec<(&'static Row, Who)> = rows.iter().flat_map(|row| IDENTITIES.map(|(who, _)| (*row, who))).collect();
    let mut shown = 0;
    let cells =
        run_jobs(THREADS, &jobs, |(row, who)| one_row(bed, row, *who), |done| show(done, &mut shown, rows, &columns));
    let cells: Vec<Cell> = cells.into_iter().flatten().flatten().collect();
    let (line, holds) = report::count(&cells);
    print(&format!("\n{line}"));
    holds
}

/// Prints the rows that are done, for each identity, and follow those that were printed before.
fn show(done: &[Option<Cells>], shown: &mut usize, rows: &[&'static Row], columns: &[String]) {
    while let Some(row) = rows.get(*shown) {
        let both: Option<Vec<&Cells>> =
            (0..IDENTITIES.len()).map(|who| done.get(*shown * IDENTITIES.len() + who)?.as_ref()).collect();
        let Some(both) = both else { return };
        let cases: Cells = (0..row.cases.len())
            .map(|at| both.iter().filter_map(|cases| cases.get(at)).flatten().cloned().collect())
            .collect();
        print(report::row(row, columns, &cases).trim_end());
        *shown += 1;
    }
}

/// All cases of a row as one identity: for each, the cells of the columns.
fn one_row(bed: &'static Bed, row: &'static Row, who: Who) -> Cells {
    let cells = std::sync::Arc::new(Mutex::new(Vec::new()));
    let filled = std::sync::Arc::clone(&cells);
    let outcome = case::in_namespace(bed, who, LIMIT, net::enter_empty_namespace, move |t| -> Outcome {
        let world = World::new()?;
        for case in row.cases {
            let ways = ways().into_iter();
            let outcome = ways.enumerate().map(|(n, way)| one_cell(t, &world, case, way, n == 0, who)).collect();
            filled.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
        }
        Ok(())
    });
    let mut cells = std::mem::take(&mut *cells.lock().unwrap_or_else(PoisonError::into_inner));
    if let Err(error) = outcome {
        let what = error.message().unwrap_or("?").to_owned();
        cells.resize(row.cases.len(), vec![Cell::Wrong(vec![what]); ways().len()]);
    }
    cells
}

/// What is the same natively is run so along with the first column.
fn one_cell(t: &chbind_tests::Test, world: &World, case: &Case, way: Way, is_first: bool, who: Who) -> Cell {
    if case.who.is_some_and(|only| only != who) || run::probes(case, way).next().is_none() {
        return Cell::Empty;
    }
    let mut wrong = run::run(t, world, case, way);
    if case.natively && is_first && wrong.is_empty() {
        wrong = run::run(t, world, case, None).into_iter().map(|what| format!("natively: {what}")).collect();
    }
    let name = way.map_or("", |(enforcement, _)| enforcement.name);
    let reason = case.cannot.iter().find(|(enforcement, _)| *enforcement == name).map(|(_, reason)| *reason);
    match (reason, wrong.is_empty()) {
        (None, true) => Cell::Holds,
        (None, false) => Cell::Wrong(wrong),
        (Some(reason), false) => Cell::Cannot(reason),
        (Some(reason), true) => Cell::Wrong(vec![format!("holds by now, and was not to ({reason})")]),
    }
}
