//! The place of `libchbind_preload.so`, enforcement from inside the process.
//!
//! Nothing is here yet: in this version every context is enforced by the seccomp filter and its supervisor (see the
//! `chbind` crate), which need no help from inside. The shim will answer the same calls with the same rules, taken
//! from [`chbind-policy`](../chbind_policy/index.html), at the cost of a function call.
#![no_std]
#![forbid(unsafe_code)]
