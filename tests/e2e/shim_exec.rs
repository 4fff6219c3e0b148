//! The functions that execute programs, under the shim: all of them work as without it, and it tells which programs it does
//! not go on into.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use chbind_tests::{Case, Done, Outcome, Test, Who, cases, ensure, ensure_eq, text};

use crate::holes::as_user;
use crate::rows::S;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        both: every_way, musl, from_threads_and_vfork, large_environments, errors, what_fails_is_not_told_of,
            static_programs_are_told_of, static_program_in_a_directory_is_told_of,
            programs_with_a_static_interpreter_are_told_of, programs_of_32_bits_are_told_of,
            set_id_programs_are_told_of, without_an_environment, without_the_library, others_are_not_told_of,
            behind_a_directory_in_the_path, quiet;
        user: programs_with_capabilities_are_told_of, set_id_bits_without_effect;
        root: set_id_programs_of_root_are_told_of, set_id_programs_have_no_secret,
            set_id_program_in_a_directory_has_no_secret
    ]
}

const INSIDE: [&str; 2] = ["preload", "hybrid"];

/// Each way to start a program; the last two by a shell.
const WAYS: [&str; 15] = [
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

/// Whether a way has the program's path, or a name that is looked for, and no descriptor.
fn has_path(way: &str) -> bool {
    !["fexecve", "execveat-empty", "execveat-directory"].contains(&way)
}

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
struct Programs {
    start: PathBuf,
    arrive: PathBuf,
}

impl Programs {
    fn new(t: &Test) -> Outcome<Self> {
        Ok(Programs { start: built(t, "start", "start", "cc")?, arrive: built(t, "arrive", "arrive", "cc")? })
    }

    fn words(&self, way: &str, rest: &str) -> String {
        format!("{} {way} {rest}", self.start.display())
    }

    /// Starts `program` under the shim, with one word.
    fn run(&self, t: &Test, enforce: &str, way: &str, program: &Path) -> Outcome<Done> {
        self.run_as(t, enforce, "", way, &format!("1 {}", program.display()))
    }

    fn run_as(&self, t: &Test, enforce: &str, before: &str, way: &str, rest: &str) -> Outcome<Done> {
        t.chbind(&format!("{S} --enforce {enforce}"), before).words(&self.words(way, rest)).run()
    }
}

/// A copy of a program with this owner and these rights.
fn installed(t: &Test, program: &Path, name: &str, owner: Who, mode: u32) -> Outcome<PathBuf> {
    let copy = t.dir().join(name);
    std::fs::copy(program, &copy)?;
    let (user, group) = t.bed().ids(owner);
    chown(&copy, Some(user), Some(group))?;
    std::fs::set_permissions(&copy, Permissions::from_mode(mode))?;
    Ok(copy)
}

/// Somebody else.
fn other_than(who: Who) -> Who {
    if who == Who::Root { Who::User } else { Who::Root }
}

/// What a program that has arrived prints, where it is in the context or not.
fn inside(printed: &str) -> String {
    printed.replace("context=no", "context=yes").replace("at=0.0.0.0", "at=10.0.0.1")
}

/// Fails unless exactly this was told, by a process of that name, besides the shell's own words if there are any.
fn told(t: &Test, done: Done, comm: &str, program: &Path, reason: &str) -> Outcome {
    let shown = done.to_string();
    let stderr = done.all_told(t)?;
    let program = program.display();
    let line =
        format!("chbind: start[*] {comm}: {program} leaves the context: {reason} (--enforce seccomp would hold it)");
    ensure!(text::matches(&line, stderr.trim_end()), "wanted the line {line:?}\n{shown}");
    Ok(())
}

fn silent(t: &Test, done: Done) -> Outcome<String> {
    let (shown, stdout) = (done.to_string(), done.stdout.clone());
    ensure_eq!(done.all_told(t)?, "", "{shown}");
    Ok(stdout)
}

/// Who calls the function that executes the program, by its name.
fn caller(way: &str) -> &str {
    if ["system", "popen"].contains(&way) { "sh" } else { "start" }
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

/// Nothing has left where nothing was executed.
fn what_fails_is_not_told_of(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let damaged = t.write("damaged", "\x7fELF\x02\x01\x01")?;
    std::fs::set_permissions(&damaged, Permissions::from_mode(0o755))?;
    let fixed = built(t, "arrive", "fixed", "cc -static")?;
    std::fs::set_permissions(&fixed, Permissions::from_mode(0o644))?;
    for way in ["execve", "execv", "execveat", "posix_spawn"] {
        for program in [&damaged, &fixed] {
            let done = programs.run(t, "preload", way, program)?;
            ensure!(done.stdout.starts_with("errno="), "it was executed\n{done}");
            silent(t, done)?;
        }
    }
    Ok(())
}

fn told_of_static(t: &Test, done: Done, way: &str, program: &Path) -> Outcome {
    ensure!(done.stdout.contains("at=0.0.0.0"), "it is in the context\n{done}");
    told(t, done, caller(way), program, "it is statically linked")
}

fn static_programs_are_told_of(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    for (name, compiler) in [("fixed", "cc -static"), ("pie", "cc -static-pie"), ("fixed-musl", "musl-gcc -static")] {
        let fixed = built(t, "arrive", name, compiler)?;
        for way in WAYS.iter().filter(|way| **way != "execveat-directory") {
            let done = programs.run(t, "preload", way, &fixed)?.ok()?;
            if has_path(way) {
                told_of_static(t, done, way, &fixed)?;
            } else {
                // It has no name but its number.
                ensure!(done.stdout.contains("at=0.0.0.0"), "{done}");
                done.told(&["chbind: start[", "] start: ", "leaves the context: it is statically linked"])?;
            }
            // The supervisor holds it.
            let done = programs.run(t, "hybrid", way, &fixed)?.ok()?;
            ensure!(silent(t, done)?.contains("at=10.0.0.1"), "{way}, {name}: not in the context");
        }
    }
    Ok(())
}

/// execveat(2) with a directory and a name in it.
fn static_program_in_a_directory_is_told_of(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let fixed = built(t, "arrive", "fixed", "cc -static")?;
    let done = programs.run(t, "preload", "execveat-directory", &fixed)?.ok()?;
    done.told(&["chbind: start[", "leaves the context: it is statically linked"])?;
    Ok(())
}

fn programs_with_a_static_interpreter_are_told_of(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let fixed = built(t, "arrive", "fixed", "cc -static")?;
    let script = t.write("script", &format!("#!{} -x\n", fixed.display()))?;
    let further = t.write("further", &format!("#! \t{}\n", script.display()))?;
    for script in [&script, &further] {
        std::fs::set_permissions(script, Permissions::from_mode(0o755))?;
        for way in ["execve", "execvp", "posix_spawn", "system"] {
            let done = programs.run(t, "preload", way, script)?.ok()?;
            told_of_static(t, done, way, script)?;
        }
    }
    Ok(())
}

fn programs_of_32_bits_are_told_of(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let source = "void _start(void) { __asm__ volatile (\"int $0x80\" :: \"a\"(1), \"b\"(7)); }";
    let (file, narrow) = (t.write("narrow.c", source)?, t.dir().join("narrow"));
    let flags = "cc -m32 -static -nostdlib -ffreestanding -fno-pie -fno-stack-protector";
    t.as_root(&format!("{flags} -o {} {}", narrow.display(), file.display())).run()?.ok()?;
    for way in ["execve", "execvp", "execl", "posix_spawn", "system"] {
        let done = programs.run(t, "preload", way, &narrow)?.exited(7)?;
        told(t, done, caller(way), &narrow, "it is for another machine")?;
    }
    Ok(())
}

/// Fails unless it was told exactly if it is so: with `no_new_privs` the bits are without effect.
fn told_if_gone(t: &Test, done: Done, comm: &str, program: &Path, reason: &str) -> Outcome {
    if done.stdout.contains("at=0.0.0.0") {
        return told(t, done, comm, program, reason);
    }
    ensure!(done.stdout.contains("context=yes") && done.stdout.contains("at=10.0.0.1"), "{done}");
    silent(t, done).map(drop)
}

const SET_ID: &str = "it runs as another user or group (set-id)";

fn set_id_programs_are_told_of(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let other = other_than(t.who());
    for mode in [0o4755, 0o2755, 0o6755] {
        let set_id = installed(t, &programs.arrive, &format!("{mode:o}"), other, mode)?;
        for way in ["execve", "execvp", "execl", "posix_spawn", "popen"] {
            let done = programs.run(t, "preload", way, &set_id)?.ok()?;
            // Without `no_new_privs` they have their effect.
            ensure!(t.who() == Who::User || done.stdout.contains("at=0.0.0.0"), "mode {mode:o} has no effect\n{done}");
            told_if_gone(t, done, caller(way), &set_id, SET_ID)?;
        }
    }
    // One's own, and without the group's right to execute: of no effect.
    for (name, owner, mode) in [("own", t.who(), 0o6755), ("no-group", other, 0o2745)] {
        let program = installed(t, &programs.arrive, name, owner, mode)?;
        let done = programs.run(t, "preload", "execve", &program)?.ok()?;
        ensure!(silent(t, done)?.contains("at=10.0.0.1"), "{name}: not in the context");
    }
    Ok(())
}

/// An ordinary user in root's context.
fn set_id_programs_of_root_are_told_of(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let set_id = installed(t, &programs.arrive, "set-id", Who::Root, 0o4755)?;
    for way in ["execve", "execvp", "execl", "posix_spawn"] {
        let rest = format!("1 {}", set_id.display());
        let done = programs.run_as(t, "preload", &as_user(t), way, &rest)?.ok()?;
        ensure!(done.stdout.contains("user=0 at=0.0.0.0"), "{done}");
        done.told(&["chbind: setpriv[", &format!("] start: {} leaves the context: {SET_ID}", set_id.display())])?;
    }
    Ok(())
}

fn programs_with_capabilities_are_told_of(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let capable = installed(t, &programs.arrive, "capable", Who::Root, 0o755)?;
    t.as_root(&format!("setcap cap_net_bind_service=ep {}", capable.display())).run()?.ok()?;
    for way in ["execve", "execvp", "execl", "posix_spawn", "popen"] {
        let done = programs.run(t, "preload", way, &capable)?.ok()?;
        ensure!(done.stdout.contains("at=0.0.0.0"), "in the context\n{done}");
        told(t, done, caller(way), &capable, "its file gives it capabilities")?;
    }
    Ok(())
}

/// The environment is how a context goes on.
fn without_an_environment(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    for way in ["execve", "execvpe", "execle", "execveat", "posix_spawn", "posix_spawnp"] {
        let rest = format!("1 {} empty", programs.arrive.display());
        let done = programs.run_as(t, "preload", "", way, &rest)?.ok()?;
        ensure!(done.stdout.contains("mark=none context=no") && done.stdout.contains("at=0.0.0.0"), "{way}\n{done}");
        told(t, done, "start", &programs.arrive, "its environment does not name the context")?;
        let done = programs.run_as(t, "hybrid", "", way, &rest)?.ok()?;
        ensure!(silent(t, done)?.contains("mark=none context=no"), "{way}");
    }
    Ok(())
}

/// The context alone does nothing where the library is not named.
fn without_the_library(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    for way in ["execve", "execv", "posix_spawn"] {
        let rest = format!("1 {} bare", programs.arrive.display());
        let done = programs.run_as(t, "preload", "", way, &rest)?.ok()?;
        // It may be held all the same. If it is not, that has to be told.
        if done.stdout.contains("at=0.0.0.0") {
            done.told(&["chbind: start[", "leaves the context: "])?;
        }
        let done = programs.run_as(t, "hybrid", "", way, &rest)?.ok()?;
        ensure!(silent(t, done)?.contains("at=10.0.0.1"), "{way}");
    }
    Ok(())
}

fn others_are_not_told_of(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let musl = built(t, "arrive", "arrive-musl", "musl-gcc")?;
    let first = t.write("first", &format!("#!{}\n", programs.arrive.display()))?;
    let shell = t.write("shell", &format!("#!/bin/sh\nMARK=here exec {}\n", programs.arrive.display()))?;
    let second = t.write("second", &format!("#!{}\n", shell.display()))?;
    let plain = t.write("plain", &format!("{}\n", programs.arrive.display()))?;
    for script in [&first, &shell, &second, &plain] {
        std::fs::set_permissions(script, Permissions::from_mode(0o755))?;
    }
    for way in WAYS {
        for program in [&musl, &first, &shell, &second, &plain] {
            let by_shell = ["execvp", "execvpe", "execlp", "system", "popen"].contains(&way);
            // What is no script and no program only these run; a script's descriptor is closed by then.
            let not = (program == &plain && !by_shell)
                || (way != "execveat" && (way.starts_with("execveat") || way == "fexecve"));
            if not {
                continue;
            }
            let done = programs.run(t, "preload", way, program)?.ok()?;
            ensure!(silent(t, done)?.contains("at=10.0.0.1"), "{way} {}: not in the context", program.display());
        }
    }
    Ok(())
}

/// A directory of that name is no program: the search goes on.
fn behind_a_directory_in_the_path(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let (first, second) = (t.dir().join("first"), t.dir().join("second"));
    for dir in [&first, &second, &first.join("fixed")] {
        std::fs::create_dir(dir)?;
    }
    let fixed = built(t, "arrive", "second/fixed", "cc -static")?;
    let path = format!("{}:{}:/usr/bin:/bin", first.display(), second.display());
    for way in ["execvp", "execvpe", "execlp", "posix_spawnp"] {
        let run = t.chbind(&format!("{S} --enforce preload"), &programs.words(way, "1 fixed"));
        let run = run.env("PATH", &format!("{}:{path}", t.bed().bin().display()));
        told_of_static(t, run.run()?.ok()?, way, &fixed)?;
    }
    Ok(())
}

fn quiet(t: &Test) -> Outcome {
    let programs = Programs::new(t)?;
    let fixed = built(t, "arrive", "fixed", "cc -static")?;
    for rest in [format!("{}", fixed.display()), format!("{} empty", programs.arrive.display())] {
        let words = programs.words("execve", &format!("1 {rest}"));
        let done = t.chbind(&format!("{S} --enforce preload -q"), &words).run()?.ok()?;
        ensure!(silent(t, done)?.contains("at=0.0.0.0"), "it is in the context: {rest}");
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
