//! The kernel, the C library and the program's memory, with names and types. [`exports`] has the functions as C sees them: it is
//! above all the rest of the shim, which lies above what else is here.

mod alloc;
mod call;
mod cancel;
mod errno;
mod exports;
pub(crate) mod line;
mod musl;
mod next;
mod process;
mod register;
mod secret;
mod socket;
mod state;

pub(crate) use call::Result;
pub(crate) use cancel::cancellable;
pub(crate) use process::{end, keeps_rights, own_name, own_pid, real_ids};
pub(crate) use register::number;
pub(crate) use socket::{
    Fd, Own, Pieces, as_it_is, has_capabilities, is_executable_at, open_at, past, socket, stat_at,
};
pub(crate) use state::shim;
