//! Rows 31 to 47: connect and send. Who the peer sees is asked of the peer, who lives outside of the context.

use std::net::IpAddr;

use chbind_tests::net::{self, A, B, F, Peer, VIA_B};
use chbind_tests::{Case, Outcome, Test, cases, ensure, ensure_eq};

use crate::rows::{self, D, M, PROBES, Row, S, S1000, Z};

pub(crate) fn cases() -> Vec<Case> {
    let mut all = rows::both(module_path!(), ROWS);
    all.extend(cases![both: row_31_source_is_own, row_31_burns_no_port, row_32_route_prefers_an_own_address,
        row_34_bound_source, row_38_host_loopback_is_out_of_reach, row_38_lifted, row_38_loopbacks_of_contexts_are_apart,
        row_40_unspecified_is_not_the_hosts_loopback, row_42_datagrams, row_46_fast_open, row_47_dissolved_association]);
    all
}

const ROWS: &[Row] = &[
    (
        "row_35_loopback",
        &[
            (
                S1000,
                "tcp4 opt reuseaddr bind 127.0.0.1:7000 listen tcp4 connect 127.0.0.1:7000 peer name use 0 accept",
                "bind=ok listen=ok connect=ok peer=127.0.0.1:7000 name=127.0.0.1:* accept=127.3.232.1:*",
            ),
            (
                S1000,
                "tcp4 opt reuseaddr bind 127.0.0.1:7000 listen tcp4 connect 127.9.9.9:7000 peer",
                "bind=ok listen=ok connect=ok peer=127.0.0.1:7000",
            ),
            (
                S1000,
                "tcp4 opt reuseaddr bind 127.3.232.1:7000 listen tcp4 connect 127.3.232.1:7000 peer",
                "bind=ok listen=ok connect=ok peer=127.0.0.1:7000",
            ),
            (
                S,
                "udp4 bind 127.0.0.1:7000 udp4 connect 127.0.0.1:7000 send peer name use 0 recv",
                "bind=ok connect=ok send=ok peer=127.0.0.1:7000 name=127.0.0.1:* recv=hello",
            ),
            (S, "udp4 bind 127.0.0.1:7000 udp4 sendto 127.0.0.1:7000 use 0 recv", "bind=ok sendto=ok recv=hello"),
            (S, "udp4 bind 127.0.0.1:7000 udp4 sendmsg 127.0.0.1:7000 use 0 recv", "bind=ok sendmsg=ok recv=hello"),
            (S, "udp4 bind 127.0.0.1:7000 udp4 sendmmsg 127.0.0.1:7000 use 0 recv", "bind=ok sendmmsg=ok recv=hello"),
            (S, "tcp4 connect 127.0.0.1:7001", "connect=ECONNREFUSED"),
            (
                "--ip 127.0.0.2",
                "tcp4 opt reuseaddr bind 0.0.0.0:7000 listen tcp4 connect 127.0.0.2:7000 peer",
                "bind=ok listen=ok connect=ok peer=127.0.0.2:7000",
            ),
        ],
    ),
    (
        "row_36_own_wildcard_listener_on_loopback",
        &[
            (
                S,
                "tcp4 opt reuseaddr bind 0.0.0.0:7000 listen tcp4 connect 127.0.0.1:7000 send use 0 accept recv",
                "bind=ok listen=ok connect=ok send=ok accept=*.*.*.*:* recv=hello",
            ),
            (
                M,
                "tcp4 opt reuseaddr bind 0.0.0.0:7000 listen tcp4 connect 127.0.0.1:7000 send use 0 accept recv",
                "bind=ok listen=ok connect=ok send=ok accept=*.*.*.*:* recv=hello",
            ),
            (S, "udp4 bind 0.0.0.0:7000 udp4 sendto 127.0.0.1:7000 use 0 recv", "bind=ok sendto=ok recv=hello"),
            (
                S,
                "udp4 bind 0.0.0.0:7000 udp4 connect 127.0.0.1:7000 send use 0 recv",
                "bind=ok connect=ok send=ok recv=hello",
            ),
            // What is bound to the address by name is not a wildcard listener.
            (S, "tcp4 bind 10.0.0.1:7001 listen tcp4 connect 127.0.0.1:7001", "bind=ok listen=ok connect=ECONNREFUSED"),
        ],
    ),
    (
        "row_39_loopback_denied",
        &[
            (Z, "tcp4 connect 127.0.0.1:7000", "connect=EPERM"),
            (Z, "udp4 connect 127.0.0.1:7000", "connect=EPERM"),
            (Z, "udp4 sendto 127.0.0.1:7000", "sendto=EPERM"),
        ],
    ),
    (
        "row_40_unspecified_destination",
        &[
            (
                S,
                "tcp4 opt reuseaddr bind 127.0.0.1:7000 listen tcp4 connect 0.0.0.0:7000 peer",
                "bind=ok listen=ok connect=ok peer=127.0.0.1:7000",
            ),
            (
                D,
                "tcp4 opt reuseaddr bind 127.0.0.1:7000 listen tcp6 connect [::]:7000 peer",
                "bind=ok listen=ok connect=ok peer=[::ffff:127.0.0.1]:7000",
            ),
            (S, "udp4 bind 127.0.0.1:7000 udp4 sendto 0.0.0.0:7000 use 0 recv", "bind=ok sendto=ok recv=hello"),
        ],
    ),
];

