//! Raw sockets of ICMP in a hostile program: what else they could be good for.

use chbind_tests::net::{A, F};
use chbind_tests::{Case, Outcome, Test, cases, ensure, ensure_eq};

pub(crate) fn cases() -> Vec<Case> {
    cases![root: options_that_lead_elsewhere, nothing_for_others_is_heard]
}

/// Headers of one's own by either level that knows them, routing for the host, packets that are passing through, groups.
fn options_that_lead_elsewhere(t: &Test) -> Outcome {
    let script = "import errno, socket\n\
        four = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)\n\
        six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)\n\
        group = socket.inet_pton(socket.AF_INET6, 'ff02::1') + b'\\0' * 4\n\
        tries = [(four, 0, 3, 1), (four, 0, 5, 1), (four, 0, 200, 1), (four, 255, 36, 1), (six, 41, 36, 1), (six, 255, 36, 1),\n\
        \x20 (six, 41, 22, 1), (six, 41, 200, 1), (six, 41, 29, 1), (six, 41, 20, group)]\n\
        for s, level, name, value in tries:\n\
        \x20 try: s.setsockopt(level, name, value); print(level, name, 'ok')\n\
        \x20 except OSError as e: print(level, name, errno.errorcode[e.errno])";
    let done = t.chbind("-q --raw-icmp --ip 10.0.0.1/24 --ip fd00:1::1/64", "python3 -c").arg(script).run()?.ok()?;
    let refused = done.stdout.lines().filter(|line| line.ends_with(" EPERM")).count();
    ensure_eq!((refused, done.stdout.lines().count()), (10, 10), "{done}");
    Ok(())
}

/// Not even in the moment in which a socket has no address yet.
fn nothing_for_others_is_heard(t: &Test) -> Outcome {
    // Echo requests to an address that is not the context's, as fast as they go.
    let flood = format!(
        "import socket\n\
        s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)\n\
        print('ready', flush=True)\n\
        while True: s.sendto(b'\\x08\\0\\xf7\\xff\\0\\0\\0\\0', ('{F}', 0))"
    );
    let mut flood = t.as_root("python3 -c").arg(&flood).start()?;
    flood.wait_stdout("ready")?;
    let listen = "import socket, sys\n\
        heard = set()\n\
        for _ in range(int(sys.argv[1])):\n\
        \x20 s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)\n\
        \x20 s.setblocking(False)\n\
        \x20 try: heard.add(socket.inet_ntoa(s.recv(100)[16:20]))\n\
        \x20 except BlockingIOError: pass\n\
        \x20 s.close()\n\
        print(*sorted(heard))";
    // Outside it would be heard at once.
    let native = t.as_root("python3 -c").arg(listen).arg("4000").run()?.ok()?;
    ensure!(native.stdout.contains(F), "nothing to hear: {native}");
    let done = t.chbind("--raw-icmp --ip 10.0.0.1/24", "python3 -c").arg(listen).arg("400").run()?.ok()?;
    let elsewhere: Vec<&str> = done.stdout.split_whitespace().filter(|address| *address != A).collect();
    ensure_eq!(elsewhere, Vec::<&str>::new());
    Ok(())
}
