//! The shim, whatever program it is in: what it exports, what it shows, several addresses, the number of the context.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::process::Stdio;

use chbind_tests::bed::SHIM;
use chbind_tests::net::{self, A, B, F, Peer};
use chbind_tests::{Case, Outcome, SOON, Test, cases, ensure, ensure_eq, wait_for};
use nix::sys::signal::Signal;

use crate::messages::refused;
use crate::rows::{M, S, S1000};

/// How a context is enforced with a shim.
pub(crate) const WITH_SHIM: [&str; 2] = ["hybrid", "preload"];
/// The probe, for either C library.
pub(crate) const LIBCS: [&str; 2] = ["probe", "probe-musl"];

pub(crate) fn cases() -> Vec<Case> {
    let mut all = cases![both: exports, options_that_do_not_go_together];
    all.extend(with_shim(cases![
        both: peers_on_loopback, errno_and_names, overflow, nothing_is_written_past_names, short_names_of_loopback, wildcard, sources, refusals, several_addresses, number_of_the_context, nothing_left, no_context_in_another
    ]));
    all
}

/// Each case under hybrid and under preload.
pub(crate) fn with_shim(cases: Vec<Case>) -> impl Iterator<Item = Case> {
    cases.into_iter().flat_map(|case| WITH_SHIM.map(|how| case.clone().enforced(how)))
}

/// It stands before these functions and no others, and can be loaded wherever there is a C library.
fn exports(t: &Test) -> Outcome {
    let path = t.bed().bin().join(SHIM).display().to_string();
    let table = t.native("readelf --wide --dyn-syms").arg(path.as_str()).run()?.ok()?.stdout;
    let found: BTreeSet<&str> = table.lines().filter_map(exported).collect();
    // What `chbindctl inspect` looks for in programs.
    let wanted: BTreeSet<&str> = include_str!("../../launcher/src/program/elf/checked.txt").lines().collect();
    ensure_eq!(found, wanted);
    let needed = t.native("readelf --wide --dynamic").arg(path).run()?.ok()?.stdout;
    let needed: Vec<&str> = needed.lines().filter(|line| line.contains("(NEEDED)")).collect();
    ensure!(needed.iter().all(|line| line.ends_with("[libc.so.6]")), "needs {needed:?}");
    Ok(())
}

/// A line of readelf: number, value, size, type, binding, visibility, section, name.
fn exported(line: &str) -> Option<&str> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [number, _, _, _, binding, visibility, section, name] = fields[..] else { return None };
    let is_ours = number.ends_with(':') && binding != "LOCAL" && visibility == "DEFAULT" && section != "UND";
    is_ours.then_some(name)
}

fn options_that_do_not_go_together(t: &Test) -> Outcome {
    for (options, told) in [
        ("--enforce hybrid --strict", "--strict is not for --enforce hybrid: "),
        ("--enforce preload --strict", "--strict is not for --enforce preload: "),
        ("--enforce preload --grant-port 80", "--grant-port is not for --enforce preload: "),
        ("--enforce preload --process parent", "--process parent is not for --enforce preload: "),
        ("--enforce seccomp --hide-netif", "--hide-netif is not for --enforce seccomp: "),
        ("--hide-netif", "--hide-netif is not for --enforce seccomp: "),
    ] {
        refused(t, &format!("{S} {options}"), &["chbind: ", told])?;
    }
    Ok(())
}

/// L is called 127.0.0.1 wherever an address is shown, in programs compiled with _FORTIFY_SOURCE and for musl alike.
fn peers_on_loopback(t: &Test) -> Outcome {
    t.bed().shim_programs()?;
    let calls = ["accept", "peer", "accept4", "recvfrom", "recvmsg", "to", "recvmmsg"];
    let wanted: String = calls.map(|call| format!("{call}=127.0.0.1 ")).concat() + "errno=kept";
    for program in ["shown", "shown-musl"] {
        for options in [S1000, "--ip 10.0.0.1 --ip 10.0.0.2 --nid 1000"] {
            let done = t.chbind(options, &format!("{program} 127.0.0.1")).run()?.ok()?;
            ensure_eq!(done.stdout.trim(), wanted, "{program} {options}");
        }
    }
    // What is tried here is what it says: this one calls the function that knows how much room there is.
    let path = t.bed().bin().join("shown").display().to_string();
    let table = t.native("readelf --wide --dyn-syms").arg(path).run()?.ok()?.stdout;
    ensure!(table.contains("__recvfrom_chk"), "not compiled with _FORTIFY_SOURCE:\n{table}");
    Ok(())
}

