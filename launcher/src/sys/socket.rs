//! Socket calls with addresses as bytes, on a duplicate of somebody's socket.

use super::{Errno, Result, cerr, small};
use chbind_policy::sockaddr::{self, LEN_MAX};
use libc::{c_int, c_void, socklen_t};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

const SO_NETNS_COOKIE: c_int = 71;
const TCP_IS_MPTCP: c_int = 43;

/// A new socket, close-on-exec.
pub fn socket(domain: c_int, kind: c_int, protocol: c_int) -> Result<OwnedFd> {
    // SAFETY: plain numbers in, a new descriptor out.
    let fd = cerr(unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) })?;
    // SAFETY: the descriptor is new, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(small(fd)) })
}

/// bind(2).
pub fn bind(socket: BorrowedFd, address: SocketAddr) -> Result<()> {
    let (bytes, len) = sockaddr::encode(address);
    // SAFETY: the kernel reads `len` bytes, which `bytes` has.
    cerr(unsafe { libc::bind(socket.as_raw_fd(), bytes.as_ptr().cast(), len as socklen_t) }).map(drop)
}

/// connect(2).
pub fn connect(socket: BorrowedFd, address: SocketAddr) -> Result<()> {
    let (bytes, len) = sockaddr::encode(address);
    // SAFETY: the kernel reads `len` bytes, which `bytes` has.
    cerr(unsafe { libc::connect(socket.as_raw_fd(), bytes.as_ptr().cast(), len as socklen_t) }).map(drop)
}

/// connect(2) with `AF_UNSPEC`: dissolves an association.
pub fn disconnect(socket: BorrowedFd) -> Result<()> {
    let bytes = [0u8; sockaddr::LEN_V4];
    // SAFETY: the kernel reads 16 bytes, which `bytes` has.
    cerr(unsafe { libc::connect(socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len() as socklen_t) }).map(drop)
}

/// listen(2).
pub fn listen(socket: BorrowedFd, backlog: c_int) -> Result<()> {
    // SAFETY: plain numbers.
    cerr(unsafe { libc::listen(socket.as_raw_fd(), backlog) }).map(drop)
}

type NameCall = unsafe extern "C" fn(c_int, *mut libc::sockaddr, *mut socklen_t) -> c_int;

fn name(call: NameCall, socket: BorrowedFd) -> Result<Option<SocketAddr>> {
    let mut bytes = [0u8; LEN_MAX];
    let mut len = LEN_MAX as socklen_t;
    // SAFETY: the kernel writes at most `len` bytes, which `bytes` has, and the length.
    cerr(unsafe { call(socket.as_raw_fd(), bytes.as_mut_ptr().cast(), &raw mut len) })?;
    Ok(sockaddr::decode(bytes.get(..len as usize).unwrap_or(&bytes)))
}

/// getsockname(2); `None` for a socket of another family.
pub fn local(socket: BorrowedFd) -> Result<Option<SocketAddr>> {
    name(libc::getsockname, socket)
}

/// getpeername(2); `None` for a socket of another family.
pub fn peer(socket: BorrowedFd) -> Result<Option<SocketAddr>> {
    name(libc::getpeername, socket)
}

fn get<T: Copy>(socket: BorrowedFd, level: c_int, option: c_int, mut value: T) -> Result<T> {
    let mut len = size_of::<T>() as socklen_t;
    // SAFETY: the kernel writes at most `len` bytes to `value`; `T` is only ever an integer or timeval here, for
    // which every pattern of bits is valid.
    cerr(unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, option, (&raw mut value).cast::<c_void>(), &raw mut len)
    })?;
    Ok(value)
}

/// An integer option.
pub fn option(socket: BorrowedFd, level: c_int, option: c_int) -> Result<c_int> {
    get(socket, level, option, 0)
}

/// Whether an inet socket is TCP and nothing else, in one question: only TCP and MPTCP sockets know `TCP_IS_MPTCP`
/// (Linux 5.16). False is no answer.
pub fn is_plain_tcp(socket: BorrowedFd) -> bool {
    option(socket, libc::IPPROTO_TCP, TCP_IS_MPTCP) == Ok(0)
}

/// `SO_NETNS_COOKIE` (Linux 5.14): which network namespace the socket belongs to.
pub fn netns_cookie(socket: BorrowedFd) -> Result<u64> {
    get(socket, libc::SOL_SOCKET, SO_NETNS_COOKIE, 0)
}

/// `SO_COOKIE`: a number that no other socket has or will have.
pub fn cookie(socket: BorrowedFd) -> Result<u64> {
    get(socket, libc::SOL_SOCKET, libc::SO_COOKIE, 0)
}

