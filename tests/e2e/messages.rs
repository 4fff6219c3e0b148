//! What chbind says: each error of set-up before anything is run, and each refusal while it runs.

use chbind_tests::net::N;
use chbind_tests::{Case, Outcome, Test, cases, ensure, ensure_eq, in_both_models};

use crate::rows::{D, S};

pub(crate) fn cases() -> Vec<Case> {
    let mut all = cases![
        both: addresses, usage, nids, inside_a_context, missing_kernel_features,
            optional_kernel_features, refusals_are_counted, quiet, whole_lines
    ];
    all.extend(in_both_models![refusals_are_told]);
    all
}

/// Fails unless chbind ends with 125 and one line that says all of this, before the command has been run.
pub(crate) fn refused(t: &Test, options: &str, keywords: &[&str]) -> Outcome {
    let done = t.chbind(options, "echo this was run").run()?.exited(125)?.printed("")?.told(keywords)?;
    let decent = done.stderr.lines().all(|line| {
        let prefixes = ["chbind: ", "hint: ", "usage: ", "Usage: ", "  ", "For more", "tip: "];
        line.is_empty() || prefixes.iter().any(|prefix| line.starts_with(prefix))
    });
    ensure!(decent, "not in chbind's words\n{done}");
    Ok(())
}

fn addresses(t: &Test) -> Outcome {
    let not_here = "not an address of this host";
    refused(t, &format!("--ip {N}"), &["chbind: cannot assign 192.0.2.77", not_here])?;
    refused(t, &format!("{S} --ip {N}"), &["chbind: cannot assign 192.0.2.77", not_here])?;
    refused(t, "--ip 2001:db8::77", &["chbind: cannot assign 2001:db8::77", not_here])?;
    refused(t, "--ip banana", &["chbind:", "banana", "address"])?;
    refused(t, "--ip 10.0.0.1/33", &["chbind:", "10.0.0.1/33"])?;
    refused(t, "--ip 10.0.0.256", &["chbind:", "10.0.0.256"])?;
    refused(t, "", &["chbind:", "address"])?;
    refused(t, "--ip 0.0.0.0", &["chbind:", "0.0.0.0"])?;
    refused(t, "--ip 10.0.0.1 --lback banana", &["chbind:", "banana", "address"])?;
    refused(t, &format!("--ip 10.0.0.1 --lback {N}"), &["chbind: cannot assign 192.0.2.77", not_here])
}

fn usage(t: &Test) -> Outcome {
    refused(t, "--ip 10.0.0.1 --no-such-option", &["chbind:", "--no-such-option"])?;
    refused(t, "--ip 10.0.0.1 --loopback maybe", &["chbind:", "maybe"])?;
    refused(t, "--ip 10.0.0.1 --process uncle", &["chbind:", "uncle"])?;
    refused(t, "--ip 10.0.0.1 --host-loopback 70000", &["chbind:", "70000"])?;
    for words in ["chbind --ip 10.0.0.1", "chbind --ip 10.0.0.1 --"] {
        t.native(words).run()?.exited(125)?.told(&["chbind:", "command"])?;
    }
    Ok(())
}

/// 0 is the host, 1 is reserved, and there are 16 bits.
fn nids(t: &Test) -> Outcome {
    for nid in ["0", "1", "65536", "99999999999", "ten", "-5"] {
        refused(t, &format!("--ip 10.0.0.1 --nid={nid}"), &["chbind:", nid])?;
    }
    for nid in ["2", "65535"] {
        t.chbind(&format!("--ip 10.0.0.1 --nid {nid}"), "true").run()?.ok()?;
    }
    Ok(())
}

fn inside_a_context(t: &Test) -> Outcome {
    let inner = t.chbind("--ip 10.0.0.1", "echo this was run");
    let done = t.chbind("--ip 10.0.0.1", "").then(inner).run()?.exited(125)?.printed("")?;
    done.told(&["chbind:", "inside a context"])?;
    Ok(())
}

/// On a kernel without something that chbind cannot do without, it says what is missing and runs nothing.
fn missing_kernel_features(t: &Test) -> Outcome {
    for (feature, errno, name) in [
        ("seccomp", "ENOSYS", "seccomp"),
        // SECCOMP_GET_ACTION_AVAIL: the kernel knows seccomp, and not this action.
        ("seccomp:0=2", "EOPNOTSUPP", "seccomp user notification"),
        ("pidfd_getfd", "ENOSYS", "pidfd_getfd"),
        ("getsockopt:2=71", "ENOPROTOOPT", "SO_NETNS_COOKIE"),
    ] {
        let command = t.native("without").arg(feature).arg(errno).then(t.chbind(S, "echo this was run"));
        let done = command.run()?.exited(125)?.printed("")?;
        done.told(&["chbind:", "kernel", name])?;
    }
    Ok(())
}

