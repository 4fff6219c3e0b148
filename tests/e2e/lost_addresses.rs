//! Datagram sockets whose address the kernel takes away, when a bind fails as late as at the choice of the port: they must
//! not end on every address of the host.

use std::process::Stdio;

use chbind_tests::net::{self, B, F};
use chbind_tests::{Case, Outcome, SOON, Test, cases, ensure, ensure_eq};

use crate::holes::wildcards;
use crate::rows::{D, M, PROBES, S};

pub(crate) fn cases() -> Vec<Case> {
    cases![both: failed_bind_of_ipv6_alone_opens_no_wildcard, port_range_opens_no_wildcard,
        port_of_the_kernels_choice_is_not_shared]
}

/// The address that such a socket was made with is an IPv4 one, which it takes no more.
fn failed_bind_of_ipv6_alone_opens_no_wildcard(t: &Test) -> Outcome {
    for program in PROBES {
        let words = "udp6 bind [fd00:1::1]:5555 udp6 opt v6only bind [fd00:1::1]:5555 write name wait";
        let mut probe = t.chbind(D, program).words(words).stdin(Stdio::piped()).start()?;
        probe.wait_stdout("waiting")?;
        let told = probe.stdout();
        ensure!(told.contains("bind=ok bind=EADDRINUSE write=EDESTADDRREQ name=[fd00:1::1]:"), "{told}");
        ensure_eq!(wildcards()?, Vec::<String>::new());
        probe.say("go")?;
        probe.finish(SOON)?.ok()?;
    }
    Ok(())
}

/// The kernel takes a socket's address away when no port of its range is left (IP_LOCAL_PORT_RANGE, here one that is taken):
/// at a bind that the supervisor makes for a call that is refused.
fn port_range_opens_no_wildcard(t: &Test) -> Outcome {
    let script = "import socket, struct, sys\n\
        NO_PORT, RANGE = 24, 51\n\
        taken = socket.socket(type=socket.SOCK_DGRAM); taken.bind(('10.0.0.1', 50000))\n\
        s = socket.socket(type=socket.SOCK_DGRAM)\n\
        s.setsockopt(0, NO_PORT, 1); s.setsockopt(0, RANGE, struct.pack('I', 50000 | 50000 << 16))\n\
        s.bind(('10.0.0.1', 0))\n\
        try: s.sendto(b'x', ('10.0.0.2', 0))\n\
        except OSError as e: print(e.strerror)\n\
        s.setsockopt(0, RANGE, struct.pack('I', 0))\n\
        try: s.send(b'x')\n\
        except OSError as e: print(e.strerror)\n\
        print(s.getsockname()[0], s.getsockname()[1] != 0, flush=True)\n\
        sys.stdin.read(1)";
    for options in [S, M] {
        let mut program = t.chbind(options, "python3 -c").arg(script).stdin(Stdio::piped()).start()?;
        program.wait_stdout("True")?;
        let told = program.stdout();
        ensure!(told == "Invalid argument\nDestination address required\n10.0.0.1 True\n", "{told}");
        ensure_eq!(wildcards()?, Vec::<String>::new());
        program.say("go")?;
        program.finish(SOON)?.ok()?;
    }
    Ok(())
}

/// Who shares a wildcard's port with somebody outside would get what is meant for them (row 3); so too where the kernel
/// chooses the port, from a range that has just that one.
fn port_of_the_kernels_choice_is_not_shared(t: &Test) -> Outcome {
    let service = "import socket, sys\n\
        s = socket.socket(type=socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n\
        s.bind(('', 50000)); print('bound', flush=True); print(s.recv(9).decode(), flush=True)";
    let inside = "import socket, struct, sys\n\
        s = socket.socket(type=socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n\
        s.setsockopt(0, 51, struct.pack('I', 50000 | 50000 << 16))\n\
        if sys.argv[1] == 'bind': s.bind(('', 0))\n\
        else: s.sendto(b'x', ('10.0.0.3', 9))\n\
        print(*s.getsockname(), flush=True)\n\
        sys.stdin.read(1)";
    for way in ["bind", "send"] {
        let mut outside = t.native("python3 -c").arg(service).start()?;
        outside.wait_stdout("bound")?;
        let mut program =
            t.chbind(&format!("{M} -q"), "python3 -c").arg(inside).arg(way).stdin(Stdio::piped()).start()?;
        program.wait_stdout("10.0.0.1 50000")?;
        net::udp_peer(&format!("{B}:0"))?.send_to(b"outside", (F, 50000))?;
        outside.wait_stdout("outside")?;
        program.say("go")?;
        program.finish(SOON)?.ok()?;
        outside.finish(SOON)?.ok()?;
    }
    Ok(())
}
