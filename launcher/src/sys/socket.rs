//! Socket calls with addresses as bytes, on a duplicate of somebody's socket.

use super::seccomp::Instruction;
use super::{Errno, Result, cerr, small};
use chbind_policy::sockaddr::{self, SockAddr};
use libc::{c_int, c_void, socklen_t};
use nix::unistd::Uid;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

const SO_NETNS_COOKIE: c_int = 71;
const TCP_IS_MPTCP: c_int = 43;

/// A new socket, close-on-exec.
pub(crate) fn socket(domain: c_int, kind: c_int, protocol: c_int) -> Result<OwnedFd> {
    // SAFETY: plain numbers in, a new descriptor out.
    let fd = cerr(unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) })?;
    // SAFETY: the descriptor is new, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(small(fd)) })
}

/// bind(2).
pub(crate) fn bind(socket: BorrowedFd, address: SocketAddr) -> Result<()> {
    bind_bytes(socket, sockaddr::encode(address).bytes())
}

/// bind(2) to an address of any family.
pub(crate) fn bind_bytes(socket: BorrowedFd, address: &[u8]) -> Result<()> {
    let len = address.len() as socklen_t;
    // SAFETY: the kernel reads `len` bytes, which `address` has.
    cerr(unsafe { libc::bind(socket.as_raw_fd(), address.as_ptr().cast(), len) }).map(drop)
}

/// connect(2) to an address of any family.
pub(crate) fn connect_bytes(socket: BorrowedFd, address: &[u8]) -> Result<()> {
    let len = address.len() as socklen_t;
    // SAFETY: the kernel reads `len` bytes, which `address` has.
    cerr(unsafe { libc::connect(socket.as_raw_fd(), address.as_ptr().cast(), len) }).map(drop)
}

/// connect(2).
pub(crate) fn connect(socket: BorrowedFd, address: SocketAddr) -> Result<()> {
    connect_bytes(socket, sockaddr::encode(address).bytes())
}

/// connect(2) with `AF_UNSPEC`: dissolves an association.
pub(crate) fn disconnect(socket: BorrowedFd) -> Result<()> {
    connect_bytes(socket, &[0; sockaddr::LEN_V4])
}

/// What connect(2) says to a TCP socket before it looks at the address; EAFNOSUPPORT if nothing (`__inet_stream_connect`,
/// net/ipv4/af_inet.c). The address is none that a socket could be connected to.
pub(crate) fn connect_to_nobody(socket: BorrowedFd) -> Result<()> {
    let mut bytes = [0u8; sockaddr::LEN_V6];
    let [a, b, ..] = &mut bytes;
    [*a, *b] = (libc::AF_UNIX as u16).to_ne_bytes();
    connect_bytes(socket, &bytes)
}

/// Whether it takes a right to bind to this port (`net.ipv4.ip_unprivileged_port_start`). IPv6 is asked: it says so before it
/// looks at the address, here one of a prefix that goes nowhere (100::/64, RFC 6666).
pub(crate) fn is_privileged(port: u16) -> bool {
    let nowhere = SocketAddr::from(([0x100, 0, 0, 0, 0, 0, 0, 0], port));
    let asked = socket(libc::AF_INET6, libc::SOCK_DGRAM, 0).and_then(|stand_in| bind(stand_in.as_fd(), nowhere));
    asked == Err(Errno(libc::EACCES))
}

/// listen(2).
pub(crate) fn listen(socket: BorrowedFd, backlog: c_int) -> Result<()> {
    // SAFETY: plain numbers.
    cerr(unsafe { libc::listen(socket.as_raw_fd(), backlog) }).map(drop)
}

type NameCall = unsafe extern "C" fn(c_int, *mut libc::sockaddr, *mut socklen_t) -> c_int;

fn name(call: NameCall, socket: BorrowedFd) -> Result<Option<SocketAddr>> {
    let name = SockAddr::written(|room| {
        let mut len = room.len() as socklen_t;
        // SAFETY: the kernel writes at most `len` bytes, which `room` has, and the length.
        cerr(unsafe { call(socket.as_raw_fd(), room.as_mut_ptr().cast(), &raw mut len) })?;
        Ok(len as usize)
    })?;
    Ok(name.decode())
}

