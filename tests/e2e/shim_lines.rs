//! What the shim tells by itself, under `--enforce preload`, which programs chbind does not start under it, and that its calls
//! ask for no memory.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use chbind_tests::{Case, Done, Outcome, Test, Who, cases, ensure, ensure_eq, text};

use crate::rows::{M, S};
use crate::shim_exec::built;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        both: refusals_are_told_as_the_supervisor_does, a_partial_bind_is_told, refusals_are_counted, quiet, verbose,
            nothing_into_another_file, nothing_where_standard_error_is_closed, static_programs, go_programs,
            programs_of_32_bits, no_programs, scripts, no_memory_is_asked_for;
        user: set_id_programs, programs_with_capabilities
    ]
}

/// A line with its process id left out.
fn anonymous(line: &str) -> String {
    match line.split_once('[').and_then(|(head, rest)| Some((head, rest.split_once(']')?.1))) {
        Some((head, rest)) => format!("{head}[]{rest}"),
        None => line.to_owned(),
    }
}

fn told_by(t: &Test, options: &str, words: &str) -> Outcome<Vec<String>> {
    let done = t.chbind(options, "probe").words(words).run()?;
    Ok(done.all_told(t)?.lines().map(anonymous).collect())
}

fn refusals_are_told_as_the_supervisor_does(t: &Test) -> Outcome {
    let rules = "--deny-connect 10.9.0.0/16 --deny-bind 7000-7999";
    for words in [
        "tcp4 bind 10.0.0.3:8080",
        "tcp4 bind 127.0.0.2:8080",
        "tcp4 bind 10.0.0.1:7001",
        "udp4 bind 10.0.0.3:8080",
        "udp4 bind 224.0.0.251:5353",
        "tcp4 connect 10.9.0.1:80",
        "udp4 connect 10.9.0.1:80",
        "udp4 sendto 10.9.0.1:80",
        "tcp4 bind 10.0.0.3:8080 udp4 bind 10.0.0.3:8081 tcp4 bind 10.0.0.3:8080",
    ] {
        let told = |enforce: &str| told_by(t, &format!("{S} {rules} --enforce {enforce}"), words);
        let (here, there) = (told("preload")?, told("seccomp")?);
        ensure!(!there.is_empty() && there[0].starts_with("chbind: probe[] probe: refused "), "{words}: {there:?}");
        // In the end the supervisor says how often it was.
        let there: Vec<String> = there.into_iter().filter(|line| !line.contains(" times")).collect();
        ensure_eq!(here, there, "{words}");
        ensure_eq!(told("hybrid")?.into_iter().filter(|line| !line.contains(" times")).collect::<Vec<_>>(), there);
    }
    Ok(())
}

fn a_partial_bind_is_told(t: &Test) -> Outcome {
    let told = |enforce: &str| told_by(t, &format!("{M} --enforce {enforce}"), "tcp4 bind 0.0.0.0:8080");
    let there = told("seccomp")?;
    ensure_eq!(there, ["chbind: probe[] probe: bind to 0.0.0.0:8080/tcp serves 10.0.0.1 only, not 10.0.0.2"]);
    ensure_eq!(told("preload")?, there);
    ensure_eq!(told("hybrid")?, there);
    Ok(())
}

fn refusals_are_counted(t: &Test) -> Outcome {
    let line = "chbind: probe[] probe: refused bind to 10.0.0.3:80/tcp: not an address of this context (10.0.0.1)";
    for (count, more) in [(1, &[][..]), (9, &[]), (10, &[10]), (12, &[10])] {
        let told = told_by(t, &format!("{S} --enforce preload"), &"tcp4 bind 10.0.0.3:80 ".repeat(count))?;
        let more = more.iter().map(|times| format!("{line} ({times} times)"));
        ensure_eq!(told, [line.to_owned()].into_iter().chain(more).collect::<Vec<_>>(), "after {count}");
    }
    // By hundreds, from one that does nothing else; others are counted on their own.
    let script = "import socket\n\
        def refused(port):\n\
        \x20 try: socket.socket().bind(('10.0.0.3', port))\n\
        \x20 except OSError: pass\n\
        for n in range(150): refused(80)\n\
        refused(81)";
    let done = t.chbind(&format!("{S} --enforce preload --name some"), "python3 -c").arg(script).run()?.ok()?;
    let told = done.all_told(t)?;
    let line = |port| {
        format!(
            "chbind: some[*] python3: refused bind to 10.0.0.3:{port}/tcp: not an address of this context (10.0.0.1)"
        )
    };
    let wanted = format!("{0}\n{0} (10 times)\n{0} (100 times)\n{1}", line(80), line(81));
    ensure!(text::matches(&wanted, told.trim_end()), "{told}");
    Ok(())
}

