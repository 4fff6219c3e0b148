//! ssh and sshd, in a context each: who the server says its clients are, and where forwarded ports listen.

use std::path::Path;

use chbind_tests::net::{self, A, A6, B, F, F6, Peer};
use chbind_tests::{Case, Cmd, Outcome, Proc, SOON, Test, Who, cases, ensure, ensure_eq};

use crate::rows::{D, P, S};

const CLIENT: &str = "--ip 10.0.0.2/24";

pub(crate) fn cases() -> Vec<Case> {
    cases![both: connections, local_forwards, remote_forwards, dynamic_forward, both_families; root: who]
}

/// The keys, and the configuration of the server. All log in as the run's ordinary user, which root's server has to
/// become.
fn sshd(t: &Test, options: &str) -> Outcome<Proc> {
    let dir = t.dir().display();
    for name in ["host_key", "key"] {
        t.native(&format!("ssh-keygen -q -t ed25519 -f {name} -N")).arg("").run()?.ok()?;
    }
    std::fs::copy(t.dir().join("key.pub"), t.dir().join("authorized"))?;
    t.write(
        "sshd_config",
        &format!(
            "Port 2222\nHostKey {dir}/host_key\nAuthorizedKeysFile {dir}/authorized\nPidFile none\nUsePAM no\n\
            PasswordAuthentication no\nStrictModes no\nGatewayPorts clientspecified\n"
        ),
    )?;
    let server = t.chbind(options, &format!("/usr/sbin/sshd -D -e -f {dir}/sshd_config"));
    let command = match t.who() {
        Who::Root => with_a_run_directory(t).then(server),
        Who::User => server,
    };
    let mut server = command.start()?;
    server.wait_stderr("Server listening on")?;
    Ok(server)
}

/// Root's sshd wants /run/sshd, and writes down who logs in. It gets a /run of its own: nothing is made on the machine.
fn with_a_run_directory(t: &Test) -> Cmd {
    let script = "mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/sshd && : >/run/utmp && exec \"$@\"";
    t.as_root("unshare --mount sh -c").arg(script).arg("sh")
}

/// The name of the run's ordinary user: that of the directory of the run.
fn user(t: &Test) -> String {
    let name = t.bed().bin().parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_default()
}

/// The words of a client that logs in there.
fn ssh(t: &Test, options: &str, server: &str, command: &str) -> String {
    format!(
        "ssh -F none -i {}/key -p 2222 -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o ExitOnForwardFailure=yes -o LogLevel=ERROR {options} {}@{server} {command}",
        t.dir().display(),
        user(t)
    )
}

/// The server sees the client's own address, and serves on its own alone. What is run by it stays inside.
fn connections(t: &Test) -> Outcome {
    let _server = sshd(t, S)?;
    let done = t.chbind(CLIENT, &ssh(t, "", A, "echo $SSH_CONNECTION")).run()?.ok()?;
    done.printed(&format!("{B} * {A} 2222"))?;
    for other in [B, F, "127.0.0.1"] {
        net::refuses(&format!("{other}:2222"))?;
    }
    let outcomes = match t.enforcement() {
        // Sessions get an environment of their own, without the shim.
        Some("preload") => ["bind=ok name=0.0.0.0:9000", "bind=ok"],
        _ => ["bind=ok name=10.0.0.1:9000", "bind=EADDRNOTAVAIL"],
    };
    for (address, wanted) in ["0.0.0.0", F].into_iter().zip(outcomes) {
        let words = format!("{}/probe tcp4 bind {address}:9000", t.bed().bin().display());
        let words = if wanted.contains("name") { format!("{words} name") } else { words };
        t.chbind(CLIENT, &ssh(t, "", A, &words)).run()?.ok()?.printed(wanted)?;
    }
    Ok(())
}

/// With a terminal, the server writes down who has logged in, and from where.
fn who(t: &Test) -> Outcome {
    let _server = sshd(t, S)?;
    let done = t.chbind(CLIENT, &ssh(t, "-tt", A, "who")).run()?.ok()?;
    ensure!(done.stdout.contains(&format!("({B})")) && done.stdout.contains(&user(t)), "{done}");
    Ok(())
}