/// Runs the probe in a context and fails unless it printed that.
fn probe(t: &Test, options: &str, probe: &str, words: &str, wanted: &str) -> Outcome {
    t.chbind(options, probe).words(words).run()?.ok()?.printed(wanted)?;
    Ok(())
}

/// Fails unless a TCP peer and a UDP peer at that address both see this source.
fn sources(t: &Test, options: &str, bound: &str, at: &str, wanted: &str) -> Outcome {
    let wanted_ip: IpAddr = wanted.parse()?;
    let (tcp, udp) = (Peer::listen(&format!("{at}:7300"))?, net::udp_peer(&format!("{at}:7300"))?);
    for program in PROBES {
        let words = format!("tcp4 {bound} connect {at}:7300 name");
        let prefix = if bound.is_empty() { "" } else { "bind=ok " };
        probe(t, options, program, &words, &format!("{prefix}connect=ok name={wanted}:*"))?;
        ensure_eq!(tcp.accept()?.1, wanted_ip, "as the TCP peer of {program} sees it");
        let words = format!("udp4 {bound} connect {at}:7300 send name");
        probe(t, options, program, &words, &format!("{prefix}connect=ok send=ok name={wanted}:*"))?;
        ensure_eq!(net::receive(&udp)?.1, wanted_ip, "as the UDP peer of {program} sees it");
    }
    Ok(())
}

fn row_31_source_is_own(t: &Test) -> Outcome {
    sources(t, S, "", F, A)?;
    // The route's idea of the source is somebody else's address.
    sources(t, S, "", VIA_B, A)?;
    sources(t, "--ip 10.0.0.2", "", F, B)
}

/// More connections than there are ports, to different places: they can share a port, as they can natively.
fn row_31_burns_no_port(t: &Test) -> Outcome {
    net::sysctl("ipv4.ip_local_port_range", "40000 40003")?;
    let (mut words, mut wanted, mut peers) = (String::new(), Vec::new(), Vec::new());
    for port in 7300..7312 {
        peers.push(Peer::listen(&format!("{F}:{port}"))?);
        words.push_str(&format!("tcp4 connect {F}:{port} "));
        wanted.push("connect=ok");
    }
    t.native("probe").words(&words).run()?.ok()?.printed(&wanted.join(" "))?;
    probe(t, S, "probe", &words, &wanted.join(" "))
}

fn row_32_route_prefers_an_own_address(t: &Test) -> Outcome {
    sources(t, M, "", VIA_B, B)
}

fn row_34_bound_source(t: &Test) -> Outcome {
    sources(t, M, "bind 10.0.0.2:0", F, B)?;
    sources(t, M, "bind 10.0.0.1:0", VIA_B, A)
}

fn row_38_host_loopback_is_out_of_reach(t: &Test) -> Outcome {
    let (tcp, udp) = (Peer::listen("127.0.0.1:7100")?, net::udp_peer("127.0.0.1:7100")?);
    udp.set_nonblocking(true)?;
    for program in PROBES {
        for address in ["127.0.0.1", "0.0.0.0", "127.0.0.2", "127.255.255.254"] {
            probe(t, S, program, &format!("tcp4 connect {address}:7100"), "connect=ECONNREFUSED")?;
            t.chbind(S, program).words(&format!("udp4 sendto {address}:7100")).run()?.ok()?;
            t.chbind(S, program).words(&format!("udp4 connect {address}:7100 send")).run()?.ok()?;
        }
    }
    ensure!(!tcp.was_reached(), "the host's TCP service was reached");
    ensure!(udp.recv_from(&mut [0; 8]).is_err(), "the host's UDP service was reached");
    Ok(())
}

fn row_38_lifted(t: &Test) -> Outcome {
    let (one, other) = (Peer::listen("127.0.0.1:7100")?, Peer::listen("127.0.0.1:7101")?);
    for program in PROBES {
        probe(t, "--ip 10.0.0.1 --host-loopback 7100", program, "tcp4 connect 127.0.0.1:7100", "connect=ok")?;
        ensure!(one.was_reached(), "--host-loopback does not lead to the host's loopback");
        probe(t, "--ip 10.0.0.1 --host-loopback 7100", program, "tcp4 connect 127.0.0.1:7101", "connect=ECONNREFUSED")?;
        ensure!(!other.was_reached(), "--host-loopback lets another port through");
        probe(t, "--ip 10.0.0.1 --loopback host", program, "tcp4 connect 127.0.0.1:7101", "connect=ok")?;
        ensure_eq!(other.accept()?.1, "127.0.0.1".parse::<IpAddr>()?);
    }
    Ok(())
}

