//! What /proc says of a task (proc(5)). Every question may find the task gone: the answer is then `None`.

use crate::sys::process::Identity;
use libc::pid_t;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// The lines of `/proc/TID/status` that chbind looks at. Signal sets and capabilities are bit masks, bit 0 for signal 1
/// or capability 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The process that the thread belongs to.
    pub tgid: pid_t,
    /// Whether it is stopped, by job control or a tracer.
    pub stopped: bool,
    /// How many threads the process has.
    pub threads: u32,
    /// The effective user.
    pub user: u32,
    /// The user that owns what the thread makes.
    pub fs_user: u32,
    /// Signals pending for this thread alone.
    pub pending: u64,
    /// Signals pending for the whole process.
    pub shared_pending: u64,
    /// Signals that the thread blocks.
    pub blocked: u64,
    /// The thread's effective capabilities.
    pub effective: u64,
}

impl Status {
    /// Of the thread `tid`.
    pub fn of(tid: pid_t) -> Option<Self> {
        Some(Self::parse(&fs::read_to_string(format!("/proc/{tid}/status")).ok()?))
    }

    fn parse(text: &str) -> Self {
        let mut status = Status::default();
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            let mask = || u64::from_str_radix(value, 16).unwrap_or_default();
            match key {
                "State" => status.stopped = value.starts_with(['T', 't']),
                "Tgid" => status.tgid = value.parse().unwrap_or_default(),
                "Uid" => {
                    // Real, effective, saved, file system.
                    let user = |n| value.split_whitespace().nth(n).and_then(|id| id.parse().ok()).unwrap_or(0);
                    (status.user, status.fs_user) = (user(1), user(3));
                }
                "Threads" => status.threads = value.parse().unwrap_or_default(),
                "SigPnd" => status.pending = mask(),
                "ShdPnd" => status.shared_pending = mask(),
                "SigBlk" => status.blocked = mask(),
                "CapEff" => status.effective = mask(),
                _ => {}
            }
        }
        status
    }
}

/// Who the thread `tid` is, as its `/proc/TID/status` says.
pub fn identity(tid: pid_t) -> Option<Identity> {
    identity_in(&fs::read_to_string(format!("/proc/{tid}/status")).ok()?)
}

fn identity_in(text: &str) -> Option<Identity> {
    let numbers = |key: &str| -> Option<Vec<u32>> {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().map(|number| number.parse().ok()).collect()
    };
    // Real, effective, saved, file system.
    let (users, groups) = (numbers("Uid:")?, numbers("Gid:")?);
    let at = |n: usize| Some((*users.get(n)?, *groups.get(n)?));
    Some(Identity { real: at(0)?, fs: at(3)?, groups: numbers("Groups:")? })
}

/// Whether paths that begin at the root lead the thread where they lead this process.
pub fn has_own_root(tid: pid_t) -> bool {
    let of = |tid: pid_t, name| fs::metadata(format!("/proc/{tid}/{name}")).ok().map(|of| (of.dev(), of.ino()));
    let here = std::process::id() as pid_t;
    ["root", "ns/mnt"].into_iter().all(|name| of(here, name).is_some_and(|own| of(tid, name) == Some(own)))
}

/// The command name of the thread, safe to print: a program chooses it freely.
pub fn comm(tid: pid_t) -> Option<String> {
    let raw = fs::read(format!("/proc/{tid}/comm")).ok()?;
    Some(printable(String::from_utf8_lossy(&raw).trim_end_matches('\n')))
}

/// `text` without anything that could move a cursor, begin a line or turn the direction of writing.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

/// What identifies a namespace: the device and inode of its file.
pub type NamespaceId = (u64, u64);

/// The namespace of the thread that `/proc/TID/ns` calls `kind`: "user" or "net".
pub fn namespace(tid: pid_t, kind: &str) -> Option<NamespaceId> {
    let of = fs::metadata(format!("/proc/{tid}/ns/{kind}")).ok()?;
    Some((of.dev(), of.ino()))
}

/// The inode of the socket behind descriptor `fd` of the thread.
pub fn socket_inode(tid: pid_t, fd: i32) -> Option<u64> {
    let link = fs::read_link(format!("/proc/{tid}/fd/{fd}")).ok()?;
    link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_by_line() {
        let text = "Name:\tx\nState:\tT (stopped)\nTgid:\t42\nUid:\t1\t2\t3\t4\nThreads:\t3\n\
                    SigPnd:\t0000000000000002\nShdPnd:\t0000000000004000\n\
                    SigBlk:\t0000000000010000\nCapEff:\t0000000000000400\n";
        let expected = Status {
            tgid: 42,
            stopped: true,
            threads: 3,
            user: 2,
            fs_user: 4,
            pending: 2,
            shared_pending: 0x4000,
            blocked: 0x10000,
            effective: 0x400,
        };
        assert_eq!(Status::parse(text), expected);
    }

    #[test]
    fn who_it_is() {
        let text = "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \n";
        assert_eq!(identity_in(text), Some(Identity { real: (1, 5), fs: (4, 8), groups: vec![9, 10] }));
        assert_eq!(identity_in("Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n"), None);
    }

    #[test]
    fn names_cannot_forge_lines() {
        assert_eq!(printable("a\nchbind: \u{1b}[2J\u{202e}é"), "a?chbind: ?[2J?é");
    }
}