/// Other addresses are shown as they are, and no successful call touches errno, by whichever way it went.
fn errno_and_names(t: &Test) -> Outcome {
    t.bed().shim_programs()?;
    let calls = ["accept", "peer", "accept4", "recvfrom", "recvmsg", "to", "recvmmsg"];
    let wanted: String = calls.map(|call| format!("{call}={A} ")).concat() + "errno=kept";
    for program in ["shown", "shown-musl"] {
        for options in [S, M, "--ip 10.0.0.1 --loopback host", "--ip 10.0.0.1 --deny-connect any:25 --allow-bind any"] {
            let done = t.chbind(options, &format!("{program} {A}")).run()?.ok()?;
            ensure_eq!(done.stdout.trim(), wanted, "{program} {options}");
        }
    }
    Ok(())
}

/// The C library ends a program that is about to write over the end of a buffer.
fn overflow(t: &Test) -> Outcome {
    t.bed().shim_programs()?;
    t.chbind(S, "shown 127.0.0.1 overflow").run()?.killed_by(Signal::SIGABRT)?.told(&["buffer overflow detected"])?;
    Ok(())
}

/// Fails unless this holds for each name of a peer, however little room there was for it.
fn names_with_little_room(t: &Test, is_good: impl Fn(&str) -> bool) -> Outcome {
    t.bed().shim_programs()?;
    for program in ["names", "names-musl"] {
        let done = t.chbind("--ip 10.0.0.1 --ip fd00:1::1 --nid 1000", program).run()?.ok()?;
        ensure!(done.stdout.lines().count() == 30, "{done}");
        let bad: Vec<&str> = done.stdout.lines().filter(|line| !is_good(line)).collect();
        ensure!(bad.is_empty(), "{program}: {bad:?}");
    }
    Ok(())
}

/// What a program has no room for is not written.
fn nothing_is_written_past_names(t: &Test) -> Outcome {
    names_with_little_room(t, |line| line.ends_with(" kept"))
}

/// Where there is room for the address and no more, it is not shown as what it is either.
fn short_names_of_loopback(t: &Test) -> Outcome {
    names_with_little_room(t, |line| !line.contains("127.3.232.1"))
}

/// A server on the wildcard is on A, and nowhere else.
fn wildcard(t: &Test) -> Outcome {
    t.bed().shim_programs()?;
    for program in LIBCS {
        let words = format!("{program} tcp4 bind 0.0.0.0:8080 listen name wait");
        let mut server = t.chbind(S, &words).stdin(Stdio::piped()).start()?;
        server.wait_stdout("bind=ok listen=ok name=10.0.0.1:8080 waiting")?;
        ensure_eq!(net::listening_on(8080)?, vec![A.parse::<IpAddr>()?]);
        for other in [B, F, "127.0.0.1"] {
            net::refuses(&format!("{other}:8080"))?;
        }
        server.say("go")?;
        server.finish(SOON)?.ok()?;
    }
    Ok(())
}

/// What leaves has the source A, as those see it to whom it goes.
fn sources(t: &Test) -> Outcome {
    t.bed().shim_programs()?;
    let (tcp, udp) = (Peer::listen(&format!("{F}:7300"))?, net::udp_peer(&format!("{F}:7300"))?);
    for program in LIBCS {
        let words = format!("tcp4 connect {F}:7300 udp4 sendto {F}:7300 udp4 sendmsg {F}:7300 udp4 sendmmsg {F}:7300");
        let words = format!("{program} {words} udp4 connect {F}:7300 send");
        let wanted = "connect=ok sendto=ok sendmsg=ok sendmmsg=ok connect=ok send=ok";
        t.chbind(S, &words).run()?.ok()?.printed(wanted)?;
        ensure_eq!(tcp.accept()?.1, A.parse::<IpAddr>()?, "{program}");
        for _ in 0..4 {
            ensure_eq!(net::receive(&udp)?, ("hello".to_owned(), A.parse()?), "{program}");
        }
    }
    Ok(())
}

