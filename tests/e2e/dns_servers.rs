//! Name servers as they come from Debian: several addresses by one datagram socket that asks where a question came to
//! (IP_PKTINFO), or by one socket for each; questions of their own that they pass on.

use std::net::{IpAddr, UdpSocket};

use chbind_tests::net::{self, A, A6, B, F, F6};
use chbind_tests::{Case, Outcome, Proc, SOON, Test, cases, ensure, ensure_eq, wait_for};

use crate::remote::{self, R};
use crate::rows::{D, M, S};

/// A server that knows example.test, and asks the one at R for other names if it can.
struct Server {
    name: &'static str,
    /// Writes its configuration for a context with these options into that directory, and gives its command line.
    command: fn(&Test, &str, &str) -> Outcome<String>,
    /// Whether it makes a socket for every address that it finds on the host, rather than one on the wildcard.
    each_address: bool,
    forwards: bool,
}

const SERVERS: [Server; 4] = [
    Server { name: "knot", command: knot, each_address: false, forwards: false },
    Server { name: "unbound", command: unbound, each_address: false, forwards: true },
    Server { name: "dnsmasq", command: dnsmasq, each_address: false, forwards: true },
    Server { name: "named", command: named, each_address: true, forwards: true },
];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for server in &SERVERS {
        let mut add = |what, body: fn(&Test, &Server) -> Outcome| {
            let name = format!("{}::{}::{what}", module_path!(), server.name);
            cases.push(Case::both(&name, move |t| body(t, server)));
        };
        add("one_port_in_two_contexts", one_port_in_two_contexts);
        add("several_addresses", several_addresses);
        add("both_families", both_families);
        if server.forwards {
            add("questions_passed_on", questions_passed_on);
        }
    }
    cases.extend(cases![both: two_contexts_of_several_addresses]);
    cases
}

fn zone(t: &Test, dir: &str) -> Outcome<String> {
    let text =
        "$TTL 60\n@ SOA ns.example.test. root.example.test. 1 60 60 60 60\n@ NS ns\n@ A 10.9.9.9\nns A 10.9.9.9\n";
    Ok(t.write(&format!("{dir}/zone"), text)?.display().to_string())
}

fn knot(t: &Test, options: &str, dir: &str) -> Outcome<String> {
    let (zone, path) = (zone(t, dir)?, t.dir().join(dir));
    let d = path.display();
    // Unlike others it ends where it is told to serve IPv6 and there is none.
    let listen = if options.contains("fd00") { "[ 0.0.0.0@53, \"::@53\" ]" } else { "0.0.0.0@53" };
    let text = format!(
        "server:\n  rundir: {d}\n  listen: {listen}\n  udp-workers: 1\n  tcp-workers: 1\n\
        database:\n  storage: {d}\nlog:\n  - target: stderr\n    any: info\n\
        zone:\n  - domain: example.test\n    file: {zone}\n"
    );
    Ok(format!("knotd -c {}", t.write(&format!("{dir}/knot.conf"), &text)?.display()))
}

fn unbound(t: &Test, _: &str, dir: &str) -> Outcome<String> {
    let path = t.dir().join(dir);
    let d = path.display();
    let text = format!(
        "server:\n  username: \"\"\n  chroot: \"\"\n  directory: {d}\n  pidfile: \"\"\n  use-syslog: no\n\
        logfile: \"\"\n  num-threads: 1\n  interface: 0.0.0.0\n  interface: ::0\n  interface-automatic: yes\n\
        access-control: 0.0.0.0/0 allow\n  access-control: ::0/0 allow\n  module-config: iterator\n\
        local-data: \"example.test. A 10.9.9.9\"\nremote-control:\n  control-enable: no\n\
        forward-zone:\n  name: \".\"\n  forward-addr: {R}\n"
    );
    Ok(format!("unbound -d -c {}", t.write(&format!("{dir}/unbound.conf"), &text)?.display()))
}

fn dnsmasq(_: &Test, _: &str, _: &str) -> Outcome<String> {
    let options = "--no-daemon --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file --cache-size=0";
    Ok(format!("dnsmasq {options} --address=/example.test/10.9.9.9 --server={R}"))
}

