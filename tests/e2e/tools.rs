//! Clients and servers that people have: curl, dig, getent, iperf3, redis.

use std::net::IpAddr;
use std::time::Duration;

use chbind_tests::net::{self, A, B, F, Peer};
use chbind_tests::{Case, Cmd, Outcome, Patience, Proc, SOON, Test, Who, at_most, cases, ensure, ensure_eq, wait_for};

use crate::rows::S;

pub(crate) fn cases() -> Vec<Case> {
    let mut all = cases![
        both: curl, dig, getent, redis,
            ip_shows_addresses
    ];
    all.extend(cases![both: iperf3].into_iter().map(Case::alone));
    all
}

/// curl reaches a server outside; what the server sees is the context's address.
fn curl(t: &Test) -> Outcome {
    let peer = Peer::listen(&format!("{F}:8080"))?;
    let curl = t.chbind(S, &format!("curl --silent --fail http://{F}:8080/")).start()?;
    let (mut stream, from) = peer.accept()?;
    std::io::Write::write_all(&mut stream, b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nyes")?;
    std::io::Read::read(&mut stream, &mut [0; 1024])?;
    drop(stream);
    curl.finish(chbind_tests::SOON)?.ok()?.printed("yes")?;
    ensure_eq!(from, A.parse::<IpAddr>()?);
    Ok(())
}

/// A DNS server on one of the host's loopback addresses, outside of every context.
fn dns_server(t: &Test, address: &str) -> Outcome<Proc> {
    let options = "--no-daemon --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces --user=root --pid-file";
    let names = format!("--address=/example.test/10.9.9.9 --listen-address={address}");
    let mut server = t.as_root("dnsmasq").words(options).words(&names).start()?;
    ensure!(wait_for(chbind_tests::SOON, || net::answers(&format!("{address}:53"))), "dnsmasq: {}", server.stderr());
    ensure!(server.status().is_none(), "dnsmasq: {}", server.stderr());
    Ok(server)
}

fn dig(t: &Test) -> Outcome {
    let _server = dns_server(t, "127.0.0.53")?;
    for transport in ["", "+tcp"] {
        let dig = format!("dig @127.0.0.53 {transport} +short +tries=1 +time=5 example.test");
        t.chbind(S, &dig).run()?.ok()?.printed("10.9.9.9")?;
    }
    Ok(())
}

/// The command line in a mount namespace of its own, where resolv.conf names this server; then under the trial's identity.
pub(crate) fn with_resolver(t: &Test, server: &str, command: Cmd) -> Outcome<Cmd> {
    let file =
        t.write(&format!("resolv.{server}"), &format!("nameserver {server}\noptions timeout:10 attempts:2\n"))?;
    let script = format!("mount --bind {} /etc/resolv.conf && exec \"$@\"", file.display());
    let wrapped = t.as_root("unshare --mount sh -c").arg(script).arg("sh");
    let (uid, gid) = t.bed().ids(t.who());
    Ok(match t.who() {
        Who::Root => wrapped.then(command),
        Who::User => wrapped.words(&format!("setpriv --reuid={uid} --regid={gid} --clear-groups --")).then(command),
    })
}

/// As every program does it: through the C library, which reads resolv.conf.
fn getent(t: &Test) -> Outcome {
    for address in ["127.0.0.53", "127.0.0.9"] {
        let _server = dns_server(t, address)?;
        let done = with_resolver(t, address, t.chbind(S, "getent ahostsv4 example.test"))?.run()?.ok()?;
        ensure!(done.stdout.contains("10.9.9.9"), "{done}");
    }
    Ok(())
}

/// TCP and UDP at full speed between two contexts, by wildcard server and unbound client.
fn iperf3(t: &Test) -> Outcome {
    let mut server = t.chbind(S, "iperf3 --server --forceflush").start()?;
    net::wait_answers(&format!("{A}:5201"))?;
    for kind in ["", "--udp --bitrate 50M", "--reverse", "--udp --bitrate 50M --reverse"] {
        let milliseconds = at_most(SOON).as_millis();
        let client = format!("iperf3 --client {A} --time 1 --connect-timeout {milliseconds} {kind}");
        let run = || t.chbind(&format!("--ip {B}"), &client).run();
        let (mut done, mut patience) = (run()?, Patience::new(SOON));
        // The server may still be clearing up after the attempt before.
        while done.stdout.contains("server is busy") && patience.rest(Duration::from_millis(200)) {
            done = run()?;
        }
        let done = done.ok()?;
        ensure!(done.stdout.contains(&format!("local {B} port")), "{done}");
        ensure!(done.stdout.contains("receiver"), "{done}");
    }
    server.wait_stdout(&format!("Accepted connection from {B}"))?;
    net::refuses("127.0.0.1:5201")
}

/// A database on 127.0.0.1 is its own context's business.
fn redis(t: &Test) -> Outcome {
    let script = format!(
        "redis-server --port 6379 --bind 127.0.0.1 --save '' --dir {} >redis.log &
        until redis-cli -h 127.0.0.1 ping | grep -q PONG; do sleep 0.1; done
        redis-cli -h 127.0.0.1 set key value; redis-cli -h 127.0.0.1 get key; echo ready; wait",
        t.dir().display()
    );
    let mut inside = t.chbind(S, "sh -c").arg(script).start()?;
    inside.wait_stdout("OK\nvalue\nready")?;
    net::refuses("127.0.0.1:6379")?;
    net::refuses(&format!("{A}:6379"))?;
    for options in [S, "--ip 10.0.0.2"] {
        let done = t.chbind(options, "redis-cli -h 127.0.0.1 ping").run()?;
        ensure!(!done.stdout.contains("PONG"), "reachable from another context\n{done}");
        ensure!(done.stderr.contains("refused") || done.stdout.contains("refused"), "{done}");
    }
    Ok(())
}

/// Netlink is not ours to judge: the host's addresses stay visible.
fn ip_shows_addresses(t: &Test) -> Outcome {
    let done = t.chbind(S, "ip -oneline address show").run()?.ok()?;
    for address in [A, B, F] {
        ensure!(done.stdout.contains(address), "{done}");
    }
    Ok(())
}
