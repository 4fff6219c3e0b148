//! A thread executes a set-uid program while the supervisor is held up in the memory of another thread's call. What the
//! supervisor then writes, reads or asks must have nothing to do with the set-uid program (see probes/slow.c).

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;

use chbind_tests::net::{self, A, F};
use chbind_tests::patience::wait_for;
use chbind_tests::{Case, Outcome, SOON, Test, Who, cases, ensure, ensure_eq};

use crate::holes::as_user;
use crate::rows::S;

/// Whether the program is executed while the supervisor is held up is a matter of milliseconds.
const ATTEMPTS: u32 = 40;

pub(crate) fn cases() -> Vec<Case> {
    cases![root: nothing_is_written_into_a_set_uid_program, rights_of_a_set_uid_program_are_not_its_callers,
        memory_of_a_set_uid_program_is_not_sent]
}

/// A set-uid program that is there as long as this is.
struct Victim(PathBuf);

impl Victim {
    fn new(t: &Test) -> Outcome<Self> {
        let victim = Self(t.dir().join("victim"));
        fs::copy(t.bed().bin().join("slow"), &victim.0)?;
        // For the run's ordinary user alone.
        chown(&victim.0, Some(0), Some(t.bed().ids(Who::User).1))?;
        fs::set_permissions(&victim.0, Permissions::from_mode(0o4710))?;
        Ok(victim)
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The value of a word `name=value`.
fn value<'a>(text: &'a str, name: &str) -> Outcome<&'a str> {
    let found = text.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    found.ok_or_else(|| format!("no {name} in {text:?}").into())
}

/// Lets the probe try it until the program was executed in time, and hands what was printed to `check`. Only root's
/// supervisor can look into set-uid programs, and with an ordinary user's there are none: root's context, and a user in it.
fn attempt(t: &Test, words: &str, check: impl Fn(&str) -> Outcome) -> Outcome {
    let victim = Victim::new(t)?;
    let (way, rest) = words.split_once(' ').unwrap_or((words, ""));
    let command = format!("{} -- slow {way} {} {rest}", as_user(t), victim.0.display());
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let run = t.chbind(S, &command).start()?;
        // The helper may tell after the command has ended.
        let both = wait_for(SOON, || {
            last = run.stdout();
            last.contains("helper ") && last.contains("victim ") && last.ends_with('\n')
        });
        ensure!(both, "waited in vain for both to tell\n{last}");
        ensure_eq!(value(&last, "euid")?, "0", "set-uid programs do not work in {}", t.dir().display());
        check(&last)?;
        let time = |name| -> Outcome<u64> { Ok(value(&last, name)?.parse()?) };
        if time("begin")? < time("start")? && time("start")? < time("end")? {
            return Ok(());
        }
    }
    Err(format!("no race took place in {ATTEMPTS} attempts, the last of which was\n{last}").into())
}

fn nothing_is_written_into_a_set_uid_program(t: &Test) -> Outcome {
    attempt(t, "write", |told| {
        ensure!(told.contains(" untouched"), "written into the memory of a set-uid program\n{told}");
        Ok(())
    })
}

/// Row 15.
fn rights_of_a_set_uid_program_are_not_its_callers(t: &Test) -> Outcome {
    attempt(t, &format!("read {A}"), |told| {
        ensure_eq!(value(told, "name")?, "0.0.0.0:0", "a privileged port for an ordinary user\n{told}");
        Ok(())
    })
}

fn memory_of_a_set_uid_program_is_not_sent(t: &Test) -> Outcome {
    let peer = net::udp_peer(&format!("{F}:7300"))?;
    peer.set_nonblocking(true)?;
    attempt(t, &format!("send {F}"), |told| {
        let mut text = [0; 64];
        while let Ok((length, _)) = peer.recv_from(&mut text) {
            ensure!(!text[..length].contains(&b's'), "sent from the memory of a set-uid program\n{told}");
        }
        Ok(())
    })
}
