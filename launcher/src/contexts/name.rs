//! Names of contexts: how the running ones are found.
//!
//! Names are not unique, so the first context of a name holds `chbind/name/0/NAME` among the abstract AF_UNIX names, the next
//! `chbind/name/1/NAME`, and so on. Its supervisor listens there. A client connects, asks which process listens (`SO_PEERCRED`,
//! unix(7)), and reads the number of the context from the name of that process. No data is exchanged. The kernel finds a name by
//! its hash, however many there are.

use super::error::Error;
use crate::procfs;
use crate::sys::{Errno, socket};
use nix::unistd::Uid;
use std::os::fd::{AsFd, OwnedFd};

/// Contexts of one name that can be found.
const HOLDERS_MAX: u8 = 64;
/// As much of a name counts, in bytes: the kernel has room for 107 with what comes before.
const LENGTH: usize = 80;

fn abstract_name(name: &str, place: u8) -> String {
    let end = (0..=name.len().min(LENGTH)).rev().find(|end| name.is_char_boundary(*end)).unwrap_or_default();
    format!("chbind/name/{place}/{}", name.get(..end).unwrap_or_default())
}

/// Holds the name; `None` if too many have it, so that this one cannot be found.
pub(crate) fn hold(name: &str) -> Result<Option<OwnedFd>, Error> {
    for place in 0..HOLDERS_MAX {
        match socket::hold_abstract_stream(abstract_name(name, place).as_bytes()) {
            Err(Errno(libc::EADDRINUSE)) => {}
            done => return done.map(Some).map_err(Error::HoldName),
        }
    }
    Ok(None)
}

/// A running context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its number.
    pub nid: u16,
    /// Its supervisor, or whoever holds its number.
    pub pid: i32,
    /// Whose that is.
    pub user: Uid,
}

/// The running contexts that have this name.
pub(crate) fn find(name: &str) -> Result<Vec<Found>, Error> {
    let mut all = Vec::new();
    for place in 0..HOLDERS_MAX {
        match socket::connect_abstract_stream(abstract_name(name, place).as_bytes()) {
            Ok(there) => {
                let (pid, user) = socket::peer_of(there.as_fd()).map_err(Error::AskHolder)?;
                // Anybody can hold a name: only what is called like a supervisor counts.
                let number = procfs::comm(pid).and_then(|comm| comm.strip_prefix("chbind/")?.parse().ok());
                all.extend(number.map(|nid| Found { nid, pid, user }));
            }
            Err(Errno(libc::ECONNREFUSED)) => {}
            Err(errno) => return Err(Error::FindName(errno)),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_as_there_is_room_for() {
        assert_eq!(abstract_name("web", 3), "chbind/name/3/web");
        let long = abstract_name(&"ä".repeat(100), 63);
        assert_eq!(long, format!("chbind/name/63/{}", "ä".repeat(40)));
        assert_eq!(abstract_name(&format!("a{}", "ä".repeat(100)), 0).len(), "chbind/name/0/".len() + 79);
    }
}
