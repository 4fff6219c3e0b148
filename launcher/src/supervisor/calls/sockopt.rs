//! setsockopt: the options that say as much as an address.

use super::worker::Worker;
use crate::supervisor::caller::duplicate::Duplicate;
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::outcome::Stop;
use crate::supervisor::socket::sockets::Sockets;
use crate::sys::Errno;
use crate::sys::seccomp::{Answer, Instruction};
use crate::sys::{self, socket};
use chbind_policy::Subject;
use chbind_policy::bpf;
use chbind_policy::option::{self, Facts, VALUE_MAX};
use libc::{
    IP_MULTICAST_IF, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO, SO_ATTACH_BPF, SO_ATTACH_FILTER, SO_LOCK_FILTER,
    SOL_SOCKET,
};
use std::os::fd::{AsRawFd, OwnedFd};

/// The size of `struct sock_fprog` on a 64-bit kernel and of `struct sock_filter` (linux/filter.h), in bytes.
const PROGRAM: usize = 16;
const INSTRUCTION: usize = 8;

/// Options that name a source: what they say is refused where the kernel would have looked at it.
const NAMING: [(i32, i32); 2] = [(IPPROTO_IP, IP_MULTICAST_IF), (IPPROTO_IPV6, IPV6_PKTINFO)];

/// A value in our copy, with what it points to.
enum Value {
    Bytes,
    Program(Vec<Instruction>),
    Descriptor(OwnedFd),
}

impl Worker {
    /// Done on the duplicate whatever the family: which socket the descriptor names could change meanwhile.
    pub(crate) fn set_option(&mut self, caller: &mut Caller) -> Result<Answer, Stop> {
        let [level, name] = [1, 2].map(|argument| caller.int(argument));
        self.subject = Subject::Option { level, name };
        let duplicate = caller.duplicate(caller.int(0))?;
        // ENOTSOCK comes before all else.
        duplicate.option(SOL_SOCKET, libc::SO_TYPE)?;
        let len = usize::try_from(caller.int(4)).map_err(|_| Stop::Fail(Errno::EINVAL))?;
        match self.set_as_judged(caller, &duplicate, level, name, len) {
            Err(Stop::Gone) => Err(Stop::Gone),
            // So does what the kernel says to the socket or the length: only then does it look at the value.
            Err(stop) if NAMING.contains(&(level, name)) => {
                let [_, _, _, at, ..] = caller.args();
                match socket::refuse_option(duplicate.act(caller.live()?), level, name, len, at == 0) {
                    Some(errno) if errno.0 != libc::EFAULT => Err(errno.into()),
                    _ => Err(stop),
                }
            }
            done => done,
        }
    }

    fn set_as_judged(
        &self,
        caller: &mut Caller,
        duplicate: &Duplicate,
        level: i32,
        name: i32,
        len: usize,
    ) -> Result<Answer, Stop> {
        let [_, _, _, at, ..] = caller.args();
        let mut bytes = [0; VALUE_MAX];
        let bytes = bytes.get_mut(..len.min(VALUE_MAX)).unwrap_or_default();
        let read = bytes.get_mut(..option::read_of(level, name, len)).unwrap_or_default();
        caller.read(at, read)?;
        let value = pointed_to(caller, level, name, read)?;
        // One of these options gives a socket its address for a moment (`perform::fix_source`), others its filter (shield).
        let _locked = self.shared.sockets.lock(duplicate)?;
        option::set(self.shared.context, facts(&self.shared.sockets, duplicate, level, name)?, level, name, read)?;
        let fd = duplicate.act(caller.live()?);
        match value {
            Value::Bytes => socket::set_option(fd, level, name, bytes)?,
            Value::Program(program) => socket::attach_filter(fd, &program)?,
            Value::Descriptor(of) => socket::set_option(fd, level, name, &of.as_raw_fd().to_ne_bytes())?,
        }
        Ok(Answer::Return(0))
    }
}

/// What a value is that means nothing outside of the caller.
fn pointed_to(caller: &mut Caller, level: i32, name: i32, bytes: &[u8]) -> Result<Value, Stop> {
    const EINVAL: Stop = Stop::Fail(Errno::EINVAL);
    match (level, name) {
        // Of another length the kernel refuses it unread.
        (SOL_SOCKET, SO_ATTACH_FILTER) if bytes.len() == PROGRAM => {
            // copy_bpf_fprog_from_user (net/core/filter.c): the number of instructions, and where they are.
            let program: &[u8; PROGRAM] = bytes.try_into().map_err(|_| EINVAL)?;
            let [a, b, _, _, _, _, _, _, at @ ..] = program;
            let count = usize::from(u16::from_ne_bytes([*a, *b]));
            if count == 0 || count > bpf::INSTRUCTIONS_MAX {
                return Err(EINVAL);
            }
            let mut read = vec![0; count * INSTRUCTION];
            caller.read(u64::from_ne_bytes(*at), &mut read)?;
            Ok(Value::Program(read.chunks_exact(INSTRUCTION).filter_map(instruction).collect()))
        }
        (SOL_SOCKET, SO_ATTACH_BPF) => {
            let number = bytes.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes)).ok_or(EINVAL)?;
            caller.duplicate_any(number).map(Value::Descriptor)
        }
        _ => Ok(Value::Bytes),
    }
}

/// `struct sock_filter`: code (2 bytes), jumps if true and if false (1 each), operand (4).
fn instruction(bytes: &[u8]) -> Option<Instruction> {
    let [a, b, jt, jf, k @ ..] = bytes.first_chunk::<INSTRUCTION>()?;
    Some(Instruction { code: u16::from_ne_bytes([*a, *b]), jt: *jt, jf: *jf, k: u32::from_ne_bytes(*k) })
}

/// What the rule for this option asks of the socket.
fn facts(sockets: &Sockets, of: &Duplicate, level: i32, name: i32) -> sys::Result<Facts> {
    let kind = of.option(SOL_SOCKET, libc::SO_TYPE)?;
    let is_datagram = || -> sys::Result<bool> {
        let domain = of.option(SOL_SOCKET, libc::SO_DOMAIN)?;
        Ok(kind == libc::SOCK_DGRAM && [libc::AF_INET, libc::AF_INET6].contains(&domain))
    };
    let portless = (level, name) == (SOL_SOCKET, SO_LOCK_FILTER) && is_datagram()? && sockets.local(of)?.is_portless();
    Ok(Facts { raw: kind == libc::SOCK_RAW, portless })
}
