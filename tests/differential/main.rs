//! The same calls inside a context and outside of any come to the same: what the kernel promises of errors, their order
//! and names holds inside as well.
//!
//! Random sequences of calls are made by two programs, each on a host (a network namespace) of its own, with the same
//! addresses. One of them is in a context that has all of them, so nothing is foreign, and `--loopback host`. What the
//! contract means to be different is not masked in the results: the program outside gives the kernel the addresses that
//! the context takes by the contract (`contract()` in `probes/sequence.c`), or the generator leaves it out
//! (`sequence.rs`); both name the row.

#![forbid(unsafe_code)]

mod addresses;
mod compare;
mod difference;
mod host;
mod known;
mod sequence;

use std::process::ExitCode;

use chbind_tests::{Case, suite};

fn main() -> ExitCode {
    suite::main(vec![
        Case::both("several_addresses", |t| compare::run(t, &host::SEVERAL, "")).alone(),
        Case::both("several_addresses::parent", |t| compare::run(t, &host::SEVERAL, "--process parent")).alone(),
        Case::both("one_address", |t| compare::run(t, &host::ONE, "")).alone(),
        Case::both("known::several_addresses", |t| compare::examples(t, &host::SEVERAL)),
        Case::both("known::one_address", |t| compare::examples(t, &host::ONE)),
        // Alone: it is felt everywhere on the machine.
        Case::root("connect_program", compare::with_connect_program).alone(),
    ])
}
