//! `--strict`: what a hostile program cannot do then, and what honest ones still can.

use std::net::UdpSocket;
use std::time::Duration;

use chbind_tests::net::{self, A, F};
use chbind_tests::{Case, Cmd, Outcome, Proc, SOON, Test, Who, cases, ensure, in_both_models, wait_for};

use crate::hostile::unix_peers_see_each_other;
use crate::rows::S;

pub(crate) fn cases() -> Vec<Case> {
    let mut all = in_both_models![source_swapped_in, with_threads];
    all.extend(cases![both: tables_are_not_shared_by_processes, peers_of_one_thread,
        syslog_from_go, servers, out_of_reach, kernel_without_the_floor; root: as_who_sends]);
    all
}

const LONG: Duration = Duration::from_secs(90);

fn strict(t: &Test, model: &str, command: &str) -> Cmd {
    t.chbind(&format!("{S} --strict -q {model}"), command).limit(LONG)
}

/// Datagrams that arrive at the socket, and where they come from.
fn arrived(socket: &UdpSocket) -> Outcome<Vec<std::net::SocketAddr>> {
    socket.set_nonblocking(true)?;
    let mut from = Vec::new();
    while let Ok((_, sender)) = socket.recv_from(&mut [0; 64]) {
        from.push(sender);
    }
    Ok(from)
}

/// The message names a source that is not the context's. Both sockets are met, and nothing arrives.
fn source_swapped_in(t: &Test, model: &str) -> Outcome {
    let peer = net::udp_peer(&format!("{F}:7000"))?;
    let done = strict(t, model, &format!("tables send {F} 7000")).run()?.ok()?;
    let from = arrived(&peer)?;
    ensure!(from.is_empty(), "arrived from {from:?}\n{done}");
    ensure!(done.stdout.contains(" sent=0"), "{done}");
    ensure!(!done.stdout.contains("inet=0 ") && !done.stdout.contains("unix=0 "), "no race took place\n{done}");
    Ok(())
}

/// A process that shares another's descriptors does as well as a thread, and is not counted among its threads.
fn tables_are_not_shared_by_processes(t: &Test) -> Outcome {
    let old = if cfg!(target_arch = "x86_64") { "int80=EPERM int80-clone3=ENOSYS " } else { "" };
    let wanted = format!("clone=EPERM clone3=ENOSYS {old}fork=ok vfork=ok thread=ok");
    strict(t, "", "tables share").run()?.ok()?.printed(&wanted)?;
    // As it is without: the probe can tell.
    let done = t.native("tables share").run()?.ok()?;
    ensure!(done.stdout.starts_with("clone=ok clone3=ok "), "{done}");
    Ok(())
}

/// With one thread nothing is different: paths, abstract names, and who is who.
fn peers_of_one_thread(t: &Test) -> Outcome {
    unix_peers_see_each_other(t, "--strict")
}

/// Takes datagrams at a path, outside, and prints them with the real user of who sent them.
const DOOR: &str = "import os, socket, struct, sys\n\
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)\n\
    s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o666); print('open', flush=True)\n\
    while True:\n\
    \x20 data, control = s.recvmsg(4096, 64)[:2]\n\
    \x20 print(data.decode().strip(), struct.unpack('iii', control[0][2])[1], '.', flush=True)";

fn door(t: &Test, path: &str) -> Outcome<Proc> {
    let mut door = t.native("python3 -c").arg(DOOR).arg(path).start()?;
    door.wait_stdout("open")?;
    Ok(door)
}

/// What others know the caller by is refused, the rest is done.
fn with_threads(t: &Test, model: &str) -> Outcome {
    let path = t.dir().join("door").display().to_string();
    let mut door = door(t, &path)?;
    let script = t.write("threads_unix.py", include_str!("../programs/threads_unix.py"))?;
    let command = t.chbind(&format!("{S} --strict {model}"), &format!("python3 {} {path}", script.display()));
    let wanted = "much True\ndescriptors (2, True)\nbad descriptor EBADF\nbroken EPIPE\nconnected 9\naddressed 9\n\
        nobody ENOENT\nsomebody else EPERM\nlisten EPERM\nabstract True\nunnamed True\npath EPERM\nstream EPERM\n\
        links 16\nname ('127.0.0.1', 80)";
    let done = command.run()?.ok()?.printed(wanted)?;
    done.told(&["refused connect", "another thread", "--strict"])?;
    let (user, _) = t.bed().ids(t.who());
    door.wait_stdout(&format!("connected {user} ."))?;
    door.wait_stdout(&format!("addressed {user} ."))?;
    Ok(())
}

