//! Programs that try to get past the check, and what they hand each other.

use std::time::Duration;

use chbind_tests::net::{self, A, F, Peer};
use chbind_tests::{Case, Outcome, SOON, Test, cases, ensure, in_both_models};

use crate::rows::S;

pub(crate) fn cases() -> Vec<Case> {
    let mut all = in_both_models![address_changed_during_the_check, unix_peers_see_each_other];
    all.extend(cases![both: descriptors_pass_between_processes, socket_received_from_outside, io_uring_is_absent,
        other_entries_of_the_kernel_are_shut, thread_with_its_own_descriptors, stream_socket_swapped_in,
        fast_open_is_no_send_of_local_sockets, fast_open_of_a_stream_socket_swapped_in]);
    // A call on a local-domain socket runs as it is, on what the number then stands for. The Landlock floor holds bind and
    // connect of streams. It does not hold listen, which gives an unbound stream socket a port on every address by itself, and
    // before ABI 10 nothing of datagrams.
    let gap = "datagram sockets have no Landlock floor on this kernel";
    all.extend(cases![both: datagram_socket_swapped_in].into_iter().map(|case| case.known_gap(gap)));
    let gap = "the Landlock floor does not cover the port that listen gives";
    all.extend(cases![both: listening_socket_swapped_in].into_iter().map(|case| case.known_gap(gap)));
    all
}

/// Another thread flips the address between the wildcard and somebody else's. The flip is seen (some are refused, some are
/// not), but what the kernel then binds to is what was checked.
fn address_changed_during_the_check(t: &Test, model: &str) -> Outcome {
    let command = t.chbind(&format!("{S} {model} -q"), &format!("flip 20000 {A} {F}"));
    let done = command.limit(Duration::from_secs(90)).run()?.ok()?;
    ensure!(done.stdout.contains(" foreign=0 wildcard=0 other=0 "), "{done}");
    ensure!(!done.stdout.contains("own=0 ") && !done.stdout.contains("refused=0 "), "no race took place\n{done}");
    Ok(())
}

/// Who connects to a socket in the file system, or to an abstract one, is told apart by the kernel: the supervisor must
/// never be the one who connects.
pub(crate) fn unix_peers_see_each_other(t: &Test, model: &str) -> Outcome {
    let script = "import os, socket, struct, sys\n\
        def cred(s): return struct.unpack('iii', s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))\n\
        for name in (sys.argv[1] + '/socket', '\\0chbind-test'):\n\
        \x20 server = socket.socket(socket.AF_UNIX); server.bind(name); server.listen()\n\
        \x20 pid = os.fork()\n\
        \x20 if pid == 0:\n\
        \x20   client = socket.socket(socket.AF_UNIX); client.connect(name)\n\
        \x20   ok = cred(client) == (os.getppid(), os.getuid(), os.getgid()) and client.recv(1)\n\
        \x20   os._exit(0 if ok else 1)\n\
        \x20 peer, _ = server.accept()\n\
        \x20 print(cred(peer) == (pid, os.getuid(), os.getgid()), peer.send(b'x'), os.waitpid(pid, 0)[1], flush=True)";
    let command = t.chbind(&format!("{S} {model}"), "python3 -c").arg(script).arg(t.dir().display().to_string());
    command.run()?.ok()?.printed("True 1 0\nTrue 1 0")?;
    Ok(())
}

/// sendmsg with descriptors, over a socket pair: what multi-process servers live on.
fn descriptors_pass_between_processes(t: &Test) -> Outcome {
    let script = "import os, socket\n\
        a, b = socket.socketpair()\n\
        s = socket.socket(); s.bind(('', 8080)); s.listen()\n\
        if os.fork() == 0:\n\
        \x20 fds = socket.recv_fds(b, 16, 1)[1]\n\
        \x20 print(socket.socket(fileno=fds[0]).getsockname(), flush=True); os._exit(0)\n\
        socket.send_fds(a, [b'x'], [s.fileno()]); os.wait()";
    t.chbind(S, "python3 -c").arg(script).run()?.ok()?.printed("('10.0.0.1', 8080)")?;
    Ok(())
}

/// Row 22: an unbound socket, made outside and handed in, is judged like any other.
fn socket_received_from_outside(t: &Test) -> Outcome {
    let path = t.dir().join("door").display().to_string();
    let outside = "import socket, sys\n\
        door = socket.socket(socket.AF_UNIX); door.bind(sys.argv[1]); door.listen(); print('open', flush=True)\n\
        s = socket.socket(); c = door.accept()[0]; socket.send_fds(c, [b'x'], [s.fileno()]); c.recv(1)";
    let mut giver = t.native("python3 -c").arg(outside).arg(path.clone()).start()?;
    giver.wait_stdout("open")?;
    let inside = "import errno, socket, sys\n\
        c = socket.socket(socket.AF_UNIX); c.connect(sys.argv[1])\n\
        s = socket.socket(fileno=socket.recv_fds(c, 16, 1)[1][0])\n\
        try: s.bind(('10.0.0.3', 8080)); print('bound')\n\
        except OSError as e: print(errno.errorcode[e.errno])\n\
        s.bind(('', 8080)); print(s.getsockname()[0])";
    t.chbind(S, "python3 -c").arg(inside).arg(path).run()?.ok()?.printed("EADDRNOTAVAIL\n10.0.0.1")?;
    giver.finish(SOON)?.ok()?;
    ensure!(net::listening_on(8080)?.is_empty(), "something listens");
    Ok(())
}

