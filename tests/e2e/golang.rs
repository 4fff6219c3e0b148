//! Static Go programs: they make their system calls themselves, and their runtime interrupts its own threads with signals
//! all the time, so that a call which has already taken effect may be started again.

use std::time::Duration;

use chbind_tests::net::{self, A, B};
use chbind_tests::{Case, Outcome, Test, cases, ensure, ensure_eq};

pub(crate) fn cases() -> Vec<Case> {
    cases![both: server_and_client_under_load, wrk_against_the_server, loopback].into_iter().map(Case::alone).collect()
}

const LONG: Duration = Duration::from_secs(90);

/// Not one of the requests fails, and the server sees all of them come from the client's own address.
fn server_and_client_under_load(t: &Test) -> Outcome {
    t.bed().go_programs()?;
    let mut server = t.chbind(&format!("--ip {A}"), "go-server :8080").start()?;
    net::wait_answers(&format!("{A}:8080"))?;
    ensure_eq!(net::listening_on(8080)?, vec![A.parse::<std::net::IpAddr>()?]);
    let load = format!("go-load {A}:8080 {B} 6000");
    t.chbind(&format!("--ip {B}"), &load).limit(LONG).run()?.ok()?.printed("ok=6000 failed=0")?;
    ensure!(server.status().is_none(), "the server is gone: {}", server.stderr());
    Ok(())
}

fn wrk_against_the_server(t: &Test) -> Outcome {
    t.bed().go_programs()?;
    let _server = t.chbind(&format!("--ip {A}"), "go-server :8080").start()?;
    net::wait_answers(&format!("{A}:8080"))?;
    let load = format!("wrk -t 2 -c 32 -d 3s --timeout 60s http://{A}:8080/x");
    let done = t.chbind(&format!("--ip {B}"), &load).run()?.ok()?;
    for trouble in ["Socket errors", "Non-2xx"] {
        ensure!(!done.stdout.contains(trouble), "{done}");
    }
    ensure!(done.stdout.contains("requests in"), "{done}");
    // And with a connection for each request, from outside.
    let done = t.as_root(&format!("wrk -t 2 -c 8 -d 2s -H Connection:close http://{A}:8080/x")).run()?.ok()?;
    ensure!(!done.stdout.contains("Non-2xx") && done.stdout.contains("requests in"), "{done}");
    Ok(())
}

/// Server and client in one context, on its loopback; the host's does not have the port.
fn loopback(t: &Test) -> Outcome {
    t.bed().go_programs()?;
    let script =
        "go-server 127.0.0.1:8080 & until go-load 127.0.0.1:8080 127.3.232.1 1 | grep -q ok=1; do sleep 0.1; done
        go-load 127.0.0.1:8080 127.3.232.1 500; chbind_server=$!; kill $chbind_server";
    let mut both = t.chbind(&format!("--ip {A} --nid 1000"), "sh -c").arg(script).limit(LONG).start()?;
    both.wait_stdout("ok=500 failed=0")?;
    Ok(())
}
