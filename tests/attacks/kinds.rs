//! Sockets of other kinds.

use crate::table::{Attack, Natively};

const ABSENT: Natively = Natively::Unknown("many kernels lack it");

pub(crate) const ATTACKS: &[Attack] = &[
    Attack::new("MPTCP", "attack-kinds mptcp").refused_with("EPROTONOSUPPORT"),
    Attack::new("SCTP", "attack-kinds sctp").natively(ABSENT),
    Attack::new("DCCP", "attack-kinds dccp").natively(ABSENT),
    Attack::new("UDP-Lite", "attack-kinds udplite").natively(ABSENT),
    Attack::new("SMC", "attack-kinds smc").natively(ABSENT),
    Attack::new("AF_PACKET: a forged source", "attack-kinds packet").natively(Natively::OpenToRoot),
    Attack::new("AF_VSOCK", "attack-kinds vsock"),
    Attack::new("every other family (AF_XDP, RDS, TIPC, KCM, …)", "attack-kinds families"),
    Attack::new("raw sockets", "attack-kinds raw").natively(Natively::OpenToRoot),
    Attack::new("IPPROTO_RAW: a forged source", "attack-kinds ipproto-raw").natively(Natively::OpenToRoot),
    Attack::new("IP_HDRINCL, with `--raw-icmp`", "attack-kinds hdrincl")
        .options("--raw-icmp")
        .natively(Natively::OpenToRoot),
];
