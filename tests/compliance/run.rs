//! Running one case: who has to be there, the probe, what is seen meanwhile and afterwards.

use std::net::SocketAddr;
use std::process::Stdio;

use chbind_tests::net::Busy;
use chbind_tests::{Cmd, Done, Failed, Outcome, Proc, SOON, Test, Who, ensure, ensure_eq, procs, text, wait_for};
use nix::sys::signal::Signal;

use crate::observe::{Observation, When};
use crate::outside::{self, Lookout};
use crate::table::{By, Case, Context, Enforcement, PROBES};
use crate::world::{Names, Sysctl, World};

/// What a process says when it waits.
const WAITING: &str = "waiting";

/// How a case is run: by which enforcement and in which process model, or (`None`) natively.
pub(crate) type Way = Option<(&'static Enforcement, &'static str)>;

/// The probes that run it.
pub(crate) fn probes(case: &Case, way: Way) -> impl Iterator<Item = (&'static str, By)> {
    let all = way.map_or(PROBES, |(enforcement, _)| enforcement.probes);
    let only = case.by.filter(|_| way.is_some());
    all.iter().copied().filter(move |(_, by)| only.is_none_or(|only| only == *by))
}

/// Runs it with all of them. What is wrong, one line for each thing; nothing if it holds.
pub(crate) fn run(t: &Test, world: &World, case: &Case, way: Way) -> Vec<String> {
    let each: Vec<(&str, Vec<String>)> = probes(case, way)
        .map(|(program, by)| {
            let mut run = Run { t, case, way, program, names: Names::new(world, t, by), world, wrong: Vec::new() };
            if let Err(error) = run.all() {
                run.wrong.push(error.message().unwrap_or("?").to_owned());
            }
            if !run.wrong.is_empty() {
                // What hangs must not disturb the next.
                procs::kill_all_in(t.namespace());
            }
            (program, run.wrong.into_iter().map(|what| run.names.unresolve(&what)).collect())
        })
        .collect();
    match each.as_slice() {
        [(_, first), rest @ ..] if rest.iter().all(|(_, other)| other == first) => first.clone(),
        _ => each
            .iter()
            .flat_map(|(program, wrong)| wrong.iter().map(move |what| format!("{program}: {what}")))
            .collect(),
    }
}

struct Run<'a> {
    t: &'a Test,
    case: &'a Case,
    way: Way,
    program: &'static str,
    names: Names<'a>,
    world: &'a World,
    wrong: Vec<String>,
}

