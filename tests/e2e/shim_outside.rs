//! The shim, and datagram sockets that it did not make.

use std::net::IpAddr;

use chbind_tests::net::{self, A, F};
use chbind_tests::{Case, Outcome, SOON, Test, cases, ensure, ensure_eq};

use crate::rows::{M, S};
use crate::shim::{LIBCS, with_shim};

pub(crate) fn cases() -> Vec<Case> {
    with_shim(cases![both: inherited_datagram_sockets, received_datagram_sockets]).collect()
}

/// A datagram socket that was made outside, without an address or on the wildcard, speaks as the context or not at all.
fn inherited_datagram_sockets(t: &Test) -> Outcome {
    t.bed().shim_programs()?;
    let peer = net::udp_peer(&format!("{F}:7300"))?;
    for program in LIBCS {
        for (made, inside) in [
            ("udp4", "sendto"),
            ("udp4", "sendmsg"),
            ("udp4", "sendmmsg"),
            ("udp4 bind 0.0.0.0:7301", "sendto"),
            ("udp4 bind 0.0.0.0:7301", "sendmsg"),
            ("udp4 bind 0.0.0.0:7301", "sendmmsg"),
            ("udp4", "connect"),
            ("udp4 bind 0.0.0.0:7301", "connect"),
        ] {
            for options in [S, M] {
                // Another socket has been sent from before: that all were the context's own is not remembered.
                let rest = if inside == "connect" { "send" } else { "" };
                let inside = format!("udp4 sendto {F}:7300 fd 3 {inside} {F}:7300 {rest}");
                let command = t.native(&format!("probe {made} exec")).then(t.chbind(options, program)).words(&inside);
                let done = command.run()?.ok()?;
                ensure!(done.stdout.contains("sendto=ok "), "{done}");
                // The supervisor refuses to connect the wildcard.
                for _ in 0..done.stdout.split_whitespace().filter(|word| is_sent(word)).count() {
                    ensure_eq!(net::receive(&peer)?.1, A.parse::<IpAddr>()?, "{made}, {program} {inside}");
                }
            }
        }
    }
    Ok(())
}

/// Whether the probe's word says that something was sent.
fn is_sent(word: &str) -> bool {
    word.starts_with("send") && word.ends_with("=ok")
}

/// The same for one that comes over a Unix socket later.
fn received_datagram_sockets(t: &Test) -> Outcome {
    t.bed().shim_programs()?;
    let peer = net::udp_peer(&format!("{F}:7300"))?;
    for program in LIBCS {
        for made in ["udp4", "udp4 bind 0.0.0.0:7301"] {
            for (number, call) in ["sendto", "sendmsg", "sendmmsg"].into_iter().enumerate() {
                let at = format!("unix:@{}-{program}-{number}", t.dir().display());
                let mut giver = t.native(&format!("probe {made} pass {at}")).start()?;
                giver.wait_stdout("waiting")?;
                let words = format!("{program} udp4 sendto {F}:7300 take {at} {call} {F}:7300");
                let done = t.chbind(S, &words).run()?.ok()?;
                ensure!(done.stdout.starts_with("sendto=ok ") && !done.stdout.contains("take="), "{done}");
                for _ in 0..done.stdout.split_whitespace().filter(|word| is_sent(word)).count() {
                    ensure_eq!(net::receive(&peer)?.1, A.parse::<IpAddr>()?, "{made}, {words}");
                }
                giver.finish(SOON)?.ok()?;
            }
        }
    }
    Ok(())
}
