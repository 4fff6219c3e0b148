//! Programs that chbind does not start under `--enforce preload`: nothing is run, and the reason is told.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use chbind_tests::{Case, Done, Outcome, Test, Who, cases, ensure};

use crate::rows::S;
use crate::shim_exec::built;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        both: static_programs, go_programs, programs_of_32_bits, no_programs, scripts;
        user: set_id_programs, programs_with_capabilities
    ]
}

/// Fails unless chbind ends with that status and says so, and has run nothing.
fn not_started(t: &Test, program: &Path, status: i32, words: &[&str]) -> Outcome {
    let done = run(t, program)?.exited(status)?.printed("")?.told(&["chbind: "])?.told(words)?;
    ensure!(done.stderr.lines().all(|line| line.starts_with("chbind: ") || line.starts_with("hint: ")), "{done}");
    Ok(())
}

fn run(t: &Test, program: &Path) -> Outcome<Done> {
    t.chbind(&format!("{S} --enforce preload"), &program.display().to_string()).arg("was run").run()
}

/// The same for what the shim cannot be in.
fn cannot_be_held(t: &Test, program: &Path, why: &str) -> Outcome {
    not_started(t, program, 125, &["chbind: --enforce preload: ", &program.display().to_string(), why])?;
    run(t, program)?.told(&["hint: ", "--enforce seccomp"])?;
    Ok(())
}

fn static_programs(t: &Test) -> Outcome {
    for (name, compiler) in [("fixed", "cc -static"), ("pie", "cc -static-pie"), ("musl", "musl-gcc -static")] {
        cannot_be_held(t, &built(t, "arrive", name, compiler)?, "statically linked")?;
    }
    // And those which can: both C libraries.
    for compiler in ["cc", "musl-gcc"] {
        let done = run(t, &built(t, "arrive", compiler, compiler)?)?.ok()?;
        ensure!(done.stdout.contains("at=10.0.0.1") && done.stderr.is_empty(), "{done}");
    }
    Ok(())
}

fn go_programs(t: &Test) -> Outcome {
    t.bed().go_programs()?;
    cannot_be_held(t, &t.bed().bin().join("go-server"), "statically linked")
}

fn programs_of_32_bits(t: &Test) -> Outcome {
    let (file, narrow) = (t.write("narrow.c", "void _start(void) { for (;;); }")?, t.dir().join("narrow"));
    let flags = "cc -m32 -static -nostdlib -ffreestanding -fno-pie -fno-stack-protector";
    t.as_root(&format!("{flags} -o {} {}", narrow.display(), file.display())).run()?.ok()?;
    cannot_be_held(t, &narrow, "a 32-bit program")
}

fn script(t: &Test, name: &str, text: &str) -> Outcome<PathBuf> {
    let path = t.write(name, text)?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    Ok(path)
}

fn no_programs(t: &Test) -> Outcome {
    not_started(t, &script(t, "damaged", "\x7fELF\x02\x01\x01 and no more")?, 126, &["damaged"])?;
    not_started(t, &script(t, "lost", "#!/no/such\n")?, 127, &["lost", "/no/such"])?;
    not_started(t, &t.write("data", "echo was run\n")?, 126, &["data", "Permission denied"])?;
    not_started(t, t.dir(), 126, &["Is a directory"])?;
    not_started(t, Path::new("/no/such"), 127, &["/no/such", "not found"])?;
    not_started(t, Path::new("no-such-program"), 127, &["no-such-program", "not found"])
}

fn scripts(t: &Test) -> Outcome {
    let fixed = built(t, "arrive", "fixed", "cc -static")?;
    let first = script(t, "first", &format!("#!{}\n", fixed.display()))?;
    let second = script(t, "second", &format!("#!{} -x\n", first.display()))?;
    for program in [&first, &second] {
        not_started(t, program, 125, &["chbind: --enforce preload: ", "fixed", "statically linked"])?;
    }
    // The shell runs what has no first line.
    for text in ["#!/bin/sh\necho inside $1\n", "echo inside $1\n"] {
        run(t, &script(t, "shell", text)?)?.ok()?.printed("inside was run")?;
    }
    Ok(())
}

fn set_id_programs(t: &Test) -> Outcome {
    let arrive = built(t, "arrive", "arrive", "cc")?;
    for (mode, why) in [(0o4755, "set-user-id"), (0o2755, "set-group-id"), (0o6755, "set-user-id and set-group-id")] {
        let program = t.dir().join(format!("{mode:o}"));
        std::fs::copy(&arrive, &program)?;
        chown(&program, Some(0), Some(0))?;
        std::fs::set_permissions(&program, Permissions::from_mode(mode))?;
        ensure!(t.who() == Who::User, "to root it is its own");
        cannot_be_held(t, &program, why)?;
    }
    Ok(())
}

fn programs_with_capabilities(t: &Test) -> Outcome {
    let capable = built(t, "arrive", "capable", "cc")?;
    t.as_root(&format!("setcap cap_net_bind_service=ep {}", capable.display())).run()?.ok()?;
    cannot_be_held(t, &capable, "capabilities")
}
