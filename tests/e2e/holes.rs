//! Holes that a review found, each test named after what broke. (More of them where their kind is: hostile.rs, lifetime.rs,
//! collisions.rs, set_id.rs.)

use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use chbind_tests::net::{self, A, A6, B, F, F6, Peer};
use chbind_tests::{Case, Cmd, Outcome, SOON, Test, Who, cases, ensure, ensure_eq, procs, wait_for};
use nix::sys::signal::Signal;

use crate::rows::{D, P, PROBES, S, S1000};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        both: write_to_a_new_datagram_socket_opens_no_wildcard, broadcast_address_with_a_device_gives_no_foreign_source,
            nonblocking_socket_made_blocking_holds_nobody_up, datagram_socket_used_again, names_of_pinned_sockets,
            host_loopback_port_is_no_way_to_another_context, flags_and_owner_of_datagram_sockets,
            failed_bind_opens_no_wildcard, failed_binds_do_not_free_the_source, socket_with_one_family_speaks_no_other,
            started_by_one_who_ignores_its_children, stopped_and_continued_by_its_front;
        user: ambient_capability_binds_privileged_port;
        root: root_without_ptrace_is_supervised, datagram_sockets_belong_to_the_user_inside
    ]
}

/// `setpriv` that makes the run's ordinary user of root.
pub(crate) fn as_user(t: &Test) -> String {
    let (uid, gid) = t.bed().ids(Who::User);
    format!("setpriv --reuid={uid} --regid={gid} --clear-groups")
}

/// write() and send() without an address give an unbound datagram socket a port, and nobody is asked about write().
fn write_to_a_new_datagram_socket_opens_no_wildcard(t: &Test) -> Outcome {
    for (options, socket) in [(S, "udp4"), (D, "udp4"), (D, "udp6"), (P, "udp6")] {
        for (program, call) in PROBES.into_iter().flat_map(|program| [(program, "write"), (program, "send")]) {
            let words = format!("{socket} {call} name wait recv");
            let mut probe = t.chbind(options, program).words(&words).stdin(Stdio::piped()).start()?;
            probe.wait_stdout("waiting")?;
            let told = probe.stdout();
            let port = told.split(' ').find(|word| word.starts_with("name=")).and_then(|name| name.rsplit(':').next());
            let port: u16 = port.ok_or("no name")?.parse()?;
            ensure!(port != 0, "no port, so nothing is tried here: {told}");
            ensure_eq!(wildcards()?, Vec::<String>::new(), "after {call} to {socket} of {options}");
            if options == P {
                // It has the port on the context's IPv6 address.
                continue;
            }
            let outside = net::udp_peer(&format!("{B}:0"))?;
            outside.send_to(b"foreign", (F, port))?;
            outside.send_to(b"own", (A, port))?;
            probe.say("go")?;
            let done = probe.finish(SOON)?.ok()?;
            ensure!(done.stdout.ends_with("recv=own\n"), "{done}");
        }
    }
    Ok(())
}

/// Datagram sockets of the trial's namespace that receive on every address, as the kernel's tables have them.
pub(crate) fn wildcards() -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for table in ["udp", "udp6"] {
        let table = std::fs::read_to_string(format!("/proc/thread-self/net/{table}"))?;
        let locals = table.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1));
        found.extend(locals.filter(|local| local.split(':').next().is_some_and(all_zero)).map(str::to_owned));
    }
    Ok(found)
}

fn all_zero(address: &str) -> bool {
    address.chars().all(|digit| digit == '0')
}

