//! An address as the caller gave it.

use super::held::Caller;
use super::outcome::Stop;
use crate::sys::Errno;
use chbind_policy::sockaddr::SockAddr;

/// Copies `len` bytes at `at`, with the errors of `move_addr_to_kernel` (net/socket.c).
pub(crate) fn read(caller: &mut Caller, at: u64, len: u64) -> Result<SockAddr, Stop> {
    const EINVAL: Stop = Stop::Fail(Errno::EINVAL);
    let len = usize::try_from(len as i32).map_err(|_| EINVAL)?;
    SockAddr::written(|room| {
        caller.read(at, room.get_mut(..len).ok_or(EINVAL)?)?;
        Ok(len)
    })
}
