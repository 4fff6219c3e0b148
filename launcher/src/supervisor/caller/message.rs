//! A message as the caller describes it, copied.

use super::address;
use super::budget::{Buffer, Share, zeroes};
use super::held::Caller;
use super::outcome::Stop;
use crate::sys::Errno;
use crate::sys::memory::{self, Piece};
use chbind_policy::sockaddr::LEN_MAX;
use chbind_policy::sockaddr::SockAddr;

/// Payload is read in pieces of this many bytes; no datagram is longer.
const CHUNK: usize = 256 * 1024;
/// `UIO_MAXIOV` (linux/uio.h): pieces of one message.
const PIECES_MAX: u64 = 1024;
/// Control messages of so many bytes are ENOBUFS: the usual `net.core.optmem_max`, which they have to be below
/// (sock_kmalloc, net/core/sock.c).
const CONTROL_MAX: u64 = 128 * 1024;
/// `MAX_RW_COUNT` (linux/fs.h): the most bytes of one call.
const RW_MAX: usize = 0x7fff_f000;
/// The size of `struct msghdr` on a 64-bit kernel, in bytes.
pub(crate) const HEADER: usize = 56;

const FAULT: Stop = Stop::Fail(Errno::EFAULT);

/// Our copy of the description; the payload is still with the caller.
pub(crate) struct Message {
    pub(crate) address: Option<SockAddr>,
    pub(crate) payload: Vec<Piece>,
    pub(crate) control: Vec<u8>,
    pub(crate) flags: i32,
    /// For the control messages, of which there are two copies in the end.
    pub(crate) _share: Share,
}

impl Message {
    /// A copy of the `struct msghdr` at `at` and of what it points to, with the errors of `copy_msghdr_from_user` and
    /// `____sys_sendmsg` (net/socket.c).
    pub(crate) fn read(caller: &mut Caller, at: u64, flags: i32) -> Result<Message, Stop> {
        let mut header = [0; HEADER];
        caller.read(at, &mut header)?;
        let word = |n: usize| {
            header.get(n * 8..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_ne_bytes(*bytes))
        };
        let [name, name_len, pieces, count, control, control_len] = [0, 1, 2, 3, 4, 5].map(word);
        let name_len = name_len as u32 as i32;
        if name != 0 && name_len < 0 {
            return Err(Stop::Fail(Errno::EINVAL));
        }
        let address = match (name, name_len) {
            (0, _) | (_, 0) => None,
            _ => Some(address::read(caller, name, (name_len as u64).min(LEN_MAX as u64))?),
        };
        if count > PIECES_MAX {
            return Err(Stop::Fail(Errno::EMSGSIZE));
        }
        let payload = pieces_at(caller, pieces, count as usize)?;
        if control_len >= CONTROL_MAX {
            return Err(Stop::Fail(Errno::ENOBUFS));
        }
        let share = Share::of(2 * control_len as usize)?;
        let mut bytes = zeroes(control_len as usize)?;
        caller.read(control, &mut bytes)?;
        Ok(Message { address, payload, control: bytes, flags, _share: share })
    }

    pub(crate) fn len(&self) -> usize {
        self.payload.iter().map(Piece::len).sum()
    }

    /// Copies payload from byte `from` on into `buffer`, as much as one piece may have. Gives the copy, and if something of
    /// that piece cannot be read how many bytes come after those that can.
    pub(crate) fn load<'a>(
        &self,
        caller: &mut Caller,
        from: usize,
        buffer: &'a mut Buffer,
    ) -> Result<(&'a [u8], usize), Stop> {
        let all = self.len() - from;
        let want = all.min(CHUNK);
        if want == 0 {
            return Ok((&[], 0));
        }
        let buffer = buffer.first(want)?;
        let mut skip = from;
        let mut left = want;
        let mut pieces = Vec::with_capacity(self.payload.len());
        for piece in &self.payload {
            let gone = skip.min(piece.len());
            skip -= gone;
            let len = (piece.len() - gone).min(left);
            left -= len;
            if len > 0 {
                pieces.push(Piece::new(piece.address().wrapping_add(gone as u64), len));
            }
        }
        let n = match caller.gather(&pieces, buffer) {
            Err(FAULT) => 0,
            read => read?,
        };
        let missing = if n < want { all - n } else { 0 };
        Ok((buffer.get(..n).unwrap_or_default(), missing))
    }
}

/// A payload in one piece, with the errors of `import_ubuf` (lib/iov_iter.c).
pub(crate) fn piece(at: u64, len: u64) -> Result<Piece, Stop> {
    let len = usize::try_from(len).unwrap_or(RW_MAX).min(RW_MAX);
    require_range(at, len)?;
    Ok(Piece::new(at, len))
}

/// EFAULT if these cannot be addresses of a program, be there anything or not, or be `len` 0.
fn require_range(at: u64, len: usize) -> Result<(), Stop> {
    match at.checked_add(len as u64) {
        Some(end) if memory::may_end_at(end) => Ok(()),
        _ => Err(FAULT),
    }
}

/// A copy of a `struct iovec` list, with the errors of `__import_iovec` (lib/iov_iter.c).
fn pieces_at(caller: &mut Caller, at: u64, count: usize) -> Result<Vec<Piece>, Stop> {
    let mut bytes = zeroes(count * 16)?;
    caller.read(at, &mut bytes)?;
    let field = |raw: &[u8], at: usize| {
        raw.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_ne_bytes(*bytes))
    };
    let raw = || bytes.chunks_exact(16).map(|raw| (field(raw, 0), field(raw, 8)));
    if raw().any(|(_, len)| isize::try_from(len).is_err()) {
        return Err(Stop::Fail(Errno::EINVAL));
    }
    if count == 1 {
        return raw().map(|(at, len)| piece(at, len)).collect();
    }
    let mut pieces = Vec::with_capacity(count);
    let mut total = 0usize;
    for (at, len) in raw() {
        let len = len as usize;
        // All of it, also what is too much for one call.
        require_range(at, len)?;
        let len = len.min(RW_MAX - total);
        total += len;
        pieces.push(Piece::new(at, len));
    }
    Ok(pieces)
}