/// A socket that is bound to a broadcast address has no source of its own: the kernel takes one that the device suggests.
/// (The supervisor asks for the route without the device, and is told an own address.) What leaves the machine is looked at
/// on the other end of the wire.
fn broadcast_address_with_a_device_gives_no_foreign_source(t: &Test) -> Outcome {
    net::ip(
        "link add v0 type veth peer name v1\n\
        addr add 10.0.0.9/24 brd 10.0.0.255 dev v0\n\
        link set v0 up\n\
        link set v1 up\n\
        route add 198.51.100.0/24 dev lo src 10.0.0.1\n\
        route add 198.51.100.0/24 dev v0 src 10.0.0.9 metric 50\n\
        neigh add 198.51.100.7 lladdr 02:00:00:00:00:07 dev v0\n",
    )?;
    let sniff = "import socket\n\
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x800)); s.bind(('v1', 0)); s.settimeout(200)\n\
        print('ready', flush=True)\n\
        while True:\n\
        \x20 p = s.recv(2048)\n\
        \x20 if p[23] == 17 and p[36:38] == b'\\0\\x09':\n\
        \x20   print(socket.inet_ntoa(p[26:30]), p[42:].split(b'.')[0].decode(), flush=True)";
    let mut sniffer = t.as_root("python3 -c").arg(sniff).start()?;
    sniffer.wait_stdout("ready")?;
    // Frames may be shorter than Ethernet's least on the wire: the dots are padding.
    let script = "import errno, os, socket\n\
        to = ('198.51.100.7', 9)\n\
        def make(bound):\n\
        \x20 s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
        \x20 s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)\n\
        \x20 if bound: s.bind((bound, 5000))\n\
        \x20 s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'v0\\0')\n\
        \x20 return s\n\
        for bound in '255.255.255.255', '10.0.0.255':\n\
        \x20 s = make(bound)\n\
        \x20 try: s.connect(to); print('connected')\n\
        \x20 except OSError as e: print(errno.errorcode[e.errno])\n\
        \x20 try: os.write(s.fileno(), b'written' + b'.' * 40)\n\
        \x20 except OSError as e: print(errno.errorcode[e.errno])\n\
        \x20 try: s.sendto(b'sent' + b'.' * 40, to)\n\
        \x20 except OSError: pass\n\
        s = make(None); s.connect(to); s.send(b'last' + b'.' * 40)";
    t.chbind(S, "python3 -c").arg(script).run()?.ok()?.printed("connected\nconnected")?;
    sniffer.wait_stdout("last")?;
    let seen = sniffer.stdout();
    ensure_eq!(seen.matches("10.0.0.1 written").count(), 2, "on the wire:\n{seen}");
    let foreign = seen.lines().filter(|line| *line != "ready" && !line.starts_with("10.0.0.1 ")).count();
    ensure_eq!(foreign, 0, "on the wire:\n{seen}");
    Ok(())
}

/// A connect that the supervisor takes for one that does not block, and that blocks, must hold up nobody but its caller.
fn nonblocking_socket_made_blocking_holds_nobody_up(t: &Test) -> Outcome {
    // A neighbour that never answers.
    net::ip(
        "link add v0 type veth peer name v1\n\
        link set v0 up\n\
        link set v1 up\n\
        route add 198.51.100.0/24 dev v0\n\
        neigh add 198.51.100.7 lladdr 02:00:00:00:00:07 dev v0\n",
    )?;
    let done = t.chbind(&format!("{S} -q"), "nonblock 198.51.100.7 4000").run()?.ok()?;
    let figure = |name: &str| -> Outcome<u32> {
        let word = done.stdout.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        Ok(word.ok_or("no figure")?.parse()?)
    };
    // Much less than a connect that blocks takes.
    ensure!(figure("worst")? < figure("patience")? / 3 * 2 && figure("binds")? > 100, "binds were held up\n{done}");
    ensure!(figure("blocked")? > 0, "no connect blocked: nothing was tried\n{done}");
    Ok(())
}

