//! The checked calls: a [table] of them, a [worker] that answers one at a time, and a file for each kind.

mod acting;
mod bind;
mod connect;
mod create;
mod landlock;
mod listen;
mod non_inet;
mod non_inet_send;
mod send;
mod send_one;
mod sockname;
mod sockopt;
mod table;
mod worker;

pub(crate) use table::answer_to;
pub(crate) use table::held_calls;
pub(crate) use worker::Worker;
