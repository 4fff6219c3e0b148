//! CPython's own tests of its socket module, outside and in a context: what differs is written down, with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chbind_tests::{Case, Outcome, Test, Who, cases, ensure};

use crate::rows::D;

/// The differences that there are to be. A row: `| test | who | outside | inside |`; headings say why.
const TABLE: &str = include_str!("../cpython_test_socket.md");

/// About half a minute, most of it spent on waiting for time limits.
const LONG: Duration = Duration::from_secs(120);

pub(crate) fn cases() -> Vec<Case> {
    cases![both: test_socket]
}

/// A test of CPython's, and its outcomes outside and inside.
type Difference = (String, String, String);

/// The differences in the table for this identity and enforcement.
fn wanted(t: &Test) -> Outcome<BTreeSet<Difference>> {
    let mut wanted = BTreeSet::new();
    for row in TABLE.lines().filter(|line| line.starts_with("| ") && line.contains("Test")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [test, whose, outside, inside] = cells[..] else { return Err(format!("no row: {row}").into()) };
        let ours = match whose {
            "all" => true,
            "root" => t.who() == Who::Root,
            "user" => t.who() == Who::User,
            "supervised" => !t.has_shim(),
            _ => return Err(format!("nobody is called {whose}: {row}").into()),
        };
        if ours {
            let new = wanted.insert((test.to_owned(), outside.to_owned(), inside.to_owned()));
            ensure!(new, "twice: {row}");
        }
    }
    Ok(wanted)
}

/// The outcome of each test, by its name.
fn outcomes(printed: &str) -> BTreeMap<&str, &str> {
    printed.lines().filter_map(|line| line.rsplit_once(' ')).collect()
}

fn test_socket(t: &Test) -> Outcome {
    let program = t.write("outcomes.py", include_str!("../programs/outcomes.py"))?;
    // Each in a directory of its own, for they make files of the same names. Natively in namespaces of its own besides:
    // the ports are then not those of the run inside, and root's test of sethostname is not to name this machine.
    let directory = |name: &str| -> Outcome<String> {
        let path = t.dir().join(name);
        std::fs::create_dir(&path)?;
        t.bed().give(&path, t.who())?;
        Ok(path.display().to_string())
    };
    let (uid, gid) = t.bed().ids(t.who());
    let (outside, inside) = (directory("outside")?, directory("inside")?);
    let script = "ip link set lo up && ip -6 address add fd00:1::1/128 dev lo nodad && cd \"$0\" && exec \"$@\"";
    let native = t.as_root("unshare --net --uts sh -c").arg(script).arg(&outside);
    let native = match t.who() {
        Who::Root => native,
        Who::User => native.words(&format!("setpriv --reuid={uid} --regid={gid} --clear-groups --")),
    };
    let native = native.words(&format!("python3 {}", program.display())).env("TMPDIR", &outside).start()?;
    let command = "cd \"$0\" && exec \"$@\"";
    let within = t.chbind(&format!("{D} --quiet"), "sh -c").arg(command).arg(&inside);
    let within = within.words(&format!("python3 {}", program.display())).env("TMPDIR", &inside).limit(LONG).run()?;
    let (native, within) = (native.finish(LONG)?.ok()?, within.ok()?);

    let (outside, inside) = (outcomes(&native.stdout), outcomes(&within.stdout));
    ensure!(outside.len() > 600, "only {} tests were run natively\n{}", outside.len(), native.stderr);
    let tests: BTreeSet<&str> = outside.keys().chain(inside.keys()).copied().collect();
    let outcome = |of: &BTreeMap<&str, &str>, test: &str| of.get(test).copied().unwrap_or("none").to_owned();
    let both = tests.into_iter().map(|test| (test.to_owned(), outcome(&outside, test), outcome(&inside, test)));
    let found: BTreeSet<Difference> = both.filter(|(_, outside, inside)| outside != inside).collect();

    let wanted = wanted(t)?;
    let show = |(test, outside, inside): &Difference| {
        let why = within.stderr.lines().filter(|line| line.starts_with(&format!("{test} "))).collect::<Vec<_>>();
        format!("| {test} | | {outside} | {inside} |   {}", why.join(" / "))
    };
    let list = |of: Vec<&Difference>| of.into_iter().map(show).collect::<Vec<_>>().join("\n");
    let (new, old) = (list(found.difference(&wanted).collect()), list(wanted.difference(&found).collect()));
    ensure!(new.is_empty() && old.is_empty(), "not in the table:\n{new}\nin the table, and not found:\n{old}");
    Ok(())
}
