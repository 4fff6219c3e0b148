//! Sockets that come from somewhere else, and ways to somewhere else.

use std::process::Stdio;

use chbind_tests::Outcome;

use crate::stage::{Report, Stage};
use crate::table::Attack;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack::new("sockets from outside by SCM_RIGHTS: unbound, bound, raw", "attack-given take").play(taken),
    Attack::new(
        "sockets from outside inherited through exec, a bound listener-to-be among them",
        "attack-given inherit",
    )
    .play(inherited),
    Attack::new("pidfd_getfd and ptrace of a process outside", "attack-given steal").play(stolen),
    Attack::new("sockets made in another user and network namespace, moved in", "attack-namespace moved"),
    Attack::new("sockets of the context, used from other namespaces", "attack-namespace there"),
    Attack::new("setns, unshare to leave", "attack-namespace leave"),
];

/// A process outside makes the sockets and waits at a door.
fn taken(stage: &Stage) -> Outcome<Report> {
    let door = stage.t.dir().join("door").display().to_string();
    let mut giver = stage.t.native("attack-given give").arg(door.clone()).start()?;
    giver.wait_stdout("ready")?;
    stage.run(stage.inside(stage.command()).arg(door))
}

fn inherited(stage: &Stage) -> Outcome<Report> {
    stage.run(stage.t.native("attack-given launch").then(stage.inside("attack-given inherit")))
}

/// A process of the same user has what is to be taken.
fn stolen(stage: &Stage) -> Outcome<Report> {
    let mut holder = stage.t.native("attack-given hold").stdin(Stdio::piped()).start()?;
    holder.wait_stdout("ready")?;
    let victim = holder.pid().to_string();
    stage.run(stage.inside("attack-given steal").arg(victim))
}