/// getsockname(2); `None` for a socket of another family.
pub(crate) fn local(socket: BorrowedFd) -> Result<Option<SocketAddr>> {
    name(libc::getsockname, socket)
}

/// getpeername(2); `None` for a socket of another family.
pub(crate) fn peer(socket: BorrowedFd) -> Result<Option<SocketAddr>> {
    name(libc::getpeername, socket)
}

fn get<T: Copy>(socket: BorrowedFd, level: c_int, option: c_int, mut value: T) -> Result<T> {
    let mut len = size_of::<T>() as socklen_t;
    // SAFETY: the kernel writes at most `len` bytes to `value`; `T` is only ever an integer, a timeval or a ucred
    // here, for which every pattern of bits is valid.
    cerr(unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, option, (&raw mut value).cast::<c_void>(), &raw mut len)
    })?;
    Ok(value)
}

/// An integer option.
pub(crate) fn option(socket: BorrowedFd, level: c_int, option: c_int) -> Result<c_int> {
    get(socket, level, option, 0)
}

/// Whether an inet socket is TCP and nothing else, in one question: only TCP and MPTCP sockets know `TCP_IS_MPTCP`
/// (Linux 5.16). False is no answer.
pub(crate) fn is_plain_tcp(socket: BorrowedFd) -> bool {
    option(socket, libc::IPPROTO_TCP, TCP_IS_MPTCP) == Ok(0)
}

/// `SO_NETNS_COOKIE` (Linux 5.14): which network namespace the socket belongs to.
pub(crate) fn netns_cookie(socket: BorrowedFd) -> Result<u64> {
    get(socket, libc::SOL_SOCKET, SO_NETNS_COOKIE, 0)
}

/// `SO_COOKIE`: a number that no other socket has or will have.
pub(crate) fn cookie(socket: BorrowedFd) -> Result<u64> {
    get(socket, libc::SOL_SOCKET, libc::SO_COOKIE, 0)
}

/// The user who made the socket.
pub(crate) fn owner(socket: BorrowedFd) -> Result<Uid> {
    // SAFETY: all-zero is a valid stat: numbers only.
    let mut found: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one stat, which `found` is.
    cerr(unsafe { libc::fstat(socket.as_raw_fd(), &raw mut found) })?;
    Ok(Uid::from_raw(found.st_uid))
}

/// Throws away what has arrived.
pub(crate) fn drain(socket: BorrowedFd) -> Result<()> {
    let mut byte = [0u8];
    loop {
        let (at, flags) = (byte.as_mut_ptr().cast::<c_void>(), libc::MSG_DONTWAIT | libc::MSG_TRUNC);
        // SAFETY: the kernel writes at most one byte, which `byte` has.
        match cerr(unsafe { libc::recv(socket.as_raw_fd(), at, byte.len(), flags) } as i64) {
            Ok(_) => {}
            Err(Errno(libc::EAGAIN)) => return Ok(()),
            Err(errno) => return Err(errno),
        }
    }
}

/// `IPV6_MULTICAST_ALL` off: of groups the socket hears those that it has joined itself.
pub(crate) fn hear_joined_groups_only(socket: BorrowedFd) -> Result<()> {
    const IPV6_MULTICAST_ALL: c_int = 29;
    set_option(socket, libc::IPPROTO_IPV6, IPV6_MULTICAST_ALL, &0i32.to_ne_bytes())
}

/// Puts a filter before what arrives (`SO_ATTACH_FILTER`, socket(7)). EPERM if another is locked in its place.
pub(crate) fn attach_filter(socket: BorrowedFd, program: &[Instruction]) -> Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| Errno(libc::EINVAL))?;
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut().cast() };
    let (at, len) = ((&raw const program).cast::<c_void>(), size_of::<libc::sock_fprog>() as socklen_t);
    // SAFETY: the kernel reads one sock_fprog and as many instructions as it says; both live through the call. An
    // Instruction is laid out as a sock_filter.
    cerr(unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, at, len) }).map(drop)
}

