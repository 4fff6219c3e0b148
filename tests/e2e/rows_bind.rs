//! Rows 1 to 24: bind, listen, socket.

use chbind_tests::net::{self, A, F};
use chbind_tests::{Case, Outcome, Test, Who, cases, ensure_eq};

use crate::rows::{self, D, M, P, PROBES, Row, S, S1000, Z};

pub(crate) fn cases() -> Vec<Case> {
    let mut all = rows::both(module_path!(), ROWS);
    all.extend(rows::root(module_path!(), ROOT_ROWS));
    all.extend(rows::user(module_path!(), USER_ROWS));
    all.extend(cases![
        both: row_02_tells_what_is_not_served, row_07_is_the_contexts_loopback, row_14_errors_as_native, row_22_inherited,
            row_15_root_in_its_own_user_namespace;
        root: row_15_caller_without_the_capability, row_15_unprivileged_caller_of_a_privileged_supervisor;
        user: row_15_ports_that_the_host_leaves_to_all
    ]);
    all
}

const ROWS: &[Row] = &[
    (
        "row_01_wildcard",
        &[
            (S, "tcp4 bind 0.0.0.0:8080 name", "bind=ok name=10.0.0.1:8080"),
            (S, "udp4 bind 0.0.0.0:8080 name", "bind=ok name=10.0.0.1:8080"),
            (S, "tcp4 bind 0.0.0.0:0 name listen name", "bind=ok name=10.0.0.1:* listen=ok name=10.0.0.1:*"),
            (S, "udp4 bind 0.0.0.0:0 name", "bind=ok name=10.0.0.1:*"),
        ],
    ),
    (
        "row_02_wildcard_with_two_addresses",
        &[(M, "tcp4 bind 0.0.0.0:8080 name listen name", "bind=ok name=10.0.0.1:8080 listen=ok name=10.0.0.1:8080")],
    ),
    (
        "row_04_own_address",
        &[
            (S, "tcp4 bind 10.0.0.1:8080 name", "bind=ok name=10.0.0.1:8080"),
            (M, "tcp4 bind 10.0.0.2:8080 name", "bind=ok name=10.0.0.2:8080"),
            (M, "udp4 bind 10.0.0.2:8080 name", "bind=ok name=10.0.0.2:8080"),
            (M, "udp4 opt noport bind 10.0.0.2:0 name", "bind=ok name=10.0.0.2:0"),
            (D, "tcp4 bind 10.0.0.1:8080 name", "bind=ok name=10.0.0.1:8080"),
            (D, "udp6 bind [fd00:1::1]:8080 name", "bind=ok name=[fd00:1::1]:8080"),
            (P, "tcp6 bind [fd00:1::1]:8080 name", "bind=ok name=[fd00:1::1]:8080"),
            ("--ip 127.0.0.2", "tcp4 bind 127.0.0.2:8080 name", "bind=ok name=127.0.0.2:8080"),
            ("--ip 127.0.0.2", "tcp4 bind 0.0.0.0:8080 name", "bind=ok name=127.0.0.2:8080"),
        ],
    ),
    (
        "row_05_foreign_addresses",
        &[
            (S, "tcp4 bind 10.0.0.3:8080 name", "bind=EADDRNOTAVAIL name=0.0.0.0:0"),
            (S, "udp4 bind 10.0.0.3:8080 name", "bind=EADDRNOTAVAIL name=0.0.0.0:0"),
            (S, "tcp4 bind 10.0.0.2:0", "bind=EADDRNOTAVAIL"),
            (S, "tcp4 bind 192.0.2.77:8080", "bind=EADDRNOTAVAIL"),
            (S, "tcp4 bind 127.0.0.2:8080", "bind=EADDRNOTAVAIL"),
            // The loopback address of nid 1000 is nothing to nid 1001.
            ("--ip 10.0.0.1 --nid 1001", "tcp4 bind 127.3.232.1:8080", "bind=EADDRNOTAVAIL"),
            (S, "tcp4 opt freebind bind 10.0.0.3:8080", "bind=EADDRNOTAVAIL"),
            (S, "udp4 opt freebind bind 192.0.2.77:8080", "bind=EADDRNOTAVAIL"),
            (D, "tcp6 opt freebind6 bind [fd00:1::2]:8080", "bind=EADDRNOTAVAIL"),
            // A refusal leaves the socket as it was.
            (S, "tcp4 bind 10.0.0.3:8080 bind 10.0.0.1:8080 name", "bind=EADDRNOTAVAIL bind=ok name=10.0.0.1:8080"),
        ],
    ),
    (
        "row_06_unspecified_family",
        &[
            (S, "tcp4 bind-unspec 0.0.0.0:8080 name", "bind=ok name=10.0.0.1:8080"),
            (S, "udp4 bind-unspec 0.0.0.0:8080 name", "bind=ok name=10.0.0.1:8080"),
            (S, "tcp4 bind-unspec 10.0.0.1:8080", "bind=EAFNOSUPPORT"),
            (S, "tcp4 bind-unspec 10.0.0.3:8080", "bind=EAFNOSUPPORT"),
        ],
    ),
    (
        "row_07_loopback",
        &[
            (S, "tcp4 bind 127.0.0.1:8080 name", "bind=ok name=127.0.0.1:8080"),
            (S, "udp4 bind 127.0.0.1:8080 name", "bind=ok name=127.0.0.1:8080"),
            (S1000, "tcp4 bind 127.3.232.1:8080 name", "bind=ok name=127.0.0.1:8080"),
            ("--ip 10.0.0.1 --lback 127.44.0.1", "tcp4 bind 127.44.0.1:8080 name", "bind=ok name=127.0.0.1:8080"),
            ("--ip 10.0.0.1 --loopback host", "tcp4 bind 127.0.0.1:8080 name", "bind=ok name=127.0.0.1:8080"),
        ],
    ),
    (
        "row_08_loopback_denied",
        &[
            (Z, "tcp4 bind 127.0.0.1:8080", "bind=EADDRNOTAVAIL"),
            (Z, "udp4 bind 127.0.0.1:8080", "bind=EADDRNOTAVAIL"),
            (Z, "tcp4 bind 0.0.0.0:8080 name", "bind=ok name=10.0.0.1:8080"),
        ],
    ),
    (
        "row_12_listen_without_bind",
        &[
            (S, "tcp4 listen name", "listen=ok name=10.0.0.1:*"),
            (M, "tcp4 listen name", "listen=ok name=10.0.0.1:*"),
            (D, "tcp6 listen name", "listen=ok name=[::ffff:10.0.0.1]:*"),
            (P, "tcp6 listen name", "listen=ok name=[fd00:1::1]:*"),
            (S, "udp4 listen", "listen=EOPNOTSUPP"),
        ],
    ),
    (
        "row_13_bind_twice",
        &[
            (S, "tcp4 bind 10.0.0.1:8080 bind 10.0.0.1:8081 name", "bind=ok bind=EINVAL name=10.0.0.1:8080"),
            (S, "tcp4 bind 0.0.0.0:8080 bind 0.0.0.0:8080", "bind=ok bind=EINVAL"),
            (S, "udp4 bind 0.0.0.0:0 bind 10.0.0.1:0", "bind=ok bind=EINVAL"),
        ],
    ),
    (
        "row_16_families_that_the_context_has_not",
        &[
            (S, "tcp6", "socket=EAFNOSUPPORT"),
            (S, "udp6", "socket=EAFNOSUPPORT"),
            (M, "tcp6", "socket=EAFNOSUPPORT"),
            (P, "tcp4 bind 127.0.0.1:8080 name", "bind=ok name=127.0.0.1:8080"),
            ("--ip fd00:1::1 --loopback deny", "tcp4", "socket=EAFNOSUPPORT"),
            ("--ip fd00:1::1 --loopback deny", "udp4", "socket=EAFNOSUPPORT"),
            (D, "tcp6 tcp4 bind 10.0.0.1:8080", "bind=ok"),
        ],
    ),
    (
        "row_19_ipv6_and_mapped",
        &[
            (D, "tcp6 bind [fd00:1::1]:8080 name", "bind=ok name=[fd00:1::1]:8080"),
            (D, "tcp6 bind [fd00:1::2]:8080", "bind=EADDRNOTAVAIL"),
            (D, "tcp6 opt dual bind [::ffff:10.0.0.1]:8080 name", "bind=ok name=[::ffff:10.0.0.1]:8080"),
            (D, "udp6 opt dual bind [::ffff:10.0.0.3]:8080", "bind=EADDRNOTAVAIL"),
            (D, "udp6 opt v6only bind [::]:8080 name", "bind=ok name=[fd00:1::1]:8080"),
            (P, "tcp6 bind [::]:8080 name", "bind=ok name=[fd00:1::1]:8080"),
        ],
    ),
    (
        "row_24_reuse",
        &[
            (S, "tcp4 bind 0.0.0.0:8080 listen tcp4 bind 0.0.0.0:8080", "bind=ok listen=ok bind=EADDRINUSE"),
            (
                S,
                "tcp4 opt reuseport bind 0.0.0.0:8080 listen tcp4 opt reuseport bind 0.0.0.0:8080 listen",
                "bind=ok listen=ok bind=ok listen=ok",
            ),
            (S, "udp4 opt reuseaddr bind 0.0.0.0:8080 udp4 opt reuseaddr bind 0.0.0.0:8080", "bind=ok bind=ok"),
            (S, "udp4 bind 0.0.0.0:8080 udp4 opt reuseaddr bind 0.0.0.0:8080", "bind=ok bind=EADDRINUSE"),
        ],
    ),
    ("mptcp_is_refused_so_that_programs_take_tcp", &[(S, "mptcp4", "socket=EPROTONOSUPPORT")]),
];

