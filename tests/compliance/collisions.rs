//! Collisions: several contexts, and the host, on one port.

use crate::table::{Beside, D, NOBODY_LOOKS, OUTSIDE, P, PB, Row, S, S1, S2, case, row};

const HOST_TCP: &[Beside] = &[(OUTSIDE, "tcp4 bind 0.0.0.0:P listen wait", "bind=ok listen=ok")];
const HOST_UDP: &[Beside] = &[(OUTSIDE, "udp4 bind 0.0.0.0:P wait", "bind=ok")];
const HOST_TCP6: &[Beside] = &[(OUTSIDE, "tcp6 bind [::]:P listen wait", "bind=ok listen=ok")];

pub(crate) const ROWS: &[Row] =
    &[row(
        "collisions",
        "what the rewriting makes of several contexts on one port",
        &[
            case(S, "tcp4 bind 0.0.0.0:P listen wait", "bind=ok listen=ok")
                .beside(&[(S2, "tcp4 bind 0.0.0.0:P listen wait", "bind=ok listen=ok")])
                .seen(&["table tcp A:P B:P", "R reaches A:P", "R reaches B:P", "R fails F:P", "nothing told"]),
            case(S, "tcp4 bind 0.0.0.0:80 listen wait", "bind=ok listen=ok")
                .beside(&[(S2, "tcp4 bind 0.0.0.0:80 listen wait", "bind=ok listen=ok")])
                .seen(&["table tcp A:80 B:80"])
                .root(),
            case(S, "udp4 bind 0.0.0.0:P wait recv", "bind=ok recv=first")
                .beside(&[(S2, "udp4 bind 0.0.0.0:P wait recv", "bind=ok recv=second")])
                .seen(&["table udp A:P B:P", "R sends A:P first", "R sends B:P second"]),
            case(P, "tcp6 bind [::]:P listen wait", "bind=ok listen=ok")
                .beside(&[(PB, "tcp6 bind [::]:P listen wait", "bind=ok listen=ok")])
                .seen(&["table tcp [A6]:P [B6]:P"]),
            // Each has its own 127.0.0.1, even where they share their address.
            case(S, "tcp4 bind 127.0.0.1:P listen wait", "bind=ok listen=ok")
                .beside(&[(S1, "tcp4 bind 127.0.0.1:P listen wait", "bind=ok listen=ok")])
                .seen(&["table tcp L:P L1001:P", "127.0.0.1 fails 127.0.0.1:P"]),
            case(S, "udp4 bind 127.0.0.1:P wait recv", "bind=ok recv=first")
                .beside(&[(S1, "udp4 bind 127.0.0.1:P wait recv", "bind=ok recv=second")])
                .seen(&["127.0.0.1 sends L1001:P second", "127.0.0.1 sends L:P first"]),
            // The same address.
            case(S, "tcp4 bind 0.0.0.0:P bind A:P bind 0.0.0.0:P2", "bind=EADDRINUSE bind=EADDRINUSE bind=ok")
                .beside(&[(S1, "tcp4 bind 0.0.0.0:P listen wait", "bind=ok listen=ok")]),
            case(S, "udp4 bind 0.0.0.0:P", "bind=EADDRINUSE").beside(&[(S1, "udp4 bind 0.0.0.0:P wait", "bind=ok")]),
            // The host has the port everywhere.
            case(S, "tcp4 bind 0.0.0.0:P bind A:P", "bind=EADDRINUSE bind=EADDRINUSE").beside(HOST_TCP),
            case(S, "udp4 bind 0.0.0.0:P", "bind=EADDRINUSE").beside(HOST_UDP),
            case(D, "tcp6 bind [A6]:P", "bind=EADDRINUSE").beside(HOST_TCP6),
            // The line says who.
            case(S, "tcp4 bind 0.0.0.0:P", "bind=EADDRINUSE")
                .beside(HOST_TCP)
                .seen(&["told A:P/tcp probe 0.0.0.0:P/tcp started under chbind"])
                .cannot(NOBODY_LOOKS),
            case(S, "tcp4 bind A:P", "bind=EADDRINUSE")
                .beside(HOST_TCP)
                .seen(&["told A:P/tcp probe 0.0.0.0:P/tcp"])
                .cannot(NOBODY_LOOKS),
            case(S, "udp4 bind 0.0.0.0:P", "bind=EADDRINUSE")
                .beside(HOST_UDP)
                .seen(&["told A:P/udp probe 0.0.0.0:P/udp"])
                .cannot(NOBODY_LOOKS),
            case(D, "tcp6 bind [A6]:P", "bind=EADDRINUSE")
                .beside(HOST_TCP6)
                .seen(&["told [A6]:P/tcp probe [::]:P/tcp"])
                .cannot(NOBODY_LOOKS),
        ],
    )];
