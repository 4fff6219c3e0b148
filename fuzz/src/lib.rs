//! What the targets share: a context, sockets and addresses made of a fuzzer's bytes, and the contract read naively.
#![forbid(unsafe_code)]

// The tests of the rules have these as well.
#[path = "../../policy/tests/all/common/fake_host.rs"]
pub mod fake_host;
#[path = "../../policy/tests/all/common/meant.rs"]
pub mod meant;
#[path = "../../policy/tests/all/common/own.rs"]
pub mod own;
#[path = "../../policy/tests/all/common/parts.rs"]
pub mod parts;

pub mod contract;
pub mod input;
pub mod world;
