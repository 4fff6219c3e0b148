//! Rules for ports: row 25; and what is said of rules that are none.

use std::time::Duration;

use chbind_tests::net;
use chbind_tests::{Case, Done, Outcome, Test, cases, ensure, in_both_models};

use crate::messages::refused;
use crate::rows::PROBES;

pub(crate) fn cases() -> Vec<Case> {
    let mut all = in_both_models![row_25_holds, refusals_are_told];
    all.extend(cases![
        both: row_25_allowed_ports, row_25_denied_ports, row_25_a_port_of_the_kernels_choice,
            row_25_listeners_from_outside, errors_of_set_up, help
    ]);
    // Alone: whether the race takes place depends on what else the machine does.
    all.extend(cases![both: port_changed_during_bind, listener_shut_down].into_iter().map(Case::alone));
    all
}

/// Runs chbind with these options, the probe with these words, which must print this. All of them, even after one that fails:
/// they are read as a whole.
pub(crate) fn each(t: &Test, steps: &[(&str, &str, &str)]) -> Outcome {
    let mut wrong = Vec::new();
    for &(options, words, wanted) in steps {
        for probe in PROBES {
            let done = t.chbind(options, probe).words(words).run()?;
            if let Err(error) = done.ok().and_then(|done| done.printed(wanted)) {
                wrong.push(error.message().unwrap_or_default().to_owned());
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// S, and one TCP port and some of UDP.
const SOME: &str = "--ip 10.0.0.1/24 --allow-bind tcp:8080 --allow-bind udp:5000-5999";
const DUAL: &str = "--ip 10.0.0.1/24 --ip fd00:1::1/64 --allow-bind 8080";
const NOT_LOW: &str = "--ip 10.0.0.1/24 --deny-bind udp:any --deny-bind 1-9999";

fn row_25_allowed_ports(t: &Test) -> Outcome {
    each(
        t,
        &[
            (SOME, "tcp4 bind 0.0.0.0:8080 listen name", "bind=ok listen=ok name=10.0.0.1:8080"),
            (SOME, "tcp4 bind 10.0.0.1:8081 name", "bind=EACCES name=0.0.0.0:0"),
            (SOME, "tcp4 bind 127.0.0.1:8081", "bind=EACCES"),
            (SOME, "tcp4 bind-unspec 0.0.0.0:8081", "bind=EACCES"),
            (SOME, "tcp4 bind 127.0.0.1:8080 name", "bind=ok name=127.0.0.1:8080"),
            (SOME, "udp4 bind 10.0.0.1:8080", "bind=EACCES"),
            (SOME, "udp4 bind 10.0.0.1:5353 name", "bind=ok name=10.0.0.1:5353"),
            // A refusal leaves the socket as it was.
            (SOME, "tcp4 bind 10.0.0.1:8081 bind 10.0.0.1:8080 name", "bind=EACCES bind=ok name=10.0.0.1:8080"),
            (SOME, "udp4 bind 10.0.0.1:6000 bind 10.0.0.1:5000 name", "bind=EACCES bind=ok name=10.0.0.1:5000"),
            // The kernel's order: the address, the port, then whether the socket has one.
            (SOME, "tcp4 bind 10.0.0.3:8081", "bind=EADDRNOTAVAIL"),
            (SOME, "tcp4 bind 10.0.0.1:8080 bind 10.0.0.1:8081", "bind=ok bind=EACCES"),
            (SOME, "tcp4 bind-short 10.0.0.1:8081", "bind=EINVAL"),
            (DUAL, "tcp6 bind [::]:8080", "bind=ok"),
            (DUAL, "tcp6 bind [::]:8081", "bind=EACCES"),
            (DUAL, "tcp6 bind [fd00:1::1]:8081", "bind=EACCES"),
            (DUAL, "tcp6 opt dual bind [::ffff:10.0.0.1]:8081", "bind=EACCES"),
            (DUAL, "tcp6 opt dual bind [::ffff:10.0.0.1]:8080", "bind=ok"),
            (DUAL, "udp6 bind [::]:8081", "bind=EACCES"),
        ],
    )
}

fn row_25_denied_ports(t: &Test) -> Outcome {
    each(
        t,
        &[
            (NOT_LOW, "tcp4 bind 0.0.0.0:8080", "bind=EACCES"),
            (NOT_LOW, "tcp4 bind 0.0.0.0:10000 listen", "bind=ok listen=ok"),
            (NOT_LOW, "udp4 bind 0.0.0.0:10000", "bind=EACCES"),
            // The kernel's choice is nobody's wish: clients live on it.
            (NOT_LOW, "udp4 bind 0.0.0.0:0 name", "bind=ok name=10.0.0.1:*"),
            (NOT_LOW, "udp4 connect 10.0.0.3:9 name", "connect=ok name=10.0.0.1:*"),
            (NOT_LOW, "tcp4 bind 0.0.0.0:0 listen", "bind=ok listen=ok"),
            (NOT_LOW, "tcp4 listen name", "listen=ok name=10.0.0.1:*"),
        ],
    )
}

fn row_25_holds(t: &Test, model: &str) -> Outcome {
    for probe in PROBES {
        let words = "tcp4 bind 0.0.0.0:8081 bind 0.0.0.0:8080 listen";
        let done = t.chbind(&format!("{SOME} {model}"), probe).words(words).run()?.ok()?;
        done.printed("bind=EACCES bind=ok listen=ok")?;
    }
    Ok(())
}

/// The kernel has one port to choose from, so that it is known.
fn row_25_a_port_of_the_kernels_choice(t: &Test) -> Outcome {
    net::sysctl("ipv4.ip_local_port_range", "40000 40000")?;
    let chosen = "name=10.0.0.1:40000";
    for (rules, listens) in [
        ("--allow-bind tcp:8080", "EACCES"),
        ("--allow-bind udp:any", "EACCES"),
        ("--deny-bind tcp:any", "EACCES"),
        ("--deny-bind 40000", "EACCES"),
        ("--allow-bind 40000 --deny-bind any", "ok"),
        ("--allow-bind tcp:any", "ok"),
        ("--deny-bind 39999", "ok"),
    ] {
        for (words, wanted) in [
            ("tcp4 listen", format!("listen={listens}")),
            ("tcp4 bind 0.0.0.0:0 name listen", format!("bind=ok {chosen} listen={listens}")),
            ("tcp4 opt noport bind 10.0.0.1:0 listen", format!("bind=ok listen={listens}")),
            ("tcp4 opt noport listen", format!("listen={listens}")),
            // Asked again, it is no less refused.
            ("tcp4 listen listen name", format!("listen={listens} listen={listens} {chosen}")),
        ] {
            for probe in PROBES {
                t.chbind(&format!("--ip 10.0.0.1/24 {rules}"), probe).words(words).run()?.ok()?.printed(&wanted)?;
            }
        }
    }
    let six = "--ip 10.0.0.1/24 --ip fd00:1::1/64 --deny-bind 40000";
    for words in ["tcp6 listen", "tcp6 opt v6only listen"] {
        t.chbind(six, "probe").words(words).run()?.ok()?.printed("listen=EACCES")?;
    }
    Ok(())
}

/// One that listens already was set up outside; one that only has the port is let to it no further.
fn row_25_listeners_from_outside(t: &Test) -> Outcome {
    for probe in PROBES {
        for (outside, words, wanted) in [
            ("tcp4 bind 10.0.0.1:8081 listen exec", "fd 3 listen name", "listen=ok name=10.0.0.1:8081"),
            ("tcp4 bind 10.0.0.1:8081 exec", "fd 3 listen name", "listen=EACCES name=10.0.0.1:8081"),
            ("tcp4 bind 10.0.0.1:8080 exec", "fd 3 listen name", "listen=ok name=10.0.0.1:8080"),
            ("tcp4 exec", "fd 3 bind 10.0.0.1:8081 listen", "bind=EACCES listen=EACCES"),
        ] {
            let command = t.native("probe").words(outside).then(t.chbind(SOME, probe)).words(words);
            command.run()?.ok()?.printed(wanted)?;
        }
    }
    ensure!(net::listening_on(8081)?.is_empty(), "something listens");
    Ok(())
}

fn refusals_are_told(t: &Test, model: &str) -> Outcome {
    for (rules, words, line) in [
        (
            "--allow-bind 8080",
            "tcp4 bind 0.0.0.0:80",
            "] probe: refused bind to 0.0.0.0:80/tcp: port 80/tcp is not among those that may be bound (--allow-bind)",
        ),
        (
            "--deny-bind 53",
            "udp4 bind 10.0.0.1:53",
            "refused bind to 10.0.0.1:53/udp: port 53/udp may not be bound (--deny-bind)",
        ),
        ("--deny-bind any", "tcp4 listen", "refused listen on 0.0.0.0:0/tcp: port "),
    ] {
        let done = t.chbind(&format!("--ip 10.0.0.1 {rules} {model}"), "probe").words(words).run()?.ok()?;
        done.told(&["chbind: ", line])?;
    }
    Ok(())
}

fn errors_of_set_up(t: &Test) -> Outcome {
    let s = "--ip 10.0.0.1";
    for (rule, keywords) in [
        ("--allow-bind http", ["--allow-bind 'http'", "not a port"]),
        ("--allow-bind 0", ["--allow-bind '0'", "not a port"]),
        ("--deny-bind 65536", ["--deny-bind '65536'", "not a port"]),
        ("--deny-bind 90-80", ["--deny-bind '90-80'", "ends before it begins"]),
        ("--allow-bind sctp:80", ["--allow-bind 'sctp:80'", "neither tcp nor udp"]),
        ("--allow-connect example.org:443", ["'example.org'", "not an IP address"]),
        ("--deny-connect 10.0.0.0/33", ["'33'", "not a prefix length"]),
        ("--deny-connect 0.0.0.0", ["--deny-connect '0.0.0.0'", "0.0.0.0/0"]),
        ("--allow-connect [::1]80", ["'[::1]80'", "brackets"]),
        ("--allow-connect 10.0.0.1:0", ["'0'", "not a port"]),
        ("--grant-port any", ["--grant-port 'any'", "not a port"]),
        ("--grant-port tcp:80", ["--grant-port 'tcp:80'", "not a port"]),
    ] {
        refused(t, &format!("{s} {rule}"), &["chbind: ", keywords[0], keywords[1]])?;
    }
    Ok(())
}

fn help(t: &Test) -> Outcome {
    let help = t.native("chbind --help").run()?.ok()?.stdout;
    for option in ["--allow-bind", "--deny-bind", "--allow-connect", "--deny-connect", "--grant-port"] {
        ensure!(help.contains(option), "--help says nothing of {option}");
    }
    Ok(())
}

/// Fails unless both ports were asked for and the forbidden one was never had.
pub(crate) fn flipped(t: &Test, rules: &str, words: &str) -> Outcome {
    let done = flip(t, rules, words)?;
    ensure!(!done.stdout.contains(" refused=0 ") && done.stdout.contains(" other=0 "), "no race took place\n{done}");
    Ok(())
}

fn flip(t: &Test, rules: &str, words: &str) -> Outcome<Done> {
    let options = format!("--ip 10.0.0.1/24 -q {rules}");
    let done = t.chbind(&options, "flip-port").words(words).limit(Duration::from_secs(120)).run()?.ok()?;
    ensure!(done.stdout.contains(" forbidden=0 ") && !done.stdout.contains("passed=0 "), "{done}");
    Ok(done)
}

fn port_changed_during_bind(t: &Test) -> Outcome {
    flipped(t, "--allow-bind 8080", "bind 50000 10.0.0.1 8080 8081")?;
    flipped(t, "--deny-bind 8081", "bind 50000 10.0.0.1 8080 8081")
}

/// A listener that is shut down lets go of a port that the kernel chose, and shows it all the same (`getsockname`). It gets
/// none that was not judged.
fn listener_shut_down(t: &Test) -> Outcome {
    let script = "import socket, struct\n\
        IP_LOCAL_PORT_RANGE = 51\n\
        def choose(port): s.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack('I', port | port << 16))\n\
        s = socket.socket(); choose(40000); s.bind(('', 0)); s.listen(); s.shutdown(socket.SHUT_RDWR); choose(40002)\n\
        try: s.listen(); print(s.getsockname()[1])\n\
        except OSError as e: print(e)";
    // What the kernel does, and a context without rules for ports.
    t.native("python3 -c").arg(script).run()?.ok()?.printed("40002")?;
    t.chbind("--ip 10.0.0.1", "python3 -c").arg(script).run()?.ok()?.printed("40002")?;
    for rule in ["--allow-bind tcp:40000", "--deny-bind tcp:40002"] {
        let options = format!("--ip 10.0.0.1 {rule}");
        t.chbind(&options, "python3 -c").arg(script).run()?.ok()?.printed("40000")?;
        // And while it is being asked.
        flip(t, rule, "listen 20000 10.0.0.1 40000 40002")?;
    }
    Ok(())
}
