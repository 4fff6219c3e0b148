//! The functions that execute programs, under the shim: all of them work as without it, and the secret of `--enforce hybrid`
//! does not go on into set-id programs. (What is told of others: shim_leaves.rs.)

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use chbind_tests::{Case, Done, Outcome, Test, Who, cases, ensure, ensure_eq};

use crate::holes::as_user;
use crate::rows::S;
use crate::shim_leaves::{has_path, told_of_static};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        both: every_way, musl, from_threads_and_vfork, large_environments, errors;
        user: set_id_bits_without_effect;
        root: set_id_programs_have_no_secret, set_id_program_in_a_directory_has_no_secret
    ]
}

const INSIDE: [&str; 2] = ["preload", "hybrid"];

/// Each way to start a program; the last two by a shell.
pub(crate) const WAYS: [&str; 15] = [
    "execve",
    "execv",
    "execvp",
    "execvpe",
    "execl",
    "execlp",
    "execle",
    "fexecve",
    "execveat",
    "execveat-empty",
    "execveat-directory",
    "posix_spawn",
    "posix_spawnp",
    "system",
    "popen",
];

/// musl has no execveat.
fn is_in_musl(way: &&str) -> bool {
    !way.starts_with("execveat")
}

/// Compiles a probe into the trial's directory.
pub(crate) fn built(t: &Test, probe: &str, name: &str, compiler: &str) -> Outcome<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("probes").join(format!("{probe}.c"));
    let out = t.dir().join(name);
    let words = format!("{compiler} -O1 -Wall -Werror -pthread -o {} {}", out.display(), source.display());
    t.as_root(&words).run()?.ok()?;
    Ok(out)
}

/// What starts programs, and what is started.
pub(crate) struct Programs {
    start: PathBuf,
    pub(crate) arrive: PathBuf,
}

impl Programs {
    pub(crate) fn new(t: &Test) -> Outcome<Self> {
        Ok(Programs { start: built(t, "start", "start", "cc")?, arrive: built(t, "arrive", "arrive", "cc")? })
    }

    pub(crate) fn words(&self, way: &str, rest: &str) -> String {
        format!("{} {way} {rest}", self.start.display())
    }

    /// Starts `program` under the shim, with one word.
    pub(crate) fn run(&self, t: &Test, enforce: &str, way: &str, program: &Path) -> Outcome<Done> {
        self.run_as(t, enforce, "", way, &format!("1 {}", program.display()))
    }

    pub(crate) fn run_as(&self, t: &Test, enforce: &str, before: &str, way: &str, rest: &str) -> Outcome<Done> {
        t.chbind(&format!("{S} --enforce {enforce}"), before).words(&self.words(way, rest)).run()
    }
}

/// A copy of a program with this owner and these rights.
pub(crate) fn installed(t: &Test, program: &Path, name: &str, owner: Who, mode: u32) -> Outcome<PathBuf> {
    let copy = t.dir().join(name);
    std::fs::copy(program, &copy)?;
    let (user, group) = t.bed().ids(owner);
    chown(&copy, Some(user), Some(group))?;
    std::fs::set_permissions(&copy, Permissions::from_mode(mode))?;
    Ok(copy)
}

/// Somebody else.
pub(crate) fn other_than(who: Who) -> Who {
    if who == Who::Root { Who::User } else { Who::Root }
}

/// What a program that has arrived prints, where it is in the context or not.
fn inside(printed: &str) -> String {
    printed.replace("context=no", "context=yes").replace("at=0.0.0.0", "at=10.0.0.1")
}

pub(crate) fn silent(t: &Test, done: Done) -> Outcome<String> {
    let (shown, stdout) = (done.to_string(), done.stdout.clone());
    ensure_eq!(done.all_told(t)?, "", "{shown}");
    Ok(stdout)
}

