//! Rows 31 to 41, 46, 47, 51, 52: connect.

use crate::table::{
    Context, D, D2, KEEPS_ONE, KEEPS_SOURCE, M, M2, OUTSIDE, P, P2, Reasons, Row, S, S1, S2, Z, case, row,
};

const HOST_PORT: Context = S.with("--host-loopback P");
const HOST: Context = S.with("--loopback host");
/// The addresses hold in any network.
const ANY_NETWORK: Reasons = &[("hybrid", WHICH_NETWORK), ("preload", WHICH_NETWORK)];
const WHICH_NETWORK: &str = "the shim is not told which network is the context's";
/// Nobody else is reached by that: it is the context's own service, on its own address.
const BY_NAME: Reasons = {
    const WHY: &str = "what the shim has bound is looked for in the kernel, which does not know what was asked for";
    &[("hybrid", WHY), ("preload", WHY)]
};

pub(crate) const ROWS: &[Row] = &[
    row(
        "row_31",
        "S: the source is A, and no port is used up",
        &[
            case(S, "tcp4 connect R:P name peer", "connect=ok name=A:* peer=R:P")
                .seen(&["tcp R:P sees A", "nothing told"]),
            case(S, "udp4 connect R:P name peer send", "connect=ok name=A:* peer=R:P send=ok")
                .seen(&["udp R:P sees A"]),
            // The route's idea of the source is somebody else's address.
            case(S, "tcp4 connect RX:P name", "connect=ok name=A:*").seen(&["tcp RX:P sees A"]),
            case(S, "udp4 connect RF:P name send", "connect=ok name=A:* send=ok").seen(&["udp RF:P sees A"]),
            // To an address of this host.
            case(S, "tcp4 connect F:P name", "connect=ok name=A:*").seen(&["tcp F:P sees A"]),
            case(S, "udp4 connect F:P send", "connect=ok send=ok").seen(&["udp F:P sees A"]),
            case(Context::of("--ip B/24"), "tcp4 connect R:P name", "connect=ok name=B:*").seen(&["tcp R:P sees B"]),
            case(P, "tcp6 connect [R6]:P name", "connect=ok name=[A6]:*").seen(&["tcp [R6]:P sees A6"]),
            case(P, "udp6 connect [RX6]:P name send", "connect=ok name=[A6]:* send=ok").seen(&["udp [RX6]:P sees A6"]),
            case(Context::of("--ip B6"), "tcp6 connect [R6]:P name", "connect=ok name=[B6]:*")
                .seen(&["tcp [R6]:P sees B6"]),
            case(D, "tcp6 connect [RX6]:P name", "connect=ok name=[A6]:*").seen(&["tcp [RX6]:P sees A6"]),
            case(D, "tcp6 connect [::ffff:RX]:P name", "connect=ok name=[::ffff:A]:*").seen(&["tcp RX:P sees A"]),
            case(D, "udp6 connect [::ffff:R]:P name send", "connect=ok name=[::ffff:A]:* send=ok")
                .seen(&["udp R:P sees A"]),
            case(D, "tcp4 connect RX:P name", "connect=ok name=A:*").seen(&["tcp RX:P sees A"]),
            case(Context::of("--ip LL"), "tcp6 connect [RLL]:P name", "connect=ok name=[fe80::1]:*")
                .seen(&["tcp [RLL]:P sees LL"]),
            // More connections than there are ports, to different places.
            case(
                S,
                "tcp4 connect R:P1 tcp4 connect R:P2 tcp4 connect R:P3 tcp4 connect R:P4 tcp4 connect R:P5",
                "connect=ok connect=ok connect=ok connect=ok connect=ok",
            )
            .given("ipv4.ip_local_port_range 40000 40001")
            .seen(&["tcp R:P1 sees A", "tcp R:P2 sees A", "tcp R:P3 sees A", "tcp R:P4 sees A", "tcp R:P5 sees A"])
            .natively(),
            case(P, "tcp4 connect R:P", "connect=ENETUNREACH").seen(&["tcp R:P sees nobody"]),
            case(D, "tcp6 opt v6only connect [::ffff:R]:P", "connect=ENETUNREACH")
                .seen(&["tcp R:P sees nobody"])
                .natively(),
        ],
    ),
    row(
        "row_32",
        "M: the source that the route prefers, if it is own",
        &[
            case(M, "tcp4 connect RB:P name", "connect=ok name=B:*").seen(&["tcp RB:P sees B"]),
            case(M, "udp4 connect RB:P name send", "connect=ok name=B:* send=ok").seen(&["udp RB:P sees B"]),
            case(M, "tcp4 connect R:P", "connect=ok").seen(&["tcp R:P sees A"]),
            case(P2, "tcp6 connect [RB6]:P name", "connect=ok name=[B6]:*").seen(&["tcp [RB6]:P sees B6"]),
            case(P2, "udp6 connect [RB6]:P send", "connect=ok send=ok").seen(&["udp [RB6]:P sees B6"]),
            case(D2, "tcp6 connect [::ffff:RB]:P name", "connect=ok name=[::ffff:B]:*").seen(&["tcp RB:P sees B"]),
            case(D2, "udp6 connect [RB6]:P send", "connect=ok send=ok").seen(&["udp [RB6]:P sees B6"]),
            // One that could not be connected has taken no source.
            case(M, "udp4 connect N:P connect RB:P name send", "connect=ENETUNREACH connect=ok name=B:* send=ok")
                .seen(&["udp RB:P sees B"]),
            case(M, "tcp4 connect N:P connect RB:P name", "connect=ENETUNREACH connect=ok name=B:*")
                .seen(&["tcp RB:P sees B"]),
            case(
                D2,
                "udp6 connect [N6]:P connect [::ffff:RB]:P name send",
                "connect=ENETUNREACH connect=ok name=[::ffff:B]:* send=ok",
            )
            .seen(&["udp RB:P sees B"]),
            case(
                D,
                "udp6 connect [::ffff:N]:P name connect [R6]:P name send",
                "connect=ENETUNREACH name=[::]:* connect=ok name=[A6]:* send=ok",
            )
            .seen(&["udp [R6]:P sees A6"]),
        ],
    ),
    row(
        "row_33",
        "M: the route prefers another's: the first own address in whose subnet that is, else the primary",
        &[
            case(M, "tcp4 connect RF:P name", "connect=ok name=A:*").seen(&["tcp RF:P sees A"]),
            case(M, "udp4 connect RF:P send", "connect=ok send=ok").seen(&["udp RF:P sees A"]),
            case(M2, "tcp4 connect RG:P name", "connect=ok name=C:*").seen(&["tcp RG:P sees C"]),
            case(M2, "udp4 connect RG:P send", "connect=ok send=ok").seen(&["udp RG:P sees C"]),
            case(M2, "tcp4 connect RX:P", "connect=ok").seen(&["tcp RX:P sees A"]),
            case(Context::of("--ip C/24 --ip B/24 --ip A/24"), "tcp4 connect RF:P", "connect=ok")
                .seen(&["tcp RF:P sees B"]),
            case(Context::of("--ip C/24 --ip A/24"), "tcp4 connect RX:P", "connect=ok").seen(&["tcp RX:P sees C"]),
            // Without a prefix length an address has no subnet.
            case(Context::of("--ip A --ip C"), "tcp4 connect RG:P", "connect=ok").seen(&["tcp RG:P sees A"]),
            case(P2, "tcp6 connect [RF6]:P name", "connect=ok name=[A6]:*").seen(&["tcp [RF6]:P sees A6"]),
            case(P2, "tcp6 connect [RX6]:P", "connect=ok").seen(&["tcp [RX6]:P sees A6"]),
            case(Context::of("--ip X6 --ip B6/64"), "tcp6 connect [RF6]:P", "connect=ok")
                .seen(&["tcp [RF6]:P sees B6"]),
        ],
    ),
    row(
        "row_34",
        "M: bound to B, the source is B",
        &[
            case(M, "tcp4 bind B:0 connect R:P name", "bind=ok connect=ok name=B:*").seen(&["tcp R:P sees B"]),
            case(M, "udp4 bind B:0 connect R:P name send", "bind=ok connect=ok name=B:* send=ok")
                .seen(&["udp R:P sees B"]),
            case(M, "tcp4 bind A:0 connect RB:P", "bind=ok connect=ok").seen(&["tcp RB:P sees A"]),
            case(M, "tcp4 opt noport bind B:0 connect R:P", "bind=ok connect=ok").seen(&["tcp R:P sees B"]),
            // The address is the program's still when the port is gone.
            case(M, "tcp4 bind B:0 connect A:P2 connect R:P name", "bind=ok connect=ECONNREFUSED connect=ok name=B:*")
                .seen(&["tcp R:P sees B"]),
            case(
                M,
                "tcp4 bind B:0 connect R:P connect-unspec connect R:P2 name",
                "bind=ok connect=ok connect-unspec=ok connect=ok name=B:*",
            )
            .seen(&["tcp R:P sees B", "tcp R:P2 sees B"])
            .natively(),
            case(
                M,
                "tcp4 bind B:0 opt nonblock connect H:P connect-unspec connect R:P connected name",
                "bind=ok connect=EINPROGRESS connect-unspec=ok connect=EINPROGRESS connected=ok name=B:*",
            )
            .seen(&["tcp R:P sees B"])
            .natively(),
            // The option alone is none.
            case(M, "udp4 opt noport name connect RB:P name send", "name=0.0.0.0:0 connect=ok name=B:* send=ok")
                .seen(&["udp RB:P sees B"]),
            case(M, "tcp4 opt noport connect RB:P name", "connect=ok name=B:*").seen(&["tcp RB:P sees B"]),
            case(P2, "tcp6 bind [B6]:0 connect [R6]:P", "bind=ok connect=ok").seen(&["tcp [R6]:P sees B6"]),
            case(D2, "udp6 bind [::ffff:B]:0 connect [::ffff:R]:P send", "bind=ok connect=ok send=ok")
                .seen(&["udp R:P sees B"]),
        ],
    ),
    row(
        "row_35",
        "S: 127.0.0.1, and all of 127/8, is L; the source too; both are shown as 127.0.0.1",
        &[
            case(
                S,
                "tcp4 bind 127.0.0.1:P listen tcp4 connect 127.0.0.1:P peer name use 0 accept",
                "bind=ok listen=ok connect=ok peer=127.0.0.1:P name=127.0.0.1:* accept=SEEN:*",
            )
            .seen(&["tcp 127.0.0.1:P sees nobody"]),
            case(
                S,
                "tcp4 bind 127.0.0.1:P listen tcp4 connect 127.9.9.9:P peer",
                "bind=ok listen=ok connect=ok peer=127.0.0.1:P",
            ),
            case(S, "tcp4 bind L:P listen tcp4 connect L:P peer", "bind=ok listen=ok connect=ok peer=127.0.0.1:P"),
            case(
                S,
                "udp4 bind 127.0.0.1:P udp4 connect 127.0.0.1:P send peer name use 0 recvmsg",
                "bind=ok connect=ok send=ok peer=127.0.0.1:P name=127.0.0.1:* recvmsg=hello from=SEEN:*",
            ),
            case(S, "udp4 bind 127.0.0.1:P udp4 sendto 127.0.0.1:P use 0 recv", "bind=ok sendto=ok recv=hello"),
            case(S, "udp4 bind 127.0.0.1:P udp4 sendmsg 127.9.9.9:P use 0 recv", "bind=ok sendmsg=ok recv=hello"),
            case(S, "udp4 bind 127.0.0.1:P udp4 sendmmsg 127.0.0.1:P use 0 recv", "bind=ok sendmmsg=ok recv=hello"),
            case(
                M,
                "udp4 bind 127.0.0.1:P udp4 sendto 127.0.0.1:P use 0 recvmsg",
                "bind=ok sendto=ok recvmsg=hello from=SEEN:*",
            ),
            case(S, "tcp4 connect 127.0.0.1:P", "connect=ECONNREFUSED"),
            // An assigned address in 127/8 is an address like others.
            case(
                Context::of("--ip 127.0.0.2"),
                "tcp4 bind 0.0.0.0:P listen tcp4 connect 127.0.0.2:P peer",
                "bind=ok listen=ok connect=ok peer=127.0.0.2:P",
            ),
        ],
    ),
    row(
        "row_36",
        "S: the context's own wildcard listeners are reached on 127.0.0.1",
        &[
            case(
                S,
                "tcp4 bind 0.0.0.0:P listen tcp4 connect 127.0.0.1:P peer send use 0 accept recv",
                "bind=ok listen=ok connect=ok peer=127.0.0.1:P send=ok accept=SEEN:* recv=hello",
            )
            .seen(&["tcp 127.0.0.1:P sees nobody"]),
            case(
                M,
                "tcp4 bind 0.0.0.0:P listen tcp4 connect 127.0.0.1:P send use 0 accept recv",
                "bind=ok listen=ok connect=ok send=ok accept=SEEN:* recv=hello",
            ),
            case(S, "udp4 bind 0.0.0.0:P udp4 sendto 127.0.0.1:P use 0 recv", "bind=ok sendto=ok recv=hello"),
            case(
                S,
                "udp4 bind 0.0.0.0:P udp4 connect 127.0.0.1:P send use 0 recv",
                "bind=ok connect=ok send=ok recv=hello",
            ),
            case(
                M,
                "udp4 bind 0.0.0.0:P udp4 connect 127.0.0.1:P send use 0 recv",
                "bind=ok connect=ok send=ok recv=hello",
            ),
            case(D, "tcp6 bind [::]:P listen tcp4 connect 127.0.0.1:P", "bind=ok listen=ok connect=ok"),
            case(D, "udp6 bind [::]:P udp4 sendto 127.0.0.1:P use 0 recv", "bind=ok sendto=ok recv=hello"),
            case(P, "tcp6 bind [::]:P listen tcp6 connect [::1]:P", "bind=ok listen=ok connect=ok"),
            // What is bound to the address by name is no wildcard listener.
            case(S, "tcp4 bind A:P listen tcp4 connect 127.0.0.1:P", "bind=ok listen=ok connect=ECONNREFUSED")
                .cannot(BY_NAME),
        ],
    ),
    row(
        "row_37",
        "S: the host's resolver on loopback is reached, on port 53 alone",
        &[
            case(S, "udp4 connect 127.0.0.53:53 send", "connect=ok send=ok").seen(&["udp 127.0.0.53:53 sees L"]),
            case(S, "tcp4 connect 127.0.0.53:53 peer", "connect=ok peer=127.0.0.53:53")
                .seen(&["tcp 127.0.0.53:53 sees L"]),
            // Answers to others than loopback addresses it may not give (systemd-resolved).
            case(S, "udp4 sendto 127.0.0.53:53", "sendto=ok").seen(&["udp 127.0.0.53:53 sees L"]),
            case(S, "udp4 sendmsg 127.0.0.53:53 sendmmsg 127.0.0.53:53", "sendmsg=ok sendmmsg=ok")
                .seen(&["udp 127.0.0.53:53 sees L", "udp 127.0.0.53:53 sees L"]),
            case(M, "udp4 sendto 127.0.0.53:53", "sendto=ok").seen(&["udp 127.0.0.53:53 sees L"]),
            case(S, "udp4 sendto 127.0.0.53:53 sendto RX:P", "sendto=ok sendto=ok")
                .seen(&["udp 127.0.0.53:53 sees L", "udp RX:P sees A"])
                .cannot(KEEPS_ONE),
            case(S, "tcp4 connect 127.0.0.53:P", "connect=ECONNREFUSED").seen(&["tcp 127.0.0.53:P sees nobody"]),
            case(S, "tcp4 connect 127.0.0.9:53", "connect=ECONNREFUSED").seen(&["tcp 127.0.0.9:53 sees nobody"]),
            // The one that resolv.conf names.
            case(S, "tcp4 connect 127.0.0.9:53", "connect=ok").resolver("127.0.0.9").seen(&["tcp 127.0.0.9:53 sees L"]),
            case(S, "udp4 connect 127.0.0.1:53 send", "connect=ok send=ok")
                .resolver("127.0.0.1")
                .seen(&["udp 127.0.0.1:53 sees L"]),
            // What the C library does by itself is under the rules too.
            case(S.with("--deny-connect RX"), "resolve name.test", "resolve=no")
                .resolver("10.8.0.1")
                .seen(&["udp RX:53 sees nobody"])
                .cannot(&[("preload", "calls that the C library makes by itself do not come by other libraries")]),
            // Unless the context serves it.
            case(S, "tcp4 bind 127.0.0.1:53 listen tcp4 connect 127.0.0.1:53", "bind=ok listen=ok connect=ok")
                .resolver("127.0.0.1")
                .seen(&["tcp 127.0.0.1:53 sees nobody"])
                .root(),
        ],
    ),
    row(
        "row_38",
        "S: another context's L and the host's loopback are not reached, unless that is lifted",
        &[
            case(S, "tcp4 connect 127.0.0.1:P", "connect=ECONNREFUSED").seen(&["tcp 127.0.0.1:P sees nobody"]),
            case(S, "tcp4 connect 127.0.0.2:P", "connect=ECONNREFUSED").seen(&["tcp 127.0.0.2:P sees nobody"]),
            case(S, "tcp4 connect 127.255.255.254:P", "connect=ECONNREFUSED")
                .seen(&["tcp 127.255.255.254:P sees nobody"]),
            case(S, "udp4 sendto 127.0.0.1:P", "sendto=ok").seen(&["udp 127.0.0.1:P sees nobody"]),
            case(S, "udp4 connect 127.0.0.2:P send", "connect=ok send=ok").seen(&["udp 127.0.0.2:P sees nobody"]),
            case(S, "udp4 sendto 127.255.255.254:P", "sendto=ok").seen(&["udp 127.255.255.254:P sees nobody"]),
            case(D, "tcp6 opt v6only connect [::1]:P", "connect=ECONNREFUSED").seen(&["tcp [::1]:P sees nobody"]),
            case(P, "udp6 connect [::1]:P send", "connect=ok send=ok").seen(&["udp [::1]:P sees nobody"]),
            case(S, "tcp4 connect L1001:P tcp4 connect 127.0.0.1:P", "connect=ECONNREFUSED connect=ECONNREFUSED")
                .beside(&[(S2, "tcp4 bind 127.0.0.1:P listen wait", "bind=ok listen=ok")]),
            case(S, "tcp4 connect L1001:P", "connect=ECONNREFUSED").beside(&[(
                S1,
                "tcp4 bind 127.0.0.1:P listen wait",
                "bind=ok listen=ok",
            )]),
            case(S, "udp4 sendto L1001:P connect L1001:P send wait", "sendto=ok connect=ok send=ok")
                .beside(&[(S2, "udp4 bind 127.0.0.1:P wait recv", "bind=ok recv=ours")])
                .seen(&["127.0.0.1 sends L1001:P ours"]),
            case(HOST_PORT, "tcp4 connect 127.0.0.1:P", "connect=ok").seen(&["tcp 127.0.0.1:P sees 127.0.0.1"]),
            case(HOST_PORT, "udp4 sendto 127.0.0.1:P", "sendto=ok").seen(&["udp 127.0.0.1:P sees L"]),
            case(HOST_PORT, "udp4 connect 127.0.0.1:P send", "connect=ok send=ok")
                .seen(&["udp 127.0.0.1:P sees 127.0.0.1"]),
            case(HOST_PORT, "tcp4 connect 127.0.0.1:P2", "connect=ECONNREFUSED")
                .seen(&["tcp 127.0.0.1:P2 sees nobody"]),
            case(HOST_PORT, "tcp4 connect 127.0.0.2:P", "connect=ECONNREFUSED").seen(&["tcp 127.0.0.2:P sees nobody"]),
            case(HOST, "tcp4 connect 127.0.0.1:P name", "connect=ok name=127.0.0.1:*")
                .seen(&["tcp 127.0.0.1:P sees 127.0.0.1"]),
            case(HOST, "udp4 sendto 127.0.0.1:P", "sendto=ok").seen(&["udp 127.0.0.1:P sees 127.0.0.1"]),
            case(HOST, "tcp4 connect L1001:P", "connect=ok").beside(&[(
                S2,
                "tcp4 bind 127.0.0.1:P listen wait",
                "bind=ok listen=ok",
            )]),
            case(P.with("--loopback host"), "tcp6 connect [::1]:P", "connect=ok").seen(&["tcp [::1]:P sees ::1"]),
        ],
    ),
    row(
        "row_39",
        "Z: EPERM",
        &[
            case(Z, "tcp4 connect 127.0.0.1:P", "connect=EPERM")
                .seen(&["tcp 127.0.0.1:P sees nobody", "told 127.0.0.1:P/tcp"]),
            case(Z, "udp4 connect 127.0.0.1:P", "connect=EPERM"),
            case(Z, "udp4 sendto 127.0.0.1:P", "sendto=EPERM").seen(&["udp 127.0.0.1:P sees nobody"]),
            case(Z, "tcp4 connect 127.0.0.53:53", "connect=EPERM").seen(&["tcp 127.0.0.53:53 sees nobody"]),
            case(Z, "tcp4 connect 0.0.0.0:P", "connect=EPERM").seen(&["tcp 127.0.0.1:P sees nobody"]),
            case(D.with("--loopback deny"), "tcp6 connect [::1]:P", "connect=EPERM").seen(&["tcp [::1]:P sees nobody"]),
        ],
    ),
    row(
        "row_40",
        "0.0.0.0 and :: as a destination are the own L, never the host's 127.0.0.1",
        &[
            case(
                S,
                "tcp4 bind 127.0.0.1:P listen tcp4 connect 0.0.0.0:P peer",
                "bind=ok listen=ok connect=ok peer=127.0.0.1:P",
            )
            .seen(&["tcp 127.0.0.1:P sees nobody"]),
            case(
                D,
                "tcp4 bind 127.0.0.1:P listen tcp6 connect [::]:P peer",
                "bind=ok listen=ok connect=ok peer=[::ffff:127.0.0.1]:P",
            ),
            case(S, "udp4 bind 127.0.0.1:P udp4 sendto 0.0.0.0:P use 0 recv", "bind=ok sendto=ok recv=hello"),
            case(S, "tcp4 connect 0.0.0.0:P", "connect=ECONNREFUSED").seen(&["tcp 127.0.0.1:P sees nobody"]),
            case(D, "tcp6 connect [::]:P", "connect=ECONNREFUSED").seen(&["tcp 127.0.0.1:P sees nobody"]),
            case(D, "tcp6 connect [::]:P", "connect=ECONNREFUSED").seen(&["tcp [::1]:P sees nobody"]),
            case(S, "udp4 sendto 0.0.0.0:P", "sendto=ok").seen(&["udp 127.0.0.1:P sees nobody"]),
        ],
    ),
    row(
        "row_41",
        "D: ::1 and ::ffff:127.0.0.1 are as 127.0.0.1 on a dual-stack socket, and refused on others",
        &[
            case(
                D,
                "tcp4 bind 127.0.0.1:P listen tcp6 connect [::1]:P peer name use 0 accept",
                "bind=ok listen=ok connect=ok peer=[::ffff:127.0.0.1]:P name=[::ffff:127.0.0.1]:* accept=SEEN:*",
            )
            .seen(&["tcp [::1]:P sees nobody"]),
            case(
                D,
                "tcp4 bind 127.0.0.1:P listen tcp6 connect [::ffff:127.0.0.1]:P peer",
                "bind=ok listen=ok connect=ok peer=[::ffff:127.0.0.1]:P",
            ),
            case(
                D,
                "udp4 bind 127.0.0.1:P udp6 connect [::1]:P send use 0 recv",
                "bind=ok connect=ok send=ok recv=hello",
            ),
            case(
                D,
                "udp4 bind 127.0.0.1:P udp6 sendto [::ffff:127.0.0.1]:P use 0 recv",
                "bind=ok sendto=ok recv=hello",
            ),
            case(D, "tcp6 opt v6only connect [::1]:P", "connect=ECONNREFUSED").seen(&["tcp [::1]:P sees nobody"]),
            case(
                D.with("--lback X6"),
                "tcp6 opt v6only bind [::1]:P listen tcp6 opt v6only connect [::1]:P peer",
                "bind=ok listen=ok connect=ok peer=[::1]:P",
            )
            .seen(&["tcp [::1]:P sees nobody"]),
        ],
    ),
    row(
        "row_46",
        "MSG_FASTOPEN is as connect",
        &[
            case(S, "tcp4 fastopen RX:P name", "sendto=ok name=A:*").seen(&["tcp RX:P sees A hello"]),
            case(S, "tcp4 fastopen-msg R:P name", "sendmsg=ok name=A:*").seen(&["tcp R:P sees A hello"]),
            case(S, "tcp4 fastopen-many R:P name", "sendmmsg=ok name=A:*").seen(&["tcp R:P sees A hello"]),
            case(M, "tcp4 fastopen RB:P", "sendto=ok").seen(&["tcp RB:P sees B hello"]),
            case(P, "tcp6 fastopen [RX6]:P", "sendto=ok").seen(&["tcp [RX6]:P sees A6 hello"]),
            case(D, "tcp6 fastopen-msg [::ffff:RX]:P", "sendmsg=ok").seen(&["tcp RX:P sees A hello"]),
            case(S, "tcp4 fastopen 127.0.0.1:P", "sendto=ECONNREFUSED").seen(&["tcp 127.0.0.1:P sees nobody"]),
            case(S, "tcp4 fastopen-msg 127.0.0.1:P", "sendmsg=ECONNREFUSED").seen(&["tcp 127.0.0.1:P sees nobody"]),
            case(Z, "tcp4 fastopen 127.0.0.1:P", "sendto=EPERM").seen(&["tcp 127.0.0.1:P sees nobody"]),
            case(S, "fd 3 fastopen R:P", "sendto=EADDRNOTAVAIL")
                .around("probe tcp4 bind F:P2 exec")
                .seen(&["tcp R:P sees nobody"]),
        ],
    ),
    row(
        "row_47",
        "after connect(AF_UNSPEC) the rules hold again",
        &[
            case(
                S,
                "tcp4 connect R:P connect-unspec connect RX:P2 name",
                "connect=ok connect-unspec=ok connect=ok name=A:*",
            )
            .seen(&["tcp R:P sees A", "tcp RX:P2 sees A"]),
            case(S, "tcp4 connect R:P connect-unspec listen name", "connect=ok connect-unspec=ok listen=ok name=A:*")
                .seen(&["tcp R:P sees A"]),
            case(
                S,
                "udp4 connect R:P connect-unspec sendto R:P connect RX:P2 send name",
                "connect=ok connect-unspec=ok sendto=ok connect=ok send=ok name=A:*",
            )
            .seen(&["udp R:P sees A", "udp RX:P2 sees A"]),
            case(
                S,
                "udp4 connect 127.0.0.1:P connect-unspec bind F:0",
                "connect=ok connect-unspec=ok bind=EADDRNOTAVAIL",
            ),
            case(
                M,
                "udp4 connect RB:P connect-unspec connect R:P send",
                "connect=ok connect-unspec=ok connect=ok send=ok",
            )
            .seen(&["udp R:P sees A"]),
            case(M, "tcp4 connect RB:P connect-unspec connect R:P2", "connect=ok connect-unspec=ok connect=ok")
                .seen(&["tcp RB:P sees B", "tcp R:P2 sees A"]),
            // The source of one that has failed is none of the program's.
            case(
                M,
                "tcp4 opt nonblock connect H:P connect-unspec connect RB:P connected name",
                "connect=EINPROGRESS connect-unspec=ok connect=EINPROGRESS connected=ok name=B:*",
            )
            .seen(&["tcp RB:P sees B"])
            .natively(),
            case(M, "tcp4 connect A:P2 connect RB:P name", "connect=ECONNREFUSED connect=ok name=B:*")
                .seen(&["tcp RB:P sees B"])
                .natively(),
            case(M, "tcp4 fastopen A:P2 connect RB:P name", "sendto=ECONNREFUSED connect=ok name=B:*")
                .seen(&["tcp RB:P sees B"])
                .natively(),
            // It is gone at once.
            case(M, "tcp4 connect A:P2 name", "connect=ECONNREFUSED name=0.0.0.0:*").natively(),
            case(M, "tcp4 fastopen A:P2 name", "sendto=ECONNREFUSED name=0.0.0.0:*").natively(),
            // And leaves nothing behind.
            case(
                M,
                "tcp4 connect RB:P connect-unspec bind 0.0.0.0:0 name listen name",
                "connect=ok connect-unspec=ok bind=ok name=A:* listen=ok name=A:*",
            )
            .seen(&["tcp RB:P sees B"]),
            case(
                M,
                "udp4 bind 0.0.0.0:P connect RB:P2 connect-unspec opt nonblock wait recv",
                "bind=ok connect=ok connect-unspec=ok recv=own",
            )
            .seen(&["R sends F:P foreign", "R sends A:P own"])
            .cannot(KEEPS_SOURCE),
            case(
                D,
                "udp6 connect [R6]:P send connect-unspec connect [::ffff:RX]:P2 send",
                "connect=ok send=ok connect-unspec=ok connect=ok send=ok",
            )
            .seen(&["udp [R6]:P sees A6", "udp RX:P2 sees A"]),
            case(P, "udp6 connect [R6]:P connect-unspec sendto [RX6]:P2", "connect=ok connect-unspec=ok sendto=ok")
                .seen(&["udp [RX6]:P2 sees A6"]),
        ],
    ),
    row(
        "row_51",
        "destinations that the rules of the context forbid: EACCES",
        &[
            case(S.with("--deny-connect R:P"), "tcp4 connect R:P connect R:P2", "connect=EACCES connect=ok").seen(&[
                "tcp R:P sees nobody",
                "tcp R:P2 sees A",
                "told R:P/tcp",
            ]),
            case(
                S.with("--deny-connect R:P"),
                "udp4 connect R:P sendto R:P sendto R:P2",
                "connect=EACCES sendto=EACCES sendto=ok",
            )
            .seen(&["udp R:P sees nobody", "udp R:P2 sees A"]),
            case(
                S.with("--deny-connect udp:10.0.0.0/8"),
                "udp4 sendmsg RX:P tcp4 connect RX:P",
                "sendmsg=EACCES connect=ok",
            )
            .seen(&["udp RX:P sees nobody", "tcp RX:P sees A"]),
            case(S.with("--allow-connect R"), "tcp4 connect R:P tcp4 connect RX:P", "connect=ok connect=EACCES")
                .seen(&["tcp R:P sees A", "tcp RX:P sees nobody"]),
            case(
                S.with("--allow-connect R --deny-connect any"),
                "tcp4 connect R:P tcp4 connect RX:P",
                "connect=ok connect=EACCES",
            )
            .seen(&["tcp R:P sees A"]),
            case(S.with("--allow-connect any:P"), "tcp4 fastopen R:P2 tcp4 fastopen R:P", "sendto=EACCES sendto=ok")
                .seen(&["tcp R:P2 sees nobody", "tcp R:P sees A hello"]),
            case(S.with("--deny-connect any:P2"), "udp4 sendmmsg-each ->R:P,->R:P2,->R:P", "sendmmsg=1").seen(&[
                "udp R:P sees A m1",
                "udp R:P sees nobody",
                "udp R:P2 sees nobody",
            ]),
            case(
                P.with("--deny-connect [fd00:1::]/64:P"),
                "tcp6 connect [R6]:P connect [R6]:P2",
                "connect=EACCES connect=ok",
            )
            .seen(&["tcp [R6]:P sees nobody", "tcp [R6]:P2 sees A6"]),
            case(
                D.with("--deny-connect R"),
                "tcp6 connect [::ffff:R]:P udp6 sendto [::ffff:R]:P",
                "connect=EACCES sendto=EACCES",
            )
            .seen(&["tcp R:P sees nobody", "udp R:P sees nobody"]),
            case(
                S.with("--deny-connect 127.0.0.1:P"),
                "tcp4 connect 127.0.0.1:P connect 0.0.0.0:P",
                "connect=EACCES connect=EACCES",
            ),
            // Whom one is connected to may be dissolved.
            case(
                S.with("--deny-connect any:P2"),
                "udp4 connect R:P connect-unspec connect R:P2",
                "connect=ok connect-unspec=ok connect=EACCES",
            ),
        ],
    ),
    row(
        "row_52",
        "blocking and non-blocking connects, SO_SNDTIMEO, signals: as natively",
        &[
            case(S, "tcp4 opt nonblock connect H:P connect H:P", "connect=EINPROGRESS connect=EALREADY").natively(),
            case(
                S,
                "tcp4 opt nonblock connect R:P connected connect R:P",
                "connect=EINPROGRESS connected=ok connect=ok",
            )
            .seen(&["tcp R:P sees A"]),
            case(S, "tcp4 connect R:P connect R:P", "connect=ok connect=EISCONN").seen(&["tcp R:P sees A"]).natively(),
            // Whatever the address of the second is.
            case(S, "tcp4 bind A:P2 listen connect [::1]:P", "bind=ok listen=ok connect=EISCONN").natively(),
            case(Z, "tcp4 connect R:P connect 127.0.0.1:P", "connect=ok connect=EISCONN")
                .seen(&["tcp R:P sees A"])
                .natively(),
            case(S, "tcp4 sndtimeo 200 connect H:P", "connect=EINPROGRESS").natively(),
            case(S, "tcp4 alarm 200 connect H:P connect-unspec", "connect=EINTR connect-unspec=ok").natively(),
            case(S, "tcp4 alarm 200 connect H:P opt nonblock connect H:P", "connect=EINTR connect=EALREADY").natively(),
            // With SA_RESTART the signal is not seen in connect(), which goes on until it gets through.
            case(S, "tcp4 alarm-restart 100 connect R:P peer", "connect=ok peer=R:P")
                .seen(&["tcp R:P is full", "queue empties"])
                .natively(),
            case(P, "tcp6 opt nonblock connect [R6]:P connected", "connect=EINPROGRESS connected=ok")
                .seen(&["tcp [R6]:P sees A6"]),
        ],
    ),
    row(
        "netns",
        "sockets of another network namespace are not the context's: EPERM, so a program that makes one has no network in it",
        &[
            case(S, "new-network tcp4 bind 127.0.0.1:P connect A:P", "bind=EPERM connect=EPERM").cannot(ANY_NETWORK),
            case(S, "new-network tcp4 listen", "listen=EPERM").cannot(&[("preload", WHICH_NETWORK)]),
            case(S, "new-network udp4 bind 0.0.0.0:P sendto A:P sendmsg A:P", "bind=EPERM sendto=EPERM sendmsg=EPERM")
                .cannot(ANY_NETWORK),
            case(S, "take unix:DIR/P2 bind A:P listen", "bind=EPERM listen=EPERM")
                .beside(&[(OUTSIDE, "new-network tcp4 pass unix:DIR/P2", "")])
                .cannot(ANY_NETWORK),
        ],
    ),
];
