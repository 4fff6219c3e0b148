//! Rules for peers: row 51.

use std::net::UdpSocket;

use chbind_tests::net::{self, A, F, F6, Peer};
use chbind_tests::{Case, Outcome, Test, cases, ensure, ensure_eq, in_both_models};

use crate::rows::PROBES;
use crate::rules_bind::{each, flipped};

pub(crate) fn cases() -> Vec<Case> {
    let mut all = in_both_models![row_51_holds, refusals_are_told];
    all.extend(cases![
        both: row_51_words_for_loopback, row_51_dissolved_and_connected_anew, row_51_every_way_to_send,
            row_51_fast_open, row_51_part_of_many, row_51_name_server, row_51_connected_before, row_51_what_has_no_port
    ]);
    // Alone: whether the race takes place depends on what else the machine does.
    all.extend(cases![both: port_changed_on_the_way_out].into_iter().map(Case::alone));
    all
}

const NOT_LOOPBACK: &str = "--ip 10.0.0.1/24 --ip fd00:1::1/64 --nid 1000 --deny-connect tcp:127.0.0.1:7100";
const ONLY_LOOPBACK: &str = "--ip 10.0.0.1/24 --ip fd00:1::1/64 --nid 1001 --allow-connect tcp:127.0.0.1:7100";
const ONE: &str = "--ip 10.0.0.1/24 --ip fd00:1::1/64 --allow-connect 10.0.0.3:7000 --allow-connect [fd00:1::2]:7000";
const NOT_ONE: &str =
    "--ip 10.0.0.1/24 --ip fd00:1::1/64 --deny-connect 10.0.0.0/28:7001 --deny-connect [fd00:1::]/64:7001";

fn row_51_words_for_loopback(t: &Test) -> Outcome {
    each(
        t,
        &[
            (
                NOT_LOOPBACK,
                "tcp4 bind 127.0.0.1:7100 listen tcp4 connect 127.0.0.1:7100",
                "bind=ok listen=ok connect=EACCES",
            ),
            (
                NOT_LOOPBACK,
                "tcp4 bind 0.0.0.0:7100 listen tcp4 connect 127.0.0.1:7100",
                "bind=ok listen=ok connect=EACCES",
            ),
            (NOT_LOOPBACK, "tcp4 connect 0.0.0.0:7100", "connect=EACCES"),
            (NOT_LOOPBACK, "tcp4 connect 127.0.0.2:7100", "connect=EACCES"),
            (NOT_LOOPBACK, "tcp4 connect 127.3.232.1:7100", "connect=EACCES"),
            (NOT_LOOPBACK, "tcp6 connect [::1]:7100", "connect=EACCES"),
            (NOT_LOOPBACK, "tcp6 connect [::]:7100", "connect=EACCES"),
            (NOT_LOOPBACK, "tcp6 connect [::ffff:127.0.0.1]:7100", "connect=EACCES"),
            (NOT_LOOPBACK, "tcp6 connect [::ffff:0.0.0.0]:7100", "connect=EACCES"),
            (NOT_LOOPBACK, "tcp4 fastopen 127.0.0.2:7100", "sendto=EACCES"),
            (NOT_LOOPBACK, "tcp4 connect 127.0.0.1:7101", "connect=ECONNREFUSED"),
            (NOT_LOOPBACK, "udp4 connect 127.0.0.1:7100", "connect=ok"),
            (
                ONLY_LOOPBACK,
                "tcp4 bind 127.0.0.1:7100 listen tcp4 connect 127.0.0.1:7100",
                "bind=ok listen=ok connect=ok",
            ),
            (
                ONLY_LOOPBACK,
                "tcp4 bind 0.0.0.0:7100 listen tcp4 connect 127.0.0.1:7100",
                "bind=ok listen=ok connect=ok",
            ),
            (
                ONLY_LOOPBACK,
                "tcp4 bind 127.0.0.1:7100 listen tcp4 connect 127.9.9.9:7100",
                "bind=ok listen=ok connect=ok",
            ),
            (ONLY_LOOPBACK, "tcp4 bind 127.0.0.1:7100 listen tcp6 connect [::1]:7100", "bind=ok listen=ok connect=ok"),
            (
                ONLY_LOOPBACK,
                "tcp4 bind 0.0.0.0:7100 listen tcp4 connect 10.0.0.1:7100",
                "bind=ok listen=ok connect=EACCES",
            ),
            (ONLY_LOOPBACK, "tcp4 connect 127.0.0.1:7101", "connect=EACCES"),
        ],
    )
}