/// Lets nothing that arrives reach the socket any more, for good (`SO_ATTACH_FILTER`, `SO_LOCK_FILTER`; socket(7)).
pub fn deafen(socket: BorrowedFd) -> Result<()> {
    let drop_all = libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: 0 };
    let program = libc::sock_fprog { len: 1, filter: (&raw const drop_all).cast_mut() };
    let (at, len) = ((&raw const program).cast::<c_void>(), size_of::<libc::sock_fprog>() as socklen_t);
    // SAFETY: the kernel reads one sock_fprog and the one instruction it points to; both live through the call.
    cerr(unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, at, len) })?;
    set_option(socket, libc::SOL_SOCKET, libc::SO_LOCK_FILTER, &1i32.to_ne_bytes())
}

/// Whether `SO_SNDTIMEO` is set.
pub fn has_send_timeout(socket: BorrowedFd) -> bool {
    let none = libc::timeval { tv_sec: 0, tv_usec: 0 };
    get(socket, libc::SOL_SOCKET, libc::SO_SNDTIMEO, none).is_ok_and(|t| t.tv_sec != 0 || t.tv_usec != 0)
}

/// Whether `O_NONBLOCK` is set.
pub fn is_nonblocking(socket: BorrowedFd) -> Result<bool> {
    // SAFETY: F_GETFL takes no argument.
    let flags = cerr(unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_GETFL) })?;
    Ok(small(flags) & libc::O_NONBLOCK != 0)
}

/// Sets an option to these bytes.
pub fn set_option(socket: BorrowedFd, level: c_int, option: c_int, value: &[u8]) -> Result<()> {
    let (at, len) = (value.as_ptr().cast::<c_void>(), value.len() as socklen_t);
    // SAFETY: the kernel reads `len` bytes, which `value` has.
    cerr(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, at, len) }).map(drop)
}

/// `IP_BIND_ADDRESS_NO_PORT`: a bind to port 0 fixes the address and takes no port. IPv6 sockets know it too.
pub fn set_no_port(socket: BorrowedFd, on: bool) -> Result<()> {
    set_option(socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, &c_int::from(on).to_ne_bytes())
}

/// `IPV6_V6ONLY`; EINVAL once the socket has a port.
pub fn set_v6only(socket: BorrowedFd, on: bool) -> Result<()> {
    set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, &c_int::from(on).to_ne_bytes())
}

/// Whether `IP_BIND_ADDRESS_NO_PORT` is set.
pub fn no_port(socket: BorrowedFd) -> bool {
    option(socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT).is_ok_and(|on| on != 0)
}

/// sendmsg(2): `payload` to `address` (or the peer) with these control messages, never raising SIGPIPE.
pub fn send(
    socket: BorrowedFd,
    address: Option<SocketAddr>,
    payload: &[u8],
    control: &[u8],
    flags: c_int,
) -> Result<usize> {
    let (mut bytes, len) = match address {
        Some(address) => sockaddr::encode(address),
        None => ([0; sockaddr::LEN_V6], 0),
    };
    let mut piece = libc::iovec { iov_base: payload.as_ptr().cast_mut().cast(), iov_len: payload.len() };
    // SAFETY: all-zero is a valid msghdr: null pointers with zero lengths.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    if len > 0 {
        message.msg_name = bytes.as_mut_ptr().cast();
        message.msg_namelen = len as socklen_t;
    }
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    if !control.is_empty() {
        message.msg_control = control.as_ptr().cast_mut().cast();
        message.msg_controllen = control.len() as _;
    }
    // SAFETY: each pointer in `message` has as many bytes as the length beside it, all live through the call, and
    // sendmsg only reads them.
    let sent =
        cerr(unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, flags | libc::MSG_NOSIGNAL) } as i64)?;
    usize::try_from(sent).map_err(|_| Errno(libc::EIO))
}

/// Binds `name` in the abstract namespace of AF_UNIX: at most one socket of a network namespace can hold it.
pub fn hold_abstract_name(name: &[u8]) -> Result<OwnedFd> {
    let held = socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
    let mut bytes = Vec::with_capacity(3 + name.len());
    bytes.extend_from_slice(&(libc::AF_UNIX as u16).to_ne_bytes());
    bytes.push(0);
    bytes.extend_from_slice(name);
    // SAFETY: the kernel reads as many bytes as `bytes` has; a leading zero byte makes the name abstract (unix(7)).
    cerr(unsafe { libc::bind(held.as_raw_fd(), bytes.as_ptr().cast(), bytes.len() as socklen_t) })?;
    Ok(held)
}