const ROOT_ROWS: &[Row] = &[
    (
        "row_05_transparent",
        &[
            (S, "tcp4 opt transparent bind 10.0.0.3:8080", "transparent=EPERM bind=EADDRNOTAVAIL"),
            // Where root is left the right to set it, what it would be good for is refused all the same.
            ("--ip 10.0.0.1 --keep-cap net_admin", "tcp4 opt transparent bind 10.0.0.3:8080", "bind=EADDRNOTAVAIL"),
        ],
    ),
    (
        "row_15_low_ports_of_root",
        &[
            (S, "tcp4 bind 0.0.0.0:80 name", "bind=ok name=10.0.0.1:80"),
            (S, "udp4 bind 127.0.0.1:80 name", "bind=ok name=127.0.0.1:80"),
        ],
    ),
];

const USER_ROWS: &[Row] = &[(
    "row_15_low_ports_of_others",
    &[
        (S, "tcp4 bind 0.0.0.0:80", "bind=EACCES"),
        (S, "tcp4 bind 10.0.0.1:80", "bind=EACCES"),
        (S, "udp4 bind 127.0.0.1:80", "bind=EACCES"),
        (S, "tcp4 bind 10.0.0.1:1023", "bind=EACCES"),
        (S, "tcp4 bind 10.0.0.1:1024", "bind=ok"),
    ],
)];

