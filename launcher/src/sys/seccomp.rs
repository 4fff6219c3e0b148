//! seccomp(2) filters and seccomp_unotify(2).

use super::{Errno, Result, cerr, small};
use libc::{c_uint, c_ulong, pid_t};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

const GET_ACTION_AVAIL: c_uint = 2;
const SET_MODE_FILTER: c_uint = 1;
/// `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP` (linux/seccomp.h, Linux 6.6): caller and supervisor run on one CPU, in turn.
const SYNC_WAKE_UP: u64 = 1;

pub(crate) use chbind_policy::bpf::Instruction;

/// Whether the kernel knows the filter action `action` (a `SECCOMP_RET_*` value).
pub(crate) fn has_action(action: u32) -> bool {
    // SAFETY: the kernel reads four bytes from the pointer.
    cerr(unsafe { libc::syscall(libc::SYS_seccomp, GET_ACTION_AVAIL, 0 as c_uint, &raw const action) }).is_ok()
}

/// How a wait for an answer ends once the supervisor has the notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Only a fatal signal ends it (Linux 5.19).
    Killable,
    /// Any signal ends it.
    Interruptible,
}

/// Puts the calling thread under `program` for good, and gives the listener for its notifications. EBUSY if a listener
/// is above it already, EACCES without no_new_privs and CAP_SYS_ADMIN.
pub(crate) fn install(program: &[Instruction]) -> Result<(OwnedFd, Wait)> {
    match set_filter(program, libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) {
        Ok(listener) => Ok((listener, Wait::Killable)),
        Err(Errno(libc::EINVAL)) => Ok((set_filter(program, 0)?, Wait::Interruptible)),
        Err(errno) => Err(errno),
    }
}

fn set_filter(program: &[Instruction], more: c_ulong) -> Result<OwnedFd> {
    let length = u16::try_from(program.len()).map_err(|_| Errno(libc::E2BIG))?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast() };
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | more;
    // SAFETY: the kernel only reads the `len` instructions at `filter`, which live through the call.
    let fd = cerr(unsafe { libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, flags, &raw const program) })?;
    // SAFETY: the descriptor is new, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(small(fd)) })
}

/// Puts this process, of one thread, under `program` for good, without a listener.
pub(crate) fn confine(program: &[Instruction]) -> Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| Errno(libc::E2BIG))?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast() };
    // The mitigation that this leaves away slows down every call, and is for programs that run other people's code.
    let flags = libc::SECCOMP_FILTER_FLAG_TSYNC | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    // SAFETY: the kernel only reads the `len` instructions at `filter`, which live through the call.
    match cerr(unsafe { libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, flags, &raw const program) })? {
        0 => Ok(()),
        // The id of a thread that could not be brought under it.
        _ => Err(Errno(libc::ESRCH)),
    }
}

/// One system call that waits for an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notification {
    /// The kernel's cookie for it.
    pub id: u64,
    /// The calling **thread**, as seen in the supervisor's process id namespace.
    pub tid: pid_t,
    /// The number of the system call, in the native architecture.
    pub nr: i64,
    /// Its arguments: a copy of the caller's registers.
    pub args: [u64; 6],
}

/// What the caller gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The call runs as it is, with the caller's memory and descriptors as they are then.
    Continue,
    /// The call returns this.
    Return(i64),
    /// The call fails with this positive error number.
    Fail(Errno),
    /// It has been given already, with a descriptor.
    Given,
}

/// What waiting for a notification brings.
pub(crate) enum Received {
    /// A call to answer.
    Call(Notification),
    /// Nothing: a caller went away between the wake-up and the read, or the context is empty.
    Nothing,
}

/// The supervisor's end.
#[derive(Debug)]
pub(crate) struct Listener(OwnedFd);

impl Listener {
    /// The listener behind `fd`.
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Listener(fd)
    }

    /// The descriptor, for poll(2).
    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.0
    }

    /// Asks for wake-ups on the same CPU. EINVAL or ENOTTY before Linux 6.6.
    pub(crate) fn wake_in_turn(&self) -> Result<()> {
        let request = libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS;
        // SAFETY: this ioctl takes the flags by value.
        cerr(unsafe { libc::ioctl(self.0.as_raw_fd(), request as _, SYNC_WAKE_UP) }).map(drop)
    }

    /// Waits for the next call.
    pub(crate) fn receive(&self) -> Result<Received> {
        // SAFETY: all-zero is a valid value, and what the kernel asks the buffer to be.
        let mut raw: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: the kernel writes one struct seccomp_notif; its size has not changed since Linux 5.0, and the ioctl
        // number, which holds the size, would not be known if it had.
        match cerr(unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV as _, &raw mut raw) }) {
            Ok(_) => Ok(Received::Call(Notification {
                id: raw.id,
                tid: raw.pid as pid_t,
                nr: i64::from(raw.data.nr),
                args: raw.data.args,
            })),
            Err(Errno(libc::ENOENT | libc::EINTR)) => Ok(Received::Nothing),
            Err(errno) => Err(errno),
        }
    }

    /// Answers the call `id`. ENOENT if the caller no longer waits.
    pub(crate) fn answer(&self, id: u64, answer: Answer) -> Result<()> {
        let (val, error, flags) = match answer {
            Answer::Continue => (0, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
            Answer::Return(val) => (val, 0, 0),
            Answer::Fail(errno) => (0, -errno.0.max(1), 0),
            Answer::Given => return Ok(()),
        };
        let response = libc::seccomp_notif_resp { id, val, error, flags };
        let request = libc::SECCOMP_IOCTL_NOTIF_SEND;
        // SAFETY: the kernel only reads one struct seccomp_notif_resp.
        cerr(unsafe { libc::ioctl(self.0.as_raw_fd(), request as _, &raw const response) }).map(drop)
    }

    /// Answers the call `id` with a duplicate of `fd` in the caller's table, whose number it returns (Linux 5.14).
    pub(crate) fn give(&self, id: u64, fd: BorrowedFd, close_on_exec: bool) -> Result<()> {
        let given = libc::seccomp_notif_addfd {
            id,
            flags: libc::SECCOMP_ADDFD_FLAG_SEND as u32,
            srcfd: fd.as_raw_fd() as u32,
            newfd: 0,
            newfd_flags: if close_on_exec { libc::O_CLOEXEC as u32 } else { 0 },
        };
        let request = libc::SECCOMP_IOCTL_NOTIF_ADDFD;
        // SAFETY: the kernel only reads one struct seccomp_notif_addfd.
        cerr(unsafe { libc::ioctl(self.0.as_raw_fd(), request as _, &raw const given) }).map(drop)
    }

    /// Whether the caller of `id` still waits: what was read from it before was its own.
    pub(crate) fn is_waiting(&self, id: u64) -> bool {
        // SAFETY: the kernel only reads the eight bytes of `id`.
        cerr(unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID as _, &raw const id) }).is_ok()
    }
}
