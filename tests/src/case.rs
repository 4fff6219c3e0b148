//! Registration of tests, and the running of each in a namespace of its own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use libtest_mimic::Trial;

use crate::{Bed, Failed, Outcome, Patience, Test, Who, net, procs};

/// No trial takes as long as this (on a busy machine: see [`crate::patience`]); one that does hangs, and is given up.
const LIMIT: Duration = Duration::from_secs(180);

/// Between two looks at the time while a trial runs.
const MOMENT: Duration = Duration::from_millis(100);

/// Held for reading by every trial, for writing by those which measure time or load the whole machine.
static MACHINE: RwLock<()> = RwLock::new(());

static SERIAL: AtomicU32 = AtomicU32::new(0);

type Body = Arc<dyn Fn(&Test) -> Outcome + Send + Sync>;

/// A test as registered: one function, run as each identity that it makes sense for.
#[derive(Clone)]
pub struct Case {
    name: String,
    identities: &'static [Who],
    alone: bool,
    body: Body,
}

impl Case {
    /// A test that holds for root and for an ordinary user alike.
    pub fn both(name: &str, body: impl Fn(&Test) -> Outcome + Send + Sync + 'static) -> Self {
        Self::new(name, &[Who::Root, Who::User], body)
    }

    /// A test of something that only root can do.
    pub fn root(name: &str, body: impl Fn(&Test) -> Outcome + Send + Sync + 'static) -> Self {
        Self::new(name, &[Who::Root], body)
    }

    /// A test of something that only ordinary users meet.
    pub fn user(name: &str, body: impl Fn(&Test) -> Outcome + Send + Sync + 'static) -> Self {
        Self::new(name, &[Who::User], body)
    }

    fn new(name: &str, identities: &'static [Who], body: impl Fn(&Test) -> Outcome + Send + Sync + 'static) -> Self {
        // module_path! puts the name of the test binary in front, which says nothing.
        let name = name.strip_prefix("e2e::").unwrap_or(name).to_owned();
        Self { name, identities, alone: false, body: Arc::new(body) }
    }

    /// The same, with no other trial running beside it.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// The same, with `--enforce HOW` for all that it starts in contexts, under a name of its own.
    #[must_use]
    pub fn enforced(self, how: &'static str) -> Self {
        let (name, body) = (format!("{how}::{}", self.name), self.body);
        let body: Body = Arc::new(move |t: &Test| body(&t.enforced(how)));
        Self { name, identities: self.identities, alone: self.alone, body }
    }

    /// Whether that is its name, or the end of it.
    pub fn is_called(&self, name: &str) -> bool {
        self.name.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with("::"))
    }

    /// The trials of this test: `name::root`, `name::user`.
    pub fn trials(self, bed: &'static OnceLock<Bed>) -> Vec<Trial> {
        let trial = |&who: &Who| {
            let suffix = match who {
                Who::Root => "root",
                Who::User => "user",
            };
            let (body, alone) = (Arc::clone(&self.body), self.alone);
            Trial::test(format!("{}::{suffix}", self.name), move || {
                let bed = bed.get().ok_or("nothing has been set up")?;
                run(bed, who, alone, body)
            })
        };
        self.identities.iter().map(trial).collect()
    }
}

/// Registers functions that take options, once without any and once with `--process parent`: the command as a child of a
/// chbind that stays has to look the same from outside as the command in chbind's place.
#[macro_export]
macro_rules! in_both_models {
    ($($function:ident),+ $(,)?) => {
        vec![$(
            $crate::Case::both(concat!(module_path!(), "::", stringify!($function)), |t| $function(t, "")),
            $crate::Case::both(concat!(module_path!(), "::", stringify!($function), "::parent"), |t| {
                $function(t, "--process parent")
            }),
        )+]
    };
}

/// Registers functions under their own names: `cases![both: a, b; root: c; user: d]`.
#[macro_export]
macro_rules! cases {
    ($($kind:ident: $($function:ident),+);+ $(;)?) => {
        vec![$($($crate::Case::$kind(concat!(module_path!(), "::", stringify!($function)), $function)),+),+]
    };
}

fn run(bed: &'static Bed, who: Who, alone: bool, body: Body) -> Outcome {
    let (_shared, _exclusive) = if alone {
        (None, Some(MACHINE.write().unwrap_or_else(PoisonError::into_inner)))
    } else {
        (Some(MACHINE.read().unwrap_or_else(PoisonError::into_inner)), None)
    };
    in_namespace(bed, who, LIMIT, net::enter_new_namespace, move |test| body(test))
}

/// Runs the body in a thread and a network namespace of its own, which `enter` makes, and ends whatever is left in there.
/// What takes longer than `limit` hangs, and is given up.
pub fn in_namespace(
    bed: &'static Bed,
    who: Who,
    limit: Duration,
    enter: fn() -> Outcome,
    body: impl FnOnce(&Test) -> Outcome + Send + 'static,
) -> Outcome {
    let (namespace_sender, namespace) = mpsc::channel();
    let (outcome_sender, outcome) = mpsc::channel();
    // A namespace belongs to a thread, and what it starts inherits it: so does everything that the test starts.
    std::thread::spawn(move || {
        let prepared = enter().and_then(|()| {
            let namespace = net::Namespace::current()?;
            let dir = bed.make_dir(&format!("trial-{}", SERIAL.fetch_add(1, Ordering::Relaxed)), who)?;
            let test = Test::new(bed, who, dir, namespace.number.clone());
            // Held by whoever clears up, for longer than this thread lives.
            let _ = namespace_sender.send(namespace);
            Ok(test)
        });
        let result = prepared.and_then(|test| {
            let body = std::panic::AssertUnwindSafe(|| body(&test));
            std::panic::catch_unwind(body).unwrap_or_else(|cause| Err(panic_message(&cause)))
        });
        let _ = outcome_sender.send(result);
    });
    let mut patience = Patience::new(limit);
    let result = loop {
        match outcome.recv_timeout(MOMENT) {
            Ok(result) => break result,
            Err(RecvTimeoutError::Timeout) if patience.rest(Duration::ZERO) => {}
            Err(_) => break Err(Failed::from("hangs: given up")),
        }
    };
    if let Ok(namespace) = namespace.try_recv() {
        procs::kill_all_in(&namespace.number);
    }
    result
}

fn panic_message(cause: &(dyn std::any::Any + Send)) -> Failed {
    let text = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    Failed::from(text.unwrap_or("panicked"))
}
