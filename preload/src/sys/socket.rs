//! Socket calls. Those that the filter of `--enforce hybrid` holds back carry the secret of the context.

use super::call::{Result, raw};
use super::register::number;
use super::secret;
use chbind_policy::Errno;
use chbind_policy::bpf::Instruction;
use chbind_policy::sockaddr::SockAddr;
use core::ffi::CStr;
use libc::{c_int, c_long, c_void, socklen_t};

/// A descriptor of the program's, which it may close at any time: then calls fail with EBADF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fd(pub(crate) c_int);

/// A descriptor of our own, closed when it is dropped.
pub(crate) struct Own(Fd);

impl Drop for Own {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours, and gone after this.
        let _ = unsafe { raw(libc::SYS_close, [number(self.0.0), 0, 0, 0, 0, 0]) };
    }
}

impl Own {
    pub(crate) fn fd(&self) -> Fd {
        self.0
    }

    /// Whose it is from now on is another matter.
    pub(crate) fn release(self) -> c_int {
        let Fd(fd) = self.0;
        core::mem::forget(self);
        fd
    }
}

/// The pieces of a message: where an array of `iovec`s of the program is, and how many there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pieces {
    pub(crate) at: usize,
    pub(crate) count: usize,
}

/// A call that the filter holds back unless it carries the secret, half in each of two registers, where the kernel does not look:
/// arguments that the call does not have, or the upper halves of `int`s (`SecretAt` in the launcher).
///
/// # Safety
///
/// As for the call.
pub(crate) unsafe fn checked(nr: c_long, args: [usize; 6]) -> Result<usize> {
    let [a, b, c, d, e, f] = args;
    let (first, last) = secret::halves();
    let args = match nr {
        libc::SYS_sendto | libc::SYS_setsockopt => [a | first, b, c, d, e, f | last],
        _ => [a, b, c, d, e | first, f | last],
    };
    // SAFETY: what was added means nothing to the kernel; the rest as the caller promises.
    unsafe { raw(nr, args) }
}

/// The program's call as it is, with a pointer that cannot be good: the kernel says so.
pub(crate) fn as_it_is(nr: c_long, args: [usize; 6]) -> Result<usize> {
    // SAFETY: whatever the program hands to its kernel; memory is touched as the program asked for.
    unsafe { raw(nr, args) }
}

/// The same past the filter.
pub(crate) fn past(nr: c_long, args: [usize; 6]) -> Result<usize> {
    // SAFETY: as above.
    unsafe { checked(nr, args) }
}

/// socket(2).
pub(crate) fn socket(domain: c_int, kind: c_int, protocol: c_int) -> Result<Own> {
    // SAFETY: plain numbers.
    let fd = unsafe { checked(libc::SYS_socket, [number(domain), number(kind), number(protocol), 0, 0, 0]) }?;
    Ok(Own(Fd(fd as c_int)))
}

/// Opens a file, close-on-exec: a path from a directory, or, if the path is empty, what that descriptor is of.
pub(crate) fn open_at(directory: c_int, path: &CStr, flags: c_int) -> Result<Own> {
    let mut own = [0; 32];
    // It may have been opened for nothing but to be executed (O_PATH).
    let path = if path.is_empty() { link_of(directory, &mut own).ok_or(Errno::ENOENT)? } else { path };
    let flags = flags | libc::O_CLOEXEC;
    // SAFETY: the kernel reads the path up to its zero byte.
    let fd = unsafe { raw(libc::SYS_openat, [number(directory), path.as_ptr() as usize, number(flags), 0, 0, 0]) }?;
    Ok(Own(Fd(fd as c_int)))
}

/// What a descriptor is called in /proc.
fn link_of(fd: c_int, bytes: &mut [u8; 32]) -> Option<&CStr> {
    const DIRECTORY: &[u8] = b"/proc/self/fd/";
    let mut rest = u32::try_from(fd).ok()?;
    let digits = 1 + rest.checked_ilog10().unwrap_or(0) as usize;
    for (to, from) in bytes.iter_mut().zip(DIRECTORY) {
        *to = *from;
    }
    for place in bytes.get_mut(DIRECTORY.len()..DIRECTORY.len() + digits)?.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    CStr::from_bytes_until_nul(bytes).ok()
}

/// Whether this user may execute it.
pub(crate) fn is_executable_at(directory: c_int, path: &CStr) -> bool {
    let args = [number(directory), path.as_ptr() as usize, number(libc::X_OK), 0, 0, 0];
    // SAFETY: the kernel reads the path up to its zero byte. (It has no empty paths: those have been opened.)
    path.is_empty() || unsafe { raw(libc::SYS_faccessat, args) }.is_ok()
}