impl Run<'_> {
    fn all(&mut self) -> Outcome {
        let _sysctl = match self.case.given {
            "" => None,
            words => Some(Sysctl::set(words)?),
        };
        let observations = self.observations()?;
        let mut lookouts: Vec<Lookout> = Vec::new();
        let mut busy = None;
        for observation in &observations {
            if let Some(post) = observation.post().filter(|post| lookouts.iter().all(|other| other.post != *post)) {
                lookouts.push(Lookout::new(self.world, post)?);
            }
            if let Observation::Full(at) = observation {
                busy = Some(self.world.at(at.ip(), || Busy::listen(&at.to_string()))?);
            }
        }
        let mut beside = Vec::new();
        for (context, words, prints) in self.case.beside {
            let words = self.names.resolve(words);
            let mut other = self.command(context, "", "", &words).stdin(Stdio::piped()).start()?;
            let there = wait_for(SOON, || other.stdout().contains(WAITING) || other.status().is_some());
            ensure!(there && other.stdout().contains(WAITING), "beside: {}{}", other.stdout(), other.stderr());
            beside.push((other, *prints));
        }
        let words = self.names.resolve(self.case.words);
        let (around, inside) = (self.names.resolve(self.case.around), self.names.resolve(self.case.inside));
        let main = self.command(&self.case.context, &around, &inside, &words);
        let main = self.with_resolver(main)?.stdin(Stdio::piped()).start()?;
        let mut main = Main { proc: main, words: &words, waits: 0 };
        main.come_to_wait()?;
        for observation in observations.iter().filter(|one| one.when() == When::While) {
            self.note(|run| run.meanwhile(observation, &mut main, busy.as_ref(), &lookouts));
        }
        let dies = observations.iter().any(|one| matches!(one, Observation::Dies));
        let done = if dies { self.orphan(main)? } else { Ended::Well(main.finish()?) };
        self.note(|run| run.printed(&done, run.case.prints));
        for observation in &observations {
            if let Observation::Sees(post, seen) = observation {
                self.note(|_| lookouts.iter().find(|one| one.post == *post).ok_or("nobody there")?.check(seen));
            }
        }
        // Who holds a port, say, is looked for when the probe has its answer: those beside it must still be there.
        let done = self.told(&observations, done);
        for (mut other, prints) in beside {
            // One that has ended too early cannot be told anything; what it printed tells why.
            let _ = other.say("go");
            let ended = wait_for(SOON, || other.status().is_some());
            ensure!(ended, "what is beside it does not end; printed {:?}", other.stdout());
            let done = Ended::Well(other.finish(SOON)?);
            self.note(|run| run.printed(&done, prints).map_err(|error| of_another(&error)));
        }
        if observations.iter().any(|one| matches!(one, Observation::NothingTold)) {
            self.note(|run| run.nothing_told(done));
        }
        Ok(())
    }

    fn observations(&self) -> Outcome<Vec<Observation>> {
        self.case.seen.iter().map(|text| Observation::parse(&self.names.resolve(text))).collect()
    }

    /// Does something whose failure does not end the run: a case is read as a whole.
    fn note(&mut self, act: impl FnOnce(&mut Self) -> Outcome) {
        if let Err(error) = act(self) {
            self.wrong.push(error.message().unwrap_or("?").to_owned());
        }
    }

    fn command(&self, context: &Context, around: &str, inside: &str, words: &str) -> Cmd {
        let probe = self.t.native(inside).words(self.program).words(words);
        let Some(((enforcement, model), options)) = self.way.zip(context.options()) else {
            return self.t.native(around).then(probe);
        };
        let options = format!("{} --process {model} {}", enforcement.option, self.names.resolve(&options));
        self.t.native(around).then(self.t.chbind(&options, "")).then(probe)
    }

    /// In a mount namespace of its own, where resolv.conf is another; then under the identity of the run.
    fn with_resolver(&self, command: Cmd) -> Outcome<Cmd> {
        if self.case.resolver.is_empty() {
            return Ok(command);
        }
        let file = self.t.write("resolv.conf", &format!("nameserver {}\n", self.case.resolver))?;
        let script = format!("mount --bind {} /etc/resolv.conf && exec \"$@\"", file.display());
        let (uid, gid) = self.t.bed().ids(self.t.who());
        let become_it = match self.t.who() {
            Who::Root => String::new(),
            Who::User => format!("setpriv --reuid={uid} --regid={gid} --clear-groups --"),
        };
        Ok(self.t.as_root("unshare --mount sh -c").arg(script).words("sh").words(&become_it).then(command))
    }

    fn printed(&self, done: &Ended, wanted: &str) -> Outcome {
        let Some(printed) = done.printed()? else { return Ok(()) };
        let printed: Vec<&str> = printed.split_whitespace().filter(|word| *word != WAITING).collect();
        let (printed, wanted) = (printed.join(" "), self.names.resolve(wanted));
        ensure!(text::matches(&wanted, &printed), "printed {printed:?}, wanted {wanted:?}");
        Ok(())
    }

    fn meanwhile(
        &self,
        observation: &Observation,
        main: &mut Main,
        busy: Option<&Busy>,
        lookouts: &[Lookout],
    ) -> Outcome {
        let world = self.world;
        match observation {
            Observation::Go => main.go()?,
            Observation::Table(transport, wanted) => {
                let port = wanted.first().map_or(0, SocketAddr::port);
                let mut found = outside::table(*transport, port)?;
                found.retain(|at| !lookouts.iter().any(|lookout| lookout.is_at(*transport, *at)));
                let mut wanted = wanted.clone();
                wanted.sort();
                ensure_eq!(found, wanted, "in the kernel's table");
            }
            Observation::Reaches(from, to) => match outside::dial(world, *from, *to)? {
                Ok(()) => {}
                Err(errno) => return Err(format!("{from} does not reach {to}: {errno}").into()),
            },
            Observation::Fails(from, to) => match outside::dial(world, *from, *to)? {
                Ok(()) => return Err(format!("{from} reaches {to}, and should not").into()),
                Err(errno) => {
                    ensure!(errno == nix::errno::Errno::ECONNREFUSED, "{from} to {to}: not refused, but {errno}");
                }
            },
            Observation::Sends(from, to, text) => _ = outside::send(world, *from, *to, text)?,
            Observation::Asks(from, to, answer) => outside::ask(world, *from, *to, *answer)?,
            Observation::Empties => {
                let busy = busy.ok_or("no queue is full")?;
                let through = wait_for(SOON, || busy.drain().is_ok() && main.proc.status().is_some());
                ensure!(through, "never gets through");
            }
            Observation::Dies => {
                let own = self.t.supervisors();
                ensure!(!own.is_empty() || self.way.is_none(), "no supervisor");
                own.iter().for_each(|process| _ = procs::send(process.pid, Signal::SIGKILL));
                ensure!(wait_for(SOON, || self.t.supervisors().is_empty()), "SIGKILL does not end the supervisor");
            }
            Observation::Sees(..) | Observation::Full(_) | Observation::Told(_) | Observation::NothingTold => {}
        }
        Ok(())
    }

    /// The end of a probe whose supervisor (and, in the parent model, whose parent) is dead.
    fn orphan(&self, mut main: Main) -> Outcome<Ended> {
        while main.waits > 0 {
            main.go()?;
        }
        let gone = wait_for(SOON, || self.t.processes_named(self.program).is_empty());
        ensure!(gone, "hangs without its supervisor: {}", main.proc.stdout());
        Ok(Ended::Orphan(main.proc.stdout()))
    }

    /// What chbind has to say about it. Gives the run back, unless it has failed.
    fn told(&mut self, observations: &[Observation], done: Ended) -> Option<Done> {
        let Ended::Well(mut done) = done else { return None };
        for observation in observations.iter().filter(|_| self.way.is_some()) {
            let Observation::Told(keywords) = observation else { continue };
            let keywords: Vec<&str> = keywords.iter().map(String::as_str).collect();
            match done.told(&keywords) {
                Ok(same) => done = same,
                Err(error) => {
                    self.wrong.push(error.message().unwrap_or("?").to_owned());
                    return None;
                }
            }
        }
        Some(done)
    }

    /// Nothing at all: known when chbind's own processes are gone.
    fn nothing_told(&self, done: Option<Done>) -> Outcome {
        if let (Some(done), Some(_)) = (done, self.way) {
            ensure_eq!(done.all_told(self.t)?, "", "is told");
        }
        Ok(())
    }
}

