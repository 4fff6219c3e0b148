//! Looking at processes, and ending those that a trial left. What belongs to a trial is told by its network namespace:
//! only what the trial started can be in there, whatever it forked or however it detached itself.

use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{Test, wait_for};

/// What /proc tells about a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its process id.
    pub pid: i32,
    /// Its name, as the kernel keeps it: at most 15 bytes.
    pub name: String,
    /// Its state: R, S, T (stopped), Z …
    pub state: char,
    /// Its parent.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// The process group that its terminal is with; -1 without a terminal.
    pub front: i32,
}

impl Process {
    /// Reads /proc/PID/stat.
    pub fn read(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name is in parentheses and may itself hold blanks and parentheses.
        let (head, tail) = stat.rsplit_once(") ")?;
        let name = head.split_once('(')?.1.to_owned();
        let mut fields = tail.split(' ');
        let state = fields.next()?.chars().next()?;
        let mut number = |skipped: usize| fields.nth(skipped)?.parse().ok();
        Some(Self { pid, name, state, parent: number(0)?, group: number(0)?, front: number(2)? })
    }
}

/// The living processes in a network namespace. Zombies have left theirs.
pub fn in_namespace(namespace: &str) -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let ours = pids
        .filter(|pid| fs::read_link(format!("/proc/{pid}/ns/net")).is_ok_and(|link| link.to_str() == Some(namespace)));
    ours.filter_map(Process::read).filter(|process| process.state != 'Z').collect()
}

/// How many threads of a process are in that system call, waiting for its end.
pub fn threads_in(pid: i32, call: i64) -> usize {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let is_in = |task: &fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("syscall")).unwrap_or_default();
        text.split(' ').next().and_then(|number| number.parse().ok()) == Some(call)
    };
    tasks.filter(is_in).count()
}

/// Sends a signal; false when there is no such process.
pub fn send(pid: i32, signal: Signal) -> bool {
    kill(Pid::from_raw(pid), signal).is_ok()
}

/// Kills what is left in a namespace, until nothing is.
pub fn kill_all_in(namespace: &str) {
    wait_for(Duration::from_secs(5), || {
        let left = in_namespace(namespace);
        left.iter().for_each(|process| _ = send(process.pid, Signal::SIGKILL));
        left.is_empty()
    });
}

impl Test {
    /// The trial's processes: all that it started and that live.
    pub fn processes(&self) -> Vec<Process> {
        in_namespace(self.namespace())
    }

    /// The trial's processes of that name.
    pub fn processes_named(&self, name: &str) -> Vec<Process> {
        self.processes().into_iter().filter(|process| process.name == name).collect()
    }

    /// The supervisors (with `--process parent` also the parents): chbind's own processes, apart from the commands.
    pub fn supervisors(&self) -> Vec<Process> {
        self.processes().into_iter().filter(|process| process.name.starts_with("chbind")).collect()
    }
}