fn row_51_dissolved_and_connected_anew(t: &Test) -> Outcome {
    each(
        t,
        &[(
            "--ip 10.0.0.1/24 --allow-connect 10.0.0.3:9",
            "udp4 connect 10.0.0.3:9 connect 10.0.0.3:10 connect-unspec connect 10.0.0.2:9 connect 10.0.0.3:9 peer",
            "connect=ok connect=EACCES connect-unspec=ok connect=EACCES connect=ok peer=10.0.0.3:9",
        )],
    )
}

fn row_51_holds(t: &Test, model: &str) -> Outcome {
    let (open, shut) = (Peer::listen("10.0.0.3:7000")?, Peer::listen("10.0.0.3:7001")?);
    let (open6, shut6) = (Peer::listen("[fd00:1::2]:7000")?, Peer::listen("[fd00:1::2]:7001")?);
    for rules in [ONE, NOT_ONE] {
        for probe in PROBES {
            for (socket, address) in
                [("tcp4", F.to_owned()), ("tcp6", format!("[::ffff:{F}]")), ("tcp6", format!("[{F6}]"))]
            {
                let words = format!("{socket} connect {address}:7001 connect {address}:7000");
                let done = t.chbind(&format!("{rules} {model}"), probe).words(&words).run()?.ok()?;
                done.printed("connect=EACCES connect=ok")?;
                let peer = if address.contains(F6) { &open6 } else { &open };
                ensure!([A, "fd00:1::1"].contains(&peer.accept()?.1.to_string().as_str()), "another source");
            }
        }
    }
    ensure!(!shut.was_reached() && !shut6.was_reached(), "a peer was reached that should not be");
    Ok(())
}

/// Fails if a datagram has come. Those that are sent here are there when the call that sent them returns.
fn nothing_came(socket: &UdpSocket) -> Outcome {
    socket.set_nonblocking(true)?;
    let mut bytes = [0; 16];
    match socket.recv_from(&mut bytes) {
        Ok((n, from)) => Err(format!("{:?} came from {from}", String::from_utf8_lossy(&bytes[..n])).into()),
        Err(_) => Ok(()),
    }
}

fn row_51_every_way_to_send(t: &Test) -> Outcome {
    let (open, shut) = (net::udp_peer("10.0.0.3:7000")?, net::udp_peer("10.0.0.3:7001")?);
    let (open6, shut6) = (net::udp_peer("[fd00:1::2]:7000")?, net::udp_peer("[fd00:1::2]:7001")?);
    for rules in [ONE, NOT_ONE] {
        for probe in PROBES {
            for (socket, address) in
                [("udp4", F.to_owned()), ("udp6", format!("[::ffff:{F}]")), ("udp6", format!("[{F6}]"))]
            {
                for call in ["sendto", "sendmsg", "sendmmsg"] {
                    let words = format!("{socket} {call} {address}:7001 {call} {address}:7000");
                    let wanted = format!("{call}=EACCES {call}=ok");
                    t.chbind(rules, probe).words(&words).run()?.ok()?.printed(&wanted)?;
                    ensure_eq!(net::receive(if address.contains(F6) { &open6 } else { &open })?.0, "hello");
                }
                let words =
                    format!("{socket} connect {address}:7001 peer connect {address}:7000 sendto {address}:7001 write");
                let wanted = "connect=EACCES peer=ENOTCONN connect=ok sendto=EACCES write=ok";
                t.chbind(rules, probe).words(&words).run()?.ok()?.printed(wanted)?;
                ensure_eq!(net::receive(if address.contains(F6) { &open6 } else { &open })?.0, "hello");
            }
        }
    }
    nothing_came(&shut)?;
    nothing_came(&shut6)
}

fn row_51_fast_open(t: &Test) -> Outcome {
    net::sysctl("ipv4.tcp_fastopen", "1")?;
    let (open, shut) = (Peer::listen("10.0.0.3:7000")?, Peer::listen("10.0.0.3:7001")?);
    for rules in [ONE, NOT_ONE] {
        for (words, wanted) in [
            ("tcp4 fastopen 10.0.0.3:7001 fastopen 10.0.0.3:7000", "sendto=EACCES sendto=ok"),
            ("tcp4 fastopen-msg 10.0.0.3:7001 fastopen-msg 10.0.0.3:7000", "sendmsg=EACCES sendmsg=ok"),
            ("tcp4 fastopen-many 10.0.0.3:7001 fastopen-many 10.0.0.3:7000", "sendmmsg=EACCES sendmmsg=ok"),
        ] {
            for probe in PROBES {
                t.chbind(rules, probe).words(words).run()?.ok()?.printed(wanted)?;
                open.accept()?;
            }
        }
    }
    ensure!(!shut.was_reached(), "a peer was reached that should not be");
    Ok(())
}

