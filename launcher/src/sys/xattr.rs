//! Extended attributes of files.

use super::{Errno, Result, cerr};
use std::os::fd::{AsFd, AsRawFd};

/// `XATTR_CAPS_SZ_3` (linux/capability.h) is 24; more than that is none that the kernel takes.
const LARGEST: usize = 64;

/// The file capabilities as they are stored (`security.capability`), if the file has any.
pub(crate) fn capability(file: impl AsFd) -> Result<Option<Vec<u8>>> {
    let mut value = [0u8; LARGEST];
    let (fd, name) = (file.as_fd().as_raw_fd(), c"security.capability".as_ptr());
    // SAFETY: the name ends with a zero byte, and the kernel writes LARGEST bytes to `value` at most.
    match cerr(unsafe { libc::fgetxattr(fd, name, value.as_mut_ptr().cast(), LARGEST) } as i64) {
        Ok(length) => Ok(value.get(..length as usize).map(<[u8]>::to_vec)),
        // None there, or none on such a file system.
        Err(Errno(libc::ENODATA | libc::EOPNOTSUPP)) => Ok(None),
        Err(errno) => Err(errno),
    }
}
