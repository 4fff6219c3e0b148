//! A list of trials in a file, of which a test program runs its own: `--only FILE`. A line is the name of the test program and
//! that of a trial, or of what it is one of: `find::one` is `find::one::root`, `find::one::user` and `find::one::parent::root`.
//! A name that nothing has is a failure.

use std::path::Path;

/// What says that there is a list.
const OPTION: &str = "--only";

/// The names for one test program.
#[derive(Debug, PartialEq, Eq)]
pub struct Only(Vec<String>);

impl Only {
    /// Takes `--only FILE` out of a test program's arguments, if it is there.
    pub fn take(arguments: &mut Vec<String>, program: &str) -> Result<Option<Self>, String> {
        let Some(at) = arguments.iter().position(|argument| argument == OPTION) else { return Ok(None) };
        let taken: Vec<String> = arguments.drain(at..arguments.len().min(at + 2)).collect();
        let file = taken.get(1).ok_or_else(|| format!("{OPTION} needs a file"))?;
        let text = std::fs::read_to_string(Path::new(file)).map_err(|error| format!("{file}: {error}"))?;
        let only = Self::parse(&text, program);
        if only.0.is_empty() { Err(format!("{file} names no trial of {program}")) } else { Ok(Some(only)) }
    }

    fn parse(text: &str, program: &str) -> Self {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        let names =
            lines.filter_map(|line| line.split_once(char::is_whitespace).filter(|(first, _)| *first == program));
        Self(names.map(|(_, name)| name.trim().to_owned()).collect())
    }

    /// Whether that is one of them.
    pub fn has(&self, trial: &str) -> bool {
        self.0.iter().any(|name| is_of(trial, name))
    }

    /// Fails, with the names that none of these trials has.
    pub fn check<'a>(&self, trials: impl Iterator<Item = &'a str> + Clone) -> Result<(), String> {
        let unknown: Vec<_> = self.0.iter().filter(|name| !trials.clone().any(|trial| is_of(trial, name))).collect();
        if unknown.is_empty() { Ok(()) } else { Err(format!("no trial is called so: {unknown:?}")) }
    }
}

fn is_of(trial: &str, name: &str) -> bool {
    trial.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# of all\ne2e find::one\ne2e jobs::all::user  # and why\n\nattacks x: y, `z` (w)\n";

    #[test]
    fn a_program_has_its_own_lines() {
        assert_eq!(Only::parse(LIST, "attacks"), Only(vec!["x: y, `z` (w)".to_owned()]));
        assert_eq!(Only::parse(LIST, "storm"), Only(vec![]));
        let e2e = Only::parse(LIST, "e2e");
        assert!(e2e.has("find::one") && e2e.has("find::one::parent::root") && e2e.has("jobs::all::user"));
        assert!(!e2e.has("find::ones") && !e2e.has("find") && !e2e.has("jobs::all::root"));
    }

    #[test]
    fn names_that_nothing_has_are_told() {
        let e2e = Only::parse(LIST, "e2e");
        let trials = ["find::one::root", "jobs::all::root"];
        assert_eq!(e2e.check(trials.into_iter()), Err("no trial is called so: [\"jobs::all::user\"]".to_owned()));
        assert_eq!(Only::parse(LIST, "attacks").check(["x: y, `z` (w)"].into_iter()), Ok(()));
    }

    #[test]
    fn the_option_is_taken_out() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let mut arguments = words("attacks --list");
        assert_eq!(Only::take(&mut arguments, "e2e"), Ok(None));
        let mut arguments = words("attacks --only /dev/null --list");
        assert_eq!(Only::take(&mut arguments, "e2e"), Err("/dev/null names no trial of e2e".to_owned()));
        assert_eq!(arguments, words("attacks --list"));
        assert_eq!(Only::take(&mut words("attacks --only"), "e2e"), Err("--only needs a file".to_owned()));
    }
}
