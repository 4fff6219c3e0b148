//! Rows 3, 10, 17, 18, 20, 21, 23, 53: wildcards that serve several addresses, groups, dual-stack sockets, devices.

use crate::table::{Context, D, D2, D6, M, M2, NOBODY_LOOKS, OUTSIDE, P, P2, Reasons, Row, S, S2, case, row};

const MULTICAST: Context = S.with("--multicast");
const MULTICAST2: Context = S2.with("--multicast");
const MULTICAST6: Context = P.with("--multicast");
const ONE_IS_ASKED: Reasons = {
    const WHY: &str =
        "the kernel gives such a datagram to one of the sockets that share the port, and asks only that one's filter";
    &[("seccomp", WHY), ("hybrid", WHY), ("preload", WHY)]
};

pub(crate) const ROWS: &[Row] = &[
    row(
        "row_03",
        "M: a UDP wildcard serves all of the context's addresses, and no others",
        &[
            case(
                M,
                "udp4 bind 0.0.0.0:P name wait recv recv recv",
                "bind=ok name=0.0.0.0:P recv=one recv=two recv=three",
            )
            .seen(&[
                "table udp 0.0.0.0:P",
                "R sends F:P foreign",
                "127.0.0.1 sends 127.0.0.1:P foreign",
                "127.0.0.1 sends L1001:P foreign",
                "R sends A:P one",
                "R sends F:P foreign",
                "R sends B:P two",
                "127.0.0.1 sends L:P three",
                "nothing told",
            ]),
            // Where it came to is told.
            case(
                M,
                "udp4 opt pktinfo bind 0.0.0.0:P wait recvmsg recvmsg",
                "bind=ok recvmsg=one from=R:* to=B:0 recvmsg=two from=R:* to=A:0",
            )
            .seen(&["R sends B:P one", "R sends A:P two"]),
            // Broadcasts: those of its own subnets.
            case(M, "udp4 opt broadcast bind 0.0.0.0:P wait recv recv", "bind=ok recv=one recv=two").seen(&[
                "R2 sends CBC:P foreign",
                "R sends BC:P one",
                "R sends ALL:P two",
            ]),
            case(M, "udp4 bind 0.0.0.0:P udp4 sendto 127.0.0.1:P use 0 recv", "bind=ok sendto=ok recv=hello"),
            case(M, "udp4 bind 0.0.0.0:0 name", "bind=ok name=0.0.0.0:*"),
            // One that shares its port, while there is nobody to share it with.
            case(M, "udp4 opt reuseaddr bind 0.0.0.0:P name", "bind=ok name=0.0.0.0:P").cannot(&[(
                "preload",
                "nothing is remembered of sockets: who else is on the wildcard may be outside, so the primary alone is served, \
                 and a line says so",
            )]),
            // The port is taken on another address of the context.
            case(M, "udp4 bind B:P udp4 bind 0.0.0.0:P", "bind=ok bind=EADDRINUSE").natively(),
            case(M, "udp4 bind BC:P udp4 bind 0.0.0.0:P", "bind=ok bind=EADDRINUSE").natively(),
            // The filter stays: it cannot be taken off, and no other put in its place.
            case(
                M,
                "udp4 bind 0.0.0.0:P opt no-filter opt filter opt unlock-filter wait recv",
                "bind=ok no-filter=EPERM filter=EPERM unlock-filter=EPERM recv=own",
            )
            .seen(&["R sends F:P foreign", "R sends A:P own"]),
            // A filter of the program's own that is locked: there is no room for ours.
            // Nor may it keep the place from the context's for good.
            case(
                M,
                "udp4 opt filter opt lock-filter bind 0.0.0.0:P name wait recv",
                "lock-filter=EPERM bind=ok name=A:P recv=own",
            )
            .seen(&["table udp A:P", "R sends F:P foreign", "R sends A:P own", "told 0.0.0.0:P/udp A B"]),
            // Somebody has the port on a foreign address: it is ours on the primary.
            case(M, "udp4 bind 0.0.0.0:P name wait recv", "bind=ok name=A:P recv=own")
                .beside(&[(OUTSIDE, "udp4 bind F:P wait", "bind=ok")])
                .seen(&["table udp A:P F:P", "R sends A:P own", "told 0.0.0.0:P/udp A B"]),
            // Somebody has it everywhere.
            case(M, "udp4 bind 0.0.0.0:P", "bind=EADDRINUSE")
                .beside(&[(OUTSIDE, "udp4 bind 0.0.0.0:P wait", "bind=ok")])
                .seen(&["told 0.0.0.0:P/udp started under chbind"])
                .cannot(NOBODY_LOOKS),
            // A filter that the program puts there first and does not lock is replaced; the addresses hold.
            case(M, "udp4 opt filter bind 0.0.0.0:P wait recv", "bind=ok recv=own")
                .seen(&["R sends F:P foreign", "R sends A:P own"]),
            case(P2, "udp6 bind [::]:P name wait recv recv", "bind=ok name=[::]:P recv=one recv=two").seen(&[
                "table udp [::]:P",
                "R6 sends [F6]:P foreign",
                "R6 sends [A6]:P one",
                "R6 sends [F6]:P foreign",
                "R6 sends [B6]:P two",
                "nothing told",
            ]),
            case(P2, "udp6 opt v6only bind [::]:P name wait recv recv", "bind=ok name=[::]:P recv=one recv=two").seen(
                &["R sends A:P foreign", "R6 sends [F6]:P foreign", "R6 sends [B6]:P one", "R6 sends [A6]:P two"],
            ),
            case(P2, "udp6 opt pktinfo6 bind [::]:P wait recvmsg", "bind=ok recvmsg=one from=[R6]:* to=[B6]:0")
                .seen(&["R6 sends [B6]:P one"]),
        ],
    ),
    row(
        "row_10",
        "groups: EADDRNOTAVAIL, and allowed with --multicast",
        &[
            case(S, "udp4 bind MDNS:P", "bind=EADDRNOTAVAIL"),
            case(P, "udp6 bind [GROUP6]:P", "bind=EADDRNOTAVAIL"),
            case(MULTICAST, "tcp4 bind GROUP:P", "bind=EADDRNOTAVAIL"),
            case(MULTICAST, "udp4 bind MDNS:P name opt join:MDNS wait recv", "bind=ok name=MDNS:P recv=own").seen(&[
                "table udp MDNS:P",
                "R sends A:P unicast",
                "R sends MDNS:P own",
            ]),
            case(MULTICAST, "udp4 bind 0.0.0.0:P opt join:GROUP wait recv recv", "bind=ok recv=one recv=two").seen(&[
                "R sends F:P foreign",
                "R sends GROUP:P one",
                "R sends F:P foreign",
                "R sends A:P two",
            ]),
            // Two contexts, one group: both hear it.
            case(MULTICAST, "udp4 opt reuseaddr bind 0.0.0.0:P opt join:GROUP wait recv", "bind=ok recv=all")
                .beside(&[(
                    MULTICAST2,
                    "udp4 opt reuseaddr bind 0.0.0.0:P opt join:GROUP wait recv",
                    "bind=ok recv=all",
                )])
                .seen(&["R sends F:P foreign", "R sends GROUP:P all"]),
            // But what comes to one address alone does not find its way.
            case(MULTICAST, "udp4 opt reuseaddr bind 0.0.0.0:P opt nonblock wait recv", "bind=ok recv=first")
                .beside(&[(
                    MULTICAST2,
                    "udp4 opt reuseaddr bind 0.0.0.0:P opt nonblock wait recv",
                    "bind=ok recv=second",
                )])
                .seen(&["R sends B:P second", "R sends A:P first"])
                .cannot(ONE_IS_ASKED),
            case(MULTICAST, "udp4 opt reuseaddr bind GROUP:P opt join:GROUP wait recv", "bind=ok recv=all")
                .beside(&[(MULTICAST2, "udp4 opt reuseaddr bind GROUP:P opt join:GROUP wait recv", "bind=ok recv=all")])
                .seen(&["R sends GROUP:P all"]),
            case(MULTICAST6, "udp6 bind [::]:P opt join:GROUP6%w0 wait recv recv", "bind=ok recv=one recv=two")
                .seen(&["R6 sends [F6]:P foreign", "R6 sends [GROUP6]:P one", "R6 sends [A6]:P two"]),
            // Without the flag a wildcard hears no groups, joined or not.
            case(M, "udp4 bind 0.0.0.0:P opt join:GROUP wait recv", "bind=ok recv=own")
                .seen(&["R sends GROUP:P foreign", "R sends A:P own"]),
        ],
    ),
    row(
        "row_17",
        "D: :: with IPV6_V6ONLY is A6",
        &[
            case(D, "tcp6 opt v6only bind [::]:P name listen wait", "bind=ok name=[A6]:P listen=ok").seen(&[
                "table tcp [A6]:P",
                "R6 reaches [A6]:P",
                "R6 fails [F6]:P",
                "R fails A:P",
                "nothing told",
            ]),
            case(D, "udp6 opt v6only bind [::]:P name wait recv", "bind=ok name=[A6]:P recv=own").seen(&[
                "table udp [A6]:P",
                "R sends A:P foreign",
                "R6 sends [F6]:P foreign",
                "R6 sends [A6]:P own",
            ]),
            // Several: the primary of TCP, all of UDP (row 3).
            case(D2, "tcp6 opt v6only bind [::]:P name listen wait", "bind=ok name=[A6]:P listen=ok").seen(&[
                "table tcp [A6]:P",
                "R6 fails [B6]:P",
                "told [::]:P/tcp A6 B6",
            ]),
        ],
    ),
    row(
        "row_18",
        "D: a dual-stack :: of TCP is the primary, and a line tells of the other; of UDP it serves both families",
        &[
            case(D, "tcp6 bind [::]:P name listen wait", "bind=ok name=[::ffff:A]:P listen=ok").seen(&[
                "table tcp A:P",
                "R reaches A:P",
                "R6 fails [A6]:P",
                "told [::]:P/tcp A only, A6",
            ]),
            case(D6, "tcp6 bind [::]:P name listen wait", "bind=ok name=[A6]:P listen=ok").seen(&[
                "table tcp [A6]:P",
                "R6 reaches [A6]:P",
                "R fails A:P",
                "told [::]:P/tcp A6 only, A",
            ]),
            case(D, "udp6 bind [::]:P name wait recv recv recv", "bind=ok name=[::]:P recv=one recv=two recv=three")
                .seen(&[
                    "table udp [::]:P",
                    "R sends F:P foreign",
                    "R6 sends [F6]:P foreign",
                    "127.0.0.1 sends 127.0.0.1:P foreign",
                    "R sends A:P one",
                    "R6 sends [F6]:P foreign",
                    "R6 sends [A6]:P two",
                    "127.0.0.1 sends L:P three",
                    "nothing told",
                ]),
            case(D6, "udp6 bind [::]:P name wait recv recv", "bind=ok name=[::]:P recv=one recv=two").seen(&[
                "R sends F:P foreign",
                "R sends A:P one",
                "R6 sends [A6]:P two",
            ]),
            case(D2, "udp6 bind [::]:P wait recv recv", "bind=ok recv=one recv=two").seen(&[
                "R sends F:P foreign",
                "R sends B:P one",
                "R6 sends [F6]:P foreign",
                "R6 sends [B6]:P two",
            ]),
        ],
    ),
    row(
        "row_20",
        "D: ::ffff:0.0.0.0 is ::ffff:A, ::ffff:127.0.0.1 is ::ffff:L",
        &[
            case(D, "tcp6 opt dual bind [::ffff:0.0.0.0]:P name listen wait", "bind=ok name=[::ffff:A]:P listen=ok")
                .seen(&["table tcp A:P", "R reaches A:P", "R fails F:P"]),
            case(D, "udp6 opt dual bind [::ffff:0.0.0.0]:P name wait recv", "bind=ok name=[::ffff:A]:P recv=own")
                .seen(&["table udp A:P", "R sends F:P foreign", "R sends A:P own"]),
            case(
                D,
                "tcp6 opt dual bind [::ffff:127.0.0.1]:P name listen wait",
                "bind=ok name=[::ffff:127.0.0.1]:P listen=ok",
            )
            .seen(&["table tcp L:P", "127.0.0.1 fails 127.0.0.1:P"]),
            case(D, "udp6 opt dual bind [::ffff:127.0.0.1]:P name wait", "bind=ok name=[::ffff:127.0.0.1]:P")
                .seen(&["table udp L:P"]),
            case(D, "tcp6 opt v6only bind [::ffff:A]:P", "bind=EINVAL").natively(),
        ],
    ),
    row(
        "row_21",
        "D: ::1 is ::ffff:L on a dual-stack socket, EADDRNOTAVAIL on others, never the host's",
        &[
            case(D, "tcp6 bind [::1]:P name listen wait", "bind=ok name=[::ffff:127.0.0.1]:P listen=ok")
                .seen(&["table tcp L:P", "::1 fails [::1]:P"]),
            case(D, "udp6 bind [::1]:P wait", "bind=ok").seen(&["table udp L:P"]),
            case(D, "tcp6 opt v6only bind [::1]:P", "bind=EADDRNOTAVAIL"),
            case(D, "udp6 opt v6only bind [::1]:P", "bind=EADDRNOTAVAIL"),
            case(D.with("--loopback deny"), "tcp6 bind [::1]:P", "bind=EADDRNOTAVAIL"),
            case(
                D.with("--lback X6"),
                "tcp6 opt v6only bind [::1]:P name listen wait",
                "bind=ok name=[::1]:P listen=ok",
            )
            .seen(&["table tcp [X6]:P"]),
            case(P.with("--lback X6"), "udp6 bind [::1]:P name wait", "bind=ok name=[::1]:P")
                .seen(&["table udp [X6]:P"]),
        ],
    ),
    row(
        "row_23",
        "SO_BINDTODEVICE: the address rules hold, and the source is one that goes with the device if it is own",
        &[
            case(S, "tcp4 opt dev:w1 bind C:P", "bind=EADDRNOTAVAIL"),
            case(S, "udp4 opt dev:w1 bind G:P", "bind=EADDRNOTAVAIL"),
            case(S, "tcp4 opt dev:w0 bind 0.0.0.0:P name listen wait", "bind=ok name=A:P listen=ok")
                .seen(&["table tcp A:P", "R reaches A:P"]),
            // Natively the source would be C.
            // (The answer comes by the other wire, so this goes no further.)
            case(S, "tcp4 opt dev:w1 opt nonblock connect RC:P name", "connect=EINPROGRESS name=A:*"),
            case(S, "udp4 opt dev:w1 connect RC:P name send", "connect=ok name=A:* send=ok").seen(&["udp RC:P sees A"]),
            case(S, "udp4 opt dev:w1 sendto RC:P", "sendto=ok").seen(&["udp RC:P sees A"]),
            case(M2, "tcp4 connect RC:P name", "connect=ok name=A:*").seen(&["tcp RC:P sees A"]),
            case(M2, "tcp4 opt dev:w1 connect RC:P name", "connect=ok name=C:*").seen(&["tcp RC:P sees C"]),
            case(M2, "udp4 opt dev:w1 connect RC:P name send", "connect=ok name=C:* send=ok")
                .seen(&["udp RC:P sees C"]),
            case(M2, "udp4 sendto RC:P", "sendto=ok").seen(&["udp RC:P sees A"]),
            case(M2, "udp4 opt dev:w1 sendto RC:P", "sendto=ok").seen(&["udp RC:P sees C"]),
            case(M2, "udp4 opt dev:w1 bind 0.0.0.0:P2 sendto RC:P", "bind=ok sendto=ok").seen(&["udp RC:P sees C"]),
            case(M2.with("--keep-cap net_admin"), "tcp4 opt mark:7 connect RC:P name", "connect=ok name=C:*")
                .seen(&["tcp RC:P sees C"])
                .root(),
            case(M2.with("--keep-cap net_admin"), "udp4 opt mark:7 sendto RC:P", "sendto=ok")
                .seen(&["udp RC:P sees C"])
                .root(),
        ],
    ),
    row(
        "row_53",
        "M: a UDP wildcard server answers from an own address: the kernel's choice if it is one, what it names by PKTINFO",
        &[
            case(M, "udp4 bind 0.0.0.0:P wait serve serve", "bind=ok serve=question serve=question").seen(&[
                "go",
                "R asks A:P from A",
                "R asks B:P from A",
            ]),
            // The kernel would choose B towards RB, and F, which is nobody's here, towards RF.
            case(
                M,
                "udp4 bind 0.0.0.0:P wait serve serve serve",
                "bind=ok serve=question serve=question serve=question",
            )
            .seen(&["go", "RB asks B:P from B", "RB asks A:P from B", "RF asks B:P from A"]),
            case(
                M,
                "udp4 opt pktinfo bind 0.0.0.0:P wait serve-back serve-back serve-back",
                "bind=ok serve=question serve=question serve=question",
            )
            .seen(&["go", "R asks B:P from B", "R asks A:P from A", "RF asks B:P from B"]),
            case(P2, "udp6 bind [::]:P wait serve serve", "bind=ok serve=question serve=question").seen(&[
                "go",
                "RB6 asks [B6]:P from B6",
                "RF6 asks [A6]:P from A6",
            ]),
            case(
                P2,
                "udp6 opt pktinfo6 bind [::]:P wait serve-back serve-back",
                "bind=ok serve=question serve=question",
            )
            .seen(&["go", "R6 asks [B6]:P from B6", "R6 asks [A6]:P from A6"]),
            case(D, "udp6 bind [::]:P wait serve serve", "bind=ok serve=question serve=question").seen(&[
                "go",
                "RX asks A:P from A",
                "RX6 asks [A6]:P from A6",
            ]),
            case(
                D2,
                "udp6 opt pktinfo6 bind [::]:P wait serve-back serve-back",
                "bind=ok serve=question serve=question",
            )
            .seen(&["go", "R asks B:P from B", "R6 asks [B6]:P from B6"]),
            // A wildcard may be connected, and speaks from then on as rows 31 to 33 say.
            case(M, "udp4 bind 0.0.0.0:P2 connect RB:P name send", "bind=ok connect=ok name=B:P2 send=ok")
                .seen(&["udp RB:P sees B"]),
            case(M, "udp4 bind 0.0.0.0:P2 connect RF:P name send", "bind=ok connect=ok name=A:P2 send=ok")
                .seen(&["udp RF:P sees A"]),
            case(D, "udp6 bind [::]:P2 connect [RX6]:P send", "bind=ok connect=ok send=ok")
                .seen(&["udp [RX6]:P sees A6"]),
            case(D, "udp6 bind [::]:P2 connect [::ffff:RX]:P send", "bind=ok connect=ok send=ok")
                .seen(&["udp RX:P sees A"]),
            // On loopback it answers from loopback.
            case(
                M,
                "udp4 bind 0.0.0.0:P udp4 connect 127.0.0.1:P send use 0 serve use 1 recv",
                "bind=ok connect=ok send=ok serve=hello recv=re:hello",
            ),
        ],
    ),
];
