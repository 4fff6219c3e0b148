//! Servers and clients as Node, Python's asyncio and Java make them by themselves: one dual-stack socket on the
//! wildcard where there is IPv6, or a socket for each family.

use chbind_tests::net::{self, A, A6, B, F, F6, Peer};
use chbind_tests::{Case, Cmd, Outcome, Proc, Shell, Test, ensure, ensure_eq};
use std::net::IpAddr;

use crate::rows::{D, P, S};

/// A program that serves on a port by TCP and UDP, or connects and prints what it is told.
struct Runtime {
    name: &'static str,
    interpreter: &'static str,
    file: &'static str,
    text: &'static str,
    /// Whether its TCP server makes a socket for each family.
    separate: bool,
}

const RUNTIMES: [Runtime; 3] = [
    Runtime {
        name: "node",
        interpreter: "node",
        file: "node.js",
        text: include_str!("../programs/node.js"),
        separate: false,
    },
    Runtime {
        name: "asyncio",
        interpreter: "python3",
        file: "asyncio_server.py",
        text: include_str!("../programs/asyncio_server.py"),
        separate: true,
    },
    Runtime {
        name: "java",
        // It runs a source file. Little of what it could compile to machine code is worth that here.
        interpreter: "java -XX:TieredStopAtLevel=1 -Xshare:auto",
        file: "Both.java",
        text: include_str!("../programs/Both.java"),
        separate: false,
    },
];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for runtime in &RUNTIMES {
        let mut add = |what, body: fn(&Test, &Runtime) -> Outcome| {
            let name = format!("{}::{}::{what}", module_path!(), runtime.name);
            cases.push(Case::both(&name, move |t| body(t, runtime)));
        };
        add("one_port_in_two_contexts", one_port_in_two_contexts);
        add("dual_stack", dual_stack);
        add("ipv6_alone", ipv6_alone);
        add("clients", clients);
    }
    cases
}

impl Runtime {
    /// The command line with these words.
    fn command(&self, t: &Test, words: &str) -> Outcome<String> {
        Ok(format!("{} {} {words}", self.interpreter, t.write(self.file, self.text)?.display()))
    }

    /// A server on port 8080.
    fn serve(&self, t: &Test, options: &str) -> Outcome<Proc> {
        let mut server = t.chbind(options, &self.command(t, "serve 8080")?).start()?;
        server.wait_stdout("serving")?;
        Ok(server)
    }

    fn client(&self, t: &Test, options: &str, host: &str, port: u16) -> Outcome<Cmd> {
        Ok(t.chbind(options, &self.command(t, &format!("connect {host} {port}"))?))
    }
}

/// An address and a port, as they are written together.
fn at(address: &str, port: u16) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

/// What a server says of a connection, and of addresses: v4-mapped ones are the IPv4 address, however they are written.
fn plain(text: &str) -> String {
    let words = text.split_whitespace().map(|word| match word.split_once('=') {
        Some((name, address)) => match address.parse::<IpAddr>() {
            Ok(address) => format!("{name}={}", address.to_canonical()),
            Err(_) => word.to_owned(),
        },
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What the server at that address tells those who connect.
fn tcp(address: &str) -> Outcome<String> {
    let mut stream = net::dial(&at(address, 8080)).map_err(|error| format!("{address}: {error}"))?;
    let mut told = String::new();
    std::io::Read::read_to_string(&mut stream, &mut told)?;
    Ok(plain(&told))
}

/// Fails unless the server answers datagrams at `address`, from there, and does not get those to `foreign`: they are
/// sent before, and would be answered first.
fn datagrams(address: &str, foreign: &[&str], from: &str) -> Outcome {
    let peer = net::udp_peer(&at(from, 0))?;
    for foreign in foreign {
        peer.send_to(b"foreign", at(foreign, 8080))?;
    }
    peer.send_to(b"own", at(address, 8080))?;
    let (answer, source) = net::receive(&peer)?;
    ensure_eq!(plain(&answer), format!("got=own peer={from}"), "at {address}");
    ensure_eq!(source, address.parse::<IpAddr>()?, "the source of the answer");
    Ok(())
}

/// The same command twice, each on its own address.
fn one_port_in_two_contexts(t: &Test, runtime: &Runtime) -> Outcome {
    let _one = runtime.serve(t, &format!("--ip {A}"))?;
    let _two = runtime.serve(t, &format!("--ip {B}"))?;
    for address in [A, B] {
        ensure_eq!(tcp(address)?, format!("local={address} peer={address}"));
        datagrams(address, &[], F)?;
    }
    for other in [F, "127.0.0.1", &format!("[{A6}]"), &format!("[{F6}]")] {
        net::refuses(&format!("{other}:8080"))?;
    }
    Ok(())
}

/// A context with an address of each family. TCP: one dual-stack socket serves the primary address, and a line says so;
/// a socket for each family serves both. A datagram socket serves both, and answers each from the address of its
/// family.
fn dual_stack(t: &Test, runtime: &Runtime) -> Outcome {
    let mut server = runtime.serve(t, D)?;
    ensure_eq!(tcp(A)?, format!("local={A} peer={A}"));
    if runtime.separate {
        ensure_eq!(tcp(A6)?, format!("local={A6} peer={A6}"));
    } else {
        net::refuses(&format!("[{A6}]:8080"))?;
        server.wait_stderr(&format!("serves {A} only, not {A6}"))?;
    }
    for other in [F, "127.0.0.1", &format!("[{F6}]"), "[::1]"] {
        net::refuses(&format!("{other}:8080"))?;
    }
    datagrams(A, &[F, B, "127.0.0.1"], F)?;
    datagrams(A6, &[F6], F6)
}

/// A context that has IPv6 only.
fn ipv6_alone(t: &Test, runtime: &Runtime) -> Outcome {
    let _server = runtime.serve(t, P)?;
    ensure_eq!(tcp(A6)?, format!("local={A6} peer={A6}"));
    datagrams(A6, &[], F6)?;
    for other in [A, F, &format!("[{F6}]"), "[::1]"] {
        net::refuses(&format!("{other}:8080"))?;
    }
    Ok(())
}

/// Whom a peer sees, in either family, and the way to a server in the same context by any name of loopback.
fn clients(t: &Test, runtime: &Runtime) -> Outcome {
    for (options, to, wanted) in [(S, F, A), (D, F, A), (D, F6, A6)] {
        let peer = Peer::listen(&at(to, 0))?;
        let client = runtime.client(t, options, to, peer.port()?)?.start()?;
        let (mut stream, from) = peer.accept()?;
        ensure_eq!(from, wanted.parse::<IpAddr>()?, "to {to}");
        std::io::Write::write_all(&mut stream, b"hello")?;
        drop(stream);
        client.finish(chbind_tests::SOON)?.ok()?.printed("hello")?;
    }
    for options in [S, D] {
        let mut inside = Shell::start(t.chbind(options, ""))?;
        inside.run(&format!("{} </dev/null & server=$!", runtime.command(t, "serve 8080")?))?;
        inside.proc().wait_stdout("serving")?;
        for host in ["127.0.0.1", "localhost"] {
            let told = plain(&inside.run(&runtime.command(t, &format!("connect {host} 8080"))?)?);
            ensure!(told.starts_with(&format!("local={A} peer=")), "{host}: {told:?}");
        }
        inside.run("kill $server")?;
    }
    Ok(())
}
