//! The two seccomp filters: the context's and the supervisor's own.
//!
//! ```text
//! context_filter                          supervisor_filter
//!
//! machine: another             kill       machine: another            kill
//!          32-bit: its table ┐            number from 0x40000000      kill
//! call of the shim, secret     allow      calls judged by arguments   allow, EPERM
//! number from 0x40000000       ENOSYS     clone3                      ENOSYS
//! io_uring; strict: clone3     ENOSYS     plain calls                 allow
//! rules, one a call            notify, …  strict: openat2             allow
//! the rest                     allow      the rest                    kill
//!                            │
//! the 32-bit table ──────────┘
//! sockets, seccomp, io_uring   ENOSYS
//! landlock_create_ruleset      notify
//! strict: clone3, clone        ENOSYS, EPERM
//! the rest                     allow
//! ```
//!
//! Drawn out in docs/design/filters.md; what each filter does to each call is listed in `golden/`.

pub(crate) mod arch;
pub(crate) mod context_filter;
mod error;
#[cfg(test)]
mod interpreter;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod paths;
pub(crate) mod rule;
pub(crate) mod supervisor_filter;

pub(crate) use error::Error;