/// stat(2) of the same.
pub(crate) fn stat_at(directory: c_int, path: &CStr) -> Result<libc::stat> {
    // SAFETY: all-zero is a valid stat: numbers only.
    let mut found: libc::stat = unsafe { core::mem::zeroed() };
    let args = [number(directory), path.as_ptr() as usize, &raw mut found as usize, number(libc::AT_EMPTY_PATH), 0, 0];
    // SAFETY: the kernel reads the path up to its zero byte, and writes one stat.
    unsafe { raw(libc::SYS_newfstatat, args) }?;
    Ok(found)
}

impl Fd {
    /// Sets an option to these bytes.
    pub(crate) fn set(self, level: c_int, name: c_int, value: &[u8]) -> Result<()> {
        let (at, len) = (value.as_ptr().cast::<c_void>() as usize, value.len());
        // SAFETY: the kernel reads `len` bytes.
        unsafe { checked(libc::SYS_setsockopt, [number(self.0), number(level), number(name), at, len, 0]) }.map(drop)
    }

    /// bind(2) to an address of any family.
    pub(crate) fn bind_bytes(self, address: &[u8]) -> Result<()> {
        let (at, len) = (address.as_ptr() as usize, address.len());
        // SAFETY: the kernel reads `len` bytes.
        unsafe { checked(libc::SYS_bind, [number(self.0), at, len, 0, 0, 0]) }.map(drop)
    }

    /// connect(2) to an address of any family.
    pub(crate) fn connect_bytes(self, address: &[u8]) -> Result<()> {
        let (at, len) = (address.as_ptr() as usize, address.len());
        // SAFETY: the kernel reads `len` bytes.
        unsafe { checked(libc::SYS_connect, [number(self.0), at, len, 0, 0, 0]) }.map(drop)
    }

    /// listen(2).
    pub(crate) fn listen(self, backlog: c_int) -> Result<()> {
        // SAFETY: plain numbers.
        unsafe { checked(libc::SYS_listen, [number(self.0), number(backlog), 0, 0, 0, 0]) }.map(drop)
    }

    /// getsockname(2), whatever the family.
    pub(crate) fn local_name(self) -> Result<SockAddr> {
        self.name(libc::SYS_getsockname)
    }

    /// getpeername(2), whatever the family.
    pub(crate) fn peer_name(self) -> Result<SockAddr> {
        self.name(libc::SYS_getpeername)
    }

    fn name(self, nr: c_long) -> Result<SockAddr> {
        SockAddr::written(|room| {
            let mut len = room.len() as socklen_t;
            // SAFETY: the kernel writes at most `len` bytes, and the length.
            unsafe { checked(nr, [number(self.0), room.as_mut_ptr() as usize, &raw mut len as usize, 0, 0, 0]) }?;
            Ok(len as usize)
        })
    }

    /// An integer option.
    pub(crate) fn number_of(self, level: c_int, name: c_int) -> Result<c_int> {
        self.get(level, name, 0)
    }

    fn get<T: Copy>(self, level: c_int, name: c_int, mut value: T) -> Result<T> {
        let mut len = size_of::<T>() as socklen_t;
        let (at, room) = (&raw mut value as usize, &raw mut len as usize);
        // SAFETY: the kernel writes at most `len` bytes to `value`; `T` is only ever an integer here, for which every
        // pattern of bits is valid.
        unsafe { raw(libc::SYS_getsockopt, [number(self.0), number(level), number(name), at, room, 0]) }?;
        Ok(value)
    }