fn row_38_loopbacks_of_contexts_are_apart(t: &Test) -> Outcome {
    let words = "probe tcp4 bind 127.0.0.1:7100 listen wait";
    let mut server = t.chbind(S1000, words).stdin(std::process::Stdio::piped()).start()?;
    server.wait_stdout("waiting")?;
    ensure!(net::answers("127.3.232.1:7100"), "the server is not where it should be");
    for program in PROBES {
        for address in ["127.3.232.1", "127.0.0.1"] {
            let words = format!("tcp4 connect {address}:7100");
            probe(t, "--ip 10.0.0.2 --nid 1001", program, &words, "connect=ECONNREFUSED")?;
            probe(t, "--ip 10.0.0.1 --nid 1001", program, &words, "connect=ECONNREFUSED")?;
        }
    }
    net::refuses("127.0.0.1:7100")
}

fn row_40_unspecified_is_not_the_hosts_loopback(t: &Test) -> Outcome {
    let host = Peer::listen("127.0.0.1:7100")?;
    for program in PROBES {
        probe(t, S, program, "tcp4 connect 0.0.0.0:7100", "connect=ECONNREFUSED")?;
        probe(t, D, program, "tcp6 connect [::]:7100", "connect=ECONNREFUSED")?;
        probe(t, Z, program, "tcp4 connect 0.0.0.0:7100", "connect=EPERM")?;
    }
    ensure!(!host.was_reached(), "the host's service was reached");
    Ok(())
}

fn row_42_datagrams(t: &Test) -> Outcome {
    for (options, at, wanted) in [(S, F, A), (S, VIA_B, A), (M, VIA_B, B), ("--ip 10.0.0.2", F, B)] {
        let peer = net::udp_peer(&format!("{at}:7300"))?;
        for program in PROBES {
            for call in ["sendto", "sendmsg", "sendmmsg"] {
                probe(t, options, program, &format!("udp4 {call} {at}:7300"), &format!("{call}=ok"))?;
                let (text, from) = net::receive(&peer)?;
                ensure_eq!((text.as_str(), from), ("hello", wanted.parse::<IpAddr>()?), "by {program} {call}");
            }
        }
    }
    Ok(())
}

fn row_46_fast_open(t: &Test) -> Outcome {
    let (peer, host) = (Peer::listen(&format!("{F}:7300"))?, Peer::listen("127.0.0.1:7100")?);
    for program in PROBES {
        for (word, call) in [("fastopen", "sendto"), ("fastopen-msg", "sendmsg")] {
            let wanted = format!("{call}=ok name=10.0.0.1:*");
            probe(t, S, program, &format!("tcp4 {word} {F}:7300 name"), &wanted)?;
            let (mut stream, from) = peer.accept()?;
            ensure_eq!(from, A.parse::<IpAddr>()?, "by {program} {word}");
            let mut text = [0; 5];
            std::io::Read::read_exact(&mut stream, &mut text)?;
            ensure_eq!(&text, b"hello");
            probe(t, S, program, &format!("tcp4 {word} 127.0.0.1:7100"), &format!("{call}=ECONNREFUSED"))?;
        }
    }
    ensure!(!host.was_reached(), "the host's service was reached");
    Ok(())
}

fn row_47_dissolved_association(t: &Test) -> Outcome {
    let (tcp, udp) = (Peer::listen(&format!("{F}:7300"))?, net::udp_peer(&format!("{F}:7300"))?);
    let ours: IpAddr = A.parse()?;
    for program in PROBES {
        let words = format!("tcp4 connect {F}:7300 connect-unspec connect {F}:7300 name");
        probe(t, S, program, &words, "connect=ok connect-unspec=ok connect=ok name=10.0.0.1:*")?;
        for _ in 0..2 {
            ensure_eq!(tcp.accept()?.1, ours, "TCP, {program}");
        }
        let words = format!("tcp4 connect {F}:7300 connect-unspec listen name");
        probe(t, S, program, &words, "connect=ok connect-unspec=ok listen=ok name=10.0.0.1:*")?;
        ensure_eq!(tcp.accept()?.1, ours);
        let words = format!("udp4 connect {F}:7300 connect-unspec sendto {F}:7300 connect {F}:7300 send name");
        let wanted = "connect=ok connect-unspec=ok sendto=ok connect=ok send=ok name=10.0.0.1:*";
        probe(t, S, program, &words, wanted)?;
        for _ in 0..2 {
            ensure_eq!(net::receive(&udp)?.1, ours, "UDP, {program}");
        }
        let words = "udp4 connect 127.0.0.1:7300 connect-unspec bind 10.0.0.3:0";
        probe(t, S, program, words, "connect=ok connect-unspec=ok bind=EADDRNOTAVAIL")?;
    }
    Ok(())
}
