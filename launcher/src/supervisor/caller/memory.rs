//! The caller's memory: what is copied from it, and what is written into the room that it gives for an answer.

use crate::privileges::capabilities::with_all_rights;
use crate::procfs::Status;
use crate::supervisor::caller::outcome::{Stop, UNREADABLE};
use crate::sys::Errno;
use crate::sys::memory::{self, Mapping, Piece};
use crate::sys::process::on_account_of;
use crate::sys::seccomp::{Listener, Notification};
use libc::pid_t;
use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

/// Reads what `pieces` name in the memory of `tid`, as far as memory goes.
pub(super) fn gather(tid: pid_t, pieces: &[Piece], to: &mut [u8]) -> Result<usize, Stop> {
    memory::read(tid, pieces, to).map_err(fault)
}

fn fault(errno: Errno) -> Stop {
    match errno {
        Errno::EPERM => UNREADABLE,
        Errno::ESRCH => Stop::Gone,
        // EINVAL: a length beyond what an address space has.
        Errno::EINVAL => Stop::Fail(Errno::EFAULT),
        errno => Stop::Fail(errno),
    }
}

/// The caller's memory, to write to.
///
/// A thread id is no good for that: while a write is on its way another thread of the caller may execute a set-id program,
/// which then has the id and the handle (`de_thread`, fs/exec.c). An open `/proc/TID/mem` stays with the address space that
/// it was opened on; and if the caller still waits after that, that was its own. So does `/proc/TID/maps`.
pub(crate) struct CallerMemory {
    mem: File,
    maps: File,
    /// Where the last write was allowed: the next is mostly near.
    last: RefCell<Option<Mapping>>,
}

impl CallerMemory {
    /// Of the caller.
    pub(super) fn open(listener: &Listener, call: &Notification) -> Result<Self, Stop> {
        let proc = format!("/proc/{}", call.tid);
        let open = || -> io::Result<(File, File)> {
            let mem = OpenOptions::new().write(true).open(format!("{proc}/mem"))?;
            Ok((mem, File::open(format!("{proc}/maps"))?))
        };
        let opened = open().or_else(|_| with_all_rights(open)).or_else(|error| {
            // The file is its effective user's (proc(5)). To read it needs no more than CAP_DAC_READ_SEARCH; this does.
            Status::of(call.tid).map_or(Err(error), |status| on_account_of(status.user, open))
        });
        if !listener.is_waiting(call.id) {
            return Err(Stop::Gone);
        }
        let (mem, maps) = opened.map_err(|_| UNREADABLE)?;
        Ok(CallerMemory { mem, maps, last: RefCell::new(None) })
    }

    /// Writes `from` to `address`, as far as the caller could have: this file also takes what is for a page that can only
    /// be read (`FOLL_FORCE`, fs/proc/base.c).
    pub(crate) fn write(&self, address: u64, from: &[u8]) -> Result<(), Stop> {
        const FAULT: Stop = Stop::Fail(Errno::EFAULT);
        let allowed = from.get(..self.allowed(address, from.len())?).ok_or(FAULT)?;
        // EIO: an address that is not mapped.
        self.mem.write_all_at(allowed, address).map_err(|_| FAULT)?;
        if allowed.len() == from.len() { Ok(()) } else { Err(FAULT) }
    }

    /// How many of `len` bytes at `address` come before the first that the caller may not write to.
    fn allowed(&self, address: u64, len: usize) -> Result<usize, Stop> {
        let end = address.saturating_add(len as u64);
        let mut at = address;
        while at < end {
            match self.mapping(at)? {
                Some(mapping) if mapping.writable => at = mapping.range.end,
                Some(_) => return Ok((at - address) as usize),
                // The write finds out, and lets a stack grow.
                None => return Ok(len),
            }
        }
        Ok(len)
    }

    fn mapping(&self, address: u64) -> Result<Option<Mapping>, Stop> {
        let mut last = self.last.borrow_mut();
        if let Some(mapping) = last.as_ref().filter(|mapping| mapping.range.contains(&address)) {
            return Ok(Some(mapping.clone()));
        }
        *last = match memory::mapping(self.maps.as_fd(), address) {
            Err(Errno::ENOTTY) => in_text(&self.text()?, address),
            // Its address space is gone.
            Err(Errno::ESRCH) => return Err(Stop::Gone),
            found => found?,
        };
        Ok(last.clone())
    }

    fn text(&self) -> Result<Vec<u8>, Stop> {
        let mut text = Vec::new();
        let mut maps = &self.maps;
        maps.rewind().and_then(|()| maps.read_to_end(&mut text)).map_err(|_| UNREADABLE)?;
        Ok(text)
    }
}

/// The mapping at `address` in the text of /proc/PID/maps: its lines begin with `start-end` in hexadecimal and `rwxp`.
fn in_text(text: &[u8], address: u64) -> Option<Mapping> {
    text.split(|byte| *byte == b'\n').filter_map(line).find(|mapping| mapping.range.contains(&address))
}

fn line(line: &[u8]) -> Option<Mapping> {
    // Behind these fields comes a name, of any bytes.
    let mut fields = line.split(|byte| *byte == b' ').map(str::from_utf8);
    let (start, end) = fields.next()?.ok()?.split_once('-')?;
    let number = |digits| u64::from_str_radix(digits, 16).ok();
    let writable = fields.next()?.ok()?.as_bytes().get(1) == Some(&b'w');
    Some(Mapping { range: number(start)?..number(end)?, writable })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &[u8] = b"00400000-00401000 r--p 00000000 08:01 77 /bin/\xff-cat\n\
        7f0000000000-7f0000002000 rw-p 00000000 00:00 0 \n\
        ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n";

    #[test]
    fn a_mapping_is_found_in_the_text() {
        assert_eq!(in_text(MAPS, 0x40_0fff), Some(Mapping { range: 0x40_0000..0x40_1000, writable: false }));
        let written = Mapping { range: 0x7f00_0000_0000..0x7f00_0000_2000, writable: true };
        assert_eq!(in_text(MAPS, 0x7f00_0000_0000), Some(written));
        assert_eq!(in_text(MAPS, 0x7f00_0000_2000), None);
        assert_eq!(in_text(MAPS, 0x40_1000), None);
    }

    /// The kernel says the same by both ways, of what this process has here.
    #[test]
    fn the_text_says_what_the_kernel_says() -> Result<(), Box<dyn std::error::Error>> {
        let maps = File::open("/proc/self/maps")?;
        let text = std::fs::read("/proc/self/maps")?;
        let local = 0u8;
        for (address, writable) in [(&raw const local as u64, true), (MAPS.as_ptr() as u64, false)] {
            let found = in_text(&text, address).ok_or("not in the text")?;
            assert_eq!(found.writable, writable);
            match memory::mapping(maps.as_fd(), address) {
                Err(Errno::ENOTTY) => {}
                asked => assert_eq!(asked.map_err(|Errno(errno)| errno.to_string())?, Some(found)),
            }
        }
        Ok(())
    }
}