/// A ring makes calls that no filter sees, so there is none: programs know this from containers.
fn io_uring_is_absent(t: &Test) -> Outcome {
    let script = "import ctypes, errno\n\
        libc = ctypes.CDLL(None, use_errno=True)\n\
        print(libc.syscall(425, 8, ctypes.create_string_buffer(120)), errno.errorcode[ctypes.get_errno()])";
    t.chbind(S, "python3 -c").arg(script).run()?.ok()?.printed("-1 ENOSYS")?;
    Ok(())
}

/// The 32-bit entry and the x32 numbers, which are other calls to a filter that looks at numbers. Refused or killed, but
/// not bound.
fn other_entries_of_the_kernel_are_shut(t: &Test) -> Outcome {
    for way in ["int80", "x32"] {
        let done = t.chbind(S, &format!("ways {way} {F}")).run()?;
        ensure!(!done.stdout.contains(F) && !done.stdout.contains("=ok"), "{way} is a way around\n{done}");
    }
    Ok(())
}

/// A thread's descriptors may not be its process's: the supervisor must look at those of the thread that calls.
fn thread_with_its_own_descriptors(t: &Test) -> Outcome {
    let wanted = "foreign=EADDRNOTAVAIL wildcard=ok thread=10.0.0.1:8080 process=0.0.0.0:0";
    t.chbind(S, &format!("ways own-table {F}")).run()?.ok()?.printed(wanted)?;
    Ok(())
}

/// Under one number now a local-domain socket, now an internet socket, and the address changes along.
fn swapped_in(t: &Test, way: &str) -> Outcome {
    let command = t.chbind(&format!("{S} -q"), &format!("ways {way} {F}"));
    command.limit(Duration::from_secs(90)).run()?.ok()?.printed("foreign=0 wildcard=0")?;
    Ok(())
}

fn stream_socket_swapped_in(t: &Test) -> Outcome {
    swapped_in(t, "swap-tcp")
}

fn datagram_socket_swapped_in(t: &Test) -> Outcome {
    swapped_in(t, "swap-udp")
}

fn listening_socket_swapped_in(t: &Test) -> Outcome {
    let done =
        t.chbind(&format!("{S} -q"), &format!("ways swap-listen {F}")).limit(Duration::from_secs(90)).run()?.ok()?;
    ensure!(done.stdout.contains("wildcard=0 "), "{done}");
    Ok(())
}

/// What other families do not know they ignore; but a call with this flag is never let through, for the sake of the next test.
fn fast_open_is_no_send_of_local_sockets(t: &Test) -> Outcome {
    let script = "import errno, socket, sys\n\
        FASTOPEN = 0x20000000\n\
        def fails(act):\n\
        \x20 try: act(); return 'ok'\n\
        \x20 except OSError as e: return 'EOPNOTSUPP' if e.errno == errno.EOPNOTSUPP else e\n\
        server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); server.bind('\\0chbind-test-' + sys.argv[1])\n\
        name = server.getsockname()\n\
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n\
        print(fails(lambda: s.sendto(b'x', 0, name)), fails(lambda: s.sendto(b'x', FASTOPEN, name)))\n\
        print(fails(lambda: s.sendmsg([b'x'], [], 0, name)), fails(lambda: s.sendmsg([b'x'], [], FASTOPEN, name)))\n\
        a, b = socket.socketpair()\n\
        print(fails(lambda: a.sendmsg([b'x'])), fails(lambda: a.sendmsg([b'x'], [], FASTOPEN)))";
    let command = t.chbind(S, "python3 -c").arg(script).arg(t.dir().display().to_string());
    command.run()?.ok()?.printed("ok EOPNOTSUPP\nok EOPNOTSUPP\nok EOPNOTSUPP")?;
    Ok(())
}

/// A send with MSG_FASTOPEN connects, and Landlock does not see that.
fn fast_open_of_a_stream_socket_swapped_in(t: &Test) -> Outcome {
    let host = Peer::listen("127.0.0.1:7100")?;
    let done =
        t.chbind(&format!("{S} -q"), &format!("ways swap-fastopen {F}")).limit(Duration::from_secs(90)).run()?.ok()?;
    ensure!(!host.was_reached(), "the host's loopback was reached\n{done}");
    ensure!(done.stdout.contains(" sent=0 "), "{done}");
    ensure!(!done.stdout.contains("tcp=0 ") && !done.stdout.contains("unix=0 "), "no race took place\n{done}");
    Ok(())
}
