//! What keeps a supervisor from serving.

use super::form::Words;
use super::form::said;
use crate::supervisor::Error;
use crate::sys::Errno;

impl Words for Error {
    fn sentence(&self) -> String {
        let errno = match self {
            Error::Filter(cause) => return format!("cannot start serving: {}", cause.sentence()),
            Error::Interrupts(errno) | Error::Namespace(errno) | Error::Wake(errno) | Error::Confine(errno) => *errno,
            Error::NoIdentity => Errno(libc::ESRCH),
            Error::NoThread => Errno(libc::EAGAIN),
        };
        format!("cannot start serving: {}", said(errno))
    }
}
