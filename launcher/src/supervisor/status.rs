//! What becomes of the command, for the process in front of it (the parent model).

use crate::sys::process::Change;

/// What the supervisor tells the one in front, as one byte for the kind and four for the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// The command has this process id and waits to be run.
    Started(i32),
    /// It ended with this status.
    Exited(i32),
    /// It was killed by this signal.
    Killed(i32),
    /// It was stopped by this signal.
    Stopped(i32),
    /// It goes on.
    Continued,
}

impl Report {
    /// The size of one in the channel, in bytes.
    pub(crate) const LEN: usize = 5;

    /// What a change of the command's state comes to.
    pub(crate) fn of(change: Change) -> Self {
        match change {
            Change::Exited(status) => Report::Exited(status),
            Change::Killed(signal) => Report::Killed(signal),
            Change::Stopped(signal) => Report::Stopped(signal),
            Change::Continued => Report::Continued,
        }
    }

    /// Whether nothing can follow.
    pub(crate) fn is_last(self) -> bool {
        matches!(self, Report::Exited(_) | Report::Killed(_))
    }

    /// For the channel.
    pub(crate) fn to_bytes(self) -> [u8; Self::LEN] {
        let (kind, number) = match self {
            Report::Started(pid) => (0, pid),
            Report::Exited(status) => (1, status),
            Report::Killed(signal) => (2, signal),
            Report::Stopped(signal) => (3, signal),
            Report::Continued => (4, 0),
        };
        let [a, b, c, d] = number.to_ne_bytes();
        [kind, a, b, c, d]
    }

    /// What came by the channel; `None` for what is no report.
    pub(crate) fn from_bytes([kind, number @ ..]: [u8; Self::LEN]) -> Option<Self> {
        let number = i32::from_ne_bytes(number);
        match kind {
            0 => Some(Report::Started(number)),
            1 => Some(Report::Exited(number)),
            2 => Some(Report::Killed(number)),
            3 => Some(Report::Stopped(number)),
            4 => Some(Report::Continued),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_survive_the_channel() {
        for report in
            [Report::Started(4711), Report::Exited(255), Report::Killed(15), Report::Stopped(20), Report::Continued]
        {
            assert_eq!(Report::from_bytes(report.to_bytes()), Some(report));
        }
        assert_eq!(Report::from_bytes([9, 0, 0, 0, 0]), None);
    }
}
