//! What the targets share: a context, sockets and addresses made of a fuzzer's bytes, and the contract read naively.
#![forbid(unsafe_code)]

pub mod contract;
pub mod input;
pub mod world;
