//! Proof that the caller waited.

use std::marker::PhantomData;

/// The caller of a held call waited after the last that was taken from it.
///
/// Neither a thread id nor a handle proves whose memory or socket was read: both pass to another thread of the process that
/// executes a program. If the caller waits *now* it waited all the time, so what was read and duplicated before was its own.
/// That is why every act on a duplicate asks for one of these. It borrows the [`Caller`](super::held::Caller), and what reads
/// from a caller borrows it mutably: nothing can be read while the proof is in hand, so that it never speaks of less than
/// what is acted on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live<'c>(PhantomData<&'c ()>);

impl<'c> Live<'c> {
    /// For whoever has just asked the kernel (`SECCOMP_IOCTL_NOTIF_ID_VALID`).
    pub(super) fn of<T>(_caller: &'c T) -> Self {
        Live(PhantomData)
    }
}