/// A supervisor that is root does not lend that to others: the system log, and whoever else asks, is told who it was.
fn as_who_sends(t: &Test) -> Outcome {
    let path = t.dir().join("door").display().to_string();
    let mut door = door(t, &path)?;
    let script = t.write("threads_unix.py", include_str!("../programs/threads_unix.py"))?;
    let (user, group) = t.bed().ids(Who::User);
    let command = format!("setpriv --reuid {user} --regid {group} --clear-groups python3 {} {path}", script.display());
    let done = t.chbind(&format!("{S} --strict -q"), &command).run()?.ok()?;
    for line in ["much True", "descriptors (2, True)", "connected 9", "addressed 9", "somebody else EPERM"] {
        ensure!(done.stdout.contains(line), "{line}\n{done}");
    }
    door.wait_stdout(&format!("connected {user} ."))?;
    door.wait_stdout(&format!("addressed {user} ."))?;
    // Nor what it may do with files.
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let done = t.chbind(&format!("{S} --strict -q"), &command).run()?.ok()?;
    ensure!(done.stdout.contains("connected EACCES") && done.stdout.contains("addressed EACCES"), "{done}");
    Ok(())
}

fn syslog_from_go(t: &Test) -> Outcome {
    t.bed().go_programs()?;
    let path = t.dir().join("log").display().to_string();
    let mut log = door(t, &path)?;
    strict(t, "", &format!("go-syslog {path}")).run()?.ok()?.printed("<nil>")?;
    log.wait_stdout("hello from Go")?;
    Ok(())
}

/// Servers of one thread, of several processes and of several threads.
fn servers(t: &Test) -> Outcome {
    let dir = t.dir().display();
    let user = if t.who() == Who::Root { "user root;" } else { "" };
    let conf = format!(
        "{user} worker_processes 2; pid {dir}/pid; error_log {dir}/error.log; daemon off;
        events {{ worker_connections 64; }}
        http {{
            access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
            fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
            server {{ listen 8080; listen unix:{dir}/nginx; location / {{ return 200 'nginx $server_addr'; }} }}
        }}"
    );
    let conf = t.write("nginx.conf", &conf)?;
    let nginx = format!("nginx -e {dir}/error.log -c {}", conf.display());
    let redis = format!("redis-server --port 6379 --unixsocket {dir}/redis --save  --protected-mode no");
    t.bed().go_programs()?;
    let mut servers = Vec::new();
    for (command, port) in [(nginx, 8080), (redis, 6379), ("go-server :8081".to_owned(), 8081)] {
        servers.push(strict(t, "", &command).start()?);
        net::wait_answers(&format!("{A}:{port}"))?;
        net::refuses(&format!("{F}:{port}"))?;
    }
    let body = net::http_get(&format!("{A}:8080"), "/")?;
    ensure!(body == format!("nginx {A}"), "{body:?}");
    let curl = format!("curl --silent --fail --unix-socket {dir}/nginx http://localhost/");
    strict(t, "", &curl).run()?.ok()?.printed(&format!("nginx unix:{dir}/nginx"))?;
    strict(t, "", &format!("redis-cli -s {dir}/redis ping")).run()?.ok()?.printed("PONG")?;
    strict(t, "", &format!("redis-cli -h {A} ping")).run()?.ok()?.printed("PONG")?;
    Ok(())
}

/// Processes outside get no signals, and abstract names no connections. Those inside do.
fn out_of_reach(t: &Test) -> Outcome {
    let outside = "import socket, time\n\
        s = socket.socket(socket.AF_UNIX); s.bind('\\0chbind-outside'); s.listen(); print('open', flush=True); time.sleep(60)";
    let mut neighbour = t.native("python3 -c").arg(outside).start()?;
    neighbour.wait_stdout("open")?;
    let inside = "import errno, os, signal, socket, subprocess, sys\n\
        def tried(act):\n\
        \x20 try: return act() or 'ok'\n\
        \x20 except OSError as e: return errno.errorcode[e.errno]\n\
        name = '\\0chbind-outside'\n\
        print(tried(lambda: os.kill(int(sys.argv[1]), signal.SIGCONT)), tried(lambda: socket.socket(socket.AF_UNIX).connect(name)))\n\
        child = subprocess.Popen(['sleep', '60']); print(tried(child.terminate), child.wait())";
    let pid = neighbour.pid().to_string();
    let done = strict(t, "", "python3 -c").arg(inside).arg(pid.clone()).run()?.ok()?.printed("EPERM EPERM\nok -15")?;
    // As it is without.
    let free = t.chbind(&format!("{S} -q"), "python3 -c").arg(inside).arg(pid).run()?.ok()?;
    ensure!(free.stdout.starts_with("ok ok\n"), "{free}{done}");
    Ok(())
}

/// Said before anything runs.
fn kernel_without_the_floor(t: &Test) -> Outcome {
    for (lack, keyword) in [("landlock_create_ruleset ENOSYS", "Landlock"), ("pidfd_open:1&128 EINVAL", "PIDFD_THREAD")]
    {
        let ran = t.dir().join("ran");
        let chbind = t.chbind(&format!("{S} --strict"), &format!("touch {}", ran.display()));
        let done = t.native(&format!("without {lack}")).then(chbind).run()?.exited(125)?;
        done.told(&["chbind: --strict needs", keyword])?;
        ensure!(!ran.exists(), "the command was run");
        ensure!(wait_for(SOON, || t.processes().is_empty()), "left: {:?}", t.processes());
    }
    Ok(())
}
