//! ping and traceroute: ping sockets where the host lets everybody have them, raw sockets with `--raw-icmp` alone.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use chbind_tests::net::{self, A, B, F, F6};
use chbind_tests::{Case, Outcome, Proc, Test, cases, ensure};

use crate::remote::{self, GATE, R};
use crate::rows::{D, M, S};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        both: ping_sockets, raw_sockets_are_refused, traceroute_by_datagrams, traceroute_by_ping_sockets;
        root: raw_icmp, traceroute_by_raw_icmp;
        user: raw_icmp_takes_a_capability
    ]
}

/// Lets everybody have ping sockets.
fn allow_ping_sockets() -> Outcome {
    net::sysctl("ipv4.ping_group_range", "0 2147483647")
}

/// A copy of ping without the capability that Debian gives its file: root in a context cannot execute what asks for a
/// capability that has been dropped for good.
fn ping(t: &Test) -> Outcome<String> {
    let path = t.dir().join("ping");
    std::fs::copy("/usr/bin/ping", &path)?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    Ok(format!("{} -n -c 1 -W 5", path.display()))
}

/// The other machine, which writes down what reaches it.
fn witness(t: &Test) -> Outcome<Proc> {
    let program = t.write("sniff.py", include_str!("../programs/sniff.py"))?;
    let mut witness = remote::run(t, &format!("python3 {}", program.display()))?;
    witness.wait_stdout("sniffing")?;
    Ok(witness)
}

/// Fails unless the witness saw packets of this protocol come from there, and nothing from addresses that are not
/// assigned.
fn saw(witness: &mut Proc, protocol: &str, source: &str) -> Outcome {
    witness.wait_stdout(&format!("{protocol} {source}\n"))?;
    let seen = witness.stdout();
    ensure!(![GATE, F].iter().any(|other| seen.contains(&format!(" {other}\n"))), "a foreign source:\n{seen}");
    Ok(())
}

/// Echo requests leave from an assigned address, that which is asked for or the primary.
fn ping_sockets(t: &Test) -> Outcome {
    allow_ping_sockets()?;
    let (ping, mut witness) = (ping(t)?, witness(t)?);
    for (options, to, source) in [(S, R.to_owned(), A), (M, format!("-I {B} {R}"), B)] {
        let done = t.chbind(options, &format!("{ping} {to}")).run()?.ok()?;
        ensure!(done.stdout.contains(&format!("64 bytes from {R}: icmp_seq=1")), "{done}");
        saw(&mut witness, "icmp", source)?;
    }
    for (options, to) in [(D, F6), (S, "127.0.0.1"), (D, A)] {
        let done = t.chbind(options, &format!("{ping} {to}")).run()?.ok()?;
        ensure!(done.stdout.contains("1 received"), "{done}");
    }
    for (from, to) in [(F, R), (F6, F6)] {
        let done = t.chbind(D, &format!("{ping} -I {from} {to}")).run()?.exited(2)?.told(&[
            "chbind:",
            "refused bind",
            from,
        ])?;
        done.told(&["ping:", "Cannot assign requested address"])?;
    }
    Ok(())
}

/// Without ping sockets ping and traceroute want raw ones; they fail, and it is said why. So are those of other
/// protocols.
fn raw_sockets_are_refused(t: &Test) -> Outcome {
    let refused = |family: &str, protocol: &str| {
        [format!("family {family}"), format!("type 3, protocol {protocol})"), "refused a socket".to_owned()]
    };
    let commands = [
        (format!("{} {R}", ping(t)?), refused("2", "1")),
        (format!("traceroute -n -I {R}"), refused("2", "1")),
        (format!("traceroute -n -T {R}"), refused("2", "6")),
        (format!("traceroute -n -6 -I {F6}"), refused("10", "58")),
    ];
    let mut witness = witness(t)?;
    for (command, keywords) in commands {
        let done = t.chbind(D, &command).run()?;
        ensure!(!done.status.success(), "{done}");
        done.told(&keywords.each_ref().map(String::as_str))?;
    }
    // What was refused would have come before this.
    t.chbind(S, &format!("traceroute -n -q 1 {R}")).run()?.ok()?;
    saw(&mut witness, "udp", A)?;
    ensure!(!witness.stdout().contains("icmp"), "{}", witness.stdout());
    Ok(())
}

