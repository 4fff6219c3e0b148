//! The list of known differences; see `known.rs`.

use crate::known::Known;

pub(crate) const LIST: &[Known] = &[
    Known {
        reason: "A socket that was bound to port 0 can be bound again",
        cases: "
bind tcp4 | EINVAL | ok | several | socket 0 tcp4; bind 0 127.0.0.1 0; connect 0 10.0.0.1 P1; bind 0 unspec; bind 0 10.0.0.2 P0
",
    },
    Known {
        reason: "A connection that failed leaves the socket its source, so it is bound already",
        cases: "
bind tcp4 | ok | EINVAL | several | socket 0 tcp4 flags=0x800; connect 0 0.0.0.0 0; connect 0 none; listen 0 0; bind 0 0.0.0.0 P0
bind tcp6 | EADDRNOTAVAIL | EINVAL | several | socket 1 tcp6; connect 1 ::ffff:10.0.0.1 0; bind 1 ff02::fb P1
",
    },
    Known {
        reason: "Whether the address is one of the context's, and the socket has none yet, is judged before the port and the family",
        cases: "
bind tcp6 | EACCES | EADDRNOTAVAIL | several user | socket 0 tcp6; bind 0 ::ffff:224.0.0.251 Q
bind tcp6 | EACCES | EINVAL | several user | socket 0 tcp6; connect 0 fd00:1::2 P0; bind 0 ::ffff:192.0.2.77 Q
bind tcp6 | EINVAL | EADDRNOTAVAIL | one | socket 1 tcp6; set 1 v6only 1; bind 1 ::ffff:192.0.2.77 0
bind udp6 | EACCES | EADDRNOTAVAIL | several user | socket 2 udp6; bind 2 ::ffff:192.0.2.77 Q
bind udp6 | EACCES | EINVAL | several user | socket 1 udp6; connect 1 fd00:1::1 Q; bind 1 ::ffff:192.0.2.77 Q
bind udp6 | EINVAL | EADDRNOTAVAIL | several | socket 0 udp6; set 0 v6only 1; bind 0 ::ffff:192.0.2.77 P1
",
    },
    Known {
        reason: "A datagram wildcard that collides with another address than the primary one serves the primary one (README, Limits)",
        cases: "
bind udp4 | EADDRINUSE | ok | several | socket 0 udp6; socket 1 udp4; bind 0 ::ffff:127.0.0.1 P1; bind 1 0.0.0.0 P1
bind udp6 | EADDRINUSE | ok | several | socket 0 udp6; socket 2 udp4; bind 2 10.9.0.255 P0; bind 0 :: P0
",
    },
    Known {
        reason: "A call that is refused before the kernel sees it gives the socket no port, so it can be bound after it",
        cases: "
bind udp4 | EINVAL | EADDRINUSE | several | socket 0 udp4; socket 1 udp6; bind 1 :: P0; connect 0 ::ffff:10.0.0.1 0; bind 0 255.255.255.255 P0
bind udp4 | EINVAL | ok | several | socket 0 udp4; sendto 0 5 127.0.0.2 P0 family=10; bind 0 10.0.0.1 P0
bind udp6 | EINVAL | EADDRINUSE | several | socket 0 udp4; socket 1 udp6; bind 0 0.0.0.0 P0; sendto 1 5 unspec; bind 1 ::ffff:0.0.0.0 P0
bind udp6 | EINVAL | ok | several | socket 1 udp6; sendmsg 1 5 none; bind 1 fd00:1::2 P0
",
    },
    Known {
        reason: "An address, and the source for it, is judged before how the connection before it has ended",
        cases: "
connect tcp4 | ECONNABORTED | EAFNOSUPPORT | several | socket 0 tcp4 flags=0x800; connect 0 10.0.0.1 P1; sendmsg 0 5 2001:db8::77 P0; connect 0 fd00:9::7 P1
connect tcp4 | ECONNABORTED | EINVAL | several | socket 0 tcp4 flags=0x800; connect 0 10.5.0.1 P0; sendmsg 0 65508 10.0.0.1 P0; connect 0 10.0.0.1 P1 len=15
connect tcp4 | ECONNREFUSED | EAFNOSUPPORT | several | socket 0 tcp4 flags=0x800; connect 0 10.0.0.1 P0; connect 0 10.0.0.1 0 family=1
connect tcp4 | ECONNREFUSED | EINVAL | several | socket 0 tcp4 flags=0x800; dup 0 1; connect 0 10.0.0.1 P0; connect 1 unix b
connect tcp4 | EINVAL | EAFNOSUPPORT | several | socket 0 tcp4 flags=0x800; connect 0 10.0.0.1 P1; shutdown 0 2; connect 0 0.0.0.0 P0 family=1
connect tcp6 | ECONNABORTED | EAFNOSUPPORT | several | socket 0 tcp6 flags=0x800; connect 0 ::1 P2; sendmsg 0 5 ::ffff:127.0.0.1 P1; connect 0 fd00:9::7 P0 family=99
connect tcp6 | ECONNABORTED | EINVAL | several | socket 0 tcp6 flags=0x800; connect 0 ::ffff:127.0.0.1 P0; sendto 0 5 ::ffff:10.9.0.7 P2; connect 0 127.0.0.2 P1
connect tcp6 | ECONNREFUSED | EAFNOSUPPORT | several | socket 0 tcp6 flags=0x800; connect 0 fd00:1::2 P0; connect 0 fd00:1::1 P1 family=2
connect tcp6 | ECONNREFUSED | EINVAL | several | socket 0 tcp6 flags=0x800; connect 0 ::1 P0; connect 0 10.9.0.7 P0
",
    },
    Known {
        reason: "The source is chosen without regard to the device that the socket is bound to",
        cases: "
connect tcp4 | EINPROGRESS | EINVAL | several | socket 0 tcp4; set 0 device v0; connect 0 127.0.0.1 P2
connect tcp6 | ECONNREFUSED | EADDRNOTAVAIL | several | socket 0 tcp6; nonblock 0 1; connect 0 fd00:1::1 0; set 0 device v0; connect 0 :: P2
connect tcp6 | EINPROGRESS | EINVAL | several | socket 0 tcp6; set 0 device v0; connect 0 ::ffff:127.0.0.1 P2
connect tcp6 | ENETUNREACH | EADDRNOTAVAIL | several | socket 0 tcp6; set 0 device v0; connect 0 ::1 P2
connect udp4 | ok | EINVAL | several | socket 1 udp4; set 1 device v0; connect 1 127.0.0.1 0
connect udp6 | ENETUNREACH | EADDRNOTAVAIL | several | socket 0 udp6; set 0 device v0; connect 0 :: P0
connect udp6 | ok | EINVAL | several | socket 0 udp6; set 0 device v0; connect 0 ::ffff:127.0.0.1 P1
sendto/sendmsg/sendmmsg udp4 | ok | EINVAL | several | socket 1 udp4; set 1 device v0; sendmsg 1 5 127.0.0.1 P2
sendto/sendmsg/sendmmsg udp6 | ENETUNREACH | EINVAL | several | socket 0 udp6; set 0 device v0; sendmsg 0 5 ::1 P0
sendto/sendmsg/sendmmsg udp6 | ok | EINVAL | several | socket 0 udp6; set 0 device v0; sendto 0 5 ::ffff:127.0.0.1 P0
",
    },
    Known {
        reason: "A connection that has come about is told as such before it is known whose address is named",
        cases: "
connect tcp4 | ok | EISCONN | several | socket 1 tcp4 flags=0x800; bind 1 0.0.0.0 P0; connect 1 10.0.0.1 P0; connect 1 fd00:1::2 P1
",
    },
    Known {
        reason: "A TCP socket that has listened without an address has none again when that is over",
        cases: "
connect tcp6 | EAFNOSUPPORT | ECONNREFUSED | several | socket 0 tcp6; listen 0 -1; connect 0 unspec; connect 0 fd00:1::1 P0
connect tcp6 | EAFNOSUPPORT | EINPROGRESS | several | socket 0 tcp6 flags=0x800; listen 0 1; connect 0 unspec; connect 0 ::1 P1
",
    },
    Known {
        reason: "A socket of IPv6 that has a source of one family does not reach the other, whatever else the kernel would say",
        cases: "
connect tcp6 | EAFNOSUPPORT | ENETUNREACH | several | socket 0 tcp6; bind 0 ::ffff:127.0.0.1 P1; connect 0 fd00:1::1 P0
connect tcp6 | ECONNABORTED | ENETUNREACH | one | socket 0 tcp6 flags=0x800; connect 0 ::ffff:127.0.0.1 P1; sendmmsg 0 5 ::ffff:127.0.0.1 P0; connect 0 fd00:1::2 P0
connect tcp6 | ECONNREFUSED | ENETUNREACH | one | socket 0 tcp6 flags=0x800; connect 0 ::ffff:127.0.0.1 P0; connect 0 fd00:1::1 P1
connect udp6 | EACCES | ENETUNREACH | several | socket 1 udp6; connect 1 fd00:1::2 P0; connect 1 198.51.100.1 P0
connect udp6 | EAFNOSUPPORT | ENETUNREACH | several | socket 0 udp6; bind 0 ::ffff:10.0.0.1 P0; connect 0 fd00:1::2 P0
connect udp6 | EINVAL | ENETUNREACH | several | socket 0 udp6; bind 0 ::ffff:224.0.0.251 0; connect 0 ::ffff:192.0.2.77 P0
connect udp6 | ok | ENETUNREACH | several | socket 2 udp6; connect 2 :: P0; connect 2 224.0.0.251 P2
sendmsg/sendmmsg udp6 | ENODEV | ENETUNREACH | several | socket 0 udp6; connect 0 fd00:1::2 0; sendmmsg 0 5 ::ffff:192.0.2.77 P1 source=10.0.0.1 device=99
sendto/sendmsg/sendmmsg udp6 | EACCES | ENETUNREACH | several | socket 0 udp6; connect 0 fd00:1::2 P0; sendto 0 5 10.9.0.255 P0
sendto/sendmsg/sendmmsg udp6 | EFAULT | EAFNOSUPPORT | several | socket 0 udp6; sendto 0 5 none; sendto 0 5 fd00:1::1 P0 payload=unmapped
sendto/sendmsg/sendmmsg udp6 | EFAULT | ENETUNREACH | several | socket 0 udp6; dup 0 3; connect 0 fd00:9::7 0; sendmsg 3 5 10.0.0.1 P0 payload=unmapped
sendto/sendmsg/sendmmsg udp6 | EINVAL | ENETUNREACH | several | socket 0 udp6; connect 0 fd00:1::1 P0; sendto 0 65507 10.0.0.1 0
sendto/sendmsg/sendmmsg udp6 | EMSGSIZE | EAFNOSUPPORT | several | socket 0 udp6; sendto 0 0 none; sendto 0 70000 fd00:1::1 P0
sendto/sendmsg/sendmmsg udp6 | EOPNOTSUPP | ENETUNREACH | several | socket 2 udp6; connect 2 fd00:9::7 P1; sendto 2 5 224.0.0.251 P0 flags=1
sendto/sendmsg/sendmmsg udp6 | EPIPE | EAFNOSUPPORT | one | socket 0 udp6; connect 0 ::ffff:10.9.0.7 P1; shutdown 0 1; sendmsg 0 5 ::1 P1
sendto/sendmsg/sendmmsg udp6 | EPIPE | ENETUNREACH | several | socket 1 udp6; connect 1 ::1 P0; shutdown 1 2; sendmmsg 1 5 ::ffff:127.0.0.1 P1
sendto/sendmsg/sendmmsg udp6 | ok | EAFNOSUPPORT | several | socket 0 udp6; sendto 0 5 none; sendto 0 5 fd00:9::7 P1
sendto/sendmsg/sendmmsg udp6 | ok | ENETUNREACH | several | socket 1 udp6; connect 1 ::1 P2; sendto 1 5 ::ffff:10.0.0.1 P1
",
    },
    Known {
        reason: "A datagram socket that was connected or sent from without success, or that lost its peer, keeps another source than the kernel leaves it",
        cases: "
connect udp4 | EINVAL | EACCES | several | socket 0 udp4; sendto 0 5 none; connect 0 0.0.0.0 P1; connect 0 10.9.0.255 0
connect udp6 | EINVAL | EACCES | several | socket 0 udp6; bind 0 ::ffff:224.0.0.251 P0; connect 0 198.51.100.1 P1
connect udp6 | EINVAL | ok | several | socket 0 udp6; connect 0 ::ffff:192.0.2.77 0; connect 0 127.0.0.1 P1; connect 0 ::ffff:10.9.0.7 P0
end udp4 | name any4:* | name other4:* | several | socket 2 udp4; connect 2 10.9.0.255 P1; name 2 room=7
end udp4 | name any4:* | name own4:* | several | socket 1 udp4; sendto 1 5 none
end udp4 | name any4:P | name loopback4:P | several | socket 2 udp4; bind 2 0.0.0.0 P0; connect 2 0.0.0.0 P0; connect 2 unspec
end udp4 | name any4:P | name own4:P | several | socket 1 udp4; bind 1 0.0.0.0 P0; connect 1 10.9.0.7 P0; connect 1 unspec
end udp4 | name loopback4:* | name own4:* | several | socket 0 udp4; sendto 0 5 none; dup 0 1; connect 1 0.0.0.0 P1
end udp4 | name own4:* | name any4:* | one | socket 0 udp4; sendmmsg 0 5 ::ffff:10.9.0.7 P2; sendmsg 0 0 unspec
end udp4 | name own4:* | name any4:0 | one | socket 0 udp4; sendmsg 0 70000 10.0.0.1 P0
end udp4 | name own4:* | name loopback4:* | one | socket 0 udp4; sendto 0 70000 10.0.0.1 P0; connect 0 0.0.0.0 P0
end udp4 | name own4:* | name own4:* | several | socket 1 udp4; connect 1 192.0.2.77 0; connect 1 10.9.0.7 P1
end udp4 | name own4:0 | name any4:0 | one | socket 0 udp4; sendto 0 5 10.0.0.1 P2; connect 0 unspec
end udp6 | name any6:* | name loopback6:* | one | socket 0 udp6; set 0 v6only 1; sendmsg 0 5 :: P0
end udp6 | name any6:* | name mapped-own4:* | several | socket 1 udp6; connect 1 ::ffff:192.0.2.77 P2
end udp6 | name any6:* | name own6:* | several | socket 0 udp6; connect 0 2001:db8::77 P0
end udp6 | name any6:P | name mapped-loopback4:P | several | socket 0 udp6; bind 0 :: P2; connect 0 unspec family=2; connect 0 unspec
end udp6 | name any6:P | name mapped-own4:P | several | socket 0 udp6; bind 0 :: P2; connect 0 ::ffff:10.9.0.7 P2; connect 0 unspec
end udp6 | name any6:P | name own6:P | several | socket 0 udp6; bind 0 :: P2; connect 0 fd00:1::1 P2; connect 0 unspec
end udp6 | name loopback6:* | name any6:0 | one | socket 0 udp6; set 0 v6only 1; sendmsg 0 5 10.9.0.7 P0
end udp6 | name loopback6:* | name mapped-own4:* | one | socket 0 udp6; set 0 v6only 1; sendmmsg 0 5 10.9.0.7 P0; sendto 0 5 none
end udp6 | name loopback6:* | name own6:* | several | socket 1 udp6; connect 1 2001:db8::77 P2; connect 1 ::1 P0
end udp6 | name mapped-own4:* | name any6:0 | one | socket 0 udp6; sendmmsg 0 5 ::ffff:10.9.0.7 P1 at=unmapped
end udp6 | name mapped-own4:* | name mapped-loopback4:* | one | socket 0 udp6; sendto 0 5 ::ffff:192.0.2.77 P0 at=unmapped; connect 0 ::ffff:127.0.0.1 P1
end udp6 | name mapped-own4:* | name mapped-own4:* | several | socket 2 udp6; sendto 2 5 none; connect 2 ::ffff:10.9.0.7 P1
end udp6 | name mapped-own4:0 | name any6:0 | one | socket 0 udp6; sendto 0 5 ::ffff:10.0.0.1 P1; connect 0 unspec
end udp6 | name own6:* | name own6:* | several | socket 0 udp6; connect 0 2001:db8::77 P2; connect 0 fd00:1::2 0
sendmsg/sendmmsg udp4 | EACCES | EINVAL | several | socket 0 udp4; connect 0 127.0.0.1 P0; sendmsg 0 0 10.9.0.255 Q source=0.0.0.0
",
    },
    Known {
        reason: "127.0.0.1 is none of the addresses of the context, so what goes to 127.0.0.2 has the primary address (row 33)",
        cases: "
connect udp4 | EINVAL | ok | several | socket 1 udp4; connect 1 127.0.0.2 P0; connect 1 10.9.0.7 P0
end udp4 | error 0 | error ECONNREFUSED | several | socket 2 udp4; connect 2 127.0.0.2 P1; sendmmsg 2 5 none source=10.0.0.1
end udp4 | name loopback4:P | name own4:P | several | socket 0 udp4; bind 0 0.0.0.0 P1; connect 0 127.0.0.2 P0
end udp6 | name mapped-loopback4:* | name mapped-own4:* | several | socket 0 udp6; connect 0 127.0.0.2 P0
end udp6 | name mapped-loopback4:P | name mapped-own4:P | several | socket 1 udp6; bind 1 :: P1; connect 1 127.0.0.2 0
recv udp4 | ok 0 from loopback4:P | ok 0 from own4:P | several | socket 0 udp4; bind 0 0.0.0.0 P0; sendmmsg 0 0 127.0.0.2 P0; recv 0
sendto/sendmsg/sendmmsg udp4 | EINVAL | EACCES | several | socket 1 udp4; connect 1 127.0.0.2 P0; sendmsg 1 5 10.9.0.255 P1
sendto/sendmsg/sendmmsg udp4 | EINVAL | ECONNREFUSED | several | socket 0 udp4; connect 0 127.0.0.2 P0; sendmsg 0 65507 none; sendmsg 0 5 10.9.0.7 P2
sendto/sendmsg/sendmmsg udp4 | EINVAL | ok | several | socket 0 udp4; connect 0 127.0.0.2 P2; sendto 0 5 10.9.0.7 P0
sendto/sendmsg/sendmmsg udp6 | ECONNREFUSED | ENETUNREACH | one | socket 0 udp6; connect 0 :: P0; sendto 0 5 unspec; sendmsg 0 5 127.0.0.2 P1
sendto/sendmsg/sendmmsg udp6 | EINVAL | EACCES | several | socket 0 udp6; connect 0 127.0.0.2 P2; sendmsg 0 5 10.9.0.255 P1
sendto/sendmsg/sendmmsg udp6 | EINVAL | ok | several | socket 1 udp6; connect 1 127.0.0.2 P0; sendto 1 65507 ::ffff:10.9.0.7 P1
",
    },
    Known {
        reason: "A TCP socket whose connection failed, is under way or was undone has the source, or the lack of a port, that the context left it",
        cases: "
end tcp4 | name any4:* | name any4:0 | several | socket 1 tcp4; connect 1 10.0.0.1 P0; connect 1 10.9.0.255 P0
end tcp4 | name any4:* | name loopback4:* | several | socket 1 tcp4; connect 1 127.0.0.1 P0
end tcp4 | name any4:* | name own4:* | several | socket 1 tcp4; connect 1 10.0.0.1 P1
end tcp4 | name loopback4:* | name any4:0 | several | socket 0 tcp4 flags=0x800; connect 0 0.0.0.0 0; connect 0 none
end tcp4 | name loopback4:* | name own4:* | several | socket 0 tcp4 flags=0x800; connect 0 127.0.0.2 P0
end tcp4 | name own4:* | name any4:0 | several | socket 1 tcp4; listen 1 100000; connect 1 10.0.0.1 P2 family=0; connect 1 192.0.2.77 P1
end tcp4 | name own4:* | name loopback4:* | several | socket 0 tcp4; listen 0 100000; connect 0 unspec; connect 0 0.0.0.0 P0
end tcp4 | name own4:* | name own4:* | several | socket 1 tcp4; listen 1 100000; shutdown 1 2; connect 1 10.9.0.7 P0
end tcp4 | name own4:* | name own4:0 | one | socket 0 tcp4; bind 0 127.0.0.1 0; connect 0 10.0.0.1 P0; bind 0 0.0.0.0 0
end tcp6 | name any6:* | name any6:0 | several | socket 0 tcp6 flags=0x800; connect 0 ::ffff:127.0.0.1 P0; connect 0 fd00:1::1 P1
end tcp6 | name any6:* | name loopback6:* | several | socket 1 tcp6; connect 1 ::1 P0
end tcp6 | name any6:* | name mapped-loopback4:* | several | socket 0 tcp6; connect 0 ::ffff:127.0.0.1 P1
end tcp6 | name any6:* | name mapped-own4:* | several | socket 2 tcp6; connect 2 ::ffff:10.0.0.1 0
end tcp6 | name any6:* | name own6:* | several | socket 1 tcp6; connect 1 fd00:1::2 P0
end tcp6 | name loopback6:* | name any6:0 | several | socket 0 tcp6 flags=0x800; connect 0 :: P1; connect 0 none
end tcp6 | name mapped-loopback4:* | name any6:0 | several | socket 1 tcp6 flags=0x800; connect 1 ::ffff:127.0.0.1 0; connect 1 none
end tcp6 | name mapped-own4:* | name any6:0 | several | socket 0 tcp6; listen 0 -1; connect 0 unspec; connect 0 none
end tcp6 | name mapped-own4:* | name mapped-loopback4:* | several | socket 0 tcp6; listen 0 0; connect 0 unspec; connect 0 ::ffff:127.0.0.1 P0
end tcp6 | name mapped-own4:* | name mapped-own4:* | several | socket 0 tcp6; listen 0 100000; shutdown 0 0; connect 0 ::ffff:10.9.0.7 P0
end tcp6 | name own6:* | name any6:0 | several | socket 1 tcp6 flags=0x800; connect 1 fd00:1::2 0; connect 1 none
",
    },
    Known {
        reason: "A socket with IP_BIND_ADDRESS_NO_PORT shows the source that it has in a context",
        cases: "
end tcp4 | name any4:* | name loopback4:0 | several | socket 0 tcp4; connect 0 0.0.0.0 P0; connect 0 none; set 0 noport 1
end tcp4 | name any4:* | name own4:0 | several | socket 1 tcp4; connect 1 10.0.0.1 P0; connect 1 198.51.100.1 0; set 1 noport 1
end tcp4 | name any4:0 | name own4:0 | several | socket 0 tcp4; connect 0 192.0.2.77 P0; set 0 noport 1
end tcp6 | name any6:* | name mapped-own4:0 | one | socket 1 tcp6; connect 1 ::ffff:10.0.0.1 P0; connect 1 fd00:9::7 P1; set 1 noport 1
end tcp6 | name any6:0 | name mapped-own4:0 | one | socket 0 tcp6; connect 0 ::ffff:10.9.0.7 0; set 0 noport 1
end tcp6 | name any6:0 | name own6:0 | several | socket 1 tcp6; connect 1 2001:db8::77 P1; set 1 noport 1
end udp4 | name any4:* | name own4:0 | several | socket 2 udp4; connect 2 192.0.2.77 P0 family=16; set 2 noport 1
end udp4 | name any4:0 | name own4:0 | several | socket 0 udp4; set 0 noport 1
end udp4 | name own4:* | name own4:0 | one | socket 1 udp4; sendmsg 1 70000 10.0.0.1 P0; set 1 noport 1
end udp6 | name any6:* | name mapped-own4:0 | several | socket 0 udp6; sendmsg 0 5 fd00:1::1 P1 len=2; set 0 noport 1
end udp6 | name any6:0 | name mapped-own4:0 | several | socket 2 udp6; set 2 noport 1
end udp6 | name mapped-own4:* | name mapped-own4:0 | one | socket 0 udp6; sendto 0 5 ::ffff:10.0.0.1 P1 at=unmapped; set 0 noport 1
",
    },
    Known {
        reason: "A bind to port 0 leaves IP_BIND_ADDRESS_NO_PORT on",
        cases: "
end tcp4 | noport 0 | noport 1 | several | socket 0 tcp4; bind 0 10.0.0.2 0
end tcp6 | noport 0 | noport 1 | several | socket 0 tcp6; bind 0 ::ffff:127.0.0.1 0
end udp4 | noport 0 | noport 1 | several | socket 0 udp4; bind 0 10.0.0.1 0
end udp6 | noport 0 | noport 1 | several | socket 0 udp6; bind 0 ::ffff:127.0.0.1 0
",
    },
    Known {
        reason: "A call that is refused before the kernel sees it gives the socket no port",
        cases: "
end udp4 | name any4:* | name any4:0 | several | socket 1 udp4; sendto 1 5 10.5.0.1 P1 family=16
end udp6 | name any6:* | name any6:0 | several | socket 1 udp6; connect 1 unspec family=99
",
    },
    Known {
        reason: "A datagram socket that takes another source loses SO_BINDTODEVICE",
        cases: "
end udp6 | device lo | device - | several | socket 0 udp6; bind 0 ::ffff:224.0.0.251 P0; set 0 device lo; connect 0 ::ffff:10.9.0.7 P0
end udp6 | device v0 | device - | several | socket 0 udp6; bind 0 ::ffff:224.0.0.251 P1; set 0 device v0; connect 0 ::ffff:10.0.0.1 P1
",
    },
    Known {
        reason: "A wildcard does not serve an address of the host that is none of the context (row 3)",
        cases: "
recv udp4 | ok | EAGAIN | several | socket 0 udp4; bind 0 0.0.0.0 P0; sendmsg 0 0 10.5.0.1 P0; recv 0
",
    },
    Known {
        reason: "A source in a control message is judged before whether it means anything to such a socket",
        cases: "
sendmsg/sendmmsg udp4 | EDESTADDRREQ | EPERM | several | socket 0 udp4; sendmsg 0 5 192.0.2.77 P2; sendmmsg 0 5 none flags=4 source=0.0.0.0
sendmsg/sendmmsg udp6 | EDESTADDRREQ | EPERM | several | socket 0 udp6; bind 0 :: P1; sendmmsg 0 65507 none source=0.0.0.0
sendmsg/sendmmsg udp6 | ok | EPERM | several | socket 1 udp6; connect 1 :: 0; sendmsg 1 5 none source=0.0.0.0
",
    },
    Known {
        reason: "The destination is judged before the flags",
        cases: "
sendmsg/sendmmsg udp4 | EOPNOTSUPP | EDESTADDRREQ | several | socket 2 udp4; sendmsg 2 5 none flags=1
sendmsg/sendmmsg udp4 | EOPNOTSUPP | EPERM | several | socket 0 udp4; sendto 0 5 224.0.0.251 0; sendmsg 0 5 none flags=1 source=0.0.0.0
sendto/sendmsg/sendmmsg udp4 | EOPNOTSUPP | EAFNOSUPPORT | several | socket 0 udp4; sendto 0 5 :: P0 flags=1
sendto/sendmsg/sendmmsg udp4 | EOPNOTSUPP | EINVAL | several | socket 0 udp4; sendto 0 5 10.9.0.255 0 len=3 flags=1
",
    },
    Known {
        reason: "A socket of IPv6 that serves an IPv4 wildcard or group speaks to IPv6 as well",
        cases: "
sendto/sendmsg/sendmmsg udp6 | EAFNOSUPPORT | EFAULT | several | socket 0 udp6; bind 0 ::ffff:0.0.0.0 P0; sendmsg 0 5 fd00:1::1 P0 payload=unmapped
sendto/sendmsg/sendmmsg udp6 | EAFNOSUPPORT | EMSGSIZE | several | socket 1 udp6; bind 1 ::ffff:0.0.0.0 0; sendmsg 1 70000 fd00:1::1 P0
sendto/sendmsg/sendmmsg udp6 | EAFNOSUPPORT | EPIPE | several | socket 0 udp6; bind 0 ::ffff:0.0.0.0 P1; shutdown 0 2; sendto 0 5 fd00:1::1 P0
sendto/sendmsg/sendmmsg udp6 | EAFNOSUPPORT | ok | several | socket 0 udp6; bind 0 ::ffff:0.0.0.0 P1; sendto 0 5 :: P2
",
    },
    Known {
        reason: "A call that is refused before the kernel sees it gives the socket no port, so IPV6_V6ONLY can still be set",
        cases: "
set udp6 | EINVAL | ok | several | socket 1 udp6; sendmsg 1 5 none; set 1 v6only 1
",
    },
];
