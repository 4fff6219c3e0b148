//! What all trials of a run share: an ordinary user, the binaries where that user can read them, a directory for it all.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use nix::unistd::{Gid, Uid, User, chown};

use crate::{Failed, Outcome};

/// Where the programs are that trials start; the run's own directory comes before.
pub const SYSTEM_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// The beginning of the names of our directory and of our user; the process id follows.
const MARK: &str = "chbind-e2e-";

/// What chbind looks for beside itself, for `--enforce hybrid` and `preload`.
pub const SHIM: &str = "libchbind_preload.so";

/// The identity of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// root with all its capabilities.
    Root,
    /// The ordinary user of this run.
    User,
}

/// Probes that are built static.
const STATIC_PROBES: &str = "alarm bad_input connect_program flip-port halves listener nonblock sequence slow storm stuck tables threads unpin wild without";

/// The kernel's headers are not where musl's are.
const MUSL: [&str; 4] = ["-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"];

/// The shared ground of a run.
#[derive(Debug)]
pub struct Bed {
    dir: PathBuf,
    user: String,
    uid: Uid,
    gid: Gid,
    go: OnceLock<Result<(), String>>,
    shim: OnceLock<Result<(), String>>,
}

impl Bed {
    /// Makes the directory and the user, and puts chbind and the C probes into place.
    pub fn new(chbind: &Path) -> Outcome<Self> {
        remove_leftovers();
        let name = format!("{MARK}{}", std::process::id());
        // Not below TMPDIR: that may be a place which the ordinary user cannot enter.
        let dir = Path::new("/tmp").join(&name);
        fs::create_dir(&dir)?;
        open_to_all(&dir)?;
        // From here on Drop cleans up whatever the next steps leave.
        let (go, shim) = (OnceLock::new(), OnceLock::new());
        let mut bed = Self { dir, user: name, uid: Uid::from_raw(0), gid: Gid::from_raw(0), go, shim };
        let home = bed.dir.display().to_string();
        // No password fits `*`, but the account is not locked: sshd takes keys for it.
        let account = ["--no-create-home", "--home-dir", &home, "--shell", "/bin/sh", "--password", "*", &bed.user];
        tool("useradd", &account)?;
        let user = User::from_name(&bed.user)?.ok_or("useradd made a user that cannot be found")?;
        (bed.uid, bed.gid) = (user.uid, user.gid);

        fs::create_dir(bed.bin())?;
        open_to_all(&bed.bin())?;
        if !chbind.is_file() {
            return Err(format!("no chbind at {}: build it first, or set CHBIND", chbind.display()).into());
        }
        fs::copy(chbind, bed.bin().join("chbind"))?;
        let shim = chbind.with_file_name(SHIM);
        if !shim.is_file() {
            return Err(format!("no {SHIM} beside {}: cargo build --release --workspace", chbind.display()).into());
        }
        fs::copy(&shim, bed.bin().join(SHIM))?;
        // Built along with it. Only its own tests need it, and fail where it is missing.
        let control = chbind.with_file_name("chbindctl");
        if control.is_file() {
            fs::copy(control, bed.bin().join("chbindctl"))?;
        }
        bed.compile("probe", "probe", &[])?;
        bed.compile("probe", "probe-raw", &["-static", "-DRAW"])?;
        for name in STATIC_PROBES.split_whitespace() {
            bed.compile(name, name, &["-static", "-pthread"])?;
        }
        Ok(bed)
    }

    /// Removes the user and the directory. (The bed of a run is static, and statics are never dropped.)
    pub fn remove(&self) {
        remove_user(&self.user);
        let _ = fs::remove_dir_all(&self.dir);
    }

    /// The directory of the binaries: chbind, chbindctl and the probes.
    pub fn bin(&self) -> PathBuf {
        self.dir.join("bin")
    }

    /// The PATH of everything that trials start.
    pub fn path(&self) -> String {
        format!("{}:{SYSTEM_PATH}", self.bin().display())
    }

    /// The user and the group of an identity.
    pub fn ids(&self, who: Who) -> (u32, u32) {
        match who {
            Who::Root => (0, 0),
            Who::User => (self.uid.as_raw(), self.gid.as_raw()),
        }
    }

    /// Makes a directory that belongs to that identity.
    pub fn make_dir(&self, name: &str, who: Who) -> Outcome<PathBuf> {
        let dir = self.dir.join(name);
        fs::create_dir(&dir)?;
        open_to_all(&dir)?;
        self.give(&dir, who)?;
        Ok(dir)
    }

    /// Gives a file or directory to that identity.
    pub fn give(&self, path: &Path, who: Who) -> Outcome {
        let (uid, gid) = self.ids(who);
        Ok(chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?)
    }

