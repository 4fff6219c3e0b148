//! The supervisor has given up what it does not need, in every thread. (That it has kept all that it does need is what every
//! other trial shows: a call that is not in its filter kills it, and then nothing works.)

use std::collections::HashMap;
use std::fs;
use std::process::Stdio;

use chbind_tests::net::Busy;
use chbind_tests::{Case, Outcome, SOON, Test, Who, cases, ensure, ensure_eq, in_both_models, wait_for};

use crate::rows::S;

pub(crate) fn cases() -> Vec<Case> {
    let mut all = in_both_models![every_thread_is_confined, memory_is_bounded];
    all.extend(cases![root: capabilities_are_few]);
    all
}

/// The one supervisor of the trial. (In the parent model chbind is there a second time, in front.)
pub(crate) fn supervisor(t: &Test) -> Outcome<i32> {
    let found: Vec<i32> = t.supervisors().iter().filter(|p| p.name.starts_with("chbind/")).map(|p| p.pid).collect();
    ensure_eq!(found.len(), 1, "supervisors: {:?}", t.supervisors());
    Ok(found[0])
}

/// What /proc says of a process or thread.
fn status(path: &str) -> Outcome<HashMap<String, String>> {
    let text = fs::read_to_string(format!("{path}/status"))?;
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    Ok(pairs.map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect())
}

fn mask(status: &HashMap<String, String>, key: &str) -> Outcome<u64> {
    Ok(u64::from_str_radix(status.get(key).ok_or("no such line")?, 16)?)
}

fn every_thread_is_confined(t: &Test, model: &str) -> Outcome {
    for (strict, at) in [("", "10.0.0.3:7100"), ("--strict", "10.0.0.3:7101")] {
        let busy = Busy::listen(at)?;
        let mut probe = t.chbind(&format!("{S} {model} {strict}"), &format!("probe tcp4 connect {at}")).start()?;
        let several = |pid| fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count) >= 3;
        let blocks = wait_for(SOON, || supervisor(t).is_ok_and(several));
        ensure!(blocks, "no call blocks: {:?} {}{}", t.processes(), probe.stdout(), probe.stderr());
        let pid = supervisor(t)?;
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let task = task?.path().display().to_string();
            let status = status(&task)?;
            let line = |key: &str| status.get(key).map(String::as_str);
            ensure_eq!((line("Seccomp"), line("NoNewPrivs")), (Some("2"), Some("1")), "of {task}");
            // Its files belong to root: it is not dumpable.
            let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(format!("{task}/maps"))?);
            ensure_eq!(owner, 0, "of {task}");
        }
        wait_for(SOON, || busy.drain().is_err() || probe.status().is_some());
        probe.finish(SOON)?.ok()?.printed("connect=ok")?;
        ensure!(wait_for(SOON, || t.processes().is_empty()), "left: {:?}", t.processes());
    }
    Ok(())
}

/// Of root's: those that docs/security.md names, nothing in the bounding set beyond, and those for callers who have them not in effect.
fn capabilities_are_few(t: &Test) -> Outcome {
    ensure_eq!(t.who(), Who::Root);
    const CAPS: [(&str, u64); 3] = [
        // DAC_READ_SEARCH, KILL, SETUID, NET_BIND_SERVICE, SYS_PTRACE.
        ("", 1 << 2 | 1 << 5 | 1 << 7 | 1 << 10 | 1 << 19),
        ("--raw-icmp", 1 << 2 | 1 << 5 | 1 << 7 | 1 << 10 | 1 << 13 | 1 << 19),
        // And SETGID.
        ("--strict", 1 << 2 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 10 | 1 << 19),
    ];
    const FOR_A_MOMENT: u64 = 1 << 10 | 1 << 13;
    for (options, wanted) in CAPS {
        let mut probe = t.chbind(&format!("{S} {options}"), "probe tcp4 wait").stdin(Stdio::piped()).start()?;
        probe.wait_stdout("waiting")?;
        let status = status(&format!("/proc/{}", supervisor(t)?))?;
        let found =
            ["CapPrm", "CapBnd", "CapEff", "CapInh", "CapAmb"].map(|key| mask(&status, key).unwrap_or(u64::MAX));
        ensure_eq!(found, [wanted, wanted, wanted & !FOR_A_MOMENT, 0, 0], "with {options:?}");
        probe.say("go")?;
        probe.finish(SOON)?.ok()?;
        ensure!(wait_for(SOON, || t.processes().is_empty()), "left: {:?}", t.processes());
    }
    Ok(())
}

fn memory_is_bounded(t: &Test, model: &str) -> Outcome {
    let mut probe = t.chbind(&format!("{S} {model}"), "probe tcp4 wait").stdin(Stdio::piped()).start()?;
    probe.wait_stdout("waiting")?;
    let limits = fs::read_to_string(format!("/proc/{}/limits", supervisor(t)?))?;
    let row = limits.lines().find_map(|line| line.strip_prefix("Max data size")).ok_or("no such limit")?;
    ensure_eq!(row.split_whitespace().take(2).collect::<Vec<_>>(), ["1073741824", "1073741824"]);
    // The command has its own.
    let inside = fs::read_to_string(format!("/proc/{}/limits", t.processes_named("probe")[0].pid))?;
    let outside = fs::read_to_string("/proc/self/limits")?;
    let data = |text: &str| text.lines().find(|line| line.starts_with("Max data size")).map(str::to_owned);
    ensure_eq!(data(&inside), data(&outside));
    Ok(())
}
