//! The functions that execute programs. A preloaded library goes on into what a process executes by the environment alone, and
//! only where the loader heeds it.

use crate::program::{Reason, leaves};
use crate::sys::{Path, shim};
use crate::tell;
use core::fmt;

/// What is to be done before a program is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing.
    Nothing,
    /// The secret is not for it: its environment goes without the context.
    WithoutContext,
}

/// The program at `path` is about to be executed; `is_named` if its environment names the context.
pub(crate) fn before(path: Option<&Path>, is_named: bool) -> Before {
    let reason = path.and_then(leaves);
    if shim().is_hybrid() {
        // Whatever the shim is not loaded into meets the supervisor.
        let is_other = matches!(reason, Some(Reason::SetId | Reason::Capabilities));
        return if is_other && is_named { Before::WithoutContext } else { Before::Nothing };
    }
    if let Some(reason) = reason.or((!is_named).then_some(Reason::NoEnvironment)) {
        let name = fmt::from_fn(|f| match path {
            Some(path) => path.fmt(f),
            None => f.write_str("a program"),
        });
        tell::tell(&fmt::from_fn(|f| {
            write!(f, "{name} leaves the context: {reason} (--enforce seccomp would hold it)")
        }));
    }
    Before::Nothing
}
