//! Programs as they come from Debian, with the shim in them: the trials that they have under the supervisor, and some that are
//! about how programs of a kind make their calls.

use std::io::{Read, Write};
use std::net::IpAddr;
use std::process::Stdio;

use chbind_tests::net::{self, A, B, F, Peer};
use chbind_tests::{Case, Outcome, SOON, Test, cases, ensure, ensure_eq};

use crate::rows::{M, S};
use crate::shim::{LIBCS, with_shim};
use crate::{cpython, dns_servers, golang, messages, postgres, runtimes, servers, ssh, tools};

/// What takes a supervisor.
const NOT_UNDER_PRELOAD: [&str; 7] = [
    // They let others have their port as well (SO_REUSEADDR, SO_REUSEPORT): see `shared_port`.
    "knot::several_addresses",
    "unbound::several_addresses",
    "dnsmasq::several_addresses",
    "unbound::questions_passed_on",
    "dnsmasq::questions_passed_on",
    "two_contexts_of_several_addresses",
    // Nobody is there in the end to tell the sum.
    "refusals_are_counted",
];

pub(crate) fn cases() -> Vec<Case> {
    let some = |cases: Vec<Case>, names: &'static [&str]| {
        cases.into_iter().filter(move |case| names.iter().any(|name| case.is_called(name)))
    };
    let known = servers::cases()
        .into_iter()
        .chain(postgres::cases())
        .chain(runtimes::cases())
        .chain(ssh::cases())
        .chain(dns_servers::cases())
        .chain(cpython::cases())
        .chain(some(tools::cases(), &["curl", "dig", "redis"]))
        .chain(some(messages::cases(), &["refusals_are_told", "refusals_are_counted", "quiet", "whole_lines"]));
    let takes_supervisor = |case: &Case| NOT_UNDER_PRELOAD.iter().any(|name| case.is_called(name));
    let (hybrid, both): (Vec<_>, Vec<_>) = known.partition(takes_supervisor);
    let hybrid = hybrid.into_iter().chain(golang::cases()).chain(some(tools::cases(), &["getent"]));
    let mut all: Vec<Case> = hybrid.map(|case| case.enforced("hybrid")).collect();
    all.extend(with_shim(both));
    all.extend(with_shim(cases![both: nginx_asks_upstream, python_tls, redis_on_the_wildcard, names_looked_up]));
    all.extend(cases![both: shared_port].into_iter().map(|case| case.enforced("preload")));
    all
}

/// What a proxy asks comes from the context's address.
fn nginx_asks_upstream(t: &Test) -> Outcome {
    let upstream = Peer::listen(&format!("{F}:9000"))?;
    let proxied = format!("proxy_pass http://{F}:9000;");
    let command = servers::nginx_configuration(t, "one", &proxied)?;
    let nginx = t.chbind(S, &format!("{command} -g")).arg("daemon off;").start()?;
    net::wait_answers(&format!("{A}:8080"))?;
    ensure_eq!(net::listening_on(8080)?, vec![A.parse::<IpAddr>()?]);
    let mut client = net::dial(&format!("{A}:8080"))?;
    client.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let (mut asked, from) = upstream.accept()?;
    ensure_eq!(from, A.parse::<IpAddr>()?, "\n{}", nginx.stderr());
    ensure!(asked.read(&mut [0; 1024])? > 0, "nothing is asked");
    asked.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nyes")?;
    let mut answer = String::new();
    client.read_to_string(&mut answer)?;
    ensure!(answer.ends_with("\r\n\r\nyes"), "{answer}");
    Ok(())
}