/// Rows 31 and 47: the address that a datagram socket had for one peer is not its source towards the next.
fn datagram_socket_used_again(t: &Test) -> Outcome {
    let (foreign, own) = (net::udp_peer(&format!("{F}:7300"))?, net::udp_peer(&format!("{A}:7300"))?);
    let (v6, host) = (net::udp_peer(&format!("[{F6}]:7300"))?, net::udp_peer("127.0.0.1:7300")?);
    for program in PROBES {
        let run = |options: &str, words: &str, wanted: &str| -> Outcome {
            t.chbind(options, program).words(words).run()?.ok()?.printed(wanted)?;
            Ok(())
        };
        for (address, peer) in [(F, &foreign), (A, &own)] {
            let words = format!("udp4 connect 127.0.0.1:7300 connect-unspec connect {address}:7300 send name");
            run(S, &words, "connect=ok connect-unspec=ok connect=ok send=ok name=10.0.0.1:*")?;
            ensure_eq!(net::receive(peer)?, ("hello".to_owned(), A.parse::<IpAddr>()?), "{program}, connect");
            let words = format!("udp4 connect 127.0.0.1:7300 connect-unspec sendto {address}:7300 name");
            run(S, &words, "connect=ok connect-unspec=ok sendto=ok name=10.0.0.1:*")?;
            ensure_eq!(net::receive(peer)?, ("hello".to_owned(), A.parse::<IpAddr>()?), "{program}, sendto");
        }
        // A dual-stack socket that has spoken IPv6 speaks IPv4 afterwards, and the reverse.
        let (to4, to6) = (format!("[::ffff:{F}]:7300"), format!("[{F6}]:7300"));
        let options = "--ip 10.0.0.1 --ip fd00:1::1";
        for (first, second, name) in
            [(&to6, &to4, "[::ffff:10.0.0.1]:*"), (&to4, &to6, "[fd00:1::1]:*"), (&to6, &to6, "[fd00:1::1]:*")]
        {
            let words = format!("udp6 connect {first} send connect-unspec connect {second} send name");
            let wanted = format!("connect=ok send=ok connect-unspec=ok connect=ok send=ok name={name}");
            run(options, &words, &wanted)?;
            for at in [first, second] {
                let (peer, source) = if at == &to6 { (&v6, "fd00:1::1") } else { (&foreign, A) };
                ensure_eq!(net::receive(peer)?.1, source.parse::<IpAddr>()?, "{program}, {first} and then {second}");
            }
        }
    }
    host.set_nonblocking(true)?;
    ensure!(host.recv_from(&mut [0; 8]).is_err(), "the host's loopback was reached");
    Ok(())
}

/// The address that a datagram socket is made with, or keeps, is nothing that a program has asked for.
fn names_of_pinned_sockets(t: &Test) -> Outcome {
    let dissolved = |socket: &str, address: &str, name: &str| {
        let words = format!("{socket} name connect {address} connect-unspec name");
        (words, format!("name={name} connect=ok connect-unspec=ok name={name}"))
    };
    let (four, six) = ("0.0.0.0:0", "[::]:0");
    for program in PROBES {
        for (options, (words, wanted)) in [
            (S, dissolved("udp4", "127.0.0.1:7300", four)),
            (S, dissolved("udp4", "10.0.0.3:7300", four)),
            (D, dissolved("udp4", "10.0.0.3:7300", four)),
            (D, dissolved("udp6", "[fd00:1::2]:7300", six)),
            (D, dissolved("udp6", "[::ffff:10.0.0.3]:7300", six)),
            (P, dissolved("udp6", "[fd00:1::2]:7300", six)),
        ] {
            t.chbind(options, program).words(&words).run()?.ok()?.printed(&wanted)?;
        }
        // Where a program asks for an address without a port, it has asked for it.
        t.chbind(S, program)
            .words("udp4 opt noport bind 10.0.0.1:0 name")
            .run()?
            .ok()?
            .printed("bind=ok name=10.0.0.1:0")?;
    }
    Ok(())
}