/// Takes it away (`SO_DETACH_FILTER`).
pub(crate) fn detach_filter(socket: BorrowedFd) -> Result<()> {
    set_option(socket, libc::SOL_SOCKET, libc::SO_DETACH_FILTER, &0i32.to_ne_bytes())
}

/// Keeps the filter where it is, for good (`SO_LOCK_FILTER`).
pub(crate) fn lock_filter(socket: BorrowedFd) -> Result<()> {
    set_option(socket, libc::SOL_SOCKET, libc::SO_LOCK_FILTER, &1i32.to_ne_bytes())
}

/// Whether it is kept so.
pub(crate) fn is_filter_locked(socket: BorrowedFd) -> bool {
    option(socket, libc::SOL_SOCKET, libc::SO_LOCK_FILTER).is_ok_and(|locked| locked != 0)
}

/// The filter that is attached (`SO_GET_FILTER`); EINVAL if it has more than `most` instructions, EACCES if it is no
/// classic one.
pub(crate) fn filter(socket: BorrowedFd, most: usize) -> Result<Vec<Instruction>> {
    // In instructions, not in bytes (sk_get_filter, net/core/filter.c).
    let mut len = socklen_t::try_from(most).map_err(|_| Errno(libc::EINVAL))?;
    let mut program = vec![Instruction { code: 0, jt: 0, jf: 0, k: 0 }; most];
    let at = program.as_mut_ptr().cast::<c_void>();
    // SAFETY: the kernel writes at most `len` instructions, which `program` has, and their number.
    cerr(unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_GET_FILTER, at, &raw mut len) })?;
    program.truncate(len as usize);
    Ok(program)
}

const _: () = assert!(size_of::<Instruction>() == size_of::<libc::sock_filter>());

/// Whether `SO_SNDTIMEO` is set.
pub(crate) fn has_send_timeout(socket: BorrowedFd) -> bool {
    let none = libc::timeval { tv_sec: 0, tv_usec: 0 };
    get(socket, libc::SOL_SOCKET, libc::SO_SNDTIMEO, none).is_ok_and(|t| t.tv_sec != 0 || t.tv_usec != 0)
}

/// Whether `O_NONBLOCK` is set.
pub(crate) fn is_nonblocking(socket: BorrowedFd) -> Result<bool> {
    // SAFETY: F_GETFL takes no argument.
    let flags = cerr(unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_GETFL) })?;
    Ok(small(flags) & libc::O_NONBLOCK != 0)
}

/// Sets an option to these bytes.
pub(crate) fn set_option(socket: BorrowedFd, level: c_int, option: c_int, value: &[u8]) -> Result<()> {
    let (at, len) = (value.as_ptr().cast::<c_void>(), value.len() as socklen_t);
    // SAFETY: the kernel reads `len` bytes, which `value` has.
    cerr(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, at, len) }).map(drop)
}

/// What the kernel says to an option with a value of `len` bytes that cannot be read: EFAULT only if it would read it. Some
/// take the null pointer for no value. Only for options that have to be read; `None` if this one had not.
pub(crate) fn refuse_option(socket: BorrowedFd, level: c_int, option: c_int, len: usize, null: bool) -> Option<Errno> {
    let at = std::ptr::without_provenance::<c_void>(usize::from(!null));
    let len = socklen_t::try_from(len).unwrap_or(socklen_t::MAX);
    // SAFETY: the kernel reads what is at `at`: in the first page nothing is mapped, and it stops at the first byte.
    cerr(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, at, len) }).err()
}

/// What to send: bytes, and how many come after them that cannot be read.
#[derive(Clone, Copy)]
pub(crate) struct Payload<'a> {
    /// Those that there are.
    pub bytes: &'a [u8],
    /// How many there should be more. They make the kernel say EFAULT, but only where it would have read them.
    pub missing: usize,
}

/// sendmsg(2): `payload` to `address` (or the peer) with these control messages, never raising SIGPIPE.
pub(crate) fn send(
    socket: BorrowedFd,
    address: Option<SocketAddr>,
    payload: Payload,
    control: &[u8],
    flags: c_int,
) -> Result<usize> {
    send_bytes(socket, address.map_or(SockAddr::NONE, sockaddr::encode).bytes(), payload, control, flags)
}