/// A client that stays, for its forwards.
fn forwarding(t: &Test, options: &str) -> Outcome<Proc> {
    let mut client = t.chbind(CLIENT, &ssh(t, options, A, "echo forwarding; exec sleep 100")).start()?;
    client.wait_stdout("forwarding")?;
    Ok(client)
}

/// `-L`: the client listens on the wildcard, so on its own address, and on its own loopback; the server's side connects
/// to the loopback of the server's context.
fn local_forwards(t: &Test) -> Outcome {
    let _server = sshd(t, &format!("{S} --nid 1000"))?;
    // On the loopback of the server's context (127.3.232.1) is somebody, on that of the host is somebody else.
    let (inside, host) = (Peer::listen("127.3.232.1:9000")?, Peer::listen("127.0.0.1:9000")?);
    let peer = Peer::listen(&format!("{F}:9000"))?;
    let _client = forwarding(t, &format!("-L *:8081:127.0.0.1:9000 -L *:8082:{F}:9000 -L 127.0.0.1:8083:{F}:9000"))?;

    let stream = net::dial(&format!("{B}:8081"))?;
    ensure_eq!(inside.accept()?.1.to_string(), "127.3.232.1");
    ensure!(!host.was_reached(), "the host's loopback was reached");
    drop(stream);
    let _stream = net::dial(&format!("{B}:8082"))?;
    ensure_eq!(peer.accept()?.1.to_string(), A, "the server connects");
    for other in [A, F, "127.0.0.1"] {
        net::refuses(&format!("{other}:8081"))?;
    }
    for other in [A, B, F, "127.0.0.1"] {
        net::refuses(&format!("{other}:8083"))?;
    }
    Ok(())
}

/// `-R` with a wildcard: the server listens on its own address; the client's side connects from its own.
fn remote_forwards(t: &Test) -> Outcome {
    let _server = sshd(t, S)?;
    let peer = Peer::listen(&format!("{F}:9000"))?;
    let _client = forwarding(t, &format!("-R *:8081:{F}:9000 -R 127.0.0.1:8082:{F}:9000"))?;
    let _stream = net::dial(&format!("{A}:8081"))?;
    ensure_eq!(peer.accept()?.1.to_string(), B, "the client connects");
    for other in [B, F, "127.0.0.1"] {
        net::refuses(&format!("{other}:8081"))?;
    }
    for other in [A, B, F, "127.0.0.1"] {
        net::refuses(&format!("{other}:8082"))?;
    }
    Ok(())
}

/// `-D`: a SOCKS server on the client's loopback, used from within the client's context.
fn dynamic_forward(t: &Test) -> Outcome {
    let _server = sshd(t, S)?;
    let peer = Peer::listen(&format!("{F}:9000"))?;
    let ssh = ssh(t, "-D 8080 -f", A, "sleep 100");
    let script = format!("{ssh} && curl --silent --max-time 100 --socks5 127.0.0.1:8080 http://{F}:9000/");
    let client = t.chbind(CLIENT, "sh -c").arg(script).start()?;
    let (mut stream, from) = peer.accept()?;
    ensure_eq!(from.to_string(), A, "the server connects");
    std::io::Write::write_all(&mut stream, b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nyes")?;
    drop(stream);
    client.finish(SOON)?.ok()?.printed("yes")?;
    net::refuses("127.0.0.1:8080")
}

/// The server makes a socket for each family.
fn both_families(t: &Test) -> Outcome {
    let _server = sshd(t, D)?;
    net::wait_answers(&format!("[{A6}]:2222"))?;
    net::refuses(&format!("[{F6}]:2222"))?;
    net::refuses(&format!("{F}:2222"))?;
    for (options, address, seen) in [(P, A6, A6), (CLIENT, A, B)] {
        let done = t.chbind(options, &ssh(t, "", address, "echo $SSH_CONNECTION")).run()?.ok()?;
        done.printed(&format!("{seen} * {address} 2222"))?;
    }
    Ok(())
}
