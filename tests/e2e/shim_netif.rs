//! `--hide-netif`: inside, only the context's own interfaces and addresses are shown.

use std::path::PathBuf;

use chbind_tests::{Case, Outcome, Test, cases, ensure, ensure_eq, net};

use crate::shim_exec::built;

pub(crate) fn cases() -> Vec<Case> {
    cases![both: own_alone, all_without_the_option, lists_are_given_back_whole, names_are_given_back_whole, requests_keep_nothing, not_by_seccomp]
}

/// A pair with aliases and addresses of both families, and another interface that is nobody's but the host's. Interfaces are
/// numbered from 2 on.
const INTERFACES: &str = "\
link add v0 type veth peer name v1
addr add 10.1.0.1/24 dev v0
addr add 10.1.0.2/24 dev v0 label v0:1
addr add 10.1.0.3/24 dev v0 label v0:2
addr add fd00:2::1/64 dev v0 nodad
addr add fd00:2::2/64 dev v0 nodad
addr add fe80::77/64 dev v0 nodad
addr add fe80::78/64 dev v0 nodad
addr add 10.2.0.1/24 dev v1
addr add fe80::77/64 dev v1 nodad
link set v0 up
link set v1 up
";

const ALL: &str = "interfaces all lo v0 v0:1 v0:2 v1 v9";

/// What is shown of an interface, by the requests of netdevice(7): its address, and the others of them.
fn of_one(name: &str, address: &str, others: &str) -> String {
    // An alias has no number of its own.
    let by_number = if others == "ok" && !name.contains(':') { "ok" } else { "none" };
    format!("{name} addr={address} flags={others} hwaddr={others} mtu={others} index={others} name={by_number}")
}