/// The same to an address of any family, empty for none.
pub(crate) fn send_bytes(
    socket: BorrowedFd,
    address: &[u8],
    payload: Payload,
    control: &[u8],
    flags: c_int,
) -> Result<usize> {
    let bytes_there = libc::iovec { iov_base: payload.bytes.as_ptr().cast_mut().cast(), iov_len: payload.bytes.len() };
    let missing = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: payload.missing };
    let mut pieces = [bytes_there, missing];
    // SAFETY: all-zero is a valid msghdr: null pointers with zero lengths.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    if !address.is_empty() {
        message.msg_name = address.as_ptr().cast_mut().cast();
        message.msg_namelen = address.len() as socklen_t;
    }
    message.msg_iov = pieces.as_mut_ptr();
    message.msg_iovlen = if payload.missing == 0 { 1 } else { 2 };
    if !control.is_empty() {
        message.msg_control = control.as_ptr().cast_mut().cast();
        message.msg_controllen = control.len() as _;
    }
    // SAFETY: each pointer in `message` has as many bytes as the length beside it, all live through the call, and
    // sendmsg only reads them; but for the null pointer, where nothing is mapped and the kernel stops at the first byte.
    let sent =
        cerr(unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, flags | libc::MSG_NOSIGNAL) } as i64)?;
    usize::try_from(sent).map_err(|_| Errno(libc::EIO))
}

/// The bytes of an address in the abstract namespace of AF_UNIX: a leading zero byte makes the name abstract (unix(7)).
fn abstract_address(name: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(3 + name.len());
    bytes.extend_from_slice(&(libc::AF_UNIX as u16).to_ne_bytes());
    bytes.push(0);
    bytes.extend_from_slice(name);
    bytes
}

/// Binds `name` in the abstract namespace of AF_UNIX: at most one socket of a network namespace can hold it.
pub(crate) fn hold_abstract_name(name: &[u8]) -> Result<OwnedFd> {
    let held = socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
    bind_bytes(held.as_fd(), &abstract_address(name))?;
    Ok(held)
}

/// The same with a socket that can listen, and never blocks.
pub(crate) fn hold_abstract_stream(name: &[u8]) -> Result<OwnedFd> {
    let held = socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_NONBLOCK, 0)?;
    bind_bytes(held.as_fd(), &abstract_address(name))?;
    Ok(held)
}

/// Connects to one that listens, within a second.
pub(crate) fn connect_abstract_stream(name: &[u8]) -> Result<OwnedFd> {
    let there = socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)?;
    // struct timeval: seconds, microseconds.
    let limit = [1i64.to_ne_bytes(), 0i64.to_ne_bytes()].concat();
    set_option(there.as_fd(), libc::SOL_SOCKET, libc::SO_SNDTIMEO, &limit)?;
    connect_bytes(there.as_fd(), &abstract_address(name))?;
    Ok(there)
}

/// The process and the user that listened there (`SO_PEERCRED`).
pub(crate) fn peer_of(socket: BorrowedFd) -> Result<(libc::pid_t, Uid)> {
    let none = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let found = get(socket, libc::SOL_SOCKET, libc::SO_PEERCRED, none)?;
    Ok((found.pid, Uid::from_raw(found.uid)))
}

/// Lets go of whoever has connected to a socket that listens and does not block: who asks has learned what it wanted.
pub(crate) fn accept_and_close(listener: BorrowedFd) {
    let none = std::ptr::null_mut();
    // SAFETY: no address is asked for.
    let come = unsafe { libc::accept4(listener.as_raw_fd(), none, std::ptr::null_mut(), libc::SOCK_CLOEXEC) };
    if come >= 0 {
        // SAFETY: the descriptor is new, so nobody else owns it.
        drop(unsafe { OwnedFd::from_raw_fd(come) });
    } else {
        // Out of descriptors, say: whoever waits there is to be met again, but not at once.
        std::thread::sleep(Duration::from_millis(10));
    }
}
