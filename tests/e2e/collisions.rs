//! Numbers of contexts: each has its own, and with it its own loopback address. (Ports: the table `compliance`.)

use std::collections::HashSet;
use std::process::Stdio;

use chbind_tests::net;
use chbind_tests::{Case, Outcome, Proc, SOON, Test, cases, ensure, ensure_eq, wait_for};

use crate::lifetime::kill_supervisors;
use crate::rows::S;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        both: nids_are_unique, nid_is_free_again, many_at_once,
            nid_is_free_at_once, loopback_of_a_killed_supervisor_is_not_passed_on;
        root: nid_is_unique_across_users
    ]
}

/// A server in a context that listens there until the test is through with it.
fn hold(t: &Test, options: &str, address: &str) -> Outcome<Proc> {
    let words = format!("probe tcp4 bind {address} listen wait");
    let mut probe = t.chbind(options, &words).stdin(Stdio::piped()).start()?;
    probe.wait_stdout("bind=ok listen=ok waiting")?;
    Ok(probe)
}

fn nids_are_unique(t: &Test) -> Outcome {
    let _one = hold(t, "--ip 10.0.0.1 --nid 1000", "127.0.0.1:8080")?;
    for options in ["--ip 10.0.0.1 --nid 1000", "--ip 10.0.0.2 --nid 1000"] {
        t.chbind(options, "true").run()?.exited(125)?.told(&["chbind:", "1000"])?;
    }
    t.chbind("--ip 10.0.0.1 --nid 1001", "true").run()?.ok()?;
    Ok(())
}

/// Nothing stale is left behind, not even by a supervisor that was killed.
fn nid_is_free_again(t: &Test) -> Outcome {
    let options = "--ip 10.0.0.1 --nid 1000";
    for _ in 0..3 {
        drop(hold(t, options, "127.0.0.1:8080")?);
        ensure!(wait_for(SOON, || t.processes().is_empty()), "left: {:?}", t.processes());
    }
    let holder = hold(t, options, "127.0.0.1:8080")?;
    kill_supervisors(t)?;
    drop(holder);
    ensure!(wait_for(SOON, || t.processes().is_empty()), "left: {:?}", t.processes());
    hold(t, options, "127.0.0.1:8080")?;
    Ok(())
}

/// Whoever restarts a service does not wait for the old supervisor to be gone.
fn nid_is_free_at_once(t: &Test) -> Outcome {
    for _ in 0..20 {
        t.chbind("--ip 10.0.0.1 --nid 1000", "true").run()?.ok()?;
    }
    Ok(())
}

/// Programs whose supervisor was killed live on, and so does what they serve on the context's loopback. It must not become
/// that of another context.
fn loopback_of_a_killed_supervisor_is_not_passed_on(t: &Test) -> Outcome {
    for served in [
        "tcp4 bind 127.0.0.1:5432 listen",
        "udp4 bind 127.0.0.1:5432",
        "tcp6 opt dual bind [::ffff:127.0.0.1]:5432 listen",
        "udp6 opt dual bind [::1]:5432",
    ] {
        let options = "--ip 10.0.0.1 --ip fd00:1::1 --nid 1000";
        let mut left = t.chbind(options, "probe").words(served).words("wait").stdin(Stdio::piped()).start()?;
        left.wait_stdout("waiting")?;
        kill_supervisors(t)?;
        for options in [options, "--ip 10.0.0.2 --nid 1000"] {
            t.chbind(options, "true").run()?.exited(125)?.told(&["chbind:", "1000", "in use"])?;
        }
        let words = "tcp4 connect 127.0.0.1:5432";
        t.chbind("--ip 10.0.0.2", "probe").words(words).run()?.ok()?.printed("connect=ECONNREFUSED")?;
        left.hang_up();
        left.finish(SOON)?.ok()?;
        t.chbind(options, "true").run()?.ok()?;
    }
    Ok(())
}

/// Started at the same moment, each gets a number, and so a loopback address, of its own.
fn many_at_once(t: &Test) -> Outcome {
    const MANY: usize = 24;
    let mut all = Vec::new();
    for _ in 0..MANY {
        all.push(t.chbind(S, "probe tcp4 bind 127.0.0.1:8080 listen wait").stdin(Stdio::piped()).start()?);
    }
    for probe in &mut all {
        probe.wait_stdout("bind=ok listen=ok waiting")?;
    }
    let addresses: HashSet<_> = net::listening_on(8080)?.into_iter().collect();
    ensure_eq!(addresses.len(), MANY, "{addresses:?}");
    Ok(())
}

fn nid_is_unique_across_users(t: &Test) -> Outcome {
    let _one = hold(t, "--ip 10.0.0.1 --nid 1000", "127.0.0.1:8080")?;
    let (uid, gid) = t.bed().ids(chbind_tests::Who::User);
    let user = format!("setpriv --reuid={uid} --regid={gid} --clear-groups --");
    let taken = t.native(&user).then(t.chbind("--ip 10.0.0.2 --nid 1000", "true"));
    taken.run()?.exited(125)?.told(&["chbind:", "1000"])?;
    // Nor is one handed out that somebody else has.
    let other = t.native(&user).then(t.chbind("--ip 10.0.0.2", "probe tcp4 bind 127.0.0.1:8080"));
    other.run()?.ok()?.printed("bind=ok")?;
    Ok(())
}
