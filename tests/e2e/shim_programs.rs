//! Programs as they come from Debian, with the shim in them: the trials that they have under the supervisor, and some that are
//! about how programs of a kind make their calls.

use std::io::{Read, Write};
use std::net::IpAddr;

use chbind_tests::net::{self, A, B, F, Peer};
use chbind_tests::{Case, Outcome, SOON, Test, cases, ensure, ensure_eq};

use crate::rows::S;
use crate::shim::with_shim;
use crate::{dns_servers, golang, messages, postgres, runtimes, servers, ssh, tools};

pub(crate) fn cases() -> Vec<Case> {
    let mut all: Vec<Case> = golang::cases().into_iter().map(|case| case.enforced("hybrid")).collect();
    let some = |cases: Vec<Case>, names: &'static [&str]| {
        cases.into_iter().filter(move |case| names.iter().any(|name| case.is_called(name)))
    };
    let known = servers::cases()
        .into_iter()
        .chain(postgres::cases())
        .chain(runtimes::cases())
        .chain(ssh::cases())
        .chain(dns_servers::cases())
        .chain(some(tools::cases(), &["curl", "dig", "redis"]))
        .chain(some(messages::cases(), &["refusals_are_told", "refusals_are_counted", "quiet", "whole_lines"]));
    all.extend(with_shim(known.collect()));
    all.extend(with_shim(cases![both: nginx_asks_upstream, python_tls, redis_on_the_wildcard]));
    all.extend(cases![both: names_looked_up].into_iter().map(|case| case.enforced("hybrid")));
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

/// The C library's own look-ups go past its public functions, and so past the shim: the supervisor holds them.
fn names_looked_up(t: &Test) -> Outcome {
    tools::getent(t)
}
