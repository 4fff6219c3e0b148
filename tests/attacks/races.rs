//! Memory and descriptors that change while a call is checked.

use crate::table::Attack;

/// Calls on local sockets run as they are after the check, for the kernel records who makes them.
const NO_FLOOR: &[(&str, &str)] = &[("default", "the call runs as it is after the check; no Landlock floor for UDP")];
const NO_FLOOR_FOR_LISTEN: &[(&str, &str)] =
    &[("default", "the call runs as it is after the check; the Landlock floor does not cover listen")];
const NO_FLOOR_FOR_THREE: &[(&str, &str)] =
    &[("default", "the call runs as it is after the check; no Landlock floor for UDP, nor for listen of TCP")];

pub(crate) const ATTACKS: &[Attack] = &[
    Attack::new("a thread flips the address during bind", "attack-flip bind").shows(&["done", "EADDRNOTAVAIL"]),
    Attack::new("the same with `--process parent`", "attack-flip bind")
        .options("--process parent")
        .shows(&["done", "EADDRNOTAVAIL"]),
    Attack::new("a thread flips the address during connect", "attack-flip connect").shows(&["done", "EACCES"]),
    Attack::new("a thread flips the msghdr during sendmsg, sendmmsg", "attack-flip msghdr")
        .shows(&["done", "EACCES", "EPERM"]),
    Attack::new("a thread flips the cmsg during sendmsg, sendmmsg", "attack-flip cmsg")
        .shows(&["done", "EPERM", "EINVAL"]),
    Attack::new("a thread flips the value during setsockopt (IPV6_PKTINFO)", "attack-flip option")
        .options("--ip fd00:1::1/64")
        .shows(&["done", "EPERM"]),
    Attack::new("dup2 of UDP over AF_UNIX during bind", "attack-swap bind unix,udp thread").open(NO_FLOOR),
    Attack::new("dup2 of UDP over AF_UNIX during connect", "attack-swap connect unix,udp thread").open(NO_FLOOR),
    Attack::new("dup2 of UDP over AF_UNIX during sendto, sendmsg, sendmmsg", "attack-swap send unix,udp thread")
        .open(NO_FLOOR),
    Attack::new("dup2 of UDP over AF_NETLINK during bind, connect, sends", "attack-swap any netlink,udp thread")
        .open(NO_FLOOR),
    Attack::new("dup2 of TCP over AF_UNIX during bind", "attack-swap bind unix,tcp thread").shows(&[
        "done",
        "EADDRNOTAVAIL",
        "EINVAL",
    ]),
    Attack::new("dup2 of TCP over AF_UNIX during connect", "attack-swap connect unix,tcp thread")
        .shows(&["done", "EACCES", "EINVAL"]),
    Attack::new("dup2 of TCP over AF_UNIX during sends with MSG_FASTOPEN", "attack-swap fastopen unix,tcp thread")
        .shows(&["done", "EACCES", "EOPNOTSUPP"]),
    Attack::new("dup2 of TCP over AF_UNIX during listen", "attack-swap listen unix,tcp thread")
        .open(NO_FLOOR_FOR_LISTEN),
    Attack::new(
        "dup2 of UDP and TCP over each other during bind, connect, sends, listen",
        "attack-swap any tcp,udp thread",
    )
    .shows(&["done", "EADDRNOTAVAIL", "EACCES", "EOPNOTSUPP"]),
    Attack::new(
        "dup2 of UDP, TCP and AF_UNIX over each other during bind, connect, sends, listen",
        "attack-swap any unix,tcp,udp thread",
    )
    .open(NO_FLOOR_FOR_THREE)
    .shows(&["done", "EADDRNOTAVAIL", "EACCES", "EOPNOTSUPP", "EINVAL"]),
    Attack::new(
        "a process (CLONE_FILES) instead of a thread dup2s UDP over AF_UNIX",
        "attack-swap any unix,udp process",
    )
    .open(NO_FLOOR),
    Attack::new(
        "a thread leaves the table (unshare(CLONE_FILES)): a number means another socket",
        "attack-tables thread",
    ),
    Attack::new("a process shares the table (CLONE_FILES), and leaves it", "attack-tables process"),
];