    /// Puts a filter before what arrives (`SO_ATTACH_FILTER`, socket(7)).
    pub(crate) fn attach_filter(self, program: &[Instruction]) -> Result<()> {
        let len = u16::try_from(program.len()).map_err(|_| Errno::EINVAL)?;
        let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut().cast() };
        let (at, len) = (&raw const program as usize, size_of::<libc::sock_fprog>());
        let args = [number(self.0), number(libc::SOL_SOCKET), number(libc::SO_ATTACH_FILTER), at, len, 0];
        // SAFETY: the kernel reads one sock_fprog and as many instructions as it says; an Instruction is a sock_filter.
        unsafe { checked(libc::SYS_setsockopt, args) }.map(drop)
    }

    /// The filter that is attached (`SO_GET_FILTER`): how many instructions; EINVAL if it has more than there is room for.
    pub(crate) fn filter(self, program: &mut [Instruction]) -> Result<usize> {
        // In instructions, not in bytes (sk_get_filter, net/core/filter.c).
        let mut len = socklen_t::try_from(program.len()).map_err(|_| Errno::EINVAL)?;
        let (at, room) = (program.as_mut_ptr() as usize, &raw mut len as usize);
        let args = [number(self.0), number(libc::SOL_SOCKET), number(libc::SO_GET_FILTER), at, room, 0];
        // SAFETY: the kernel writes at most `len` instructions, and their number.
        unsafe { raw(libc::SYS_getsockopt, args) }?;
        Ok(len as usize)
    }

    /// sendmsg(2) of the program's pieces (address and number of its `iovec`s) to this address, with these control messages;
    /// both empty for none.
    pub(crate) fn sendmsg(self, address: &[u8], control: &[u8], pieces: Pieces, flags: c_int) -> Result<usize> {
        // SAFETY: all-zero is a valid msghdr: null pointers with zero lengths.
        let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
        if !address.is_empty() {
            message.msg_name = address.as_ptr().cast_mut().cast();
            message.msg_namelen = address.len() as socklen_t;
        }
        message.msg_iov = pieces.at as *mut libc::iovec;
        message.msg_iovlen = pieces.count as _;
        if !control.is_empty() {
            message.msg_control = control.as_ptr().cast_mut().cast();
            message.msg_controllen = control.len() as _;
        }
        let args = [number(self.0), &raw const message as usize, number(flags), 0, 0, 0];
        // SAFETY: the kernel only reads: ours has as many bytes as it says, and the pieces are the program's.
        unsafe { checked(libc::SYS_sendmsg, args) }
    }

    /// read(2), or what it is for directories: `getdents64`.
    pub(crate) fn read_directory(self, bytes: &mut [u8]) -> Result<usize> {
        let args = [number(self.0), bytes.as_mut_ptr() as usize, bytes.len(), 0, 0, 0];
        // SAFETY: the kernel writes at most as many bytes as there are.
        unsafe { raw(libc::SYS_getdents64, args) }
    }

    /// pread(2).
    pub(crate) fn read_at(self, bytes: &mut [u8], at: u64) -> Result<usize> {
        let args = [number(self.0), bytes.as_mut_ptr() as usize, bytes.len(), at as usize, 0, 0];
        // SAFETY: the kernel writes at most as many bytes as there are.
        unsafe { raw(libc::SYS_pread64, args) }
    }

    /// send(2) and recv(2) without an address, for netlink.
    pub(crate) fn ask(self, question: &[u8], answer: &mut [u8]) -> Result<usize> {
        let args = [number(self.0), question.as_ptr() as usize, question.len(), 0, 0, 0];
        // SAFETY: the kernel reads as many bytes as there are.
        unsafe { raw(libc::SYS_sendto, args) }?;
        let flags = number(libc::MSG_DONTWAIT);
        let args = [number(self.0), answer.as_mut_ptr() as usize, answer.len(), flags, 0, 0];
        // SAFETY: the kernel writes at most as many bytes as there are.
        unsafe { raw(libc::SYS_recvfrom, args) }
    }

    /// Whether a write neither blocks nor finds nobody (poll(2)).
    pub(crate) fn takes_more(self) -> bool {
        let mut of = libc::pollfd { fd: self.0, events: libc::POLLOUT, revents: 0 };
        let no_time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the kernel reads and writes one pollfd, and reads one timespec.
        let done = unsafe { raw(libc::SYS_ppoll, [&raw mut of as usize, 1, &raw const no_time as usize, 0, 0, 0]) };
        done == Ok(1) && of.revents == libc::POLLOUT
    }

    /// write(2).
    pub(crate) fn write(self, bytes: &[u8]) -> Result<usize> {
        let args = [number(self.0), bytes.as_ptr() as usize, bytes.len(), 0, 0, 0];
        // SAFETY: the kernel reads as many bytes as there are.
        unsafe { raw(libc::SYS_write, args) }
    }

    /// Whether the file is where programs are given no rights (`ST_NOSUID`, statvfs(3)).
    pub(crate) fn is_on_nosuid(self) -> bool {
        // struct statfs (asm-generic/statfs.h): 15 words on a 64-bit kernel, the flags after type, block size, five counts, id,
        // length of names and fragment size.
        let mut found = [0u64; 15];
        // SAFETY: the kernel writes one statfs.
        let done = unsafe { raw(libc::SYS_fstatfs, [number(self.0), &raw mut found as usize, 0, 0, 0, 0]) };
        let [_, _, _, _, _, _, _, _, _, _, flags, ..] = found;
        done.is_ok() && flags & libc::ST_NOSUID != 0
    }

    /// fstat(2).
    pub(crate) fn stat(self) -> Result<libc::stat> {
        // SAFETY: all-zero is a valid stat: numbers only.
        let mut found: libc::stat = unsafe { core::mem::zeroed() };
        // SAFETY: the kernel writes one stat.
        unsafe { raw(libc::SYS_fstat, [number(self.0), &raw mut found as usize, 0, 0, 0, 0]) }?;
        Ok(found)
    }
}

/// Whether the file has capabilities (capabilities(7)).
pub(crate) fn has_capabilities(fd: Fd) -> bool {
    let args = [number(fd.0), c"security.capability".as_ptr() as usize, 0, 0, 0, 0];
    // SAFETY: the kernel reads the name up to its zero byte, and with no room writes nothing.
    unsafe { raw(libc::SYS_fgetxattr, args) }.is_ok()
}