/// The one line of an answer: the way to the other machine is a single step.
fn arrived(done: &chbind_tests::Done) -> bool {
    done.stdout.lines().any(|line| line.trim_start().starts_with(&format!("1  {R} ")))
}

/// Its usual way, by connected datagram sockets and the errors that come back on them.
fn traceroute_by_datagrams(t: &Test) -> Outcome {
    let mut witness = witness(t)?;
    for (options, to, source) in [(S, R.to_owned(), A), (M, format!("-s {B} {R}"), B)] {
        let done = t.chbind(options, &format!("traceroute -n {to}")).run()?.ok()?;
        ensure!(arrived(&done), "{done}");
        saw(&mut witness, "udp", source)?;
    }
    let done = t.chbind(S, &format!("traceroute -n -s {F} {R}")).run()?;
    ensure!(!done.status.success(), "{done}");
    done.told(&["chbind:", "refused bind", F])?.told(&["bind: Cannot assign requested address"])?;
    Ok(())
}

fn traceroute_by_ping_sockets(t: &Test) -> Outcome {
    allow_ping_sockets()?;
    let mut witness = witness(t)?;
    let done = t.chbind(S, &format!("traceroute -n -I {R}")).run()?.ok()?;
    ensure!(arrived(&done), "{done}");
    saw(&mut witness, "icmp", A)
}

/// Where there are no ping sockets, with `--raw-icmp` root's ping makes a raw one, and speaks from the same addresses.
fn raw_icmp(t: &Test) -> Outcome {
    let mut witness = witness(t)?;
    for ping in [ping(t)?, "ping -n -c 1 -W 5".to_owned()] {
        for (options, to, source) in [(S, R.to_owned(), A), (M, format!("-I {B} {R}"), B)] {
            let done = t.chbind(&format!("{options} --raw-icmp"), &format!("{ping} {to}")).run()?.ok()?;
            ensure!(done.stdout.contains(&format!("64 bytes from {R}: icmp_seq=1")), "{done}");
            saw(&mut witness, "icmp", source)?;
        }
        let done = t.chbind(&format!("{D} --raw-icmp"), &format!("{ping} {F6}")).run()?.ok()?;
        ensure!(done.stdout.contains("1 received"), "{done}");
        let done = t.chbind(&format!("{S} --raw-icmp"), &format!("{ping} -I {F} {R}")).run()?.exited(2)?;
        done.told(&["ping:", "Cannot assign requested address"])?;
    }
    Ok(())
}

fn traceroute_by_raw_icmp(t: &Test) -> Outcome {
    let mut witness = witness(t)?;
    let done = t.chbind(&format!("{S} --raw-icmp"), &format!("traceroute -n -I {R}")).run()?.ok()?;
    ensure!(arrived(&done), "{done}");
    saw(&mut witness, "icmp", A)?;
    // ICMP alone: its way by TCP takes raw sockets as well.
    let done = t.chbind(&format!("{S} --raw-icmp"), &format!("traceroute -n -T {R}")).run()?;
    ensure!(!done.status.success(), "{done}");
    done.told(&["chbind:", "refused a socket", "protocol 6"])?;
    Ok(())
}

/// It lets the caller's rights count, and gives none.
fn raw_icmp_takes_a_capability(t: &Test) -> Outcome {
    let done = t.chbind(&format!("{S} --raw-icmp"), &format!("{} {F}", ping(t)?)).run()?;
    ensure!(!done.status.success() && done.stderr.contains("socket: "), "{done}");
    Ok(())
}
