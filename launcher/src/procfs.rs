//! What /proc says of a task (proc(5)). Every question may find the task gone: the answer is then `None`.

use crate::sys::process::Identity;
use libc::pid_t;
use nix::unistd::{Gid, Uid};
use std::fs;
use std::os::unix::fs::MetadataExt;

/// The lines of `/proc/TID/status` that chbind looks at. Signal sets and capabilities are bit masks, bit 0 for signal 1
/// or capability 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    /// The process that the thread belongs to.
    pub tgid: pid_t,
    /// Whether it is stopped, by job control or a tracer.
    pub stopped: bool,
    /// How many threads the process has.
    pub threads: u32,
    /// The effective user.
    pub user: Uid,
    /// The user that owns what the thread makes.
    pub fs_user: Uid,
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
    pub(crate) fn of(tid: pid_t) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{tid}/status")).ok()?)
    }

    /// `None` if a line is missing or cannot be read: a user that nobody names is not taken for root, nor a thread for one
    /// without signals.
    fn parse(text: &str) -> Option<Self> {
        let (mut tgid, mut stopped, mut threads, mut users) = (None, None, None, None);
        let [mut pending, mut shared_pending, mut blocked, mut effective] = [None; 4];
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            let mask = || u64::from_str_radix(value, 16).ok();
            match key {
                "State" => stopped = Some(value.starts_with(['T', 't'])),
                "Tgid" => tgid = value.parse().ok(),
                "Uid" => users = Some(numbers(value)?),
                "Threads" => threads = value.parse().ok(),
                "SigPnd" => pending = mask(),
                "ShdPnd" => shared_pending = mask(),
                "SigBlk" => blocked = mask(),
                "CapEff" => effective = mask(),
                _ => {}
            }
        }
        // Real, effective, saved, file system.
        let users = users?;
        let user = |at: usize| users.get(at).copied().map(Uid::from_raw);
        Some(Status {
            tgid: tgid?,
            stopped: stopped?,
            threads: threads?,
            user: user(1)?,
            fs_user: user(3)?,
            pending: pending?,
            shared_pending: shared_pending?,
            blocked: blocked?,
            effective: effective?,
        })
    }
}

/// The numbers between blanks, if there is nothing else.
fn numbers(text: &str) -> Option<Vec<u32>> {
    text.split_whitespace().map(|number| number.parse().ok()).collect()
}

/// Who the thread `tid` is, as its `/proc/TID/status` says.
pub(crate) fn identity(tid: pid_t) -> Option<Identity> {
    identity_in(&fs::read_to_string(format!("/proc/{tid}/status")).ok()?)
}

fn identity_in(text: &str) -> Option<Identity> {
    let line = |key: &str| numbers(text.lines().find_map(|line| line.strip_prefix(key))?);
    // Real, effective, saved, file system.
    let (users, groups) = (line("Uid:")?, line("Gid:")?);
    let user = |at: usize| users.get(at).copied().map(Uid::from_raw);
    let group = |at: usize| groups.get(at).copied().map(Gid::from_raw);
    Some(Identity {
        user: user(0)?,
        group: group(0)?,
        fs_user: user(3)?,
        fs_group: group(3)?,
        groups: line("Groups:")?.into_iter().map(Gid::from_raw).collect(),
    })
}

/// Whether paths that begin at the root lead the thread where they lead this process.
pub(crate) fn has_own_root(tid: pid_t) -> bool {
    let of = |tid: pid_t, name| fs::metadata(format!("/proc/{tid}/{name}")).ok().map(|of| (of.dev(), of.ino()));
    let here = std::process::id() as pid_t;
    ["root", "ns/mnt"].into_iter().all(|name| of(here, name).is_some_and(|own| of(tid, name) == Some(own)))
}

/// The command name of the thread, safe to print: a program chooses it freely.
pub(crate) fn comm(tid: pid_t) -> Option<String> {
    let raw = fs::read(format!("/proc/{tid}/comm")).ok()?;
    Some(printable(String::from_utf8_lossy(&raw).trim_end_matches('\n')))
}

/// `text` without anything that could move a cursor, begin a line or turn the direction of writing.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

/// What identifies a namespace: the device and inode of its file.
pub(crate) type NamespaceId = (u64, u64);

/// The namespace of the thread that `/proc/TID/ns` calls `kind`: "user" or "net".
pub(crate) fn namespace(tid: pid_t, kind: &str) -> Option<NamespaceId> {
    let of = fs::metadata(format!("/proc/{tid}/ns/{kind}")).ok()?;
    Some((of.dev(), of.ino()))
}

/// The inode of the socket behind descriptor `fd` of the thread.
pub(crate) fn socket_inode(tid: pid_t, fd: i32) -> Option<u64> {
    let link = fs::read_link(format!("/proc/{tid}/fd/{fd}")).ok()?;
    link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tx\nState:\tT (stopped)\nTgid:\t42\nUid:\t1\t2\t3\t4\nThreads:\t3\n\
                          SigPnd:\t0000000000000002\nShdPnd:\t0000000000004000\n\
                          SigBlk:\t0000000000010000\nCapEff:\t0000000000000400\n";

    #[test]
    fn status_is_read_by_line() {
        let expected = Status {
            tgid: 42,
            stopped: true,
            threads: 3,
            user: Uid::from_raw(2),
            fs_user: Uid::from_raw(4),
            pending: 2,
            shared_pending: 0x4000,
            blocked: 0x10000,
            effective: 0x400,
        };
        assert_eq!(Status::parse(STATUS), Some(expected));
        let own = Status::of(crate::sys::signal::own_tid()).unwrap();
        assert_eq!((own.tgid, own.user), (std::process::id() as pid_t, nix::unistd::geteuid()));
    }

    #[test]
    fn no_line_is_made_up() {
        for key in ["State", "Tgid", "Uid", "Threads", "SigPnd", "ShdPnd", "SigBlk", "CapEff"] {
            let missing: String =
                STATUS.lines().filter(|line| !line.starts_with(key)).map(|l| l.to_owned() + "\n").collect();
            assert_eq!(Status::parse(&missing), None, "without {key}");
        }
        for (line, damaged) in [
            ("Uid:\t1\t2\t3\t4", "Uid:\t1\t2\t3"),
            ("Uid:\t1\t2\t3\t4", "Uid:\t1\troot\t3\t4"),
            ("Uid:\t1\t2\t3\t4", "Uid:\t1\t-2\t3\t4294967296"),
            ("Tgid:\t42", "Tgid:\t"),
            ("CapEff:\t0000000000000400", "CapEff:\tx"),
            ("SigBlk:\t0000000000010000", "SigBlk:\t10000000000010000"),
        ] {
            assert_eq!(Status::parse(&STATUS.replace(line, damaged)), None, "{damaged}");
        }
    }

    #[test]
    fn who_it_is() {
        let text = "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \n";
        let identity = Identity {
            user: Uid::from_raw(1),
            group: Gid::from_raw(5),
            fs_user: Uid::from_raw(4),
            fs_group: Gid::from_raw(8),
            groups: vec![Gid::from_raw(9), Gid::from_raw(10)],
        };
        assert_eq!(identity_in(text), Some(identity));
        assert_eq!(identity_in("Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n"), None);
        assert_eq!(identity_in(&text.replace('8', "wheel")), None);
    }

    #[test]
    fn names_cannot_forge_lines() {
        assert_eq!(printable("a\nchbind: \u{1b}[2J\u{202e}é"), "a?chbind: ?[2J?é");
    }
}