/// `--host-loopback PORT` means 127.0.0.1:PORT of the host. The other addresses of 127/8 have owners of their own.
fn host_loopback_port_is_no_way_to_another_context(t: &Test) -> Outcome {
    let words = "probe tcp4 bind 127.0.0.1:7100 listen udp4 bind 127.0.0.1:7100 wait recv";
    let mut server = t.chbind(S1000, words).stdin(Stdio::piped()).start()?;
    server.wait_stdout("waiting")?;
    ensure!(net::answers("127.3.232.1:7100"), "the server is not where it should be");
    let (tcp, udp) = (Peer::listen("127.0.0.1:7100")?, net::udp_peer("127.0.0.1:7100")?);
    let options = format!("--ip {B} --host-loopback 7100");
    for program in PROBES {
        let run = |words: &str, wanted: &str| t.chbind(&options, program).words(words).run()?.ok()?.printed(wanted);
        run("tcp4 connect 127.3.232.1:7100", "connect=ECONNREFUSED")?;
        run("tcp4 connect 127.0.0.2:7100", "connect=ECONNREFUSED")?;
        t.chbind(&options, program).words("udp4 sendto 127.3.232.1:7100").run()?.ok()?;
        t.chbind(&options, program).words("udp4 connect 127.3.232.1:7100 send").run()?.ok()?;
        ensure!(!tcp.was_reached(), "the host's loopback has other names");
        run("tcp4 connect 127.0.0.1:7100", "connect=ok")?;
        tcp.accept()?;
        run("udp4 sendto 127.0.0.1:7100", "sendto=ok")?;
        net::receive(&udp)?;
    }
    // The first datagram that the server gets is ours.
    net::udp_peer("127.0.0.1:0")?.send_to(b"ours", "127.3.232.1:7100")?;
    server.say("go")?;
    server.finish(SOON)?.ok()?.printed("bind=ok listen=ok bind=ok waiting recv=ours")?;
    Ok(())
}

/// Ambient capabilities are an ordinary user's way to a privileged port. The supervisor must be able to look into a process
/// that holds them.
fn ambient_capability_binds_privileged_port(t: &Test) -> Outcome {
    let ambient = format!("{} --inh-caps=+net_bind_service --ambient-caps=+net_bind_service --", as_user(t));
    privileged_port_and_masked_name(t, || t.as_root(&ambient))?;
    // And without: not.
    t.chbind(S, "probe tcp4 bind 10.0.0.1:81").run()?.ok()?.printed("bind=EACCES")?;
    Ok(())
}

/// Containers often take this capability away, and a supervisor without it may look into few processes.
fn root_without_ptrace_is_supervised(t: &Test) -> Outcome {
    privileged_port_and_masked_name(t, || t.as_root("setpriv --bounding-set=-sys_ptrace --"))
}

/// Under `before`: a privileged port, and names that the supervisor itself writes.
fn privileged_port_and_masked_name(t: &Test, before: impl Fn() -> Cmd) -> Outcome {
    for model in ["", "--process parent"] {
        for program in PROBES {
            let run = |words: &str, wanted: &str| {
                before().then(t.chbind(&format!("{S} {model}"), program).words(words)).run()?.ok()?.printed(wanted)
            };
            run("tcp4 bind 10.0.0.1:81 name", "bind=ok name=10.0.0.1:81")?;
            run("tcp4 bind 0.0.0.0:81 name", "bind=ok name=10.0.0.1:81")?;
            run("tcp4 bind 127.0.0.1:7000 name", "bind=ok name=127.0.0.1:7000")?;
            run("udp4 bind 127.0.0.1:81 name", "bind=ok name=127.0.0.1:81")?;
            run("tcp4 bind 10.0.0.3:81", "bind=EADDRNOTAVAIL")?;
        }
    }
    Ok(())
}

/// Makes datagram sockets with all kinds of flags, and says which descriptors they have.
const MAKE_SOCKETS: &str = "import ctypes, sys\n\
    libc = ctypes.CDLL(None)\n\
    fds = [libc.socket(2, 2 | flags, 0) for flags in (0, 0o4000, 0o2000000, 0o2004000)]\n\
    for fd in fds: assert libc.bind(fd, b'\\2\\0' + bytes(14), 16) == 0\n\
    print(*fds, 'made', flush=True)\n\
    sys.stdin.readline()";