/// What only makes it better may be missing: the rules hold all the same.
fn optional_kernel_features(t: &Test) -> Outcome {
    for (feature, errno) in [
        ("landlock_create_ruleset", "ENOSYS"),
        ("landlock_create_ruleset", "EOPNOTSUPP"),
        // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, and the ioctl that sets SYNC_WAKE_UP.
        ("seccomp:1&32", "EINVAL"),
        ("ioctl:1=0x40082104", "EINVAL"),
        // PIDFD_THREAD.
        ("pidfd_open:1&0x80", "EINVAL"),
    ] {
        for words in ["tcp4 bind 0.0.0.0:8080 name bind 10.0.0.3:0", "tcp4 bind 10.0.0.3:8080 name"] {
            let wanted = t.chbind(S, "probe").words(words).run()?.ok()?.stdout;
            let command = t.native("without").arg(feature).arg(errno).then(t.chbind(S, "probe")).words(words);
            ensure_eq!(command.run()?.ok()?.stdout, wanted, "without {feature}");
        }
    }
    Ok(())
}

/// The errno reaches the program; a line on standard error tells the person, with who, what, where and why.
fn refusals_are_told(t: &Test, model: &str) -> Outcome {
    let why = "not an address of this context (10.0.0.1)";
    let done = t.chbind(&format!("--ip 10.0.0.1 {model}"), "probe tcp4 bind 198.51.100.7:80").run()?.ok()?;
    let line = format!("]: refused bind to 198.51.100.7:80/tcp: {why}").replacen("]: ", "] probe: ", 1);
    let done = done.printed("bind=EADDRNOTAVAIL")?.told(&["chbind: ", &line])?;
    let told = done.stderr.lines().find(|found| found.ends_with(&line)).unwrap_or_default();
    let name = told.strip_prefix("chbind: ").and_then(|rest| rest.strip_suffix(&line)).unwrap_or_default();
    let form = name.split_once('[').is_some_and(|(name, pid)| !name.is_empty() && pid.parse::<u32>().is_ok());
    ensure!(form, "not of the form NAME[PID] COMMAND: {told}");
    let words = "probe udp4 bind 10.0.0.3:8080";
    let done = t.chbind(&format!("--ip 10.0.0.1 {model}"), words).run()?.ok()?;
    done.told(&["chbind: ", "refused bind to 10.0.0.3:8080/udp: ", why])?;
    let done = t.chbind(&format!("{D} {model}"), "probe tcp6 bind [fd00:1::2]:8080").run()?.ok()?;
    done.told(&["chbind: ", "refused bind to [fd00:1::2]:8080/tcp: ", "(10.0.0.1, fd00:1::1)"])?;
    Ok(())
}

/// One line per distinct refusal, however often it happens; how often is told as well.
fn refusals_are_counted(t: &Test) -> Outcome {
    let script = "import socket\n\
        for i in range(60):\n\
        \x20 for port in (81, 82):\n\
        \x20   try: socket.socket().bind(('10.0.0.3', port))\n\
        \x20   except OSError: pass";
    let told = t.chbind(S, "python3 -c").arg(script).run()?.ok()?.all_told(t)?;
    for port in ["10.0.0.3:81/tcp", "10.0.0.3:82/tcp"] {
        let lines: Vec<_> = told.lines().filter(|line| line.contains(port)).collect();
        ensure!((1..=3).contains(&lines.len()), "{} lines about {port}:\n{told}", lines.len());
        let counted = lines.iter().any(|line| line.contains("60") || line.contains("59"));
        ensure!(counted, "how often is not told:\n{told}");
    }
    Ok(())
}

fn quiet(t: &Test) -> Outcome {
    let command = t.chbind(&format!("{S} -q"), "probe tcp4 bind 10.0.0.3:80 bind 0.0.0.0:8080 listen");
    let told = command.run()?.ok()?.printed("bind=EADDRNOTAVAIL bind=ok listen=ok")?.all_told(t)?;
    ensure_eq!(told, "");
    // Nor does it say anything by itself when there is nothing to say.
    let told = t.chbind(S, "probe tcp4 bind 0.0.0.0:8080 listen connect 10.0.0.3:1").run()?.ok()?.all_told(t)?;
    ensure_eq!(told, "");
    // Errors are not silenced: they are why nothing runs.
    refused(t, &format!("-q --ip {N}"), &["chbind: cannot assign 192.0.2.77"])
}

/// The program's lines and chbind's stay whole, though both write to the same place at the same time.
fn whole_lines(t: &Test) -> Outcome {
    let script = "import os, socket, threading\n\
        def talk():\n\
        \x20 for i in range(300): os.write(2, b'x' * 70 + b'\\n')\n\
        thread = threading.Thread(target=talk); thread.start()\n\
        for port in range(1000, 1200):\n\
        \x20 try: socket.socket().bind(('10.0.0.3', port))\n\
        \x20 except OSError: pass\n\
        thread.join()";
    let told = t.chbind(S, "python3 -c").arg(script).run()?.ok()?.all_told(t)?;
    let own = "x".repeat(70);
    for line in told.lines() {
        ensure!(line == own || line.starts_with("chbind: ") && !line.contains("xx"), "torn: {line:?}");
    }
    ensure_eq!(told.lines().filter(|line| **line == *own).count(), 300);
    ensure!(told.contains("chbind: "), "no refusal was told");
    Ok(())
}