/// A refusal is an errno for the program and a line for the person.
fn refusals(t: &Test) -> Outcome {
    t.bed().shim_programs()?;
    for program in LIBCS {
        let words = format!("{program} tcp4 bind {F}:8080 udp4 bind {F}:8080");
        let done = t.chbind(S, &words).run()?.ok()?.printed("bind=EADDRNOTAVAIL bind=EADDRNOTAVAIL")?;
        let told = done.all_told(t)?;
        for protocol in ["tcp", "udp"] {
            let why = format!("refused bind to {F}:8080/{protocol}: not an address of this context ({A})");
            ensure!(told.contains(&format!("] {program}: {why}")), "{program}: {told}");
        }
    }
    Ok(())
}

/// One datagram socket serves both addresses, answers from the one that was asked, and does not hear what is for others.
fn several_addresses(t: &Test) -> Outcome {
    t.bed().shim_programs()?;
    for program in LIBCS {
        let words = format!("{program} udp4 opt pktinfo bind 0.0.0.0:7000 wait serve-back serve-back serve-back");
        let mut server = t.chbind(M, &words).stdin(Stdio::piped()).start()?;
        server.wait_stdout("bind=ok waiting")?;
        let peer = net::udp_peer(&format!("{F}:0"))?;
        for foreign in [F, "127.0.0.1"] {
            peer.send_to(b"foreign", (foreign, 7000))?;
        }
        for own in [B, A, B] {
            peer.send_to(own.as_bytes(), (own, 7000))?;
        }
        server.say("go")?;
        for own in [B, A, B] {
            ensure_eq!(net::receive(&peer)?, (format!("re:{own}"), own.parse()?), "{program}");
        }
        let heard = format!("bind=ok waiting serve={B} serve={A} serve={B}");
        server.finish(SOON)?.ok()?.printed(&heard)?;
    }
    Ok(())
}

/// It is the context's as long as the command lives.
fn number_of_the_context(t: &Test) -> Outcome {
    let words = "probe tcp4 bind 127.0.0.1:8080 listen wait";
    let mut holder = t.chbind(S1000, words).stdin(Stdio::piped()).start()?;
    holder.wait_stdout("bind=ok listen=ok waiting")?;
    ensure_eq!(net::listening_on(8080)?, vec!["127.3.232.1".parse::<IpAddr>()?]);
    for options in [S1000, "--ip 10.0.0.2 --nid 1000"] {
        let done = t.chbind(options, "echo this was run").run()?.exited(125)?.printed("")?;
        done.told(&["chbind: nid 1000 is in use: "])?;
    }
    t.chbind("--ip 10.0.0.1 --nid 1001", "true").run()?.ok()?;
    holder.say("go")?;
    holder.finish(SOON)?.ok()?;
    for _ in 0..10 {
        t.chbind(S1000, "true").run()?.ok()?;
    }
    Ok(())
}

fn nothing_left(t: &Test) -> Outcome {
    for command in ["true", "false", "probe tcp4 bind 0.0.0.0:8080", "sh -c true"] {
        t.chbind(S, command).run()?;
        ensure!(wait_for(SOON, || t.processes().is_empty()), "{command} left: {:?}", t.processes());
    }
    let mut killed = t.chbind(S, "probe tcp4 bind 0.0.0.0:8080 listen wait").stdin(Stdio::piped()).start()?;
    killed.wait_stdout("waiting")?;
    killed.signal(Signal::SIGKILL)?;
    killed.finish(SOON)?.killed_by(Signal::SIGKILL)?;
    ensure!(wait_for(SOON, || t.processes().is_empty()), "left: {:?}", t.processes());
    Ok(())
}

/// A context is neither left nor made within another, however either is enforced.
fn no_context_in_another(t: &Test) -> Outcome {
    for inner in ["seccomp", "hybrid", "preload"] {
        let inner = t.native("chbind --ip 10.0.0.2 --enforce").words(inner).words("-- echo this was run");
        let done = t.chbind(S, "").then(inner).run()?.exited(125)?.printed("")?;
        done.told(&["chbind: already inside a context"])?;
    }
    Ok(())
}
