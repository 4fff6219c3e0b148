//! chbind as a prefix of ExecStart=, under a real systemd: the machine's own root file system, booted in a container.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chbind_tests::{Case, Outcome, Test, cases, ensure, wait_for};

pub(crate) fn cases() -> Vec<Case> {
    cases![root: services].into_iter().map(Case::alone).collect()
}

/// A boot takes a few seconds.
const BOOT: Duration = Duration::from_secs(60);

/// Where the container finds the directory with chbind.
const BIN: &str = "/opt/chbind";

/// An empty directory to mount on. It is never below a directory that is removed with all that is in it: the root file
/// system is mounted here.
struct MountPoint(PathBuf);

impl MountPoint {
    fn new() -> Outcome<Self> {
        // No character in it means anything to overlayfs's options.
        let path = Path::new("/run").join(format!("chbind-e2e-root-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for MountPoint {
    fn drop(&mut self) {
        // Only an empty directory can be removed like this.
        let _ = std::fs::remove_dir(&self.0);
    }
}

fn services(t: &Test) -> Outcome {
    let root = MountPoint::new()?;
    // The mount is in a namespace of its own, and goes with it. None of the services that the machine has are started: it
    // may have many, such as those that other trials run by themselves.
    let boot = format!(
        "mount --bind / {root} && exec systemd-nspawn --quiet -D {root} --volatile=overlay --private-network \
         --register=no --keep-unit --link-journal=no --console=pipe --bind-ro={bin}:{BIN} \
         -b systemd.unit=basic.target",
        root = root.0.display(),
        bin = t.bed().bin().display(),
    );
    // systemd-nspawn's own filter refuses pidfd_getfd, which the supervisor needs: see docs/limits.md#containers-and-services.
    let mut container =
        t.native("unshare --mount --propagation private sh -c").arg(boot).env("SYSTEMD_SECCOMP", "0").start()?;
    container.wait_until("a container", |container| child_of(container.pid()).is_some())?;
    let init = child_of(container.pid()).ok_or("the container has ended")?;
    let inside = |command: &str| t.native(&format!("nsenter -t {init} -a {command}")).limit(BOOT);
    let is_up = || inside("systemctl is-system-running").run();
    let up = wait_for(BOOT, || is_up().is_ok_and(|done| ["running", "degraded"].contains(&done.stdout.trim())));
    ensure!(up, "systemd does not come up: {}", container.stdout());
    let script = File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("probes/systemd.sh"))?;
    let done = inside(&format!("sh -s {BIN}")).stdin(script).run()?;
    let lines: Vec<&str> = done.stdout.lines().collect();
    let well = lines.iter().all(|line| line.starts_with("ok ") || *line == "done");
    ensure!(well && lines.last() == Some(&"done"), "{done}");
    // Asked to power off, by its own signal for that (systemd(1), SIGRTMIN+4 to the container's init).
    inside("systemctl poweroff --force").run()?;
    container.finish(BOOT)?;
    Ok(())
}

/// The container's init: the child of systemd-nspawn, once it has become systemd.
fn child_of(pid: i32) -> Option<i32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    let child: i32 = children.split_whitespace().next()?.parse().ok()?;
    let comm = std::fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
    (comm.trim() == "systemd").then_some(child)
}