fn row_02_tells_what_is_not_served(t: &Test) -> Outcome {
    t.chbind(M, "probe tcp4 bind 0.0.0.0:8080").run()?.ok()?.told(&["chbind:", ":8080/tcp", "10.0.0.2"])?;
    Ok(())
}

/// What getsockname shows as 127.0.0.1 is, in the kernel's table, the context's own loopback address.
fn row_07_is_the_contexts_loopback(t: &Test) -> Outcome {
    for (options, address) in [(S1000, "127.3.232.1"), ("--ip 10.0.0.1 --lback 127.44.0.1", "127.44.0.1")] {
        let words = "probe tcp4 bind 127.0.0.1:8080 listen wait";
        let mut probe = t.chbind(options, words).stdin(std::process::Stdio::piped()).start()?;
        probe.wait_stdout("waiting")?;
        ensure_eq!(net::listening_on(8080)?, vec![address.parse::<std::net::IpAddr>()?]);
    }
    Ok(())
}

/// Whatever is wrong with a call itself, the answer is the kernel's.
fn row_14_errors_as_native(t: &Test) -> Outcome {
    for words in [
        "tcp4 bind-short 0.0.0.0:8080",
        "tcp4 bind-long 0.0.0.0:8080",
        "tcp4 bind-fault",
        "tcp4 bind-badfd 0.0.0.0:8080",
        "tcp4 bind-file 0.0.0.0:8080",
        "tcp4 bind [::1]:8080",
        "tcp4 connect-fault",
        "udp4 connect-fault",
        "unix bind 10.0.0.1:8080",
        "tcp4 bind unix:@name",
        "use 0 listen",
        "tcp4 connect unix:@name",
    ] {
        for probe in PROBES {
            let native = t.native(probe).words(words).run()?.ok()?.stdout;
            let inside = t.chbind(S, probe).words(words).run()?.ok()?.stdout;
            ensure_eq!(inside, native, "for {probe} {words}");
        }
    }
    Ok(())
}