/// Fails unless the sockets of the process, which run [`MAKE_SOCKETS`], belong to that user and have the flags asked for.
fn made_as_asked(t: &Test, command: Cmd, uid: u32) -> Outcome {
    let mut python = command.arg(MAKE_SOCKETS).stdin(Stdio::piped()).start()?;
    python.wait_stdout("made")?;
    let found = || t.processes_named("python3").first().map(|process| process.pid);
    ensure!(wait_for(SOON, || found().is_some()), "no python3 among {:?}", t.processes());
    let pid = found().unwrap_or_default();
    let told = python.stdout();
    let table = std::fs::read_to_string("/proc/thread-self/net/udp")?;
    let fds: Vec<&str> = told.split_whitespace().take_while(|word| *word != "made").collect();
    for (fd, wanted) in fds.into_iter().zip([0, 0o4000, 0o2_000_000, 0o2_004_000]) {
        let info = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}"))?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).ok_or("no flags")?;
        let flags = u32::from_str_radix(flags.trim(), 8)? & 0o2_004_000;
        ensure_eq!(flags, wanted, "(octal {flags:o} and {wanted:o})");
        let socket = std::fs::metadata(format!("/proc/{pid}/fd/{fd}"))?;
        ensure_eq!(socket.uid(), uid, "as fstat says");
        // What the kernel's table calls uid is the eighth column, the inode the tenth.
        let row = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = row.into_iter().find(|row| row.get(9) == Some(&socket.ino().to_string().as_str()));
        let owner = row.as_ref().and_then(|row| row.get(7).copied()).ok_or("not in the table")?;
        ensure_eq!(owner, uid.to_string(), "as the table says");
    }
    python.say("go")?;
    python.finish(SOON)?.ok()?;
    Ok(())
}

fn flags_and_owner_of_datagram_sockets(t: &Test) -> Outcome {
    made_as_asked(t, t.chbind(S, "python3 -c"), t.bed().ids(t.who()).0)
}

/// The supervisor makes them, but not as its own: accounting and firewalls go by the owner.
fn datagram_sockets_belong_to_the_user_inside(t: &Test) -> Outcome {
    let command = t.chbind(S, &format!("{} -- python3 -c", as_user(t)));
    made_as_asked(t, command, t.bed().ids(Who::User).0)
}

/// A bind that fails because the port is taken leaves the kernel's socket without an address, and the next write() would
/// give it a port on all of them.
fn failed_bind_opens_no_wildcard(t: &Test) -> Outcome {
    for program in PROBES {
        let words = "udp4 bind 10.0.0.1:5555 udp4 bind 10.0.0.1:5555 write name wait";
        let mut probe = t.chbind(S, program).words(words).stdin(Stdio::piped()).start()?;
        probe.wait_stdout("waiting")?;
        let told = probe.stdout();
        ensure!(told.starts_with("bind=ok bind=EADDRINUSE write=EDESTADDRREQ name=10.0.0.1:"), "{told}");
        ensure_eq!(wildcards()?, Vec::<String>::new());
        probe.say("go")?;
        probe.finish(SOON)?.ok()?;
    }
    Ok(())
}

/// The same while another thread's call on the socket is on its way.
fn failed_binds_do_not_free_the_source(t: &Test) -> Outcome {
    let listener = std::net::TcpListener::bind((F, 7300))?;
    listener.set_nonblocking(true)?;
    let through = std::sync::Arc::new(AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&through);
    let server = std::thread::spawn(move || {
        while !seen.load(Ordering::Relaxed) {
            if listener.accept().is_err() {
                std::thread::sleep(std::time::Duration::from_micros(100));
            }
        }
    });
    let done = t.chbind(&format!("-q {S}"), &format!("unpin {A} {F} 3000")).run();
    through.store(true, Ordering::Relaxed);
    server.join().map_err(|_| "the server failed")?;
    let done = done?.ok()?;
    let numbers: Vec<u64> = done.stdout.split(['=', ' ', '\n']).filter_map(|word| word.parse().ok()).collect();
    let [ok, bad, taken] = numbers[..] else { return Err(format!("no outcome: {done}").into()) };
    ensure!(ok > 100 && taken > 10, "nothing was tried: {done}");
    ensure_eq!(bad, 0, "{done}");
    Ok(())
}

