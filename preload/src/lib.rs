//! `libchbind_preload.so`: enforcement from inside the process.
//!
//! Preloaded into a dynamic program (ld.so(8), `LD_PRELOAD`), it stands before the functions of the C library that name
//! addresses, asks the rules of [`chbind-policy`](../chbind_policy/index.html) as the supervisor does, and makes the call by
//! itself, at the cost of a function call.
//!
//! Under `--enforce preload` it is alone, and does all that the contract asks for. Under `--enforce hybrid` the filter and the
//! supervisor are there as well: its own calls pass the filter by the secret of the context, and what it need not do itself
//! (refusals, which have to be told, and all that takes knowledge of other processes) it leaves to the supervisor, by making
//! the program's call as it is.
//!
//! Nothing here allocates, panics, takes a lock or changes `errno` where the call succeeds; after the constructor has read the
//! context nothing is written but counters. The program is trusted: it shares its memory with these rules.
#![no_std]
#![deny(unsafe_code)]

mod bind;
mod connect;
mod create;
mod endpoint;
mod exec;
mod facts;
mod foreign_sockets;
mod host;
mod listen;
mod message;
mod name;
mod netif;
mod option;
mod program;
mod send;
mod shell;
mod stop;
#[allow(unsafe_code)]
mod sys;
mod tell;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    sys::end(125)
}