/// Words, environment and context arrive.
fn every_way(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    for way in WAYS {
        for count in [1, 5, 6, 40] {
            let rest = format!("{count} {}", programs.arrive.display());
            let native = t.native(&programs.words(way, &rest)).run()?.ok()?.stdout;
            ensure!(native.starts_with(&format!("count={count} ")) && native.contains("mark=here"), "{way}: {native}");
            for enforce in INSIDE {
                let done = programs.run_as(t, enforce, "", way, &rest)?.ok()?;
                ensure_eq!(silent(t, done)?, inside(&native), "{enforce}, {way} with {count}");
            }
        }
    }
    Ok(())
}

fn musl(t: &Test) -> Outcome {
    let programs = Programs {
        start: built(t, "start", "start-musl", "musl-gcc")?,
        arrive: built(t, "arrive", "arrive-musl", "musl-gcc")?,
    };
    for way in WAYS.iter().filter(|way| is_in_musl(way)) {
        for count in [1, 5, 6, 40] {
            let rest = format!("{count} {}", programs.arrive.display());
            let native = t.native(&programs.words(way, &rest)).run()?.ok()?.stdout;
            for enforce in INSIDE {
                let done = programs.run_as(t, enforce, "", way, &rest)?.ok()?;
                ensure_eq!(silent(t, done)?, inside(&native), "{enforce}, {way} with {count}");
            }
        }
    }
    Ok(())
}

fn from_threads_and_vfork(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let fixed = built(t, "arrive", "fixed", "cc -static")?;
    for way in WAYS.iter().filter(|way| !["system", "popen"].contains(way)) {
        for from in ["thread", "vfork"] {
            // What spawns has a child of its own.
            if from == "vfork" && way.starts_with("posix_spawn") {
                continue;
            }
            let rest = format!("6 {} {from}", programs.arrive.display());
            let native = t.native(&programs.words(way, &rest)).run()?.ok()?.stdout;
            for enforce in INSIDE {
                let done = programs.run_as(t, enforce, "", way, &rest)?.ok()?;
                ensure_eq!(silent(t, done)?, inside(&native), "{enforce}, {way} from {from}");
            }
            if has_path(way) {
                let done = programs.run_as(t, "preload", "", way, &format!("1 {} {from}", fixed.display()))?.ok()?;
                told_of_static(t, done, way, &fixed)?;
            }
        }
    }
    Ok(())
}

/// More variables than fit into any array of the shim's own.
fn large_environments(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let set_id = installed(t, &programs.arrive, "set-id", other_than(t.who()), 0o4755)?;
    for way in ["execve", "execvpe", "execle", "fexecve", "execveat", "posix_spawn", "posix_spawnp"] {
        for enforce in INSIDE {
            for program in [&programs.arrive, &set_id] {
                let done = programs.run_as(t, enforce, "", way, &format!("6 {} many", program.display()))?.ok()?;
                ensure!(
                    done.stdout.starts_with("count=6 words=zero,a1,a2,a3,a4,a5 mark=here"),
                    "{enforce} {way}\n{done}"
                );
            }
        }
    }
    Ok(())
}