/// What comes before the refused one is sent, and counted.
fn row_51_part_of_many(t: &Test) -> Outcome {
    let (open, shut) = (net::udp_peer("10.0.0.3:7000")?, net::udp_peer("10.0.0.3:7001")?);
    let [good, bad] = ["->10.0.0.3:7000", "->10.0.0.3:7001"];
    for probe in PROBES {
        for (list, wanted, sent) in [
            (format!("{good},{good},{bad},{good}"), "sendmmsg=2", vec!["m1", "m2"]),
            (format!("{bad},{good}"), "sendmmsg=EACCES", vec![]),
            (format!("{good},{good}"), "sendmmsg=2", vec!["m1", "m2"]),
        ] {
            let done =
                t.chbind(ONE, probe).words(&format!("udp4 sendmmsg-each {list}")).run()?.ok()?.printed(wanted)?;
            for text in &sent {
                ensure_eq!(net::receive(&open)?.0, *text);
            }
            if list.contains(bad) {
                done.told(&["refused send to 10.0.0.3:7001/udp: not among the peers that may be reached"])?;
            }
        }
    }
    nothing_came(&shut)?;
    nothing_came(&open)
}

/// Row 37, where the rules let it: the host's name server is a peer like others.
fn row_51_name_server(t: &Test) -> Outcome {
    let server = net::udp_peer("127.0.0.53:53")?;
    let words = "probe udp4 sendto 127.0.0.53:53";
    for (rules, wanted) in [
        ("--allow-connect udp:127.0.0.53:53", "sendto=ok"),
        ("--allow-connect udp:any:53", "sendto=ok"),
        ("--allow-connect tcp:any", "sendto=EACCES"),
        ("--allow-connect udp:127.0.0.1:53", "sendto=EACCES"),
    ] {
        t.chbind(&format!("--ip 10.0.0.1/24 {rules}"), words).run()?.ok()?.printed(wanted)?;
        if wanted == "sendto=ok" {
            net::receive(&server)?;
        }
    }
    nothing_came(&server)
}

/// A rule that names a port or a protocol is not one for echo requests.
fn row_51_what_has_no_port(t: &Test) -> Outcome {
    net::sysctl("ipv4.ping_group_range", "0 2147483647")?;
    for (rule, connect, ping) in [
        ("--deny-connect 10.0.0.3", "EACCES", "EACCES"),
        ("--deny-connect 10.0.0.3:1-65535", "ok", "ok"),
        ("--allow-connect tcp:10.0.0.3", "EACCES", "EACCES"),
        ("--allow-connect 10.0.0.0/24", "ok", "ok"),
    ] {
        for probe in PROBES {
            let words = "ping4 ping 10.0.0.3 connect-ip 10.0.0.3";
            let wanted = format!("ping={ping} connect={connect}");
            t.chbind(&format!("--ip 10.0.0.1/24 {rule}"), probe).words(words).run()?.ok()?.printed(&wanted)?;
        }
    }
    Ok(())
}

/// Row 50: a connection that was there before the context stays as it is.
fn row_51_connected_before(t: &Test) -> Outcome {
    let peer = Peer::listen("10.0.0.3:7000")?;
    let outside = t.native("probe tcp4 bind 10.0.0.1:0 connect 10.0.0.3:7000 exec");
    let command =
        outside.then(t.chbind("--ip 10.0.0.1/24 --deny-connect any", "probe")).words("fd 3 send connect-unspec");
    let done = command.words("connect 10.0.0.3:7000").run()?.ok()?;
    ensure!(done.stdout.contains("send=ok connect-unspec=ok connect=EACCES"), "{done}");
    peer.accept()?;
    ensure!(!peer.was_reached(), "reached again");
    Ok(())
}

fn refusals_are_told(t: &Test, model: &str) -> Outcome {
    for (rules, words, line) in [
        (
            "--deny-connect any:25",
            "tcp4 connect 10.0.0.3:25",
            "refused connect to 10.0.0.3:25/tcp: this peer may not be reached (--deny-connect)",
        ),
        (
            "--allow-connect 10.0.0.2",
            "udp4 sendto 10.0.0.3:25",
            "refused send to 10.0.0.3:25/udp: not among the peers that may be reached (--allow-connect)",
        ),
    ] {
        let done = t.chbind(&format!("--ip 10.0.0.1 {rules} {model}"), "probe").words(words).run()?.ok()?;
        done.told(&["chbind: ", line])?;
    }
    Ok(())
}

fn port_changed_on_the_way_out(t: &Test) -> Outcome {
    let (stream, datagram) = (Peer::listen("10.0.0.3:8081")?, net::udp_peer("10.0.0.3:8081")?);
    flipped(t, "--allow-connect 10.0.0.3:8080", "reach 50000 10.0.0.3 8080 8081")?;
    flipped(t, "--deny-connect 10.0.0.3:8081", "reach 50000 10.0.0.3 8080 8081")?;
    ensure!(!stream.was_reached(), "a connection came");
    nothing_came(&datagram)
}
