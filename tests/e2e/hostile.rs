//! What programs hand each other by way of local sockets. (Those that try to get past the check: tests/attacks.)

use chbind_tests::{Case, Outcome, Test, cases, in_both_models};

use crate::rows::S;

pub(crate) fn cases() -> Vec<Case> {
    let mut all = in_both_models![unix_peers_see_each_other, rules_of_its_own_for_files];
    all.extend(cases![both: descriptors_pass_between_processes, fast_open_is_no_send_of_local_sockets]);
    all
}

/// A program may confine itself by Landlock as far as that holds: to files. Rules for the network are not offered, as the
/// supervisor, which makes the calls, would not be under them.
fn rules_of_its_own_for_files(t: &Test, model: &str) -> Outcome {
    let script = "import ctypes, errno, os, struct\n\
        libc = ctypes.CDLL(None, use_errno=True)\n\
        def create(attributes, size=None):\n\
        \x20 made = libc.syscall(444, attributes, len(attributes) if size is None else size, 0)\n\
        \x20 return made if made >= 0 else errno.errorcode[ctypes.get_errno()]\n\
        print(libc.syscall(444, None, 0, 1), create(struct.pack('QQ', 4, 1)), create(struct.pack('Q', 0)), create(b'', 7))\n\
        ruleset = create(struct.pack('QQQ', 4, 0, 0))\n\
        print(os.get_inheritable(ruleset), libc.prctl(38, 1, 0, 0, 0), libc.syscall(446, ruleset, 0))\n\
        try: open('/etc/passwd'); print('read')\n\
        except PermissionError: print('held')";
    t.chbind(&format!("{S} {model}"), "python3 -c")
        .arg(script)
        .run()?
        .ok()?
        .printed("3 E2BIG ENOMSG EINVAL\nFalse 0 0\nheld")?;
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

/// What other families do not know they ignore; but a call with this flag is never let through: on a stream socket that is put
/// in the place of a local one (tests/attacks) it would connect.
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