/// What cannot be executed: the kernel's error, or the C library's, in `errno` or as the answer.
fn errors(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let file = t.write("not-executable", "no program")?;
    let damaged = t.write("damaged", "\x7fELF\x02\x01\x01")?;
    let lost = t.write("lost", "#!/no/such\n")?;
    for path in [&damaged, &lost] {
        std::fs::set_permissions(path, Permissions::from_mode(0o755))?;
    }
    let (dir, long) = (t.dir().display(), "x".repeat(5000));
    let arrive = programs.arrive.display();
    let cases = [
        (format!("{dir}/no-such"), libc::ENOENT),
        (format!("{}", lost.display()), libc::ENOENT),
        (format!("{arrive}/x"), libc::ENOTDIR),
        (format!("{}", file.display()), libc::EACCES),
        (format!("{dir}"), libc::EACCES),
        (format!("{dir}/{long}"), libc::ENAMETOOLONG),
        (format!("{}", damaged.display()), libc::ENOEXEC),
        (format!("{arrive} full"), libc::E2BIG),
    ];
    for way in WAYS.iter().filter(|way| !["system", "popen"].contains(way)) {
        for (program, errno) in &cases {
            // The environment of these is the program's own; and what has no header a shell is tried on.
            let is_own = ["execv", "execvp", "execl", "execlp"].contains(way);
            if is_own && *errno == libc::E2BIG {
                continue;
            }
            let rest = format!("5 {program}");
            let native = t.native(&programs.words(way, &rest)).run()?;
            let by_shell = *errno == libc::ENOEXEC && ["execvp", "execvpe", "execlp", "posix_spawnp"].contains(way);
            let wanted = format!("errno={errno}\n");
            ensure!(by_shell || native.stdout == wanted, "natively: {way} {program}\n{native}");
            for enforce in INSIDE {
                let done = programs.run_as(t, enforce, "", way, &rest)?;
                ensure_eq!(
                    (done.status.code(), &done.stdout),
                    (native.status.code(), &native.stdout),
                    "{enforce}\n{done}"
                );
            }
        }
    }
    // Looked for in PATH.
    for way in ["execvp", "execvpe", "execlp", "posix_spawnp"] {
        for (name, errno) in [("no-such-program", libc::ENOENT), ("not-executable", libc::EACCES)] {
            for enforce in INSIDE {
                let path = format!("{dir}:/usr/bin:/bin");
                let run = t.chbind(&format!("{S} --enforce {enforce}"), &programs.words(way, &format!("5 {name}")));
                run.env("PATH", &format!("{}:{path}", t.bed().bin().display()))
                    .run()?
                    .printed(&format!("errno={errno}"))?;
            }
        }
    }
    Ok(())
}

/// Under hybrid: an ordinary user in root's context, where set-id programs have their rights.
fn set_id_programs_have_no_secret(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let set_id = installed(t, &programs.arrive, "set-id", Who::Root, 0o4755)?;
    let (user, _) = t.bed().ids(Who::User);
    for way in WAYS.iter().filter(|way| **way != "execveat-directory") {
        let rest = |program: &Path| format!("1 {}", program.display());
        let done = programs.run_as(t, "hybrid", &as_user(t), way, &rest(&set_id))?.ok()?;
        ensure!(done.stdout.contains("context=no user=0 at=10.0.0.1"), "{way}\n{done}");
        ensure!(done.stdout.contains("mark=here"), "the rest of its environment is gone: {way}\n{done}");
        ensure_eq!(silent(t, done).map(drop)?, (), "{way}");
        let done = programs.run_as(t, "hybrid", &as_user(t), way, &rest(&programs.arrive))?.ok()?;
        ensure!(done.stdout.contains(&format!("context=yes user={user} at=10.0.0.1")), "{way}\n{done}");
    }
    Ok(())
}

/// The same by execveat(2) with a directory and a name in it.
fn set_id_program_in_a_directory_has_no_secret(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let set_id = installed(t, &programs.arrive, "set-id", Who::Root, 0o4755)?;
    let rest = format!("1 {}", set_id.display());
    let done = programs.run_as(t, "hybrid", &as_user(t), "execveat-directory", &rest)?.ok()?;
    ensure!(done.stdout.contains("context=no user=0 at=10.0.0.1"), "{done}");
    Ok(())
}

/// An ordinary user's context has `no_new_privs`: such a program runs, as whoever started it.
fn set_id_bits_without_effect(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let (user, _) = t.bed().ids(Who::User);
    let capable = installed(t, &programs.arrive, "capable", Who::Root, 0o755)?;
    t.as_root(&format!("setcap cap_net_bind_service=ep {}", capable.display())).run()?.ok()?;
    let set_user = installed(t, &programs.arrive, "set-user", Who::Root, 0o4755)?;
    let set_group = installed(t, &programs.arrive, "set-group", Who::Root, 0o2755)?;
    for program in [&set_user, &set_group, &capable] {
        for way in WAYS {
            let done = programs.run(t, "hybrid", way, program)?.ok()?;
            let wanted = format!("user={user} at=10.0.0.1");
            ensure!(done.stdout.contains(&wanted), "{way} {}\n{done}", program.display());
            silent(t, done)?;
        }
    }
    Ok(())
}
