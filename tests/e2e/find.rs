//! `chbindctl find`: running contexts by their names.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::Stdio;

use chbind_tests::{Case, Outcome, Proc, SOON, Test, cases, ensure, ensure_eq, in_both_models, wait_for};

use crate::rows::S;

pub(crate) fn cases() -> Vec<Case> {
    let mut all = in_both_models![one];
    all.extend(
        cases![both: several, strange_names, nobody, held_by_somebody_else, without_a_supervisor; root: of_other_users],
    );
    all
}

fn waiting(t: &Test, options: &str, name: &str) -> Outcome<Proc> {
    let chbind = t.native(&format!("chbind {S} {options} --name")).arg(name);
    let mut probe = chbind.words("-- probe tcp4 wait").stdin(Stdio::piped()).start()?;
    probe.wait_stdout("waiting")?;
    Ok(probe)
}

fn end(mut probe: Proc) -> Outcome {
    probe.say("go")?;
    probe.finish(SOON)?.ok()?;
    Ok(())
}

/// The lines for a name; none if there is no such context.
fn found(t: &Test, name: &str) -> Outcome<Vec<String>> {
    let done = t.native("chbindctl find").arg(name).run()?;
    Ok(done.stdout.lines().map(str::to_owned).collect())
}

/// Each trial has a network namespace, and with that names, of its own.
const NAME: &str = "example.org";

/// The number, its loopback address, and the process that holds them, which has a name of its own.
fn one(t: &Test, model: &str) -> Outcome {
    let probe = waiting(t, &format!("{model} --nid 1000"), NAME)?;
    let lines = found(t, NAME)?;
    let [line] = lines.as_slice() else { return Err(format!("{lines:?}").into()) };
    let rest = line.strip_prefix("nid 1000, loopback 127.3.232.1, supervisor ").ok_or_else(|| line.clone())?;
    let (pid, user) = rest.split_once(", user ").ok_or_else(|| line.clone())?;
    ensure_eq!(std::fs::read_to_string(format!("/proc/{pid}/comm"))?.trim(), "chbind/1000");
    ensure_eq!(user, t.bed().ids(t.who()).0.to_string());
    end(probe)?;
    ensure!(wait_for(SOON, || found(t, NAME).is_ok_and(|lines| lines.is_empty())), "it is found when it is gone");
    Ok(())
}

/// As many as there are, whichever ended before.
fn several(t: &Test) -> Outcome {
    let mut probes = Vec::new();
    for nid in 1000..1005 {
        probes.push(waiting(t, &format!("--nid {nid}"), NAME)?);
    }
    let numbers = |lines: Vec<String>| -> Vec<String> {
        lines.iter().filter_map(|line| Some(line.strip_prefix("nid ")?.split_once(',')?.0.to_owned())).collect()
    };
    ensure_eq!(numbers(found(t, NAME)?), ["1000", "1001", "1002", "1003", "1004"]);
    end(probes.remove(0))?;
    end(probes.remove(1))?;
    let left = ["1001", "1003", "1004"];
    ensure!(wait_for(SOON, || found(t, NAME).is_ok_and(|lines| numbers(lines) == left)), "{:?}", found(t, NAME)?);
    probes.push(waiting(t, "--nid 1000", NAME)?);
    ensure_eq!(numbers(found(t, NAME)?), ["1000", "1001", "1003", "1004"]);
    probes.into_iter().try_for_each(end)
}

/// A name is what messages show of it, and of a long one as much as there is room for.
fn strange_names(t: &Test) -> Outcome {
    for typed in [
        format!("{NAME} a/b c"),
        format!("{NAME}\n\u{1b}[31m"),
        format!("{NAME}ä"),
        format!("{NAME}{}", "x".repeat(300)),
    ] {
        let probe = waiting(t, "", &typed)?;
        ensure_eq!(found(t, &typed)?.len(), 1, "{typed:?}");
        end(probe)?;
    }
    Ok(())
}

fn nobody(t: &Test) -> Outcome {
    let done = t.native("chbindctl find").arg(NAME).run()?.exited(1)?;
    ensure_eq!(done.stderr, format!("chbindctl: no running context is called '{NAME}'\n"));
    ensure!(done.stdout.is_empty(), "{done}");
    Ok(())
}

/// Anybody can take such a name; that makes no context of it, and hides none.
fn held_by_somebody_else(t: &Test) -> Outcome {
    let address = SocketAddr::from_abstract_name(format!("chbind/name/0/{NAME}"))?;
    let listener = UnixListener::bind_addr(&address)?;
    ensure_eq!(found(t, NAME)?, Vec::<String>::new());
    let probe = waiting(t, "", NAME)?;
    ensure_eq!(found(t, NAME)?.len(), 1);
    end(probe)?;
    drop(listener);
    Ok(())
}

/// Where there is none its place is taken by who holds the number.
fn without_a_supervisor(t: &Test) -> Outcome {
    for how in ["preload", "hybrid"] {
        let probe = waiting(t, &format!("--nid 1000 --enforce {how}"), NAME)?;
        // It may come to hold them a moment after the command has begun.
        let is_it = |lines: Vec<String>| lines.len() == 1 && lines.iter().all(|line| line.starts_with("nid 1000, "));
        ensure!(wait_for(SOON, || found(t, NAME).is_ok_and(is_it)), "{how}: {:?}", found(t, NAME)?);
        // Again and again: whoever asks is let go of.
        for _ in 0..200 {
            ensure_eq!(found(t, NAME)?.len(), 1);
        }
        end(probe)?;
        ensure!(
            wait_for(SOON, || found(t, NAME).is_ok_and(|lines| lines.is_empty())),
            "{how}: it is found when it is gone"
        );
    }
    Ok(())
}

/// Whoever asks finds the contexts of all users.
fn of_other_users(t: &Test) -> Outcome {
    let probe = waiting(t, "--nid 1000", NAME)?;
    let done = t.native("setpriv --reuid 65534 --regid 65534 --clear-groups chbindctl find").arg(NAME).run()?.ok()?;
    ensure!(done.stdout.starts_with("nid 1000, ") && done.stdout.ends_with(", user 0\n"), "{done}");
    end(probe)
}