/// Root by its user id, but without the capability to take low ports.
fn row_15_caller_without_the_capability(t: &Test) -> Outcome {
    let without = "setpriv --inh-caps=-net_bind_service --bounding-set=-net_bind_service --";
    for words in ["tcp4 bind 0.0.0.0:80", "udp4 bind 10.0.0.1:80"] {
        for probe in PROBES {
            t.chbind(S, without).words(probe).words(words).run()?.ok()?.printed("bind=EACCES")?;
            t.native(without).then(t.chbind(S, probe)).words(words).run()?.ok()?.printed("bind=EACCES")?;
        }
    }
    Ok(())
}

/// The supervisor could: it is root's. The program has become somebody else.
fn row_15_unprivileged_caller_of_a_privileged_supervisor(t: &Test) -> Outcome {
    let (uid, gid) = t.bed().ids(Who::User);
    let become_user = format!("setpriv --reuid={uid} --regid={gid} --clear-groups --");
    for probe in PROBES {
        let command = t.chbind(S, &become_user).words(probe).words("tcp4 bind 0.0.0.0:80 bind 0.0.0.0:8080 name");
        command.run()?.ok()?.printed("bind=EACCES bind=ok name=10.0.0.1:8080")?;
    }
    Ok(())
}

/// All capabilities, but not over this network: the kernel says no, and so must a supervisor that acts for it.
fn row_15_root_in_its_own_user_namespace(t: &Test) -> Outcome {
    let command = "unshare --user --map-root-user probe tcp4 bind 0.0.0.0:80";
    t.native(command).run()?.ok()?.printed("bind=EACCES")?;
    t.chbind(S, command).run()?.ok()?.printed("bind=EACCES")?;
    Ok(())
}

fn row_15_ports_that_the_host_leaves_to_all(t: &Test) -> Outcome {
    net::sysctl("ipv4.ip_unprivileged_port_start", "80")?;
    t.chbind(S, "probe tcp4 bind 0.0.0.0:80 name").run()?.ok()?.printed("bind=ok name=10.0.0.1:80")?;
    t.chbind(S, "probe tcp4 bind 0.0.0.0:79").run()?.ok()?.printed("bind=EACCES")?;
    Ok(())
}

/// A socket that was made before there was a context is judged by the context all the same.
fn row_22_inherited(t: &Test) -> Outcome {
    for probe in PROBES {
        for (address, wanted) in [
            (F, "bind=EADDRNOTAVAIL name=0.0.0.0:0"),
            ("0.0.0.0", "bind=ok name=10.0.0.1:8080"),
            (A, "bind=ok name=10.0.0.1:8080"),
        ] {
            let command = t.native("probe tcp4 exec").then(t.chbind(S, probe));
            command.words(&format!("fd 3 bind {address}:8080 name")).run()?.ok()?.printed(wanted)?;
        }
    }
    Ok(())
}
