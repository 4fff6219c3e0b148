//! The functions that execute programs. A preloaded library goes on into what a process executes by the environment alone, and
//! only where the loader heeds it.

use crate::program::{Program, Reason, leaves};
use crate::sys::shim;
use crate::tell;
use core::fmt::{self, Write};

/// What is to be done before a program is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing.
    Nothing,
    /// The secret is not for it: its environment goes without the context.
    WithoutContext,
}

/// A program is about to be executed; `is_named` if its environment names the context and the shim.
pub(crate) fn before(program: Option<Program>, is_named: bool) -> Before {
    let reason = program.and_then(leaves);
    if shim().is_hybrid() {
        // Whatever the shim is not loaded into meets the supervisor.
        let is_other = matches!(reason, Some(Reason::SetId | Reason::Capabilities));
        return if is_other { Before::WithoutContext } else { Before::Nothing };
    }
    if let Some(reason) = reason.or((!is_named).then_some(Reason::NoEnvironment)) {
        let name = fmt::from_fn(|f| match program {
            Some(program) if !program.path.is_empty() => {
                let mut shown = program.path.to_bytes().iter();
                shown.try_for_each(|byte| f.write_char(if byte.is_ascii_graphic() { char::from(*byte) } else { '?' }))
            }
            _ => f.write_str("a program"),
        });
        tell::tell(&fmt::from_fn(|f| {
            write!(f, "{name} leaves the context: {reason} (--enforce seccomp would hold it)")
        }));
    }
    Before::Nothing
}