/// Options, which interfaces have which addresses inside, and what SIOCGIFADDR says of lo, v0, v0:1, v0:2 and v1.
type Shown = (&'static str, &'static [(&'static str, &'static [&'static str])], [&'static str; 5]);

const GONE: &str = "ENODEV";
const NONE: &str = "EADDRNOTAVAIL";
const LOOPBACK: &str = "127.0.0.1";

const SHOWN: &[Shown] = &[
    ("--ip 10.1.0.1/24", &[("lo", &[LOOPBACK]), ("v0", &["10.1.0.1"])], [LOOPBACK, "10.1.0.1", NONE, NONE, GONE]),
    ("--ip 10.1.0.2/24", &[("lo", &[LOOPBACK]), ("v0:1", &["10.1.0.2"])], [LOOPBACK, NONE, "10.1.0.2", NONE, GONE]),
    ("--ip 10.1.0.2/24 --loopback deny", &[("v0:1", &["10.1.0.2"])], [GONE, NONE, "10.1.0.2", NONE, GONE]),
    (
        "--ip 10.1.0.3 --ip 10.2.0.1 --ip fd00:2::1",
        &[("lo", &[LOOPBACK]), ("v0", &["fd00:2::1"]), ("v0:2", &["10.1.0.3"]), ("v1", &["10.2.0.1"])],
        [LOOPBACK, NONE, NONE, "10.1.0.3", "10.2.0.1"],
    ),
    // The same address is another on another link.
    ("--ip fe80::77%v1", &[("lo", &[LOOPBACK]), ("v1", &["fe80::77"])], [LOOPBACK, GONE, GONE, GONE, NONE]),
    ("--ip 10.0.0.2", &[("lo", &["10.0.0.2", LOOPBACK])], [LOOPBACK, GONE, GONE, GONE, GONE]),
    ("--ip 10.0.0.2 --loopback deny", &[("lo", &["10.0.0.2"])], [NONE, GONE, GONE, GONE, GONE]),
    (
        "--ip 10.1.0.1 --loopback host",
        &[("lo", &[LOOPBACK, "::1"]), ("v0", &["10.1.0.1"])],
        [LOOPBACK, "10.1.0.1", NONE, NONE, GONE],
    ),
];

fn base(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

/// What is left of a line that was printed outside, when these are to be seen.
fn is_shown(line: &str, seen: &[(&str, &[&str])]) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let [function, name, what] = words[..] else { return false };
    let is_own = seen.iter().any(|(own, _)| base(own) == base(name));
    match (function, what) {
        ("nameindex", _) | ("getifaddrs", "packet") => is_own,
        _ => seen.iter().any(|(own, addresses)| *own == name && addresses.contains(&what)),
    }
}

fn probes(t: &Test) -> Outcome<[PathBuf; 2]> {
    net::ip(INTERFACES)?;
    Ok([built(t, "interfaces", "interfaces", "cc")?, built(t, "interfaces", "interfaces-musl", "musl-gcc")?])
}

fn words(program: &std::path::Path) -> String {
    ALL.replacen("interfaces", &program.display().to_string(), 1)
}

fn own_alone(t: &Test) -> Outcome {
    for program in probes(t)? {
        let native = t.native(&words(&program)).run()?.ok()?;
        for enforce in ["preload", "hybrid"] {
            for (options, seen, addresses) in SHOWN {
                let lists = native.stdout.lines().filter(|line| is_shown(line, seen)).map(str::to_owned);
                let wanted_of =
                    |(name, address): (&str, &&str)| of_one(name, address, if *address == GONE { GONE } else { "ok" });
                let names = ["lo", "v0", "v0:1", "v0:2", "v1"];
                let each = names.into_iter().zip(addresses).map(wanted_of).chain([of_one("v9", GONE, GONE)]);
                let wanted: Vec<String> = lists.chain(each).collect();
                // Each address must have been there outside.
                let count = seen.iter().map(|(_, addresses)| addresses.len()).sum::<usize>();
                let listed = wanted.iter().filter(|line| line.starts_with("getifaddrs") && !line.ends_with("packet"));
                ensure_eq!(listed.count(), count, "{options}: not all are there outside\n{native}");
                let run = t.chbind(&format!("{options} --enforce {enforce} --hide-netif"), &words(&program)).run()?;
                let done = run.ok()?;
                let got: Vec<&str> = done.stdout.lines().collect();
                ensure_eq!(got, wanted, "{enforce}\n{done}");
                ensure!(done.stderr.is_empty(), "{done}");
            }
        }
    }
    Ok(())
}

fn all_without_the_option(t: &Test) -> Outcome {
    for program in probes(t)? {
        let native = t.native(&words(&program)).run()?.ok()?.stdout;
        ensure!(native.contains("v0:1 10.1.0.2") && native.contains("v1 fe80::77"), "{native}");
        for enforce in ["seccomp", "preload", "hybrid"] {
            let done = t.chbind(&format!("--ip 10.1.0.2 --enforce {enforce}"), &words(&program)).run()?.ok()?;
            ensure_eq!(done.stdout, native, "{enforce}\n{done}");
        }
    }
    Ok(())
}

/// What the C library made it can take apart, and all of it: nothing is given back twice, or lost.
fn nothing_is_lost(t: &Test, which: &str) -> Outcome {
    for program in probes(t)? {
        let command = format!("{} {which}", program.display());
        let native = t.native(&command).run()?.ok()?;
        ensure!(native.stdout.ends_with("\nlost=0 of 50\n"), "outside\n{native}");
        for options in
            ["--ip 10.1.0.2 --loopback deny", "--ip 10.1.0.1 --ip fe80::78%v0 --ip 10.2.0.1", "--ip 10.0.0.3"]
        {
            let done = t.chbind(&format!("{options} --enforce preload --hide-netif"), &command).run()?.ok()?;
            ensure!(done.stdout.lines().count() > 1, "nothing is shown\n{done}");
            ensure!(done.stdout.ends_with("\nlost=0 of 50\n"), "{done}");
        }
    }
    Ok(())
}

fn lists_are_given_back_whole(t: &Test) -> Outcome {
    nothing_is_lost(t, "addresses")
}

fn names_are_given_back_whole(t: &Test) -> Outcome {
    nothing_is_lost(t, "names")
}

fn requests_keep_nothing(t: &Test) -> Outcome {
    nothing_is_lost(t, "requests")
}

fn not_by_seccomp(t: &Test) -> Outcome {
    for enforce in ["", "--enforce seccomp"] {
        let done =
            t.chbind(&format!("--ip 10.0.0.1 --hide-netif {enforce}"), "echo this was run").run()?.exited(125)?;
        done.printed("")?
            .told(&["chbind: --hide-netif is not for --enforce seccomp"])?
            .told(&["hint: add --enforce hybrid"])?;
    }
    Ok(())
}
