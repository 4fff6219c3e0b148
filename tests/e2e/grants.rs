//! Ports that a context grants, and what it takes to grant them: row 15.

use chbind_tests::net;
use chbind_tests::{Case, Cmd, Outcome, Test, Who, cases, in_both_models};

use crate::messages::refused;
use crate::rows::PROBES;

pub(crate) fn cases() -> Vec<Case> {
    let mut all = cases![
        root: granted_to_those_without_rights, granted_by_one_with_the_right_alone;
        user: nothing_to_grant, ports_that_need_no_grant;
        both: rights_over_another_network
    ];
    all.extend(in_both_models![granted]);
    all
}

/// The command as the ordinary user of the run.
fn as_user(t: &Test, options: &str, probe: &str, words: &str) -> Cmd {
    let (uid, gid) = t.bed().ids(Who::User);
    let become_user = format!("setpriv --reuid={uid} --regid={gid} --clear-groups {probe}");
    t.as_root("chbind").words(options).arg("--").words(&become_user).words(words)
}

/// Whoever the trial is: it is root that grants, and somebody else that binds.
fn granted(t: &Test, model: &str) -> Outcome {
    let options = format!("--ip 10.0.0.1/24 --grant-port 80 --grant-port 400-450 {model}");
    for probe in PROBES {
        for (words, wanted) in [
            ("tcp4 bind 0.0.0.0:80 listen name", "bind=ok listen=ok name=10.0.0.1:80"),
            ("udp4 bind 10.0.0.1:80 name", "bind=ok name=10.0.0.1:80"),
            ("tcp4 bind 127.0.0.1:450 name", "bind=ok name=127.0.0.1:450"),
            ("tcp4 bind 0.0.0.0:81 name", "bind=EACCES name=0.0.0.0:0"),
            ("tcp4 bind 0.0.0.0:399 bind 0.0.0.0:451", "bind=EACCES bind=EACCES"),
            ("tcp4 bind 0.0.0.0:8080", "bind=ok"),
            // The addresses come first.
            ("tcp4 bind 10.0.0.3:80", "bind=EADDRNOTAVAIL"),
        ] {
            as_user(t, &options, probe, words).run()?.ok()?.printed(wanted)?;
        }
    }
    Ok(())
}

/// However little the caller may do; and a rule against the port is still one.
fn granted_to_those_without_rights(t: &Test) -> Outcome {
    let in_own = "unshare --user --map-root-user probe tcp4 bind 0.0.0.0:80 bind 0.0.0.0:81";
    t.chbind("--ip 10.0.0.1 --grant-port 80", in_own).run()?.ok()?.printed("bind=ok bind=EACCES")?;
    let six = "--ip 10.0.0.1 --ip fd00:1::1 --grant-port 80";
    as_user(t, six, "probe", "tcp6 bind [::]:80").run()?.ok()?.printed("bind=ok")?;
    as_user(t, six, "probe", "tcp6 opt dual bind [::ffff:10.0.0.1]:80").run()?.ok()?.printed("bind=ok")?;
    for rules in ["--grant-port 80 --deny-bind 80", "--grant-port 80 --allow-bind 8080"] {
        let options = format!("--ip 10.0.0.1 {rules}");
        as_user(t, &options, "probe", "tcp4 bind 0.0.0.0:80").run()?.ok()?.printed("bind=EACCES")?;
    }
    Ok(())
}

/// No more than CAP_NET_BIND_SERVICE is needed of chbind.
fn granted_by_one_with_the_right_alone(t: &Test) -> Outcome {
    let (uid, gid) = t.bed().ids(Who::User);
    let user = format!("setpriv --reuid={uid} --regid={gid} --clear-groups");
    let with = format!("{user} --inh-caps=+net_bind_service --ambient-caps=+net_bind_service --");
    let without = "setpriv --inh-caps=-net_bind_service --ambient-caps=-net_bind_service -- probe";
    let inside = t.chbind("--ip 10.0.0.1/24 --grant-port 80", without).words("tcp4 bind 0.0.0.0:81 bind 0.0.0.0:80");
    t.as_root(&with).then(inside).run()?.ok()?.printed("bind=EACCES bind=ok")?;
    Ok(())
}

fn nothing_to_grant(t: &Test) -> Outcome {
    for (ports, first) in [("80", "80"), ("1023-2000", "1023"), ("8080 --grant-port 443", "443")] {
        let keywords = ["chbind: --grant-port", &format!("port {first} "), "below 1024"];
        refused(t, &format!("--ip 10.0.0.1 --grant-port {ports}"), &keywords)?;
    }
    Ok(())
}

fn ports_that_need_no_grant(t: &Test) -> Outcome {
    t.chbind("--ip 10.0.0.1 --grant-port 1024-65535", "probe tcp4 bind 0.0.0.0:8080")
        .run()?
        .ok()?
        .printed("bind=ok")?;
    net::sysctl("ipv4.ip_unprivileged_port_start", "80")?;
    t.chbind("--ip 10.0.0.1 --grant-port 80", "probe tcp4 bind 0.0.0.0:80").run()?.ok()?.printed("bind=ok")?;
    refused(t, "--ip 10.0.0.1 --grant-port 79", &["chbind: --grant-port", "port 79 ", "below 80"])
}

/// All capabilities, but not over this network.
fn rights_over_another_network(t: &Test) -> Outcome {
    let inner = t.chbind("--ip 10.0.0.1 --grant-port 80", "echo this was run");
    let done = t.native("unshare --user --map-root-user").then(inner).run()?.exited(125)?.printed("")?;
    done.told(&["chbind: --grant-port", "port 80 "])?;
    Ok(())
}
