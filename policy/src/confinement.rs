//! `landlock_create_ruleset(2)`: how a program may confine itself.
//!
//! Rules of a program's own for the network would not hold: binds and connects are done for it by somebody who is not under
//! them. So there are none inside: Landlock is what it was before it had them (ABI 3, Linux 6.2), which programs know how to
//! get along with, and which tells them so.

use crate::errno::Errno;
use crate::verdict::{Refusal, Verdict};

/// The last version without rules for the network (`LANDLOCK_ACCESS_NET_BIND_TCP` came with ABI 4).
const ABI: i32 = 3;
/// What that version knows of files: from `LANDLOCK_ACCESS_FS_EXECUTE` to `LANDLOCK_ACCESS_FS_TRUNCATE`.
const FILES: u64 = (1 << 15) - 1;
/// The size of `struct landlock_ruleset_attr` then: `handled_access_fs`, 8 bytes in host order.
pub const LEN: usize = 8;
/// No longer attributes are looked at (`copy_min_struct_from_user`, security/landlock/syscalls.c): a page.
pub const LEN_MAX: usize = 4096;
/// `LANDLOCK_CREATE_RULESET_VERSION`
pub const VERSION: u32 = 1;

/// The version that a program is told, where the kernel has `abi`.
pub fn version(abi: i32) -> i32 {
    abi.min(ABI)
}

/// The accesses to files that a ruleset with these attributes is about.
///
/// # Errors
///
/// In the kernel's order (landlock_create_ruleset(2); `copy_min_struct_from_user`, security/landlock/syscalls.c):
///
/// - EINVAL: fewer than [`LEN`] bytes.
/// - E2BIG: more than [`LEN_MAX`], or something other than zeroes behind the first [`LEN`], where later versions have
///   rules for the network.
/// - ENOMSG: no access at all; EINVAL: one that version 3 does not know.
pub fn ruleset(attributes: &[u8]) -> Verdict<u64> {
    let (files, rest) = attributes.split_first_chunk::<LEN>().ok_or(Refusal::native(Errno::EINVAL))?;
    let files = u64::from_ne_bytes(*files);
    if attributes.len() > LEN_MAX || rest.iter().any(|byte| *byte != 0) {
        return Err(Refusal::native(Errno::E2BIG));
    }
    match files {
        0 => Err(Refusal::native(Errno::ENOMSG)),
        files if files & !FILES != 0 => Err(Refusal::native(Errno::EINVAL)),
        files => Ok(files),
    }
}
