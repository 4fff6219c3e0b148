//! PostgreSQL, two servers on port 5432 in a context each.

use std::time::Duration;

use chbind_tests::net::{self, A, B, F};
use chbind_tests::{Case, Cmd, Outcome, Shell, Test, Who, cases, ensure, ensure_eq, wait_for};

pub(crate) fn cases() -> Vec<Case> {
    cases![both: listening_everywhere, listening_on_localhost]
}

/// The directories, the addresses and the numbers of the two contexts.
const TWO: [(&str, &str, &str); 2] =
    [("one", A, "--ip 10.0.0.1/24 --nid 1000"), ("two", B, "--ip 10.0.0.2/24 --nid 1001")];

/// The newest installed version of one of Debian's programs of PostgreSQL; they are not in the PATH.
fn program(name: &str) -> Outcome<String> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")?.flatten().map(|entry| entry.path().join("bin").join(name));
    let newest = versions.filter(|path| path.is_file()).max().ok_or_else(|| format!("no {name} of PostgreSQL"))?;
    Ok(newest.display().to_string())
}

/// PostgreSQL refuses to be run by root, who becomes the ordinary user for it, as a service would.
fn as_user(t: &Test) -> Cmd {
    let (uid, gid) = t.bed().ids(Who::User);
    match t.who() {
        Who::Root => t.native(&format!("setpriv --reuid={uid} --regid={gid} --clear-groups --")),
        Who::User => t.native("env"),
    }
}

/// Makes one cluster, and the other as a copy of it.
fn make_clusters(t: &Test) -> Outcome {
    for (name, ..) in TWO {
        std::fs::create_dir(t.dir().join(name))?;
        t.bed().give(&t.dir().join(name), Who::User)?;
    }
    let (one, two) = (t.dir().join("one"), t.dir().join("two"));
    // Everybody who comes over any loopback or network is trusted: a connection over the context's loopback comes from
    // 127.x.y.1, for which the usual line `127.0.0.1/32` is too narrow.
    let initdb = format!("{} --no-sync --username=test --auth=trust -D {}/data", program("initdb")?, one.display());
    as_user(t).words(&initdb).limit(Duration::from_secs(60)).run()?.ok()?;
    let rules = "local all all trust\nhost all all 127.0.0.0/8 trust\nhost all all 10.0.0.0/24 trust\n";
    std::fs::write(one.join("data/pg_hba.conf"), rules)?;
    as_user(t).words(&format!("cp -a {}/data {}/data", one.display(), two.display())).run()?.ok()?;
    Ok(())
}

/// A context with a server in it, and the shell that started the server.
fn server(t: &Test, name: &str, options: &str, listen: &str) -> Outcome<Shell> {
    let dir = t.dir().join(name).display().to_string();
    let mut shell = Shell::start(t.chbind(options, "").then(as_user(t)))?;
    let postgres = format!(
        "{} -D {dir}/data -c unix_socket_directories={dir} -c fsync=off -c port=5432 -c listen_addresses='{listen}'",
        program("postgres")?
    );
    // Without the shell's standard input, which brings the shell's commands.
    shell.run(&format!("{postgres} </dev/null & postgres=$!"))?;
    shell.proc().wait_stderr("database system is ready to accept connections")?;
    // So that each can be told from the other.
    shell.run(&psql(&format!("-h {dir}"), &format!("create table {name} ()")))?;
    Ok(shell)
}

/// A command line that prints the answer of the server at that host.
fn psql(to: &str, sql: &str) -> String {
    format!("psql {to} -p 5432 -U test -d postgres -X -A -t -q -v ON_ERROR_STOP=1 -c \"{sql}\"")
}

/// The tables that a server has, and whom it takes client and itself for.
const WHO: &str = "select string_agg(relname, ' '), inet_server_addr(), inet_client_addr() \
    from pg_class where relname in ('one', 'two')";

/// `listen_addresses = '*'`, the same port twice: each on its own address, and on its own loopback.
fn listening_everywhere(t: &Test) -> Outcome {
    make_clusters(t)?;
    let mut servers = Vec::new();
    for (name, _, options) in TWO {
        servers.push(server(t, name, options, "*")?);
    }
    for (name, address, _) in TWO {
        let query = psql(&format!("-h {address}"), WHO);
        let seen = t.native("sh -c").arg(query.as_str()).run()?.ok()?;
        seen.printed(&format!("{name}|{address}|{address}"))?;
        for (server, (other, client, _)) in servers.iter_mut().zip(TWO) {
            ensure_eq!(server.run(&query)?, format!("{name}|{address}|{client}"), "from context {other}");
        }
    }
    // The server listens on the assigned address alone, and it is there that a connection to 127.0.0.1 comes out.
    for (server, (name, address, _)) in servers.iter_mut().zip(TWO) {
        for host in ["127.0.0.1", "localhost"] {
            let seen = server.run(&psql(&format!("-h {host}"), WHO))?;
            ensure!(seen.starts_with(&format!("{name}|{address}|")), "{name} over {host}: {seen}");
        }
    }
    net::refuses(&format!("{F}:5432"))?;
    net::refuses("127.0.0.1:5432")?;
    stop(t, servers)
}

/// `listen_addresses = 'localhost'`: each is there for its own context, and for nobody else.
fn listening_on_localhost(t: &Test) -> Outcome {
    make_clusters(t)?;
    let mut servers = Vec::new();
    for (name, _, options) in TWO {
        servers.push(server(t, name, options, "localhost")?);
    }
    for (server, ((name, ..), real)) in servers.iter_mut().zip(TWO.into_iter().zip(["127.3.232.1", "127.3.233.1"])) {
        for host in ["127.0.0.1", "localhost"] {
            // accept() shows the loopback's real address, but where a shim is in the program.
            let real = if t.has_shim() { "127.0.0.1" } else { real };
            let seen = server.run(&psql(&format!("-h {host}"), WHO))?;
            ensure!(seen.starts_with(&format!("{name}|")) && seen.ends_with(&format!("|{real}")), "{name}: {seen}");
        }
    }
    for address in [A, B, F, "127.0.0.1"] {
        net::refuses(&format!("{address}:5432"))?;
    }
    let elsewhere = t.chbind("--ip 10.0.0.3", "sh -c").arg(psql("-h 127.0.0.1", "select 1")).run()?;
    ensure!(elsewhere.stderr.contains("refused"), "reachable from a third context\n{elsewhere}");
    stop(t, servers)
}

/// A fast shutdown, after which nothing of it is left.
fn stop(t: &Test, servers: Vec<Shell>) -> Outcome {
    for mut server in servers {
        server.run("kill -INT $postgres && wait $postgres")?;
    }
    let left = || t.processes();
    ensure!(wait_for(chbind_tests::SOON, || left().is_empty()), "left after the stop: {:?}", left());
    Ok(())
}
