//! Rows 1 to 25: bind, listen, socket. (Wildcards that stay wildcards: `wildcard.rs`.)

use crate::table::{Context, D, M, OUTSIDE, P, Reasons, Row, S, Z, case, row};

const RAW: Context = S.with("--raw-icmp");
const NO_GRANTS: Reasons =
    &[("preload", "there is no supervisor that has the right: chbind says so, and runs nothing")];
const FAULTS: Reasons = {
    const WHY: &str =
        "what reads the address is the program itself, and that dies of it: only the kernel can say EFAULT";
    &[("hybrid", WHY), ("preload", WHY)]
};
const FIRST_ONLY: Context = S.with("--allow-bind P");

pub(crate) const ROWS: &[Row] = &[
    row(
        "row_01",
        "S: a wildcard is bound to the primary",
        &[
            case(S, "tcp4 bind 0.0.0.0:P name listen name wait", "bind=ok name=A:P listen=ok name=A:P").seen(&[
                "table tcp A:P",
                "R reaches A:P",
                "R fails B:P",
                "R fails F:P",
                "F fails 127.0.0.1:P",
                "nothing told",
            ]),
            case(S, "udp4 bind 0.0.0.0:P name wait recv", "bind=ok name=A:P recv=own").seen(&[
                "table udp A:P",
                "R sends F:P foreign",
                "R sends B:P foreign",
                "127.0.0.1 sends 127.0.0.1:P foreign",
                "R sends A:P own",
                "nothing told",
            ]),
            case(S, "tcp4 bind 0.0.0.0:0 name listen name", "bind=ok name=A:* listen=ok name=A:*"),
            case(S, "udp4 bind 0.0.0.0:0 name", "bind=ok name=A:*"),
            case(P, "tcp6 bind [::]:P name listen wait", "bind=ok name=[A6]:P listen=ok").seen(&[
                "table tcp [A6]:P",
                "R6 reaches [A6]:P",
                "R6 fails [B6]:P",
                "R6 fails [F6]:P",
                "R fails A:P",
            ]),
            case(P, "udp6 bind [::]:P name wait recv", "bind=ok name=[A6]:P recv=own").seen(&[
                "table udp [A6]:P",
                "R6 sends [F6]:P foreign",
                "R6 sends [A6]:P own",
            ]),
        ],
    ),
    row(
        "row_02",
        "M: a TCP wildcard is bound to the primary, and a line says what is not served",
        &[case(M, "tcp4 bind 0.0.0.0:P name listen name wait", "bind=ok name=A:P listen=ok name=A:P").seen(&[
            "table tcp A:P",
            "R reaches A:P",
            "R fails B:P",
            "R fails F:P",
            "told 0.0.0.0:P/tcp serves A only, not B",
        ])],
    ),
    row(
        "row_04",
        "an own address is bound as asked",
        &[
            case(S, "tcp4 bind A:P name listen wait", "bind=ok name=A:P listen=ok")
                .seen(&["table tcp A:P", "R reaches A:P"]),
            case(M, "tcp4 bind B:P name listen wait", "bind=ok name=B:P listen=ok")
                .seen(&["table tcp B:P", "R reaches B:P"]),
            case(M, "udp4 bind B:P name wait recv", "bind=ok name=B:P recv=own").seen(&[
                "table udp B:P",
                "R sends A:P other",
                "R sends B:P own",
            ]),
            case(M, "udp4 opt noport bind B:0 name", "bind=ok name=B:0"),
            case(D, "tcp4 bind A:P name", "bind=ok name=A:P"),
            case(D, "udp6 bind [A6]:P name wait recv", "bind=ok name=[A6]:P recv=own")
                .seen(&["table udp [A6]:P", "R6 sends [A6]:P own"]),
            case(P, "tcp6 bind [A6]:P name listen wait", "bind=ok name=[A6]:P listen=ok")
                .seen(&["table tcp [A6]:P", "R6 reaches [A6]:P"]),
            case(Context::of("--ip LL"), "tcp6 bind [LL]:P name listen wait", "bind=ok name=[fe80::1]:P listen=ok")
                .seen(&["table tcp [LL]:P", "R6 fails [A6]:P"]),
            case(Context::of("--ip 127.0.0.2"), "tcp4 bind 127.0.0.2:P name", "bind=ok name=127.0.0.2:P"),
            case(
                Context::of("--ip 127.0.0.2"),
                "tcp4 bind 0.0.0.0:P name listen wait",
                "bind=ok name=127.0.0.2:P listen=ok",
            )
            .seen(&["table tcp 127.0.0.2:P"]),
        ],
    ),
    row(
        "row_05",
        "addresses that are not the context's: EADDRNOTAVAIL, whatever options are set",
        &[
            case(S, "tcp4 bind F:P name", "bind=EADDRNOTAVAIL name=0.0.0.0:0").seen(&["told F:P/tcp A"]),
            case(S, "udp4 bind F:P name", "bind=EADDRNOTAVAIL name=0.0.0.0:0").seen(&["told F:P/udp A"]),
            case(S, "tcp4 bind B:0", "bind=EADDRNOTAVAIL"),
            case(S, "tcp4 bind N:P", "bind=EADDRNOTAVAIL"),
            case(S, "udp4 bind N:P", "bind=EADDRNOTAVAIL"),
            case(S, "tcp4 bind 127.0.0.2:P", "bind=EADDRNOTAVAIL"),
            case(S, "udp4 bind 127.0.0.2:P", "bind=EADDRNOTAVAIL"),
            case(S, "tcp4 bind L1001:P", "bind=EADDRNOTAVAIL"),
            case(P, "tcp6 bind [F6]:P", "bind=EADDRNOTAVAIL"),
            case(P, "udp6 bind [N6]:P", "bind=EADDRNOTAVAIL"),
            case(P, "tcp6 bind [LL]:P", "bind=EADDRNOTAVAIL"),
            case(S, "tcp4 opt freebind bind F:P", "bind=EADDRNOTAVAIL"),
            case(S, "udp4 opt freebind bind N:P", "bind=EADDRNOTAVAIL"),
            case(D, "tcp6 opt freebind6 bind [F6]:P", "bind=EADDRNOTAVAIL"),
            case(D, "udp6 opt freebind6 bind [N6]:P", "bind=EADDRNOTAVAIL"),
            case(S, "tcp4 opt transparent bind F:P", "transparent=EPERM bind=EADDRNOTAVAIL"),
            case(S.with("--keep-cap net_admin"), "tcp4 opt transparent bind F:P", "bind=EADDRNOTAVAIL").root(),
            // A refusal leaves the socket as it was.
            case(S, "tcp4 bind F:P bind A:P name", "bind=EADDRNOTAVAIL bind=ok name=A:P"),
            case(S, "udp4 bind F:P bind 0.0.0.0:P name", "bind=EADDRNOTAVAIL bind=ok name=A:P"),
        ],
    ),
    row(
        "row_06",
        "the family AF_UNSPEC with 0.0.0.0 is a wildcard, with others EAFNOSUPPORT",
        &[
            case(S, "tcp4 bind-unspec 0.0.0.0:P name", "bind=ok name=A:P"),
            case(S, "udp4 bind-unspec 0.0.0.0:P name wait", "bind=ok name=A:P").seen(&["table udp A:P"]),
            case(S, "tcp4 bind-unspec A:P", "bind=EAFNOSUPPORT").natively(),
            case(S, "tcp4 bind-unspec F:P", "bind=EAFNOSUPPORT").natively(),
        ],
    ),
    row(
        "row_07",
        "127.0.0.1 and L are L, shown as 127.0.0.1",
        &[
            case(S, "tcp4 bind 127.0.0.1:P name listen wait", "bind=ok name=127.0.0.1:P listen=ok").seen(&[
                "table tcp L:P",
                "127.0.0.1 fails 127.0.0.1:P",
                "R fails A:P",
            ]),
            case(S, "udp4 bind 127.0.0.1:P name wait recv", "bind=ok name=127.0.0.1:P recv=own").seen(&[
                "table udp L:P",
                "127.0.0.1 sends 127.0.0.1:P foreign",
                "127.0.0.1 sends L:P own",
            ]),
            case(S, "tcp4 bind L:P name listen wait", "bind=ok name=127.0.0.1:P listen=ok").seen(&["table tcp L:P"]),
            case(
                Context::of("--ip A --lback 127.44.0.1"),
                "tcp4 bind 127.0.0.1:P name listen wait",
                "bind=ok name=127.0.0.1:P listen=ok",
            )
            .seen(&["table tcp 127.44.0.1:P"]),
            case(Context::of("--ip A --lback 127.44.0.1"), "tcp4 bind 127.44.0.1:P name", "bind=ok name=127.0.0.1:P"),
            case(
                S.with("--loopback host"),
                "tcp4 bind 127.0.0.1:P name listen wait",
                "bind=ok name=127.0.0.1:P listen=ok",
            )
            .seen(&["table tcp 127.0.0.1:P", "127.0.0.1 reaches 127.0.0.1:P"]),
            case(S.with("--loopback host"), "tcp4 bind 127.0.0.2:P", "bind=EADDRNOTAVAIL"),
            case(P.with("--loopback host"), "tcp6 bind [::1]:P name listen wait", "bind=ok name=[::1]:P listen=ok")
                .seen(&["table tcp [::1]:P"]),
        ],
    ),
    row(
        "row_08",
        "Z: 127.0.0.1 cannot be bound",
        &[
            case(Z, "tcp4 bind 127.0.0.1:P", "bind=EADDRNOTAVAIL"),
            case(Z, "udp4 bind 127.0.0.1:P", "bind=EADDRNOTAVAIL"),
            case(Z, "tcp4 bind L:P", "bind=EADDRNOTAVAIL"),
            case(Z, "tcp4 bind 0.0.0.0:P name listen wait", "bind=ok name=A:P listen=ok")
                .seen(&["table tcp A:P", "R reaches A:P"]),
        ],
    ),
    row(
        "row_09",
        "broadcast addresses: that of all and those of own subnets, UDP alone",
        &[
            case(S, "udp4 bind ALL:P name wait recv", "bind=ok name=ALL:P recv=own").seen(&[
                "table udp ALL:P",
                "R sends A:P unicast",
                "R sends ALL:P own",
            ]),
            case(S, "udp4 bind BC:P name wait recv", "bind=ok name=BC:P recv=own").seen(&[
                "table udp BC:P",
                "R sends A:P unicast",
                "R sends BC:P own",
            ]),
            case(S, "udp4 bind CBC:P", "bind=EADDRNOTAVAIL"),
            case(Context::of("--ip A"), "udp4 bind BC:P", "bind=EADDRNOTAVAIL"),
            case(S, "tcp4 bind BC:P", "bind=EADDRNOTAVAIL"),
            case(S, "tcp4 bind ALL:P", "bind=EADDRNOTAVAIL"),
        ],
    ),
    row(
        "row_11",
        "raw and ping sockets cannot be bound to foreign addresses",
        &[
            case(RAW, "raw4 1 bind-ip F", "bind=EADDRNOTAVAIL").root(),
            case(RAW, "raw4 1 bind-ip N", "bind=EADDRNOTAVAIL").root(),
            case(RAW, "raw4 1 bind-ip A ping R", "bind=ok ping=ok").seen(&["icmp R sees A"]).root(),
            case(M.with("--raw-icmp"), "raw4 1 bind-ip B ping R", "bind=ok ping=ok").seen(&["icmp R sees B"]).root(),
            case(RAW, "raw4 1 bind-ip 0.0.0.0 ping RX", "bind=ok ping=ok").seen(&["icmp RX sees A"]).root(),
            case(P.with("--raw-icmp"), "raw6 58 bind-ip F6", "bind=EADDRNOTAVAIL").root(),
            case(P.with("--raw-icmp"), "raw6 58 bind-ip A6 ping R6", "bind=ok ping=ok")
                .seen(&["icmp R6 sees A6"])
                .root(),
            // Without the flag there are none.
            case(S, "raw4 1", "socket=EPERM"),
            case(P, "raw6 58", "socket=EPERM"),
            // The flag gives no rights.
            case(RAW, "raw4 1", "socket=EPERM").user().natively(),
            case(S, "ping4 bind-ip F", "bind=EADDRNOTAVAIL").given("ipv4.ping_group_range 0 2147483647"),
            case(S, "ping4 bind-ip A ping R", "bind=ok ping=ok")
                .given("ipv4.ping_group_range 0 2147483647")
                .seen(&["icmp R sees A"]),
            case(P, "ping6 bind-ip F6", "bind=EADDRNOTAVAIL").given("ipv4.ping_group_range 0 2147483647"),
        ],
    ),
    row(
        "row_12",
        "listen without bind: the primary, never the wildcard",
        &[
            case(S, "tcp4 listen name wait", "listen=ok name=A:45000")
                .given("ipv4.ip_local_port_range 45000 45000")
                .seen(&["table tcp A:45000", "R reaches A:45000", "R fails B:45000"]),
            case(M, "tcp4 listen name", "listen=ok name=A:*"),
            case(D, "tcp6 listen name wait", "listen=ok name=[::ffff:A]:45000")
                .given("ipv4.ip_local_port_range 45000 45000")
                .seen(&["table tcp A:45000", "R6 fails [A6]:45000"]),
            case(P, "tcp6 listen name wait", "listen=ok name=[A6]:45000")
                .given("ipv4.ip_local_port_range 45000 45000")
                .seen(&["table tcp [A6]:45000", "R6 fails [F6]:45000"]),
            case(S, "udp4 listen", "listen=EOPNOTSUPP").natively(),
            case(S, "udp4 bind A:P listen", "bind=ok listen=EOPNOTSUPP").natively(),
        ],
    ),
    row(
        "row_13",
        "bind twice: EINVAL",
        &[
            case(S, "tcp4 bind A:P bind A:P2 name", "bind=ok bind=EINVAL name=A:P").natively(),
            case(S, "udp4 bind A:P bind A:P2 name", "bind=ok bind=EINVAL name=A:P").natively(),
            case(S, "tcp4 bind 0.0.0.0:P bind 0.0.0.0:P", "bind=ok bind=EINVAL").natively(),
            case(S, "udp4 bind 0.0.0.0:0 bind A:0", "bind=ok bind=EINVAL").natively(),
        ],
    ),
    row(
        "row_14",
        "what is wrong with a call itself: the kernel's answer",
        &[
            case(S, "tcp4 bind-short 0.0.0.0:P", "bind=EINVAL").natively(),
            case(S, "udp4 bind-short A:P", "bind=EINVAL").natively(),
            case(S, "tcp4 bind-long 0.0.0.0:P", "bind=EINVAL").natively(),
            case(S, "tcp4 bind-fault", "bind=EFAULT").natively(),
            case(S, "tcp4 bind-unmapped", "bind=EFAULT").natively().cannot(FAULTS),
            case(S, "tcp4 bind-badfd 0.0.0.0:P", "bind=EBADF").natively(),
            case(S, "tcp4 bind-file 0.0.0.0:P", "bind=ENOTSOCK").natively(),
            case(S, "tcp4 bind [::1]:P", "bind=EAFNOSUPPORT").natively(),
            case(S, "tcp4 connect-fault", "connect=EFAULT").natively(),
            case(S, "udp4 connect-fault", "connect=EFAULT").natively(),
            case(S, "unix bind 10.0.0.1:P", "bind=EINVAL").natively(),
            case(S, "tcp4 bind unix:@name", "bind=EINVAL").natively(),
            case(S, "tcp4 bind unix:@longer-than-an-address", "bind=EAFNOSUPPORT").natively(),
            case(S, "use 0 listen", "listen=ENOTSOCK").natively(),
            case(S, "tcp4 connect unix:@name", "connect=EINVAL").natively(),
            case(S, "udp4 connect unix:@longer-than-an-address", "connect=EAFNOSUPPORT").natively(),
            // Wrong twice over: the kernel's order.
            case(S, "tcp4 bind A:P bind F:P", "bind=ok bind=EADDRNOTAVAIL"),
        ],
    ),
    row(
        "row_15",
        "privileged ports by the caller's rights, unless the policy grants them",
        &[
            case(S, "tcp4 bind 0.0.0.0:80 name", "bind=ok name=A:80").root(),
            case(S, "udp4 bind 127.0.0.1:80 name", "bind=ok name=127.0.0.1:80").root(),
            case(S, "tcp4 bind 0.0.0.0:80", "bind=EACCES").user().natively(),
            case(S, "tcp4 bind A:80", "bind=EACCES").user().natively(),
            case(S, "udp4 bind 127.0.0.1:80", "bind=EACCES").user().natively(),
            case(S, "tcp4 bind A:1023", "bind=EACCES").user().natively(),
            case(S, "tcp4 bind A:1024", "bind=ok").user().natively(),
            case(P, "udp6 bind [A6]:80", "bind=EACCES").user().natively(),
            // Root by its user id, but without the capability; before and inside.
            case(S, "tcp4 bind 0.0.0.0:80", "bind=EACCES")
                .inside("setpriv --inh-caps=-net_bind_service --bounding-set=-net_bind_service --")
                .root(),
            case(S, "udp4 bind A:80", "bind=EACCES")
                .around("setpriv --inh-caps=-net_bind_service --bounding-set=-net_bind_service --")
                .root(),
            // The supervisor could: it is root's. The program has become somebody else.
            case(S, "tcp4 bind 0.0.0.0:80 bind 0.0.0.0:P name", "bind=EACCES bind=ok name=A:P")
                .inside("setpriv --reuid=UID --regid=GID --clear-groups --")
                .root(),
            // All capabilities, but not over this network.
            case(S, "tcp4 bind 0.0.0.0:80", "bind=EACCES").inside("unshare --user --map-root-user").natively(),
            case(S, "tcp4 bind 0.0.0.0:80 name", "bind=ok name=A:80")
                .user()
                .given("ipv4.ip_unprivileged_port_start 80"),
            case(S, "tcp4 bind 0.0.0.0:79", "bind=EACCES").user().given("ipv4.ip_unprivileged_port_start 80"),
            case(S.with("--grant-port 80-82"), "tcp4 bind 0.0.0.0:81 name listen wait", "bind=ok name=A:81 listen=ok")
                .inside("setpriv --reuid=UID --regid=GID --clear-groups --")
                .seen(&["table tcp A:81"])
                .root()
                .cannot(NO_GRANTS),
            case(S.with("--grant-port 80-82"), "tcp4 bind A:83", "bind=EACCES")
                .inside("setpriv --reuid=UID --regid=GID --clear-groups --")
                .root()
                .cannot(NO_GRANTS),
            case(S.with("--grant-port 80-82"), "udp4 bind F:80", "bind=EADDRNOTAVAIL")
                .inside("setpriv --reuid=UID --regid=GID --clear-groups --")
                .root()
                .cannot(NO_GRANTS),
        ],
    ),
    row(
        "row_16",
        "families that the context has not: EAFNOSUPPORT, so that programs fall back",
        &[
            case(S, "tcp6", "socket=EAFNOSUPPORT"),
            case(S, "udp6", "socket=EAFNOSUPPORT"),
            case(M, "tcp6", "socket=EAFNOSUPPORT"),
            case(Z, "udp6", "socket=EAFNOSUPPORT"),
            case(P, "tcp4 bind 127.0.0.1:P name", "bind=ok name=127.0.0.1:P"),
            case(P.with("--loopback deny"), "tcp4", "socket=EAFNOSUPPORT"),
            case(P.with("--loopback deny"), "udp4", "socket=EAFNOSUPPORT"),
            case(D, "tcp6 tcp4 bind A:P", "bind=ok"),
            case(S, "mptcp4", "socket=EPROTONOSUPPORT"),
        ],
    ),
    row(
        "row_19",
        "D: A6, ::ffff:A may be bound, F6 and ::ffff:F not",
        &[
            case(D, "tcp6 bind [A6]:P name listen wait", "bind=ok name=[A6]:P listen=ok")
                .seen(&["table tcp [A6]:P", "R6 reaches [A6]:P"]),
            case(D, "tcp6 bind [F6]:P", "bind=EADDRNOTAVAIL"),
            case(D, "udp6 bind [F6]:P", "bind=EADDRNOTAVAIL"),
            case(D, "tcp6 opt dual bind [::ffff:A]:P name listen wait", "bind=ok name=[::ffff:A]:P listen=ok").seen(&[
                "table tcp A:P",
                "R reaches A:P",
                "R fails F:P",
            ]),
            case(D, "udp6 opt dual bind [::ffff:A]:P name wait recv", "bind=ok name=[::ffff:A]:P recv=own").seen(&[
                "table udp A:P",
                "R sends F:P foreign",
                "R sends A:P own",
            ]),
            case(D, "udp6 opt dual bind [::ffff:F]:P", "bind=EADDRNOTAVAIL"),
            case(D, "tcp6 opt dual bind [::ffff:F]:P", "bind=EADDRNOTAVAIL"),
            case(P, "udp6 bind [::ffff:A]:P", "bind=EADDRNOTAVAIL"),
        ],
    ),
    row(
        "row_22",
        "sockets that were made outside and inherited, or received, are judged like others",
        &[
            case(S, "fd 3 bind F:P name", "bind=EADDRNOTAVAIL name=0.0.0.0:0").around("probe tcp4 exec"),
            case(S, "fd 3 bind F:P name", "bind=EADDRNOTAVAIL name=0.0.0.0:0").around("probe udp4 exec"),
            case(S, "fd 3 bind 0.0.0.0:P name listen wait", "bind=ok name=A:P listen=ok")
                .around("probe tcp4 exec")
                .seen(&["table tcp A:P"]),
            case(S, "fd 3 bind 0.0.0.0:P name wait", "bind=ok name=A:P")
                .around("probe udp4 exec")
                .seen(&["table udp A:P"]),
            case(S, "fd 3 bind A:P name", "bind=ok name=A:P").around("probe tcp4 exec"),
            case(S, "fd 3 connect RX:P send", "connect=ok send=ok")
                .around("probe udp4 exec")
                .seen(&["udp RX:P sees A"]),
            case(S, "fd 3 sendto R:P", "sendto=EADDRNOTAVAIL")
                .around("probe udp4 bind F:P2 exec")
                .seen(&["udp R:P sees nobody"]),
            case(S, "fd 3 connect R:P", "connect=EADDRNOTAVAIL")
                .around("probe tcp4 bind F:P2 exec")
                .seen(&["tcp R:P sees nobody"]),
            case(S, "take unix:@P2 bind F:P name", "bind=EADDRNOTAVAIL name=0.0.0.0:0").beside(&[(
                OUTSIDE,
                "tcp4 pass unix:@P2",
                "",
            )]),
            case(S, "take unix:@P2 bind 0.0.0.0:P name", "bind=ok name=A:P").beside(&[(
                OUTSIDE,
                "tcp4 pass unix:@P2",
                "",
            )]),
            case(S, "take unix:@P2 sendto RX:P", "sendto=ok")
                .beside(&[(OUTSIDE, "udp4 pass unix:@P2", "")])
                .seen(&["udp RX:P sees A"]),
            case(S, "take unix:@P2 sendto R:P", "sendto=EADDRNOTAVAIL")
                .beside(&[(OUTSIDE, "udp4 bind F:P3 pass unix:@P2", "bind=ok")])
                .seen(&["udp R:P sees nobody"]),
        ],
    ),
    row(
        "inherited",
        "whatever a program executes is in the context",
        &[
            case(S, "tcp4 exec probe fd 3 bind F:P bind 0.0.0.0:P name", "bind=EADDRNOTAVAIL bind=ok name=A:P"),
            case(S, "tcp4 bind F:P bind 0.0.0.0:P name", "bind=EADDRNOTAVAIL bind=ok name=A:P").inside("setsid --wait"),
            case(S, "tcp4 bind F:P", "bind=EADDRNOTAVAIL").inside("env -i PATH=BIN").cannot(&[(
                "preload",
                "a program that is executed without the environment of the context runs without it, and a line says so",
            )]),
            case(S, "exec probe-raw tcp4 bind F:P", "bind=EADDRNOTAVAIL").cannot(&[(
                "preload",
                "there is no way into a static program from inside: it runs without the context, and a line says so",
            )]),
        ],
    ),
    row(
        "row_24",
        "SO_REUSEADDR and SO_REUSEPORT do what they do",
        &[
            case(S, "tcp4 bind 0.0.0.0:P listen tcp4 bind 0.0.0.0:P", "bind=ok listen=ok bind=EADDRINUSE").natively(),
            case(
                S,
                "tcp4 opt reuseport bind 0.0.0.0:P listen tcp4 opt reuseport bind 0.0.0.0:P listen wait",
                "bind=ok listen=ok bind=ok listen=ok",
            )
            .seen(&["table tcp A:P A:P"]),
            case(S, "udp4 opt reuseaddr bind 0.0.0.0:P udp4 opt reuseaddr bind 0.0.0.0:P", "bind=ok bind=ok")
                .natively(),
            case(S, "udp4 opt reuseport bind 0.0.0.0:P udp4 opt reuseport bind 0.0.0.0:P", "bind=ok bind=ok")
                .natively(),
            case(S, "udp4 bind 0.0.0.0:P udp4 opt reuseaddr bind 0.0.0.0:P", "bind=ok bind=EADDRINUSE").natively(),
            case(M, "udp4 opt reuseaddr bind 0.0.0.0:P udp4 opt reuseaddr bind 0.0.0.0:P", "bind=ok bind=ok")
                .natively(),
            case(M, "udp4 bind 0.0.0.0:P udp4 bind B:P", "bind=ok bind=EADDRINUSE").natively(),
        ],
    ),
    row(
        "row_25",
        "ports that the rules of the context forbid: EACCES",
        &[
            case(FIRST_ONLY, "tcp4 bind 0.0.0.0:P listen wait tcp4 bind A:P2", "bind=ok listen=ok bind=EACCES")
                .seen(&["table tcp A:P", "told A:P2/tcp"]),
            case(FIRST_ONLY, "udp4 bind 0.0.0.0:P2", "bind=EACCES"),
            case(FIRST_ONLY, "tcp4 bind 127.0.0.1:P2", "bind=EACCES"),
            case(FIRST_ONLY, "tcp4 bind 127.0.0.1:P name", "bind=ok name=127.0.0.1:P"),
            // The address comes before the port.
            case(FIRST_ONLY, "tcp4 bind F:P2", "bind=EADDRNOTAVAIL"),
            case(FIRST_ONLY, "tcp4 listen", "listen=EACCES"),
            case(FIRST_ONLY, "tcp4 bind 0.0.0.0:0 name listen", "bind=ok name=A:* listen=EACCES"),
            case(FIRST_ONLY, "udp4 bind 0.0.0.0:0 name sendto R:P3", "bind=ok name=A:* sendto=ok")
                .seen(&["udp R:P3 sees A"]),
            case(S.with("--allow-bind tcp:P"), "tcp4 bind A:P udp4 bind A:P", "bind=ok bind=EACCES"),
            case(S.with("--deny-bind P"), "tcp4 bind A:P bind A:P2", "bind=EACCES bind=ok"),
            case(S.with("--deny-bind udp:any"), "udp4 bind A:P tcp4 bind A:P", "bind=EACCES bind=ok"),
            case(S.with("--allow-bind P --deny-bind any"), "tcp4 bind A:P tcp4 bind A:P2", "bind=ok bind=EACCES"),
            case(P.with("--deny-bind P"), "tcp6 bind [::]:P udp6 bind [A6]:P", "bind=EACCES bind=EACCES"),
            case(
                D.with("--deny-bind P"),
                "udp6 opt dual bind [::ffff:A]:P udp6 bind [::]:P",
                "bind=EACCES bind=EACCES",
            ),
        ],
    ),
];
