//! `chbindctl inspect`: what it says of programs of all kinds. Whether a library can be loaded into one is tried as well.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chbind_tests::{Case, Outcome, Test, Who, cases, ensure, ensure_eq};

pub(crate) fn cases() -> Vec<Case> {
    cases![both: dynamic_programs, static_programs, go_programs, programs_of_32_bits, scripts, no_programs, usage;
        user: set_id_programs, file_capabilities, not_for_this_user]
}

/// It imports functions of each kind, says that it ran, and is for every C library.
const PROGRAM: &str = "#include <stdio.h>
    #include <sys/socket.h>
    #include <unistd.h>
    int main(int count, char **words) {
        if (count > 1) return bind(socket(AF_UNIX, SOCK_STREAM, 0), 0, 0) + execv(words[1], words);
        return puts(\"ran\") < 0;
    }
    ";

/// It says so when it is loaded, with nothing but system calls: it is for every C library.
const LIBRARY: &str = "static long write_2(const char *text, long length) {
        long done;
        __asm__ volatile (\"syscall\" : \"=a\"(done) : \"0\"(1L), \"D\"(2L), \"S\"(text), \"d\"(length) : \"rcx\", \"r11\", \"memory\");
        return done;
    }
    __attribute__((constructor)) static void loaded(void) { write_2(\"loaded\\n\", 7); }
    ";

/// What is said, each thing under its name.
struct Facts(HashMap<String, String>);

impl Facts {
    fn of(t: &Test, program: impl AsRef<Path>) -> Outcome<Self> {
        let done = t.native("chbindctl inspect").arg(program.as_ref().display().to_string()).run()?.ok()?;
        let pair = |line: &str| line.split_once(": ").map(|(key, value)| (key.to_owned(), value.to_owned()));
        let facts = done.stdout.lines().map(pair).collect::<Option<HashMap<_, _>>>();
        ensure!(done.stderr.is_empty(), "{done}");
        Ok(Self(facts.ok_or_else(|| format!("a line that is no fact\n{done}"))?))
    }

    fn get(&self, name: &str) -> Outcome<&str> {
        Ok(self.0.get(name).ok_or_else(|| format!("nothing about {name} in {:?}", self.0))?)
    }

    /// Fails unless all of these are so.
    fn are(&self, wanted: &[(&str, &str)]) -> Outcome {
        for (name, value) in wanted {
            ensure_eq!(self.get(name)?, *value, "for {name}, in {:?}", self.0);
        }
        Ok(())
    }

    /// Fails unless that enforcement is said to work, or not to, with all of these words.
    fn says(&self, enforcement: &str, words: &[&str]) -> Outcome {
        let said = self.get(enforcement)?;
        ensure!(said.starts_with(words[0]), "{enforcement}: {said}, wanted {words:?}");
        ensure!(words.iter().all(|word| said.contains(word)), "{enforcement}: {said}, wanted {words:?}");
        Ok(())
    }
}

fn compiled(t: &Test, name: &str, compiler: &str, source: &str) -> Outcome<PathBuf> {
    let file = t.write(&format!("{name}.c"), source)?;
    let out = t.dir().join(name);
    let line = format!("{compiler} -O1 -w -o {} {}", out.display(), file.display());
    t.as_root(&line).run()?.ok()?;
    Ok(out)
}

/// Whether a library from the environment is loaded into that program when the trial's user runs it.
fn loads(t: &Test, program: &Path) -> Outcome<bool> {
    let library = t.dir().join("library");
    if !library.exists() {
        compiled(t, "library", "cc -shared -fPIC -nostdlib", LIBRARY)?;
    }
    let run = t.native(&program.display().to_string()).env("LD_PRELOAD", &library.display().to_string());
    // A library that is not heeded may be said to be so by the loader, on standard error too.
    Ok(run.run()?.ok()?.stderr.lines().any(|line| line == "loaded"))
}

fn dynamic_programs(t: &Test) -> Outcome {
    for (compiler, libc, loader) in [("cc", "glibc", "/lib64/ld-linux-"), ("musl-gcc", "musl", "/lib/ld-musl-")] {
        let program = compiled(t, libc, compiler, PROGRAM)?;
        let facts = Facts::of(t, &program)?;
        facts.are(&[("program", &program.display().to_string()), ("class", "64-bit"), ("linking", "dynamic")])?;
        facts.are(&[("C library", libc), ("set-id", "none"), ("capabilities", "none")])?;
        facts.are(&[("imports", "socket, bind, execv"), ("seccomp", "yes"), ("hybrid", "yes"), ("preload", "yes")])?;
        ensure!(facts.get("loader")?.starts_with(loader), "{:?}", facts.0);
        ensure!(facts.get("libraries")?.starts_with("libc.so"), "{:?}", facts.0);
        ensure!(loads(t, &program)?, "nothing can be loaded into {}", program.display());
    }
    let caller = compiled(t, "caller", "cc", "long syscall(long, ...); int main() { return syscall(39) < 0; }")?;
    let facts = Facts::of(t, caller)?;
    facts.are(&[("imports", "syscall"), ("seccomp", "yes")])?;
    facts.says("hybrid", &["yes", "(syscall) meet the supervisor"])?;
    facts.says("preload", &["yes", "makes system calls of its own (syscall): seen under hybrid and seccomp only"])
}

fn static_programs(t: &Test) -> Outcome {
    let kinds = [("static", "cc -static"), ("pie", "cc -static-pie"), ("musl", "musl-gcc -static")];
    for (name, compiler) in kinds {
        let program = compiled(t, name, compiler, PROGRAM)?;
        let facts = Facts::of(t, &program)?;
        facts.are(&[("loader", "none"), ("C library", "none"), ("libraries", "none"), ("seccomp", "yes")])?;
        ensure!(facts.get("linking")?.starts_with("static"), "{name}: {:?}", facts.0);
        facts.says(
            "hybrid",
            &["yes", "nothing of it runs inside the process: every checked call meets the supervisor"],
        )?;
        facts.says("preload", &["no: ", "statically linked", "use --enforce seccomp"])?;
        ensure!(!loads(t, &program)?, "something was loaded into {name}");
    }
    Ok(())
}

/// Static ones, and one that has a C library and does not use it for its system calls.
fn go_programs(t: &Test) -> Outcome {
    t.bed().go_programs()?;
    Facts::of(t, "go-server")?.says("preload", &["no: ", "statically linked"])?;
    let source = t.write("main.go", "package main\n\nimport \"C\"\n\nfunc main() { println(\"ran\") }\n")?;
    let program = t.dir().join("cgo");
    let home = t.dir().join("go").display().to_string();
    let build = t.as_root("go build -o").arg(program.display().to_string()).arg(source.display().to_string());
    let build = build.env("CGO_ENABLED", "1").env("GOCACHE", &format!("{home}/cache")).env("GOPATH", &home);
    build.env("GOPROXY", "off").env("GOFLAGS", "-mod=mod").run()?.ok()?;
    let facts = Facts::of(t, &program)?;
    facts.are(&[("linking", "dynamic"), ("C library", "glibc"), ("seccomp", "yes")])?;
    facts.says("hybrid", &["yes", "every checked call meets the supervisor"])?;
    facts.says("preload", &["no: ", "Go program", "use --enforce seccomp"])
}

fn programs_of_32_bits(t: &Test) -> Outcome {
    let flags = "cc -m32 -static -nostdlib -ffreestanding -fno-pie -fno-stack-protector";
    let program = compiled(t, "narrow", flags, "void _start(void) { for (;;); }")?;
    let facts = Facts::of(t, program)?;
    facts.are(&[("class", "32-bit"), ("machine", "x86"), ("linking", "static")])?;
    facts.says("seccomp", &["yes", "32-bit programs have no sockets"])?;
    facts.says("hybrid", &["yes", "nothing of it runs inside the process"])?;
    facts.says("preload", &["no: ", "a 32-bit program", "use --enforce seccomp"])
}

fn script(t: &Test, name: &str, text: &str) -> Outcome<PathBuf> {
    let path = t.write(name, text)?;
    t.as_root(&format!("chmod 755 {}", path.display())).run()?.ok()?;
    Ok(path)
}

fn scripts(t: &Test) -> Outcome {
    let first = script(t, "first", "#!/bin/sh -e\necho ran\n")?;
    let second = script(t, "second", &format!("#!{}\n", first.display()))?;
    let without = script(t, "without", "echo ran\n")?;
    let chains = [
        (&first, vec![format!("{}, run by /bin/sh with '-e'", first.display())]),
        (
            &second,
            vec![
                format!("{}, run by {}", second.display(), first.display()),
                format!("{}, run by /bin/sh with '-e'", first.display()),
            ],
        ),
        (&without, vec![format!("{}, run by /bin/sh, for the kernel takes it for no program", without.display())]),
    ];
    for (program, chain) in chains {
        let done = t.native("chbindctl inspect").arg(program.display().to_string()).run()?.ok()?;
        let said: Vec<&str> = done.stdout.lines().filter_map(|line| line.strip_prefix("script: ")).collect();
        ensure_eq!(said, chain, "{done}");
        Facts::of(t, program)?.are(&[("program", "/bin/sh"), ("linking", "dynamic"), ("preload", "yes")])?;
    }
    ensure!(loads(t, &second)?, "nothing can be loaded into the shell that runs a script");
    // The chain is what counts, to its end.
    compiled(t, "fixed", "cc -static", PROGRAM)?;
    let by_static = script(t, "by-static", &format!("#!{}/fixed\n", t.dir().display()))?;
    Facts::of(t, &by_static)?.says("preload", &["no: ", "statically linked"])
}

/// As its user, for to root the kernel gives nothing that it has not got.
fn set_id_programs(t: &Test) -> Outcome {
    let plain = compiled(t, "plain", "cc", PROGRAM)?;
    ensure!(loads(t, &plain)?, "nothing can be loaded into a program without rights of its own");
    for (mode, said, why) in [
        ("4755", "user 0", "set-user-id: "),
        ("2755", "group 0", "set-group-id: "),
        ("6755", "user 0, group 0", "set-user-id and set-group-id: "),
    ] {
        let program = t.dir().join(mode);
        let install = format!("install -o root -g root -m {mode} {} {}", plain.display(), program.display());
        t.as_root(&install).run()?.ok()?;
        let facts = Facts::of(t, &program)?;
        facts.are(&[("set-id", said), ("linking", "dynamic")])?;
        facts.says("seccomp", &["yes", "without the rights of its file"])?;
        facts.says("hybrid", &["yes", "nothing of it runs inside the process"])?;
        facts.says("preload", &["no: ", why, "use --enforce seccomp"])?;
        ensure!(!loads(t, &program)?, "something was loaded into a program of mode {mode}");
    }
    // The bit of the group without its right to execute, and those of a script, mean nothing.
    for (program, mode) in [(plain, "2745"), (script(t, "script", "#!/bin/sh\n")?, "4755")] {
        t.as_root(&format!("chown root {}", program.display())).run()?.ok()?;
        t.as_root(&format!("chmod {mode} {}", program.display())).run()?.ok()?;
        Facts::of(t, &program)?.are(&[("set-id", "none"), ("preload", "yes")])?;
        ensure!(loads(t, &program)?, "nothing can be loaded into {} with mode {mode}", program.display());
    }
    Ok(())
}

fn file_capabilities(t: &Test) -> Outcome {
    let program = compiled(t, "capable", "cc", PROGRAM)?;
    ensure!(loads(t, &program)?, "nothing can be loaded into a program without capabilities");
    t.as_root("setcap cap_net_bind_service,cap_chown=ep").arg(program.display().to_string()).run()?.ok()?;
    let facts = Facts::of(t, &program)?;
    facts.are(&[("capabilities", "cap_chown, cap_net_bind_service"), ("set-id", "none")])?;
    facts.says("seccomp", &["yes", "without the rights of its file", "--keep-cap"])?;
    facts.says("preload", &["no: ", "capabilities", "use --enforce seccomp"])?;
    ensure!(!loads(t, &program)?, "something was loaded into a program with capabilities");
    Ok(())
}

/// Executable, and not readable: only its owner, and root, can tell what it is.
fn not_for_this_user(t: &Test) -> Outcome {
    let program = compiled(t, "secret", "cc", PROGRAM)?;
    t.as_root(&format!("chmod 711 {}", program.display())).run()?.ok()?;
    let inspect = |who: Who| {
        let command = format!("chbindctl inspect {}", program.display());
        if who == Who::Root { t.as_root(&command).run() } else { t.native(&command).run() }
    };
    inspect(Who::Root)?.ok()?;
    inspect(Who::User)?.exited(126)?.told(&["chbindctl: cannot read", "secret': Permission denied"])?;
    t.as_root(&format!("chmod 700 {}", program.display())).run()?.ok()?;
    inspect(Who::User)?.exited(126)?.told(&["chbindctl: cannot execute", "secret': Permission denied"])?;
    Ok(())
}

fn no_programs(t: &Test) -> Outcome {
    let damaged = script(t, "damaged", "\x7fELF\x02\x01\x01")?;
    let lost = script(t, "lost", "#!/no/such -x\n")?;
    let own = t.dir().join("own");
    script(t, "own", &format!("#!{}\n", own.display()))?;
    let path = |path: &Path| path.display().to_string();
    let data = path(&t.write("data", "echo ran\n")?);
    for (name, status, words) in [
        ("no-such-program", 127, "'no-such-program': command not found"),
        ("/no/such", 127, "'/no/such': command not found"),
        ("/", 126, "cannot execute '/': Is a directory"),
        ("/dev/null", 126, "cannot execute '/dev/null': Permission denied"),
        (&data, 126, "data': Permission denied"),
        (&path(&damaged), 126, "damaged': a damaged ELF file (its header)"),
        (&path(&lost), 127, "lost': its interpreter '/no/such': No such file or directory"),
        (&path(&own), 126, "own': more than 5 scripts that run one another"),
    ] {
        let done = t.native("chbindctl inspect").arg(name).run()?.exited(status)?;
        ensure!(done.stdout.is_empty(), "{done}");
        let done = done.told(&["chbindctl: ", words])?;
        ensure_eq!(done.stderr.lines().count(), 1, "{done}");
    }
    Ok(())
}

fn usage(t: &Test) -> Outcome {
    for (words, holds) in [("--help", "inspect"), ("inspect --help", "PROGRAM")] {
        let done = t.native("chbindctl").words(words).run()?.ok()?;
        ensure!(done.stdout.contains(holds), "{done}");
    }
    let version = t.native("chbind --version").run()?.ok()?.stdout.replace("chbind ", "chbindctl ");
    t.native("chbindctl --version").run()?.ok()?.printed(version.trim())?;
    for words in ["", "inspect", "inspect true true", "inspect --no-such true", "no-such"] {
        t.native("chbindctl").words(words).run()?.exited(125)?.told(&["chbindctl: "])?.told(&["hint: "])?;
    }
    t.native("sh -c").arg("chbindctl inspect true >/dev/full").run()?.exited(125)?.told(&["standard output"])?;
    // The reader of a pipe may have seen enough.
    let pipe = "set -o pipefail; chbindctl inspect true | true";
    t.native("bash -c").arg(pipe).run()?.ok()?;
    Ok(())
}
