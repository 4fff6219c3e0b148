//! Error numbers.

/// A positive error number as the kernel gives it (errno(3)). A number that no library knows stays what it is: it is handed on
/// to the program, which may know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

macro_rules! names {
    ($($name:ident)*) => {
        /// Those that are told apart or given as an answer here.
        #[allow(missing_docs, reason = "errno(3) has them")]
        impl Errno {
            $(pub const $name: Errno = Errno(libc::$name);)*
        }
    };
}

names! {
    E2BIG EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF ECONNREFUSED EDESTADDRREQ EFAULT
    EINPROGRESS EINTR EINVAL EMSGSIZE ENETUNREACH ENOBUFS ENODEV ENOENT ENOMEM ENOMSG ENOSYS ENOTSOCK ENOTTY
    EOPNOTSUPP EPERM EPIPE EPROTONOSUPPORT ESOCKTNOSUPPORT ESRCH
}