fn named(t: &Test, _: &str, dir: &str) -> Outcome<String> {
    let (zone, path) = (zone(t, dir)?, t.dir().join(dir));
    let d = path.display();
    let text = format!(
        "options {{ directory \"{d}\"; pid-file none; session-keyfile \"{d}/session.key\"; lock-file none;\n\
        listen-on {{ any; }}; listen-on-v6 {{ any; }}; allow-query {{ any; }};\n\
        recursion yes; allow-recursion {{ any; }};\n\
        forward only; forwarders {{ {R}; }}; dnssec-validation no; }};\ncontrols {{ }};\n\
        zone \"example.test\" {{ type primary; file \"{zone}\"; }};\n"
    );
    Ok(format!("named -g -n 1 -c {}", t.write(&format!("{dir}/named.conf"), &text)?.display()))
}

impl Server {
    /// Starts it in a context, and waits until it answers a question to this address.
    fn start(&self, t: &Test, options: &str, address: &str) -> Outcome<Proc> {
        // The ordinary user may have this port here.
        net::sysctl("ipv4.ip_unprivileged_port_start", "53")?;
        let dir = format!("at-{address}");
        std::fs::create_dir(t.dir().join(&dir))?;
        t.bed().give(&t.dir().join(&dir), t.who())?;
        let mut server = t.chbind(options, &(self.command)(t, options, &dir)?).start()?;
        let port = format!("{address}:53");
        let mut ended = false;
        let serves = wait_for(SOON, || {
            ended = server.status().is_some();
            ended || net::answers(&port) && dig(t, address, "+tcp", "example.test").is_ok()
        });
        ensure!(serves && !ended, "{} does not serve {address}:\n{}", self.name, server.stderr());
        Ok(server)
    }
}

/// dig outside of the contexts; it takes no answer but from whom it has asked.
fn dig(t: &Test, address: &str, transport: &str, name: &str) -> Outcome {
    let dig = format!("dig @{address} {transport} +short +tries=1 +time=5 {name}");
    t.as_root(&dig).run()?.ok()?.printed(if name == "example.test" { "10.9.9.9" } else { "10.8.8.8" })?;
    Ok(())
}

