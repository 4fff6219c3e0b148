//! Servers as they come from Debian, two instances on one port.

use chbind_tests::net::{self, A, B, F};
use chbind_tests::{Case, Outcome, SOON, Test, cases, ensure, ensure_eq, wait_for};
use nix::sys::signal::Signal;

pub(crate) fn cases() -> Vec<Case> {
    cases![both: python_http_server, nginx, nginx_reload_from_another_chbind]
}

/// The same command twice, a wildcard bind on the same port each: each answers on its own address only.
fn python_http_server(t: &Test) -> Outcome {
    let mut servers = Vec::new();
    for address in [A, B] {
        let directory = t.dir().join(address);
        std::fs::create_dir(&directory)?;
        std::fs::write(directory.join("who"), address)?;
        let command = format!("python3 -m http.server 8080 --directory {}", directory.display());
        servers.push(t.chbind(&format!("--ip {address}"), &command).start()?);
        net::wait_answers(&format!("{address}:8080"))?;
    }
    for address in [A, B] {
        let body = t.native(&format!("curl --silent --fail http://{address}:8080/who")).run()?.ok()?.stdout;
        ensure_eq!(body, address);
    }
    net::refuses(&format!("{F}:8080"))?;
    net::refuses("127.0.0.1:8080")?;
    drop(servers.remove(0));
    net::refuses(&format!("{A}:8080"))?;
    ensure!(net::answers(&format!("{B}:8080")), "the second server went with the first");
    Ok(())
}

/// A configuration of its own per instance: only directories and names differ, the port does not.
pub(crate) fn nginx_configuration(t: &Test, name: &str, location: &str) -> Outcome<String> {
    let directory = t.dir().join(name);
    std::fs::create_dir(&directory)?;
    t.bed().give(&directory, t.who())?;
    let d = directory.display();
    // `user` means something to root only; an ordinary user's nginx would warn about it.
    let user = if t.who() == chbind_tests::Who::Root { "user root;" } else { "" };
    let text = format!(
        "{user} worker_processes 3; pid {d}/pid; error_log {d}/error.log;
        events {{ worker_connections 64; }}
        http {{
            access_log off; client_body_temp_path {d}/body; proxy_temp_path {d}/proxy;
            fastcgi_temp_path {d}/fastcgi; uwsgi_temp_path {d}/uwsgi; scgi_temp_path {d}/scgi;
            server {{ listen 8080; location / {{ {location} }} }}
        }}"
    );
    let path = t.write(&format!("{name}.conf"), &text)?;
    Ok(format!("nginx -e {d}/error.log -c {}", path.display()))
}

/// Tells who answers whom.
fn who(name: &str) -> String {
    format!("return 200 '{name} $server_addr $remote_addr';")
}

fn nginx_pid(t: &Test, name: &str) -> Option<i32> {
    std::fs::read_to_string(t.dir().join(name).join("pid")).ok()?.trim().parse().ok()
}

/// The workers of an instance, once there are as many as configured.
fn nginx_workers(t: &Test, master: i32) -> Outcome<Vec<i32>> {
    let mut workers = Vec::new();
    let complete = wait_for(SOON, || {
        workers = t.processes_named("nginx").iter().filter(|p| p.parent == master).map(|p| p.pid).collect();
        workers.len() == 3
    });
    ensure!(complete, "the workers of {master}: {workers:?}");
    Ok(workers)
}

/// Master and workers, daemonised as usual; reload on SIGHUP brings new workers that serve on; a stop leaves nothing.
fn nginx(t: &Test) -> Outcome {
    for (name, address) in [("one", A), ("two", B)] {
        let command = nginx_configuration(t, name, &who(name))?;
        t.chbind(&format!("--ip {address}"), &command).run()?.ok()?;
        net::wait_answers(&format!("{address}:8080"))?;
    }
    for (name, address) in [("one", A), ("two", B)] {
        let at = format!("{address}:8080");
        ensure_eq!(net::http_get(&at, "/")?, format!("{name} {address} {address}"));
        let master = nginx_pid(t, name).ok_or("no pid file")?;
        let before = nginx_workers(t, master)?;
        ensure!(chbind_tests::procs::send(master, Signal::SIGHUP), "nginx is gone");
        let replaced = wait_for(SOON, || {
            nginx_workers(t, master).is_ok_and(|workers| workers.iter().all(|worker| !before.contains(worker)))
        });
        ensure!(replaced, "the workers are not replaced after SIGHUP");
        ensure_eq!(net::http_get(&at, "/")?, format!("{name} {address} {address}"), "after the reload");
    }
    net::refuses(&format!("{F}:8080"))?;
    net::refuses("127.0.0.1:8080")?;
    for (name, address) in [("one", A), ("two", B)] {
        let master = nginx_pid(t, name).ok_or("no pid file")?;
        ensure!(chbind_tests::procs::send(master, Signal::SIGQUIT), "nginx is gone");
        ensure!(wait_for(SOON, || !net::answers(&format!("{address}:8080"))), "{name} serves on after SIGQUIT");
    }
    ensure!(wait_for(SOON, || t.processes().is_empty()), "left after the stop: {:?}", t.processes());
    Ok(())
}

/// `nginx -s` under a chbind of its own reaches the master that another chbind started.
fn nginx_reload_from_another_chbind(t: &Test) -> Outcome {
    let command = nginx_configuration(t, "one", &who("one"))?;
    t.chbind(&format!("--ip {A}"), &command).run()?.ok()?;
    net::wait_answers(&format!("{A}:8080"))?;
    let before = nginx_workers(t, nginx_pid(t, "one").ok_or("no pid file")?)?;
    t.chbind(&format!("--ip {A}"), &format!("{command} -s reload")).run()?.ok()?;
    let gone = |pid: &i32| chbind_tests::procs::Process::read(*pid).is_none_or(|process| process.state == 'Z');
    ensure!(wait_for(SOON, || before.iter().all(gone)), "no reload: the old workers stay");
    t.chbind(&format!("--ip {B}"), &format!("{command} -s stop")).run()?.ok()?;
    ensure!(wait_for(SOON, || t.processes().is_empty()), "left after the stop: {:?}", t.processes());
    Ok(())
}
