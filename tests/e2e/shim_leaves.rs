//! Programs that the shim does not go on into, under `--enforce preload`: it tells which, and of no others.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chbind_tests::{Case, Done, Outcome, Test, Who, cases, ensure, text};

use crate::holes::as_user;
use crate::rows::S;
use crate::shim_exec::{Programs, WAYS, built, installed, other_than, silent};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        both: what_fails_is_not_told_of, static_programs_are_told_of, static_program_in_a_directory_is_told_of,
            programs_with_a_static_interpreter_are_told_of, programs_of_32_bits_are_told_of,
            set_id_programs_are_told_of, without_an_environment, without_the_library, others_are_not_told_of,
            behind_a_directory_in_the_path, quiet;
        user: programs_with_capabilities_are_told_of;
        root: set_id_programs_of_root_are_told_of
    ]
}

/// Whether a way has the program's path, or a name that is looked for, and no descriptor.
pub(crate) fn has_path(way: &str) -> bool {
    !["fexecve", "execveat-empty", "execveat-directory"].contains(&way)
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

/// Who calls the function that executes the program, by its name.
fn caller(way: &str) -> &str {
    if ["system", "popen"].contains(&way) { "sh" } else { "start" }
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

pub(crate) fn told_of_static(t: &Test, done: Done, way: &str, program: &Path) -> Outcome {
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
