//! Rows 42 to 45, 48 to 50: datagrams, the source that a message names, raw and ping sockets, groups and broadcasts, what is
//! not touched.

use crate::table::{Context, D, D2, M, M2, P, P2, Row, S, case, row};

const RAW: Context = S.with("--raw-icmp");
/// The host would speak from A.
const ONLY_B: Context = Context::of("--ip B/24");
const ONLY_B_GROUPS: Context = Context::of("--ip B/24 --multicast");
const MULTICAST: Context = S.with("--multicast");
const PING: &str = "ipv4.ping_group_range 0 2147483647";

pub(crate) const ROWS: &[Row] = &[
    row(
        "row_42",
        "an unbound datagram socket sends from an own address",
        &[
            case(S, "udp4 sendto R:P", "sendto=ok").seen(&["udp R:P sees A", "nothing told"]),
            case(S, "udp4 sendmsg RX:P", "sendmsg=ok").seen(&["udp RX:P sees A"]),
            case(S, "udp4 sendmmsg RX:P", "sendmmsg=ok").seen(&["udp RX:P sees A"]),
            case(S, "udp4 sendto F:P", "sendto=ok").seen(&["udp F:P sees A"]),
            case(Context::of("--ip B/24"), "udp4 sendto R:P", "sendto=ok").seen(&["udp R:P sees B"]),
            case(S, "udp4 sendto R:P name wait recv", "sendto=ok name=A:45000 recv=own")
                .given("ipv4.ip_local_port_range 45000 45000")
                .seen(&["table udp A:45000", "F sends F:45000 foreign", "F sends A:45000 own"]),
            // Bound to an IPv6 address it has IPv6 alone (__inet6_bind). Connected there it reaches IPv4 still, towards which that
            // address is no source: the message names one.
            case(D, "udp6 bind [A6]:P2 sendto [::ffff:R]:P sendto [R6]:P", "bind=ok sendto=ENETUNREACH sendto=ok")
                .seen(&["udp R:P sees nobody", "udp [R6]:P sees A6"])
                .natively(),
            case(D, "udp6 connect [R6]:P2 sendmsg [::ffff:RX]:P", "connect=ok sendmsg=ok").seen(&["udp RX:P sees A"]),
            // Several sources, one socket: each message gets its own.
            case(
                M,
                "udp4 sendto R:P sendto RB:P2 sendto RF:P3 sendto RB:P2",
                "sendto=ok sendto=ok sendto=ok sendto=ok",
            )
            .seen(&["udp R:P sees A", "udp RB:P2 sees B", "udp RB:P2 sees B", "udp RF:P3 sees A"]),
            case(M, "udp4 sendmsg RB:P sendmsg R:P2", "sendmsg=ok sendmsg=ok")
                .seen(&["udp RB:P sees B", "udp R:P2 sees A"]),
            case(M, "udp4 sendmmsg-each ->R:P,->RB:P2,->RF:P3", "sendmmsg=3").seen(&[
                "udp R:P sees A m1",
                "udp RB:P2 sees B m2",
                "udp RF:P3 sees A m3",
            ]),
            case(M2, "udp4 sendto RG:P sendto RX:P2", "sendto=ok sendto=ok")
                .seen(&["udp RG:P sees C", "udp RX:P2 sees A"]),
            // And hears on own addresses alone.
            case(M, "udp4 sendto R:P name wait recv recv", "sendto=ok name=0.0.0.0:45000 recv=one recv=two")
                .given("ipv4.ip_local_port_range 45000 45000")
                .seen(&[
                    "table udp 0.0.0.0:45000",
                    "R sends F:45000 foreign",
                    "R sends A:45000 one",
                    "R sends B:45000 two",
                ]),
            case(S, "udp4 sendto 127.0.0.1:P2 sendto RX:P", "sendto=ok sendto=ok").seen(&["udp RX:P sees A"]),
            case(P, "udp6 sendto [RX6]:P", "sendto=ok").seen(&["udp [RX6]:P sees A6"]),
            case(P2, "udp6 sendto [RB6]:P sendto [RF6]:P2", "sendto=ok sendto=ok")
                .seen(&["udp [RB6]:P sees B6", "udp [RF6]:P2 sees A6"]),
            // One dual-stack socket, both families.
            case(D, "udp6 sendto [RX6]:P sendto [::ffff:RX]:P2 sendto [R6]:P3", "sendto=ok sendto=ok sendto=ok")
                .seen(&["udp [RX6]:P sees A6", "udp RX:P2 sees A", "udp [R6]:P3 sees A6"]),
            case(D2, "udp6 sendmmsg-each ->[::ffff:RB]:P,->[RB6]:P2", "sendmmsg=2")
                .seen(&["udp RB:P sees B m1", "udp [RB6]:P2 sees B6 m2"]),
            case(D, "udp4 sendto RX:P", "sendto=ok").seen(&["udp RX:P sees A"]),
            case(Context::of("--ip LL"), "udp6 sendto [RLL]:P", "sendto=ok").seen(&["udp [RLL]:P sees LL"]),
            case(S, "udp4 write", "write=EDESTADDRREQ").natively(),
        ],
    ),
    row(
        "row_43",
        "PKTINFO that names a foreign address: EPERM, and nothing is sent",
        &[
            case(S, "udp4 sendmsg-from F R:P", "sendmsg=EPERM").seen(&["udp R:P sees nobody", "told F A"]),
            case(S, "udp4 bind A:P2 sendmsg-from F R:P", "bind=ok sendmsg=EPERM").seen(&["udp R:P sees nobody"]),
            case(S, "udp4 connect R:P sendmsg-from F -", "connect=ok sendmsg=EPERM").seen(&["udp R:P sees nobody"]),
            case(S, "udp4 sendmsg-from F%w0 R:P", "sendmsg=EPERM").seen(&["udp R:P sees nobody"]),
            case(S, "udp4 sendmsg-from L1001 R:P", "sendmsg=EPERM").seen(&["udp R:P sees nobody"]),
            case(M, "udp4 bind 0.0.0.0:P2 sendmsg-from F R:P", "bind=ok sendmsg=EPERM").seen(&["udp R:P sees nobody"]),
            case(M, "udp4 sendmsg-from F R:P", "sendmsg=EPERM").seen(&["udp R:P sees nobody"]),
            case(P, "udp6 sendmsg-from F6 [R6]:P", "sendmsg=EPERM").seen(&["udp [R6]:P sees nobody"]),
            case(P, "udp6 sendmsg-from old:F6 [R6]:P", "sendmsg=EPERM").seen(&["udp [R6]:P sees nobody"]),
            case(P, "udp6 connect [R6]:P sendmsg-from F6 -", "connect=ok sendmsg=EPERM")
                .seen(&["udp [R6]:P sees nobody"]),
            case(P2, "udp6 bind [::]:P2 sendmsg-from F6 [R6]:P", "bind=ok sendmsg=EPERM")
                .seen(&["udp [R6]:P sees nobody"]),
            case(D, "udp6 sendmsg-from ::ffff:F [::ffff:R]:P", "sendmsg=EPERM").seen(&["udp R:P sees nobody"]),
            case(D, "udp6 sendmsg-from F [::ffff:R]:P", "sendmsg=EPERM").seen(&["udp R:P sees nobody"]),
            case(
                D,
                "udp6 bind [::]:P2 sendmsg-from F6 [R6]:P sendmsg-from F [::ffff:R]:P",
                "bind=ok sendmsg=EPERM sendmsg=EPERM",
            )
            .seen(&["udp [R6]:P sees nobody", "udp R:P sees nobody"]),
            // Sticky.
            case(P, "udp6 opt sticky:F6 sendto [RX6]:P", "sticky=EPERM sendto=ok").seen(&["udp [RX6]:P sees A6"]),
            case(P, "udp6 opt sticky:F6%w0 connect [RX6]:P send", "sticky=EPERM connect=ok send=ok")
                .seen(&["udp [RX6]:P sees A6"]),
            case(D, "udp6 opt sticky:::ffff:F sendto [::ffff:RX]:P", "sticky=EPERM sendto=ok")
                .seen(&["udp RX:P sees A"]),
            case(P, "tcp6 opt sticky:F6 connect [RX6]:P", "sticky=EPERM connect=ok").seen(&["tcp [RX6]:P sees A6"]),
            // Source routes as well.
            case(S, "udp4 opt source-route sendto RX:P", "source-route=EPERM sendto=ok").seen(&["udp RX:P sees A"]),
        ],
    ),
    row(
        "row_44",
        "PKTINFO that names an own address, or none, or an interface, works",
        &[
            case(S, "udp4 sendmsg-from A RX:P", "sendmsg=ok").seen(&["udp RX:P sees A"]),
            case(S, "udp4 sendmsg-from A%w0 R:P", "sendmsg=ok").seen(&["udp R:P sees A"]),
            case(S, "udp4 sendmsg-from 0.0.0.0 RX:P", "sendmsg=ok").seen(&["udp RX:P sees A"]),
            case(S, "udp4 sendmsg-from 0.0.0.0%w0 RX:P", "sendmsg=ok").seen(&["udp RX:P sees A"]),
            case(S, "udp4 bind A:P2 sendmsg-from 0.0.0.0%w0 RX:P", "bind=ok sendmsg=ok").seen(&["udp RX:P sees A"]),
            case(S, "udp4 connect RX:P sendmsg-from 0.0.0.0 -", "connect=ok sendmsg=ok").seen(&["udp RX:P sees A"]),
            case(M, "udp4 sendmsg-from B R:P", "sendmsg=ok").seen(&["udp R:P sees B"]),
            case(M, "udp4 bind 0.0.0.0:P2 sendmsg-from B R:P sendmsg-from A RB:P", "bind=ok sendmsg=ok sendmsg=ok")
                .seen(&["udp R:P sees B", "udp RB:P sees A"]),
            case(M, "udp4 bind 0.0.0.0:P2 sendmsg-from 0.0.0.0%w0 RF:P", "bind=ok sendmsg=ok")
                .seen(&["udp RF:P sees A"]),
            case(M, "udp4 connect R:P sendmsg-from B - send", "connect=ok sendmsg=ok send=ok")
                .seen(&["udp R:P sees B", "udp R:P sees A"]),
            // The interface decides the way, and with it the source.
            case(M2, "udp4 sendmsg-from 0.0.0.0%w1 RC:P", "sendmsg=ok").seen(&["udp RC:P sees C"]),
            case(P, "udp6 sendmsg-from A6 [RX6]:P", "sendmsg=ok").seen(&["udp [RX6]:P sees A6"]),
            case(P, "udp6 sendmsg-from ::%w0 [RX6]:P", "sendmsg=ok").seen(&["udp [RX6]:P sees A6"]),
            case(P2, "udp6 sendmsg-from B6 [R6]:P sendmsg-from old:B6 [R6]:P", "sendmsg=ok sendmsg=ok")
                .seen(&["udp [R6]:P sees B6", "udp [R6]:P sees B6"]),
            case(P2, "udp6 bind [::]:P2 sendmsg-from B6%w0 [R6]:P", "bind=ok sendmsg=ok").seen(&["udp [R6]:P sees B6"]),
            case(D, "udp6 sendmsg-from ::ffff:A [::ffff:RX]:P", "sendmsg=ok").seen(&["udp RX:P sees A"]),
            case(
                D2,
                "udp6 bind [::]:P2 sendmsg-from ::ffff:B [::ffff:R]:P sendmsg-from B [::ffff:R]:P",
                "bind=ok sendmsg=ok sendmsg=ok",
            )
            .seen(&["udp R:P sees B", "udp R:P sees B"]),
            // Linux takes the interface alone from a sticky one.
            case(P2, "udp6 opt sticky:B6 sendto [R6]:P", "sendto=ok").seen(&["udp [R6]:P sees A6"]).natively(),
            case(P2, "udp6 opt sticky:B6%w0 connect [R6]:P send", "connect=ok send=ok")
                .seen(&["udp [R6]:P sees A6"])
                .natively(),
            // 127.0.0.1 is L.
            case(
                S,
                "udp4 bind 127.0.0.1:P udp4 sendmsg-from 127.0.0.1 127.0.0.1:P use 0 recvmsg",
                "bind=ok sendmsg=ok recvmsg=hello from=SEEN:*",
            ),
            case(
                M,
                "udp4 bind 127.0.0.1:P udp4 bind 0.0.0.0:P2 sendmsg-from 127.0.0.1 127.0.0.1:P use 0 recvmsg",
                "bind=ok bind=ok sendmsg=ok recvmsg=hello from=SEEN:P2",
            ),
        ],
    ),
    row(
        "row_45",
        "sendmmsg ends before the message with a bad source, and says how many were sent",
        &[
            case(S, "udp4 sendmmsg-each A>R:P,F>R:P,A>R:P", "sendmmsg=1").seen(&[
                "udp R:P sees A m1",
                "udp R:P sees nobody",
                "told F A",
            ]),
            case(S, "udp4 sendmmsg-each F>R:P,A>R:P", "sendmmsg=EPERM").seen(&["udp R:P sees nobody"]),
            case(S, "udp4 sendmmsg-each ->R:P,A>R:P,0.0.0.0>R:P", "sendmmsg=3").seen(&[
                "udp R:P sees A m1",
                "udp R:P sees A m2",
                "udp R:P sees A m3",
            ]),
            case(M, "udp4 bind 0.0.0.0:P2 sendmmsg-each B>R:P,A>R:P,->RB:P,F>R:P", "bind=ok sendmmsg=3").seen(&[
                "udp R:P sees B m1",
                "udp R:P sees A m2",
                "udp RB:P sees B m3",
                "udp R:P sees nobody",
            ]),
            case(P, "udp6 sendmmsg-each A6>[R6]:P,F6>[R6]:P", "sendmmsg=1")
                .seen(&["udp [R6]:P sees A6 m1", "udp [R6]:P sees nobody"]),
            case(S.with("--loopback deny"), "udp4 sendmmsg-each ->R:P,->127.0.0.1:P,->R:P", "sendmmsg=1").seen(&[
                "udp R:P sees A m1",
                "udp R:P sees nobody",
                "udp 127.0.0.1:P sees nobody",
            ]),
            case(S, "udp4 connect R:P sendmmsg-each A>-,->-,F>-", "connect=ok sendmmsg=2").seen(&[
                "udp R:P sees A m1",
                "udp R:P sees A m2",
                "udp R:P sees nobody",
            ]),
        ],
    ),
    row(
        "row_48",
        "raw and ping sockets send from A; headers of the program's own are refused",
        &[
            case(S, "ping4 ping R", "ping=ok").given(PING).seen(&["icmp R sees A"]),
            case(S, "ping4 ping RX", "ping=ok").given(PING).seen(&["icmp RX sees A"]),
            case(S, "ping4 connect-ip RX ping -", "connect=ok ping=ok").given(PING).seen(&["icmp RX sees A"]),
            case(M, "ping4 ping RB", "ping=ok").given(PING).seen(&["icmp RB sees B"]),
            case(P, "ping6 ping RX6", "ping=ok").given(PING).seen(&["icmp RX6 sees A6"]),
            case(P2, "ping6 ping RB6", "ping=ok").given(PING).seen(&["icmp RB6 sees B6"]),
            case(RAW, "raw4 1 ping R", "ping=ok").seen(&["icmp R sees A"]).root(),
            case(RAW, "raw4 1 ping RX", "ping=ok").seen(&["icmp RX sees A"]).root(),
            case(RAW, "raw4 1 connect-ip RX ping -", "connect=ok ping=ok").seen(&["icmp RX sees A"]).root(),
            case(P.with("--raw-icmp"), "raw6 58 ping RX6", "ping=ok").seen(&["icmp RX6 sees A6"]).root(),
            case(RAW, "raw4 1 opt hdrincl ping RX", "hdrincl=EPERM ping=ok").seen(&["icmp RX sees A"]).root(),
            case(P.with("--raw-icmp"), "raw6 58 opt hdrincl6 ping RX6", "hdrincl6=EPERM ping=ok")
                .seen(&["icmp RX6 sees A6"])
                .root(),
            case(RAW, "raw4 255 packet F R", "socket=EPERM").seen(&["icmp R sees nobody"]).root(),
            case(RAW, "raw4 17", "socket=EPERM").root(),
            case(RAW, "raw4 6", "socket=EPERM").root(),
            case(P.with("--raw-icmp"), "raw6 255", "socket=EPERM").root(),
            case(S, "raw4 1", "socket=EPERM"),
            case(S, "raw4 255", "socket=EPERM"),
            case(S.with("--keep-cap net_raw"), "raw4 255", "socket=EPERM").root(),
        ],
    ),
    row(
        "row_49",
        "broadcasts and groups: the source is A; an interface by a foreign address is EADDRNOTAVAIL",
        &[
            case(S, "udp4 opt broadcast sendto BC:P", "sendto=ok").seen(&["udp BC:P sees A"]),
            case(S, "udp4 opt broadcast sendto ALL:P", "sendto=ok").seen(&["udp ALL:P sees A"]),
            case(S, "udp4 opt broadcast connect BC:P send", "connect=ok send=ok").seen(&["udp BC:P sees A"]),
            case(S, "udp4 sendto BC:P", "sendto=EACCES").seen(&["udp BC:P sees nobody"]).natively(),
            case(S, "udp4 sendto GROUP:P", "sendto=ok").seen(&["udp GROUP:P sees A"]),
            case(S, "udp4 connect GROUP:P send", "connect=ok send=ok").seen(&["udp GROUP:P sees A"]),
            // Natively all of these would come from A.
            case(ONLY_B, "udp4 opt broadcast sendto BC:P", "sendto=ok").seen(&["udp BC:P sees B"]),
            case(ONLY_B, "udp4 opt broadcast sendto ALL:P", "sendto=ok").seen(&["udp ALL:P sees B"]),
            case(ONLY_B, "udp4 opt broadcast bind BC:P2 sendto BC:P", "bind=ok sendto=ok").seen(&["udp BC:P sees B"]),
            case(ONLY_B, "udp4 sendto GROUP:P", "sendto=ok").seen(&["udp GROUP:P sees B"]),
            case(ONLY_B, "udp4 connect GROUP:P send", "connect=ok send=ok").seen(&["udp GROUP:P sees B"]),
            case(ONLY_B, "udp4 opt multicast-if-long:0.0.0.0%w0 sendto GROUP:P", "sendto=ok")
                .seen(&["udp GROUP:P sees B"]),
            case(ONLY_B_GROUPS, "udp4 bind MDNS:P sendto MDNS:P", "bind=ok sendto=ok").seen(&["udp MDNS:P sees B"]),
            case(ONLY_B_GROUPS, "udp4 bind 0.0.0.0:P sendto MDNS:P", "bind=ok sendto=ok").seen(&["udp MDNS:P sees B"]),
            case(Context::of("--ip B6/64"), "udp6 opt multicast-if:::%w0 sendto [GROUP6]:P", "sendto=ok")
                .seen(&["udp [GROUP6]:P sees B6"]),
            case(M, "udp4 bind 0.0.0.0:P2 sendto GROUP:P", "bind=ok sendto=ok").seen(&["udp GROUP:P sees A"]),
            case(S, "udp4 opt multicast-if:F sendto GROUP:P", "multicast-if=EADDRNOTAVAIL sendto=ok")
                .seen(&["udp GROUP:P sees A"]),
            case(S, "udp4 opt multicast-if-long:F sendto GROUP:P", "multicast-if-long=EADDRNOTAVAIL sendto=ok")
                .seen(&["udp GROUP:P sees A"]),
            case(S, "udp4 opt multicast-if:A sendto GROUP:P", "sendto=ok").seen(&["udp GROUP:P sees A"]),
            case(M, "udp4 opt multicast-if:B sendto GROUP:P", "sendto=ok").seen(&["udp GROUP:P sees B"]),
            case(S, "udp4 opt multicast-if:127.0.0.1 opt multicast-if:0.0.0.0 sendto GROUP:P", "sendto=ok")
                .seen(&["udp GROUP:P sees A"]),
            case(S, "udp4 opt multicast-if-long:0.0.0.0%w0 sendto GROUP:P", "sendto=ok").seen(&["udp GROUP:P sees A"]),
            case(S, "udp4 bind A:P2 opt multicast-if:F sendto GROUP:P", "bind=ok multicast-if=EADDRNOTAVAIL sendto=ok")
                .seen(&["udp GROUP:P sees A"]),
            case(P, "udp6 opt multicast-if:::%w0 sendto [GROUP6]:P", "sendto=ok").seen(&["udp [GROUP6]:P sees A6"]),
            case(MULTICAST, "udp4 bind MDNS:P sendto MDNS:P", "bind=ok sendto=ok").seen(&["udp MDNS:P sees A"]),
            case(MULTICAST, "udp4 bind 0.0.0.0:P sendto MDNS:P", "bind=ok sendto=ok").seen(&["udp MDNS:P sees A"]),
            case(S, "udp4 opt broadcast bind BC:P2 sendto BC:P", "bind=ok sendto=ok").seen(&["udp BC:P sees A"]),
        ],
    ),
    row(
        "row_50",
        "connected sockets: sends and receives need nobody, and work when the supervisor is dead",
        &[
            case(
                S,
                "udp4 connect R:P wait send write sendfile splice",
                "connect=ok send=ok write=ok sendfile=ok splice=ok",
            )
            .seen(&[
                "supervisor dies",
                "udp R:P sees A",
                "udp R:P sees A",
                "udp R:P sees A",
                "udp R:P sees A",
            ]),
            case(
                S,
                "tcp4 connect R:P wait send write sendfile splice",
                "connect=ok send=ok write=ok sendfile=ok splice=ok",
            )
            .seen(&["supervisor dies", "tcp R:P sees A hellohellohellohello"]),
            case(P, "udp6 connect [R6]:P wait send write", "connect=ok send=ok write=ok").seen(&[
                "supervisor dies",
                "udp [R6]:P sees A6",
                "udp [R6]:P sees A6",
            ]),
            case(S, "udp4 bind A:P wait recv recvmsg", "bind=ok recv=one recvmsg=two from=R:*").seen(&[
                "supervisor dies",
                "R sends A:P one",
                "R sends A:P two",
            ]),
            case(
                S,
                "tcp4 bind A:P listen tcp4 connect A:P use 0 accept wait send use 1 recv send use 2 recv",
                "bind=ok listen=ok connect=ok accept=A:* send=ok recv=hello send=ok recv=hello",
            )
            .seen(&["supervisor dies"]),
            // What names an address does need it.
            case(S, "udp4 connect R:P wait sendto R:P sendmsg R:P", "connect=ok sendto=ENOSYS sendmsg=ENOSYS")
                .seen(&["supervisor dies", "udp R:P sees nobody"])
                .supervised(),
            case(S, "udp4 connect R:P wait sendto R:P sendmsg R:P", "connect=ok sendto=ok sendmsg=ok")
                .seen(&["supervisor dies", "udp R:P sees A", "udp R:P sees A"])
                .in_process(),
        ],
    ),
];
