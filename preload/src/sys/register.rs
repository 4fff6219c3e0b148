//! Arguments as registers.

use core::ffi::c_int;

/// An `int` as the lower half of a register; the kernel does not look at the upper one.
pub(crate) fn number(value: c_int) -> usize {
    value as u32 as usize
}
