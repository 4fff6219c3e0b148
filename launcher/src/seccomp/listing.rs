//! What a filter does, as text, for tests: made from the program itself, so that a change of it is seen for what it is.
//!
//! One call a line, with what becomes of it, and under it the exceptions, of which the first that fits holds.

use super::arch;
use super::interpreter::{Action, Program};
use super::paths::{Path, Test, paths};
use std::fmt::Write;
use std::ops::RangeInclusive;

mod names;
mod tests;

/// The ways that are for the same machine and the same numbers.
struct Group {
    arch: Vec<RangeInclusive<u32>>,
    numbers: Vec<RangeInclusive<u32>>,
    paths: Vec<Path>,
}

pub(super) fn listing(program: &Program) -> String {
    let mut groups: Vec<Group> = Vec::new();
    for path in paths(program) {
        let (arch, numbers) = (path.words[1].ranges.clone(), path.words[0].ranges.clone());
        match groups.iter_mut().find(|group| group.arch == arch && group.numbers == numbers) {
            Some(group) => group.paths.push(path),
            None => groups.push(Group { arch, numbers, paths: vec![path] }),
        }
    }
    let mut text = String::new();
    for (machine, name) in [arch::AUDIT.0, arch::AUDIT.1].into_iter().zip(names::MACHINES) {
        let of_machine: Vec<&Group> = groups.iter().filter(|group| group.arch == [machine..=machine]).collect();
        // The end of the filter is for what nothing before it is for.
        let Some(rest) = of_machine.last().map(|group| group.otherwise()) else { continue };
        let (of_rest, mut named): (Vec<&Group>, Vec<&Group>) = of_machine
            .into_iter()
            .partition(|group| !group.is_one() && group.paths.len() == 1 && group.otherwise() == rest);
        assert!(!of_rest.is_empty());
        named.sort_by_key(|group| *group.numbers[0].start());
        writeln!(text, "{name}").unwrap();
        named.iter().for_each(|group| group.list(machine == arch::AUDIT.0, &mut text));
        writeln!(text, "    any other: {}", shown(rest)).unwrap();
    }
    for group in groups.iter().filter(|group| group.arch.len() > 1) {
        writeln!(text, "any other machine: {}", shown(group.otherwise())).unwrap();
    }
    text
}

impl Group {
    /// Whether it is for one number.
    fn is_one(&self) -> bool {
        matches!(self.numbers.as_slice(), [range] if range.start() == range.end())
    }

    /// What happens where no test of an argument holds: the last way, for those where a test holds come first.
    fn otherwise(&self) -> Action {
        let last = &self.paths[self.paths.len() - 1];
        assert!(conditions(last).is_empty(), "{:?}", last.tests);
        last.action
    }

    fn list(&self, native: bool, text: &mut String) {
        let [range] = self.numbers.as_slice() else { panic!("numbers with gaps: {:?}", self.numbers) };
        let [first, last] = [range.start(), range.end()].map(|number| names::call(*number, native));
        let name = match (self.is_one(), *range.end()) {
            (true, _) => first,
            (false, u32::MAX) => format!("from {:#x}", range.start()),
            (false, _) => format!("{first} to {last}"),
        };
        writeln!(text, "    {name}: {}", shown(self.otherwise())).unwrap();
        for (tests, action) in self.exceptions() {
            writeln!(text, "        {} if {}", shown(action), condition(&tests, &name)).unwrap();
        }
    }

    /// As few of the ways as say what becomes of each call by their conditions alone.
    fn exceptions(&self) -> Vec<(Vec<Test>, Action)> {
        let but_last = self.paths.iter().take(self.paths.len() - 1);
        let mut needed: Vec<_> = but_last.map(|path| (conditions(path), path.action)).collect();
        assert!(self.is_said_by(&needed));
        for at in (0..needed.len()).rev() {
            let one = needed.remove(at);
            if !self.is_said_by(&needed) {
                needed.insert(at, one);
            }
        }
        needed
    }

    /// Whether on each way the first exception whose conditions hold names the way's action, for all calls that go it.
    fn is_said_by(&self, exceptions: &[(Vec<Test>, Action)]) -> bool {
        self.paths.iter().all(|path| {
            for (tests, action) in exceptions {
                if *action != path.action && path.can_meet(tests) {
                    return false;
                }
                if tests.iter().all(|test| !path.can_meet(&[Test { holds: false, ..*test }])) {
                    return true;
                }
            }
            self.otherwise() == path.action
        })
    }
}

/// The tests of arguments that hold, each once, in the order of the arguments.
fn conditions(path: &Path) -> Vec<Test> {
    let mut tests: Vec<Test> = path.tests.iter().filter(|test| test.word >= 4 && test.holds).copied().collect();
    tests.sort_by_key(|test| (test.word, test.mask));
    tests.dedup();
    tests
}

fn condition(tests: &[Test], call: &str) -> String {
    let mut said = Vec::new();
    let mut rest = tests;
    while let [test, more @ ..] = rest {
        rest = more;
        let (argument, is_upper) = ((test.word - 4) / 2, test.word % 2 == 1);
        let name = names::argument(call, argument);
        said.push(match rest {
            [upper, more @ ..] if !is_upper && upper.word == test.word + 1 => {
                rest = more;
                let whole = u64::from(upper.with) << 32 | u64::from(test.with);
                format!("all of {name} == {}", number(whole))
            }
            _ if is_upper => format!("the upper half of {name} == {:#010x}", test.with),
            _ if test.mask != u32::MAX => format!("{name} & {:#x} == {:#x}", test.mask, test.with),
            _ => format!("{name} == {}", names::value(&name, test.with).unwrap_or_else(|| number(test.with.into()))),
        });
    }
    said.join(" and ")
}

fn number(number: u64) -> String {
    if number < 1000 { number.to_string() } else { format!("{number:#x}") }
}

fn shown(action: Action) -> String {
    match action {
        Action::Allow => "allow".to_owned(),
        Action::Notify => "notify".to_owned(),
        Action::Errno(errno) => format!("{:?}", nix::errno::Errno::from_raw(errno)),
        Action::KillProcess => "kill".to_owned(),
        Action::Other(returned) => format!("{returned:#x}"),
    }
}
