//! Section 5: what is seen from inside.

use crate::table::{D, KEEPS_ONE, KEEPS_SOURCE, M, P, Row, S, case, row};

pub(crate) const ROWS: &[Row] = &[row(
    "section_5",
    "getsockname and getpeername show 127.0.0.1 for L; accept and recvmsg do so where the shim answers",
    &[
        case(S, "tcp4 bind 127.0.0.1:P name listen wait name", "bind=ok name=127.0.0.1:P listen=ok name=127.0.0.1:P")
            .seen(&["table tcp L:P"]),
        case(S, "udp4 bind 127.0.0.1:0 name", "bind=ok name=127.0.0.1:*"),
        case(
            S,
            "tcp4 bind 127.0.0.1:P listen tcp4 connect 127.0.0.1:P name peer use 0 accept name peer",
            "bind=ok listen=ok connect=ok name=127.0.0.1:* peer=127.0.0.1:P accept=SEEN:* name=127.0.0.1:P peer=127.0.0.1:*",
        ),
        case(
            S,
            "udp4 bind 127.0.0.1:P udp4 connect 127.0.0.1:P name peer send use 0 recvmsg",
            "bind=ok connect=ok name=127.0.0.1:* peer=127.0.0.1:P send=ok recvmsg=hello from=SEEN:*",
        ),
        case(
            D,
            "tcp6 bind [::1]:P name listen tcp6 connect [::1]:P name peer",
            "bind=ok name=[::ffff:127.0.0.1]:P listen=ok connect=ok name=[::ffff:127.0.0.1]:* peer=[::ffff:127.0.0.1]:P",
        ),
        case(
            P.with("--lback X6"),
            "tcp6 bind [::1]:P listen tcp6 connect [::1]:P name peer use 0 accept",
            "bind=ok listen=ok connect=ok name=[::1]:* peer=[::1]:P accept=[SEEN6]:*",
        ),
        // All that tell of a peer.
        case(
            S,
            "tcp4 bind 127.0.0.1:P listen tcp4 connect 127.0.0.1:P tcp4 connect 127.0.0.1:P use 0 accept use 0 accept4",
            "bind=ok listen=ok connect=ok connect=ok accept=SEEN:* accept4=SEEN:*",
        ),
        case(
            S,
            "udp4 bind 127.0.0.1:P udp4 bind 127.0.0.1:P2 sendto 127.0.0.1:P sendto 127.0.0.1:P sendto 127.0.0.1:P \
             use 0 recvfrom recvmsg recvmmsg",
            "bind=ok bind=ok sendto=ok sendto=ok sendto=ok recvfrom=hello from=SEEN:P2 recvmsg=hello from=SEEN:P2 \
             recvmmsg=hello from=SEEN:P2",
        ),
        case(
            D,
            "udp6 bind [::1]:P udp6 bind [::1]:P2 sendto [::1]:P sendto [::1]:P sendto [::1]:P use 0 \
             recvfrom recvmsg recvmmsg",
            "bind=ok bind=ok sendto=ok sendto=ok sendto=ok recvfrom=hello from=[::ffff:SEEN]:P2 \
             recvmsg=hello from=[::ffff:SEEN]:P2 recvmmsg=hello from=[::ffff:SEEN]:P2",
        ),
        case(
            P.with("--lback X6"),
            "udp6 bind [::1]:P udp6 bind [::1]:P2 sendto [::1]:P sendto [::1]:P sendto [::1]:P use 0 \
             recvfrom recvmsg recvmmsg",
            "bind=ok bind=ok sendto=ok sendto=ok sendto=ok recvfrom=hello from=[SEEN6]:P2 \
             recvmsg=hello from=[SEEN6]:P2 recvmmsg=hello from=[SEEN6]:P2",
        ),
        // And of where it came to.
        case(
            S,
            "udp4 opt pktinfo bind 127.0.0.1:P udp4 sendto 127.0.0.1:P sendto 127.0.0.1:P use 0 recvmsg recvmmsg",
            "bind=ok sendto=ok sendto=ok recvmsg=hello from=SEEN:* to=SEEN:0 recvmmsg=hello from=SEEN:* to=SEEN:0",
        )
        .cannot(KEEPS_ONE),
        // From a socket of loopback.
        case(
            S,
            "udp4 opt pktinfo bind 127.0.0.1:P udp4 bind 127.0.0.1:0 sendto 127.0.0.1:P sendto 127.0.0.1:P use 0 recvmsg recvmmsg",
            "bind=ok bind=ok sendto=ok sendto=ok recvmsg=hello from=SEEN:* to=SEEN:0 recvmmsg=hello from=SEEN:* to=SEEN:0",
        ),
        case(
            M,
            "udp4 opt pktinfo bind 0.0.0.0:P udp4 bind 127.0.0.1:P2 sendto 127.0.0.1:P use 0 serve-back use 1 recvfrom",
            "bind=ok bind=ok sendto=ok serve=hello recvfrom=re:hello from=SEEN:P",
        ),
        case(
            P.with("--lback X6"),
            "udp6 opt pktinfo6 bind [::1]:P udp6 bind [::1]:P2 sendto [::1]:P use 0 recvmsg",
            "bind=ok bind=ok sendto=ok recvmsg=hello from=[SEEN6]:P2 to=[SEEN6]:0",
        ),
        // Room that is too short for an address gets as much of it as the kernel gives.
        case(
            S,
            "udp4 bind 127.0.0.1:P udp4 bind 127.0.0.1:P2 sendto 127.0.0.1:P sendto 127.0.0.1:P sendto 127.0.0.1:P \
             use 0 recvfrom-short recvmsg-short recvmmsg-short",
            "bind=ok bind=ok sendto=ok sendto=ok sendto=ok recvfrom-short=hello len=16 kept=ok \
             recvmsg-short=hello len=16 kept=ok recvmmsg-short=hello len=16 kept=ok",
        )
        .natively(),
        // Addresses are shown as they are, and so is what is not bound.
        case(S, "tcp4 name peer bind A:P name", "name=0.0.0.0:0 peer=ENOTCONN bind=ok name=A:P"),
        case(S, "udp4 name peer", "name=0.0.0.0:0 peer=ENOTCONN"),
        case(D, "udp6 name tcp6 name", "name=[::]:0 name=[::]:0"),
        case(S, "tcp4 connect R:P name peer", "connect=ok name=A:* peer=R:P").seen(&["tcp R:P sees A"]),
        case(
            S,
            "udp4 connect R:P connect-unspec name peer",
            "connect=ok connect-unspec=ok name=0.0.0.0:0 peer=ENOTCONN",
        )
        .natively(),
        case(
            M,
            "udp4 bind 0.0.0.0:P connect RB:P2 name connect-unspec name",
            "bind=ok connect=ok name=B:P connect-unspec=ok name=0.0.0.0:P",
        )
        .cannot(KEEPS_SOURCE),
        case(S, "udp4 opt noport bind A:0 name", "bind=ok name=A:0").natively().cannot(&[(
            "preload",
            "nothing is remembered of sockets, and a datagram socket has that address, without a port, from the beginning",
        )]),
        case(P, "tcp6 connect [R6]:P name peer", "connect=ok name=[A6]:* peer=[R6]:P").seen(&["tcp [R6]:P sees A6"]),
        case(D, "tcp6 connect [::ffff:R]:P name peer", "connect=ok name=[::ffff:A]:* peer=[::ffff:R]:P")
            .seen(&["tcp R:P sees A"]),
    ],
)];
