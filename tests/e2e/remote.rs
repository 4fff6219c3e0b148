//! Another machine: a namespace of its own behind a pair of virtual interfaces.

use std::process::Stdio;

use chbind_tests::{Outcome, Proc, Test, net};

/// The address of the other machine. The route there prefers [`GATE`] as the source, which no context has.
pub(crate) const R: &str = "10.7.0.2";
/// The address of this machine on the way there, and the other one's way to all of ours.
pub(crate) const GATE: &str = "10.7.0.1";

/// Runs a command there, as root. Once in a trial: the interfaces go when it ends.
pub(crate) fn run(t: &Test, command: &str) -> Outcome<Proc> {
    let script = format!(
        "echo ready && read go && ip link set lo up && ip address add {R}/24 dev r0 && ip link set r0 up &&
        ip route add default via {GATE} && exec {command}"
    );
    let mut there = t.as_root("unshare --net sh -c").arg(script).stdin(Stdio::piped()).start()?;
    there.wait_stdout("ready")?;
    let pid = there.pid();
    net::ip(&format!("link add w0 type veth peer name r0 netns {pid}\naddr add {GATE}/24 dev w0\nlink set w0 up\n"))?;
    there.say("go")?;
    Ok(there)
}
