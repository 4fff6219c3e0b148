//! Other programs and processes in the context, and odd numbers and memory.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

use chbind_tests::{Outcome, Who, ensure};

use crate::stage::{Report, Stage};
use crate::table::{Attack, Natively};

pub(crate) const ATTACKS: &[Attack] = &[
    Attack::new("vfork, posix_spawn", "attack-exec vfork"),
    Attack::new("exec of a set-id program", "attack-exec set-id").play(set_id),
    Attack::new("a caller that is not dumpable", "attack-exec undumpable"),
    Attack::new("root in a user namespace of its own asks for port 80", "attack-exec user-root")
        .natively(Natively::Held),
    Attack::new("a tracer inside puts bind in the place of another call", "attack-exec tracer"),
    Attack::new("/proc/self/fd reopened, O_PATH, duplicates", "attack-odd reopen"),
    Attack::new("rubbish in the upper halves of registers", "attack-odd upper"),
    Attack::new("sendmsg of 1,024 pieces across a page unmapped in flight", "attack-odd iovecs")
        .shows(&["done", "EFAULT"]),
];

/// The program gets its rights where root's context runs it for an ordinary user; an ordinary user's context gives
/// none.
fn set_id(stage: &Stage) -> Outcome<Report> {
    let (uid, gid) = stage.t.bed().ids(Who::User);
    let victim = stage.t.dir().join("victim");
    fs::copy(stage.t.bed().bin().join("attack-exec"), &victim)?;
    chown(&victim, Some(0), Some(gid))?;
    fs::set_permissions(&victim, Permissions::from_mode(0o4750))?;
    let as_user = match stage.t.who() {
        Who::Root => format!("setpriv --reuid={uid} --regid={gid} --clear-groups --"),
        Who::User => String::new(),
    };
    let command = format!("{as_user} attack-exec set-id {}", victim.display());
    let report = stage.run(stage.inside(&command));
    // A set-id program of root is not to be left lying about.
    fs::remove_file(&victim)?;
    let report = report?;
    let has_rights = stage.t.who() == Who::Root || stage.is_native();
    let wanted = format!(" euid={} ", if has_rights { 0 } else { uid });
    ensure!(report.line.contains(&wanted), "wanted{wanted}: {}", report.line);
    Ok(report)
}
