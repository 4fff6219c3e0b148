//! UDP sockets on a wildcard that is kept for several addresses: what a hostile program makes of them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chbind_tests::net::{self, A, B, F};
use chbind_tests::{Case, Outcome, Test, cases, ensure, ensure_eq};

use crate::rows::{M, S};

pub(crate) fn cases() -> Vec<Case> {
    cases![both: neither_heard_nor_spoken_from_elsewhere, a_wildcard_from_outside_is_not_connected]
}

/// It could be dissolved while another thread writes, which would be from whatever address the kernel takes.
fn a_wildcard_from_outside_is_not_connected(t: &Test) -> Outcome {
    let peer = net::udp_peer(&format!("{F}:7300"))?;
    let inside = format!("fd 3 connect {F}:7300 sendto {F}:7300");
    let done = t.native("probe udp4 bind 0.0.0.0:7301 exec").then(t.chbind(S, "probe")).words(&inside).run()?.ok()?;
    done.printed("connect=EADDRNOTAVAIL sendto=ok")?;
    ensure_eq!(net::receive(&peer)?.1, A.parse::<IpAddr>()?);
    Ok(())
}

/// Threads that work against the supervisor get no socket that hears what is for others, nor one that speaks as they.
fn neither_heard_nor_spoken_from_elsewhere(t: &Test) -> Outcome {
    // So that 10.0.0.255 is a broadcast address.
    net::ip("link add v0 type veth peer name v1\naddr add 10.0.0.9/24 brd + dev v0\nlink set v0 up\nlink set v1 up\n")?;
    let peer = net::udp_peer(&format!("{F}:7300"))?;
    peer.set_read_timeout(Some(Duration::from_millis(50)))?;
    let through = AtomicBool::new(false);
    let (done, sources) = std::thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            let mut sources = BTreeSet::new();
            // One more look after the program has ended: all that was sent is there by then.
            loop {
                let last = through.load(Ordering::Relaxed);
                while let Ok((_, from)) = peer.recv_from(&mut [0; 64]) {
                    sources.insert(from.ip());
                }
                if last {
                    return sources;
                }
            }
        });
        let done =
            t.chbind(&format!("-q {M}"), &format!("wild {A} {B} {F} 1000")).limit(Duration::from_secs(120)).run();
        through.store(true, Ordering::Relaxed);
        (done, receiver.join())
    });
    let done = done?.ok()?;
    let own: BTreeSet<IpAddr> = [A.parse()?].into();
    ensure_eq!(sources.map_err(|_| "the receiver failed")?, own, "seen by the peer");
    let mut ways = 0;
    for line in done.stdout.lines() {
        let (way, figures) = line.split_once(": ").ok_or_else(|| format!("no figures: {done}"))?;
        let figure = |name: &str| {
            let word = figures.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            word.and_then(|number| number.parse::<u64>().ok()).ok_or_else(|| format!("no {name} in {line}"))
        };
        ensure_eq!((figure("tried")?, figure("heard")?, figure("foreign")?), (1000, 0, 0), "{way}");
        // Where the context's filter can be put before the socket, it gets its wildcard.
        ensure!(!["bind", "send"].contains(&way) || figure("wild")? > 0, "{way}: nothing was attacked: {done}");
        ways += 1;
    }
    ensure_eq!(ways, 8, "{done}");
    Ok(())
}