    /// The Go programs, built when the first trial asks: the compiler needs a while.
    pub fn go_programs(&self) -> Outcome {
        self.go.get_or_init(|| self.build_go().map_err(|e| e.message().unwrap_or("go build failed").into())).clone()?;
        Ok(())
    }

    fn build_go(&self) -> Outcome {
        let home = self.dir.join("go");
        for name in ["server", "load", "syslog"] {
            let mut go = Command::new("go");
            go.args(["build", "-o"]).arg(self.bin().join(format!("go-{name}"))).arg(format!("./{name}"));
            // Without cgo the result is static and makes its system calls by itself; without a proxy nothing is fetched.
            go.env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=mod").env("GOPROXY", "off");
            go.env("HOME", &home).env("GOCACHE", home.join("cache")).env("GOPATH", home.join("path"));
            go.current_dir(probes().join("go"));
            run("go build", go)?;
        }
        Ok(())
    }

    /// The dynamic programs that trials of the shim start, built when the first of them asks.
    pub fn shim_programs(&self) -> Outcome {
        let message = |error: Failed| error.message().unwrap_or("cannot compile").to_owned();
        self.shim.get_or_init(|| self.build_shim_programs().map_err(message)).clone()?;
        Ok(())
    }

    fn build_shim_programs(&self) -> Outcome {
        self.compile("probe", "probe-syscall", &["-DRAW"])?;
        self.compile("interpose", "interpose.so", &["-shared", "-fPIC"])?;
        for name in ["blocked", "children", "execs", "names", "shown"] {
            self.compile(name, name, &["-D_FORTIFY_SOURCE=2", "-pthread"])?;
        }
        for name in ["probe", "blocked", "children", "execs", "names", "shown"] {
            self.compile_with("musl-gcc", &probes().join(format!("{name}.c")), &format!("{name}-musl"), &MUSL)?;
        }
        Ok(())
    }

    /// The programs of `tests/attacks`, each under its name after `attack-`.
    pub fn attack_programs(&self) -> Outcome {
        // Few of them use all that they share.
        const FLAGS: [&str; 3] = ["-static", "-pthread", "-Wno-unused-function"];
        // Without a library no 32-bit one is needed.
        const FLAGS_I386: [&str; 6] =
            ["-m32", "-static", "-nostdlib", "-ffreestanding", "-fno-pie", "-fno-stack-protector"];
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("attacks/programs");
        for entry in fs::read_dir(sources)? {
            let source = entry?.path();
            if source.extension().is_none_or(|extension| extension != "c") {
                continue;
            }
            let stem = source.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let flags: &[&str] = if stem == "i386" { &FLAGS_I386 } else { &FLAGS };
            self.compile_file(&source, &format!("attack-{stem}"), flags)?;
        }
        Ok(())
    }

    fn compile(&self, source: &str, name: &str, flags: &[&str]) -> Outcome {
        self.compile_file(&probes().join(format!("{source}.c")), name, flags)
    }

    fn compile_file(&self, source: &Path, name: &str, flags: &[&str]) -> Outcome {
        self.compile_with("cc", source, name, flags)
    }

    fn compile_with(&self, compiler: &str, source: &Path, name: &str, flags: &[&str]) -> Outcome {
        let mut cc = Command::new(compiler);
        cc.args(["-O2", "-Wall", "-Werror", "-o"]).arg(self.bin().join(name)).args(flags).arg(source);
        run(&format!("compiling {}", source.display()), cc)
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The sources of the probes.
fn probes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("probes")
}

fn open_to_all(dir: &Path) -> Outcome {
    Ok(fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?)
}

fn tool(name: &str, args: &[&str]) -> Outcome {
    let mut command = Command::new(name);
    command.args(args);
    run(name, command)
}

fn run(what: &str, mut command: Command) -> Outcome {
    let output = command
        .env("PATH", SYSTEM_PATH)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{what}: cannot run {}: {e}", command.get_program().display()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{what}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}

fn remove_user(name: &str) {
    // The group of the same name goes with it. A user that was never made is no error here.
    let _ = Command::new("userdel").arg(name).env("PATH", SYSTEM_PATH).stderr(Stdio::null()).status();
}

/// Removes what a run that was killed could not remove: the user and the directory of a process that is gone.
fn remove_leftovers() {
    let gone = |name: &str| {
        let pid = name.strip_prefix(MARK).and_then(|pid| pid.parse::<u32>().ok());
        pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
    };
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    passwd.lines().filter_map(|line| line.split(':').next()).filter(|name| gone(name)).for_each(remove_user);
    for entry in fs::read_dir("/tmp").into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(gone) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
