//! An address as the caller gave it.

use super::held::Caller;
use super::outcome::Stop;
use chbind_policy::sockaddr::{self, LEN_MAX};
use std::net::SocketAddr;

/// Our copy of an address of the caller's, of any family.
pub(crate) struct RawAddress {
    bytes: [u8; LEN_MAX],
    len: usize,
}

impl RawAddress {
    /// Copies `len` bytes at `at`, with the errors of `move_addr_to_kernel` (net/socket.c).
    pub(crate) fn read(caller: &mut Caller, at: u64, len: u64) -> Result<Self, Stop> {
        let len = usize::try_from(len as i32).map_err(|_| Stop::Fail(libc::EINVAL))?;
        let mut address = RawAddress { bytes: [0; LEN_MAX], len };
        let to = address.bytes.get_mut(..len).ok_or(Stop::Fail(libc::EINVAL))?;
        caller.read(at, to)?;
        Ok(address)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// What it says, for a message.
    pub(crate) fn shown(&self) -> Option<SocketAddr> {
        sockaddr::decode(self.bytes()).map(sockaddr::canonical)
    }
}