/// A question for the address of example.test, with this number.
fn question(id: u8) -> Vec<u8> {
    [&[0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x07example\x04test\x00", &[0, 1, 0, 1]].concat()
}

/// The number of the next answer, and where it comes from.
fn answer(socket: &UdpSocket) -> Outcome<(u8, IpAddr)> {
    let mut packet = [0; 512];
    let (length, from) = socket.recv_from(&mut packet).map_err(|error| format!("no answer: {error}"))?;
    ensure!(length > 12 && packet[2] & 0x80 != 0, "not an answer: {:?}", &packet[..length]);
    Ok((packet[1], from.ip()))
}

/// Fails unless questions to each of `own` are answered, from there, and those to `foreign` are not, by datagram.
/// Foreign ones are asked first: what listens to them as well would answer them first.
fn answers_at(from: &str, own: &[&str], foreign: &[&str]) -> Outcome {
    let bracketed =
        |address: &str| if address.contains(':') { format!("[{address}]:53") } else { format!("{address}:53") };
    let socket = net::udp_peer(&bracketed(from).replace(":53", ":0"))?;
    for foreign in foreign {
        socket.send_to(&question(99), bracketed(foreign))?;
    }
    for (id, address) in (0..).zip(own.iter().chain(own)) {
        socket.send_to(&question(id), bracketed(address))?;
        ensure_eq!(answer(&socket)?, (id, address.parse()?), "asked {address} from {from}; 99 is a foreign address");
    }
    Ok(())
}

/// Two servers with the same configuration, an address each.
fn one_port_in_two_contexts(t: &Test, server: &Server) -> Outcome {
    let _one = server.start(t, "--ip 10.0.0.1/24", A)?;
    let _two = server.start(t, "--ip 10.0.0.2/24", B)?;
    for address in [A, B] {
        dig(t, address, "", "example.test")?;
        dig(t, address, "+tcp", "example.test")?;
    }
    answers_at(F, &[A, B], &[F, "127.0.0.1"])?;
    for other in [F, "127.0.0.1", &format!("[{A6}]")] {
        net::refuses(&format!("{other}:53"))?;
    }
    // And from another context.
    let asked = t.chbind("--ip 10.0.0.3", &format!("dig @{B} +short +tries=1 +time=5 example.test")).run()?;
    asked.ok()?.printed("10.9.9.9")?;
    Ok(())
}

/// Each address answers for itself. The wildcard serves them all by UDP; by TCP the primary, and a line says so.
fn several_addresses(t: &Test, server: &Server) -> Outcome {
    let mut running = server.start(t, M, A)?;
    dig(t, A, "", "example.test")?;
    dig(t, B, "", "example.test")?;
    answers_at(F, &[A, B], &[F, "127.0.0.1"])?;
    net::refuses(&format!("{F}:53"))?;
    if server.each_address {
        dig(t, B, "+tcp", "example.test")?;
    } else {
        net::refuses(&format!("{B}:53"))?;
        running.wait_stderr(&format!("serves {A} only, not {B}"))?;
    }
    Ok(())
}

/// Servers that let others have their port as well (SO_REUSEADDR), in two contexts of several addresses each. Of two wildcards
/// the kernel would give a datagram to one alone: so the second context has its primary address, and takes nothing away.
fn two_contexts_of_several_addresses(t: &Test) -> Outcome {
    net::ip("addr add 10.0.0.4/32 dev lo\n")?;
    let dnsmasq = &SERVERS[2];
    let _one = dnsmasq.start(t, M, A)?;
    let two = dnsmasq.start(t, "--ip 10.0.0.3/24 --ip 10.0.0.4/24", F)?;
    for address in [A, B, F] {
        dig(t, address, "", "example.test")?;
    }
    let told = two.stderr();
    ensure!(told.contains("0.0.0.0:53/udp serves 10.0.0.3 only, not 10.0.0.4"), "{told}");
    Ok(())
}

/// A socket for each family: both are served, by UDP and by TCP.
fn both_families(t: &Test, server: &Server) -> Outcome {
    let _running = server.start(t, D, A)?;
    for address in [A, A6] {
        dig(t, address, "", "example.test")?;
        dig(t, address, "+tcp", "example.test")?;
    }
    answers_at(F, &[A], &[F, B, "127.0.0.1"])?;
    answers_at(F6, &[A6], &[F6, "::1"])?;
    for other in [F, &format!("[{F6}]")] {
        net::refuses(&format!("{other}:53"))?;
    }
    Ok(())
}

/// What the server does not know it asks another machine, which sees the context's own address.
fn questions_passed_on(t: &Test, server: &Server) -> Outcome {
    let options = "--no-daemon --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file --log-queries";
    let mut upstream = remote::run(t, &format!("dnsmasq {options} --address=/up.example/10.8.8.8"))?;
    ensure!(wait_for(SOON, || net::answers(&format!("{R}:53"))), "dnsmasq: {}", upstream.stderr());
    let _one = server.start(t, S, A)?;
    let _two = server.start(t, "--ip 10.0.0.2/24 --ip 10.0.0.3/24", B)?;
    for address in [A, B, F] {
        dig(t, address, "", &format!("asked-of-{address}.up.example"))?;
        // The primary address, for the one that the route prefers is nobody's.
        let primary = if address == A { A } else { B };
        upstream.wait_stderr(&format!("query[A] asked-of-{address}.up.example from {primary}"))?;
    }
    let log = upstream.stderr();
    let asked_by = |line: &str| line.rsplit_once(" from ").map(|(_, from)| from.to_owned());
    let from: Vec<_> = log.lines().filter(|line| line.contains("query[")).filter_map(asked_by).collect();
    ensure!(from.iter().all(|from| from == A || from == B), "somebody else asks:\n{log}");
    Ok(())
}