fn quiet(t: &Test) -> Outcome {
    ensure_eq!(told_by(t, &format!("{S} --enforce preload -q"), "tcp4 bind 10.0.0.3:80")?, Vec::<String>::new());
    Ok(())
}

/// What programs usually cope with.
fn verbose(t: &Test) -> Outcome {
    for (options, count) in [("", 0), ("-v", 1)] {
        let done = t.chbind(&format!("{S} --enforce preload {options}"), "probe tcp6").run()?;
        let told = done.all_told(t)?;
        ensure_eq!(told.lines().filter(|line| line.contains("refused a socket")).count(), count, "{options}: {told}");
    }
    Ok(())
}

/// The program's own files: only that which standard error was in the beginning is written to.
fn nothing_into_another_file(t: &Test) -> Outcome {
    let script = "import os, socket, sys\n\
        def refused():\n\
        \x20 try: socket.socket().bind(('10.0.0.3', 80)); print('bound')\n\
        \x20 except OSError as e: print(e.errno)\n\
        def replaced(fd):\n\
        \x20 os.dup2(fd, 2); refused()\n\
        os.close(2)\n\
        assert os.open('data', os.O_RDWR | os.O_CREAT) == 2\n\
        refused()\n\
        print(os.path.getsize('data'))\n\
        here, there = socket.socketpair()\n\
        replaced(there.fileno()); here.setblocking(False)\n\
        try: print(here.recv(9))\n\
        except BlockingIOError: print('nothing')\n\
        r, w = os.pipe()\n\
        replaced(w); os.set_blocking(r, False)\n\
        try: print(os.read(r, 9))\n\
        except BlockingIOError: print('nothing')\n";
    let errno = libc::EADDRNOTAVAIL;
    let wanted = format!("{errno}\n0\n{errno}\nnothing\n{errno}\nnothing");
    let done = t.chbind(&format!("{S} --enforce preload"), "python3 -c").arg(script).run()?.ok()?.printed(&wanted)?;
    ensure_eq!(done.all_told(t)?, "");
    // Put back, it is the one that it was.
    let script = "probe tcp4 bind 10.0.0.3:80 2>data; cat data; probe tcp4 bind 10.0.0.3:80";
    let done = t.chbind(&format!("{S} --enforce preload"), "sh -c").arg(script).run()?;
    ensure!(!done.stdout.contains("chbind"), "{done}");
    let shown = done.to_string();
    ensure_eq!(done.all_told(t)?.lines().count(), 1, "{shown}");
    Ok(())
}

fn nothing_where_standard_error_is_closed(t: &Test) -> Outcome {
    let script = "probe tcp4 bind 10.0.0.3:80 tcp4 bind 10.0.0.1:0 name 2>&-";
    let done = t.chbind(&format!("{S} --enforce preload"), "sh -c").arg(script).run()?;
    ensure!(done.stdout.starts_with("bind=EADDRNOTAVAIL bind=ok name=10.0.0.1:"), "{done}");
    ensure_eq!(done.all_told(t)?, "");
    // From the beginning.
    let options = format!("{S} --enforce preload");
    let line = format!("exec chbind {options} -- probe tcp4 bind 10.0.0.3:80 2>&-");
    let done = t.native("sh -c").arg(line).run()?;
    ensure!(done.stdout.starts_with("bind=EADDRNOTAVAIL") && done.stderr.is_empty(), "{done}");
    Ok(())
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

fn script(t: &Test, name: &str, text: &str) -> Outcome<std::path::PathBuf> {
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

fn no_memory_is_asked_for(t: &Test) -> Outcome {
    let program = built(t, "quiet_heap", "quiet_heap", "cc")?;
    for options in ["--enforce preload", "--enforce hybrid", "--enforce preload --hide-netif", "--enforce preload -q"] {
        for context in [S, M, "--ip 10.0.0.1/24 --ip fd00:1::1/64 --deny-connect 10.9.0.0/16"] {
            let command = format!("{} 10.0.0.3", program.display());
            let done = t.chbind(&format!("{context} {options}"), &command).run()?.ok()?;
            let (counted, rest) = done.stdout.trim().split_once(' ').ok_or("nothing printed")?;
            ensure!(counted != "counted=0", "nothing would be counted\n{done}");
            ensure!(rest.starts_with("allocations=0 calls=") && rest.ends_with(" wrong=0 first=none"), "{done}");
        }
    }
    Ok(())
}