/// Python's ssl, a server and a client in a context each, and both ends see whom they should.
fn python_tls(t: &Test) -> Outcome {
    let make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test";
    t.native(make).words("-keyout key.pem -out certificate.pem").run()?.ok()?;
    let server = "import socket, ssl\n\
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n\
        context.load_cert_chain('certificate.pem', 'key.pem')\n\
        listener = context.wrap_socket(socket.create_server(('', 8443)), server_side=True)\n\
        print('serving', flush=True)\n\
        stream, peer = listener.accept()\n\
        stream.sendall(f'{stream.getsockname()[0]} {peer[0]}'.encode())\n\
        stream.close()";
    let client = "import socket, ssl, sys\n\
        context = ssl.create_default_context(cafile='certificate.pem')\n\
        context.check_hostname = False\n\
        stream = context.wrap_socket(socket.create_connection(('10.0.0.1', 8443), timeout=10))\n\
        print(stream.version(), stream.getsockname()[0], stream.recv(100).decode())";
    let mut server = t.chbind(S, "python3 -c").arg(server).start()?;
    server.wait_stdout("serving")?;
    ensure_eq!(net::listening_on(8443)?, vec![A.parse::<IpAddr>()?]);
    let client = t.chbind(&format!("--ip {B}"), "python3 -c").arg(client);
    client.run()?.ok()?.printed(&format!("TLSv1.3 {B} {A} {B}").replace('3', "*"))?;
    server.finish(SOON)?.ok()?;
    Ok(())
}

/// Two of them with the same port, and clients of either context.
fn redis_on_the_wildcard(t: &Test) -> Outcome {
    let mut servers = Vec::new();
    for address in [A, B] {
        let options = format!("--ip {address}/24");
        let command = "redis-server --port 6379 --protected-mode no --save";
        servers.push(t.chbind(&options, command).arg("").words("--logfile redis.log").start()?);
        net::wait_answers(&format!("{address}:6379"))?;
        let to = |host: &str, words: &str| t.chbind(&options, &format!("redis-cli -h {host} {words}"));
        to(address, &format!("set who {address}")).run()?.ok()?.printed("OK")?;
    }
    for (client, server) in [(A, B), (B, A)] {
        let list = format!("redis-cli -h {server} client list");
        let done = t.chbind(&format!("--ip {client}/24"), &list).run()?.ok()?;
        ensure!(done.stdout.contains(&format!("addr={client}:")), "{done}");
        ensure!(done.stdout.contains(&format!("laddr={server}:6379")), "{done}");
    }
    for other in [F, "127.0.0.1"] {
        net::refuses(&format!("{other}:6379"))?;
    }
    Ok(())
}

/// The C library's own look-ups go past its public functions, and so past the shim: the supervisor holds them, and under
/// preload they have the source that the route prefers.
fn names_looked_up(t: &Test) -> Outcome {
    let options = format!(
        "--no-daemon --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file --bind-interfaces \
        --listen-address={F} --log-queries --address=/example.test/10.9.9.9"
    );
    let mut server = t.as_root("dnsmasq").words(&options).start()?;
    net::wait_answers(&format!("{F}:53"))?;
    let command = tools::with_resolver(t, F, t.chbind(S, "getent ahostsv4 example.test"))?;
    let done = command.run()?.ok()?;
    ensure!(done.stdout.contains("10.9.9.9"), "{done}");
    let from = if t.enforcement() == Some("hybrid") { A } else { F };
    server.wait_stderr(&format!("query[A] example.test from {from}"))
}

/// A datagram server that lets others have its port (SO_REUSEADDR): who else is on the wildcard is not known to the shim, so it
/// serves the primary address, and a line says so.
fn shared_port(t: &Test) -> Outcome {
    t.bed().shim_programs()?;
    for program in LIBCS {
        for option in ["reuseaddr", "reuseport"] {
            let words = format!("{program} udp4 opt {option} bind 0.0.0.0:7000 name wait");
            let mut server = t.chbind(M, &words).stdin(Stdio::piped()).start()?;
            server.wait_stdout(&format!("bind=ok name={A}:7000 waiting"))?;
            server.wait_stderr(&format!("0.0.0.0:7000/udp serves {A} only, not {B}"))?;
            server.say("go")?;
            server.finish(SOON)?.ok()?;
        }
    }
    Ok(())
}