/// What is wrong with a process that is there as well.
fn of_another(error: &Failed) -> Failed {
    format!("beside: {}", error.message().unwrap_or("?")).into()
}

/// How a probe came to its end.
enum Ended {
    Well(Done),
    Orphan(String),
}

impl Ended {
    /// What it printed; `None` where it died along with chbind.
    fn printed(&self) -> Outcome<Option<&str>> {
        match self {
            Self::Well(done) => {
                ensure!(done.status.success(), "{}: {}{}", done.status, done.stdout, done.stderr);
                Ok(Some(&done.stdout))
            }
            Self::Orphan(printed) => Ok(Some(printed)),
        }
    }
}

/// The probe of a case, with the number of times that it still has to be told to go on.
struct Main<'a> {
    proc: Proc,
    words: &'a str,
    waits: usize,
}

impl Main<'_> {
    fn come_to_wait(&mut self) -> Outcome {
        self.waits = self.words.split_whitespace().filter(|word| *word == "wait").count();
        self.next_wait()
    }

    /// Waits until it waits, or has ended: what it printed then tells why.
    fn next_wait(&mut self) -> Outcome {
        if self.waits == 0 {
            return Ok(());
        }
        let all = self.words.split_whitespace().filter(|word| *word == "wait").count();
        let reached = |proc: &mut Proc| proc.stdout().matches(WAITING).count() > all - self.waits;
        let there = wait_for(SOON, || reached(&mut self.proc) || self.proc.status().is_some());
        ensure!(there, "does not come to its wait: {}", self.proc.stdout());
        Ok(())
    }

    fn go(&mut self) -> Outcome {
        ensure!(self.waits > 0, "it does not wait");
        // One that has ended too early cannot be told anything; what it printed tells why.
        let _ = self.proc.say("go");
        self.waits -= 1;
        self.next_wait()
    }

    fn finish(mut self) -> Outcome<Done> {
        while self.waits > 0 {
            self.go()?;
        }
        let ended = wait_for(SOON, || self.proc.status().is_some());
        ensure!(ended, "does not end; printed {:?}", self.proc.stdout());
        self.proc.finish(SOON)
    }
}
