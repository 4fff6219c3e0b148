//! chbind as people use it: real programs in contexts, watched from outside.
//!
//! Needs root: it makes network namespaces and an ordinary user, who then runs every test that a user can.

#![forbid(unsafe_code)]

mod bad_input;
mod collisions;
mod confined;
mod cpython;
mod dns_servers;
mod exhausted;
mod find;
mod golang;
mod grants;
mod help;
mod holes;
mod hostile;
mod icmp;
mod inspect;
mod jobs;
mod lifetime;
mod lost_addresses;
mod messages;
mod multicast;
mod postgres;
mod quic;
mod raw_sockets;
mod remote;
mod rows;
mod rules_bind;
mod rules_connect;
mod runtimes;
mod servers;
mod set_id;
mod shim;
mod shim_around;
mod shim_exec;
mod shim_leaves;
mod shim_lines;
mod shim_netif;
mod shim_not_started;
mod shim_outside;
mod shim_programs;
mod shim_secret;
mod shim_threads;
mod signals;
mod ssh;
mod status;
mod strict;
mod systemd;
mod tools;
mod wildcards;

use std::process::ExitCode;

use chbind_tests::{Case, suite};

fn main() -> ExitCode {
    suite::main(cases())
}

fn cases() -> Vec<Case> {
    [
        bad_input::cases(),
        collisions::cases(),
        confined::cases(),
        cpython::cases(),
        dns_servers::cases(),
        exhausted::cases(),
        find::cases(),
        golang::cases(),
        grants::cases(),
        help::cases(),
        holes::cases(),
        hostile::cases(),
        icmp::cases(),
        inspect::cases(),
        jobs::cases(),
        lifetime::cases(),
        lost_addresses::cases(),
        messages::cases(),
        multicast::cases(),
        postgres::cases(),
        quic::cases(),
        raw_sockets::cases(),
        rules_bind::cases(),
        rules_connect::cases(),
        runtimes::cases(),
        servers::cases(),
        set_id::cases(),
        shim::cases(),
        shim_around::cases(),
        shim_outside::cases(),
        shim_exec::cases(),
        shim_leaves::cases(),
        shim_lines::cases(),
        shim_netif::cases(),
        shim_not_started::cases(),
        shim_programs::cases(),
        shim_secret::cases(),
        shim_threads::cases(),
        signals::cases(),
        ssh::cases(),
        status::cases(),
        strict::cases(),
        systemd::cases(),
        tools::cases(),
        wildcards::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
