//! Descriptors that a process inherited.

use super::{Number, Result, cerr};
use libc::c_uint;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// The first descriptor after the standard ones.
const FIRST: c_uint = 3;

/// Opens /dev/null as the standard descriptors, and closes all others but these.
///
/// What is closed must have no owner in this process that would use or close it later: `kept` names all that the process
/// owns. It is for the side of a fork that has little, and knows what that is.
pub(crate) fn keep_only(kept: &[BorrowedFd]) -> Result<()> {
    let null: OwnedFd = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).map_err(Number::errno)?;
    dup2_stdin(&null).map_err(Number::errno)?;
    dup2_stdout(&null).map_err(Number::errno)?;
    dup2_stderr(&null).map_err(Number::errno)?;
    drop(null);
    let mut kept: Vec<c_uint> = kept.iter().filter_map(|fd| c_uint::try_from(fd.as_raw_fd()).ok()).collect();
    kept.sort_unstable();
    let mut first = FIRST;
    for fd in kept {
        if fd > first {
            // SAFETY: no owner has what lies between two that are kept, as the caller knows.
            unsafe { close_range(first, fd - 1) }?;
        }
        first = first.max(fd + 1);
    }
    // SAFETY: as above, of what lies behind the last.
    unsafe { close_range(first, c_uint::MAX) }
}

/// Closes every descriptor of this process from `first` to `last`, both included.
///
/// # Safety
///
/// No live value of this process owns or borrows a descriptor of the range: it would use, or close, whatever is opened
/// under that number next.
unsafe fn close_range(first: c_uint, last: c_uint) -> Result<()> {
    // SAFETY: plain numbers; of the descriptors the caller knows.
    cerr(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0 as c_uint) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::fork::in_child;
    use nix::sys::wait::WaitStatus;
    use std::fs::{self, File};
    use std::os::fd::AsFd;

    #[test]
    fn what_is_kept_is_all_there_is() {
        let open: Vec<File> = (0..8).map(|_| File::open("/").unwrap()).collect();
        let kept = [open[5].as_fd(), open[2].as_fd()];
        let ended = in_child(|| {
            let is_done = keep_only(&kept).is_ok();
            let left: Vec<i32> = (0..1024).filter(|fd| fs::metadata(format!("/proc/self/fd/{fd}")).is_ok()).collect();
            let expected = [0, 1, 2, open[2].as_raw_fd(), open[5].as_raw_fd()];
            (is_done && left == expected && fs::read_link("/proc/self/fd/2").is_ok_and(|to| to.ends_with("null")))
                .into()
        });
        assert!(matches!(ended, WaitStatus::Exited(_, 1)), "{ended:?}");
    }
}