/// A socket with an IPv6 address that speaks IPv4 has the source 127.0.0.6 (the kernel's LOOPBACK4_IPV6).
fn socket_with_one_family_speaks_no_other(t: &Test) -> Outcome {
    let (four, six) = (net::udp_peer(&format!("{F}:7300"))?, net::udp_peer(&format!("[{F6}]:7300"))?);
    let peer = Peer::listen(&format!("{F}:7300"))?;
    for program in PROBES {
        let words = format!("udp6 bind [{A6}]:0 sendto [{F6}]:7300 sendto [::ffff:{F}]:7300");
        t.chbind(D, program).words(&words).run()?.ok()?.printed("bind=ok sendto=ok sendto=ENETUNREACH")?;
        ensure_eq!(net::receive(&six)?.1, A6.parse::<IpAddr>()?);
        let words = format!("tcp6 bind [{A6}]:0 connect [{F6}]:7301 connect [::ffff:{F}]:7300");
        let done = t.chbind(D, program).words(&words).run()?.ok()?;
        ensure!(done.stdout.starts_with("bind=ok connect=ECONNREFUSED connect=E"), "{done}");
    }
    four.set_nonblocking(true)?;
    ensure!(four.recv_from(&mut [0; 8]).is_err(), "IPv4 was spoken");
    ensure!(!peer.was_reached(), "IPv4 was spoken");
    Ok(())
}

/// Children of a process that ignores SIGCHLD leave no status; the command inherits that all the same.
fn started_by_one_who_ignores_its_children(t: &Test) -> Outcome {
    for model in ["exec", "parent"] {
        // Not by a shell: those do not pass the disposition of SIGCHLD on.
        let ignoring = "import os, signal, sys\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nos.execvp('chbind', ['chbind'] + sys.argv[1:])";
        let options = format!("{S} --process {model}");
        let start = || t.native("python3 -c").arg(ignoring).words(&options);
        start().words("sh -c").arg("exit 3").run()?.exited(3)?;
        let done = start().words("grep SigIgn /proc/self/status").run()?.ok()?;
        let mask = done.stdout.split_whitespace().last().and_then(|mask| u64::from_str_radix(mask, 16).ok());
        ensure!(mask.is_some_and(|mask| mask & (1 << 16) != 0), "SIGCHLD is not ignored inside: {done}");
        ensure!(wait_for(SOON, || t.supervisors().is_empty()), "{model}: the supervisor stays");
    }
    Ok(())
}

/// In the parent model, what stops and continues the process in front stops and continues the command; no signal is lost
/// on the way.
fn stopped_and_continued_by_its_front(t: &Test) -> Outcome {
    // A process group of its own that is not orphaned: others ignore SIGTSTP. No shell: bash's `wait` returns for a job that
    // was stopped, too.
    let script = format!(
        "import subprocess, sys\n\
        front = subprocess.Popen('chbind {S} --process parent tail -f /dev/null'.split(), process_group=0)\n\
        print('front', front.pid, flush=True)\n\
        print('ended', front.wait(), flush=True)"
    );
    let mut parent = t.native("python3 -c").arg(script).start()?;
    parent.wait_stdout("front ")?;
    let number = |text: &str| text.split_whitespace().nth(1).and_then(|pid| pid.parse::<i32>().ok());
    let front = number(&parent.stdout()).ok_or("no front")?;
    let state =
        |pid: i32| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?.rsplit(") ").next()?.chars().next();
    let tail = || t.processes_named("tail").first().map(|process| process.pid);
    ensure!(wait_for(SOON, || tail().is_some()), "the command does not start");
    let command = tail().ok_or("no command")?;
    let both = |wanted: &[char]| {
        wait_for(SOON, || [front, command].iter().all(|pid| state(*pid).is_some_and(|state| wanted.contains(&state))))
    };
    for round in 0..3 {
        ensure!(procs::send(front, Signal::SIGTSTP), "it has ended");
        ensure!(both(&['T']), "round {round}: not both stopped");
        ensure!(procs::send(front, Signal::SIGCONT), "it has ended");
        ensure!(both(&['S', 'R']), "round {round}: not both continued");
    }
    ensure!(procs::send(front, Signal::SIGTERM), "it has ended");
    parent.wait_stdout("ended -15")?;
    Ok(())
}
