//! QUIC, by a program of its own (tests/quic): datagrams that are sent and received many at a time, with packet
//! information.

use std::path::PathBuf;
use std::time::Duration;

use chbind_tests::net::{A, A6, B, F, F6};
use chbind_tests::{Case, Cmd, Outcome, Proc, Test, cases, ensure};

use crate::rows::{D, M, P, S};

pub(crate) fn cases() -> Vec<Case> {
    cases![both: one_port_in_two_contexts, several_addresses, both_families, clients]
}

/// The program and the certificate, where the trial's commands can read them.
struct Quic {
    program: String,
    certificate: String,
    key: String,
}

/// What a client transfers, there and back.
const BYTES: usize = 8 << 20;

impl Quic {
    fn new(t: &Test) -> Outcome<Self> {
        // The workspace's programs are built to where chbind is, beside the directory of this test program.
        let here = std::env::current_exe()?;
        let built: Option<PathBuf> = here.parent().and_then(|deps| Some(deps.parent()?.join("chbind-quic")));
        let built = built.filter(|path| path.is_file()).ok_or("no chbind-quic: cargo build --release --workspace")?;
        let path = |name: &str| t.dir().join(name).display().to_string();
        let quic = Self { program: path("chbind-quic"), certificate: path("certificate"), key: path("key") };
        std::fs::copy(&built, &quic.program)?;
        // Clients take the server's certificate for a root; that of an authority would not do for a server.
        let settings = "[req]\ndistinguished_name=name\nprompt=no\nx509_extensions=extensions\n[name]\nCN=chbind.test\n\
            [extensions]\nsubjectAltName=DNS:chbind.test\nbasicConstraints=critical,CA:FALSE\n";
        let settings = t.write("certificate.cnf", settings)?;
        let (pem, settings) = (path("pem"), settings.display());
        let make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -outform der";
        t.native(&format!("{make} -config {settings} -keyout {pem} -out {}", quic.certificate)).run()?.ok()?;
        t.native(&format!("openssl pkcs8 -topk8 -nocrypt -in {pem} -outform der -out {}", quic.key)).run()?.ok()?;
        Ok(quic)
    }

    fn serve(&self, t: &Test, options: &str, address: &str) -> Outcome<Proc> {
        let words = format!("{} serve {} {} {address}", self.program, self.certificate, self.key);
        let mut server = if options.is_empty() { t.native(&words) } else { t.chbind(options, &words) }.start()?;
        server.wait_stdout("serving")?;
        Ok(server)
    }

    /// A client in a context, or outside of all.
    fn ask(&self, t: &Test, options: &str, local: &str, server: &str) -> Cmd {
        let words = format!("{} ask {} {local} {server} {BYTES}", self.program, self.certificate);
        let client = if options.is_empty() { t.native(&words) } else { t.chbind(options, &words) };
        client.limit(Duration::from_secs(60))
    }

    /// Fails unless all that is sent comes back, by fewer calls than there are packets.
    fn transfer(&self, t: &Test, options: &str, local: &str, server: &str) -> Outcome {
        let done =
            self.ask(t, options, local, server).run()?.ok()?.printed(&format!("ok={BYTES} packets=* calls=*"))?;
        let number = |name: &str| -> Outcome<u64> {
            let word = done.stdout.split_whitespace().find_map(|word| word.strip_prefix(name));
            Ok(word.ok_or_else(|| format!("no {name}\n{done}"))?.parse()?)
        };
        ensure!(number("calls=")? * 2 < number("packets=")?, "a call for each packet: no segmentation\n{done}");
        Ok(())
    }
}

/// The same command twice. Each serves its own address, for clients outside and in other contexts.
fn one_port_in_two_contexts(t: &Test) -> Outcome {
    let quic = Quic::new(t)?;
    let mut servers = [quic.serve(t, S, "0.0.0.0:4433")?, quic.serve(t, "--ip 10.0.0.2/24", "0.0.0.0:4433")?];
    for (server, address) in servers.iter_mut().zip([A, B]) {
        quic.transfer(t, "", &format!("{F}:0"), &format!("{address}:4433"))?;
        server.wait_stdout(&format!("from {F} at {address}"))?;
    }
    quic.transfer(t, S, "0.0.0.0:0", &format!("{B}:4433"))?;
    servers[1].wait_stdout(&format!("from {A} at {B}"))?;
    Ok(())
}

/// Fails unless a client outside waits for that server in vain.
fn silent(t: &Test, quic: &Quic, local: &str, server: &str) -> Outcome {
    let done = quic.ask(t, "", local, server).run()?.exited(1)?;
    ensure!(done.stderr.contains("TimedOut"), "{done}");
    Ok(())
}

/// The wildcard serves all of the context's addresses, and answers from the one that was asked.
fn several_addresses(t: &Test) -> Outcome {
    let quic = Quic::new(t)?;
    let mut server = quic.serve(t, M, "0.0.0.0:4433")?;
    for address in [A, B] {
        quic.transfer(t, "", &format!("{F}:0"), &format!("{address}:4433"))?;
        server.wait_stdout(&format!("from {F} at {address}"))?;
    }
    silent(t, &quic, &format!("{F}:0"), &format!("{F}:4433"))
}

/// One dual-stack socket serves both families.
fn both_families(t: &Test) -> Outcome {
    let quic = Quic::new(t)?;
    let mut server = quic.serve(t, D, "[::]:4433")?;
    quic.transfer(t, "", &format!("{F}:0"), &format!("{A}:4433"))?;
    server.wait_stdout(&format!("from {F} at {A}"))?;
    quic.transfer(t, "", &format!("[{F6}]:0"), &format!("[{A6}]:4433"))?;
    server.wait_stdout(&format!("from {F6} at {A6}"))?;
    silent(t, &quic, &format!("[{F6}]:0"), &format!("[{F6}]:4433"))
}

/// Clients have a wildcard socket too; a server outside sees an assigned address.
fn clients(t: &Test) -> Outcome {
    let quic = Quic::new(t)?;
    let mut server = quic.serve(t, "", "[::]:4433")?;
    let v4 = [(S, "0.0.0.0:0", A), (M, "0.0.0.0:0", A), (D, "[::]:0", A), ("--ip 10.0.0.2", "0.0.0.0:0", B)];
    for (options, local, source) in v4 {
        let seen = server.stdout().matches(&format!("from {source} ")).count();
        quic.transfer(t, options, local, &format!("{F}:4433"))?;
        server.wait_until("the client's address", |server| {
            server.stdout().matches(&format!("from {source} at {F}\n")).count() > seen
        })?;
    }
    for options in [D, P] {
        let seen = server.stdout().matches(&format!("from {A6} ")).count();
        quic.transfer(t, options, "[::]:0", &format!("[{F6}]:4433"))?;
        server.wait_until("the client's address", |server| {
            server.stdout().matches(&format!("from {A6} at {F6}\n")).count() > seen
        })?;
    }
    Ok(())
}
