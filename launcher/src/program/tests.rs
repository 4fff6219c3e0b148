use super::*;
use crate::sys::Errno;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A directory that is there as long as this is.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("chbind-program-{name}-{}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        Place(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        self.mode(&path, 0o755)
    }

    fn mode(&self, path: &Path, mode: u32) -> PathBuf {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        path.to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn inspected(path: impl AsRef<Path>) -> Inspection {
    inspect(path.as_ref()).unwrap()
}

fn why(path: impl AsRef<Path>) -> Option<Why> {
    inspected(path).obstacle().map(|obstacle| obstacle.why)
}

/// What the file prints when it is executed, or why the kernel does not.
fn executed(path: &Path) -> Result<String, Errno> {
    let run = || std::process::Command::new(path).output();
    // A process that another test starts just now has the file open, for writing, until it becomes something else.
    let busy = |error: &std::io::Error| error.raw_os_error() == Some(libc::ETXTBSY);
    let free = (0..1000).map(|_| run()).find(|outcome| !outcome.as_ref().is_err_and(busy)).unwrap();
    let printed = free.map(|output| String::from_utf8(output.stdout).unwrap());
    printed.map_err(|error| Errno(error.raw_os_error().unwrap_or_default()))
}

#[test]
fn programs_of_this_system() {
    let this = inspected("/bin/true");
    assert_eq!((this.elf.class, this.elf.machine), (Class::OWN, Machine::OWN));
    assert_eq!((this.libc(), this.obstacle()), (Some(Libc::Glibc), None));
    assert_eq!(this.elf.needed, ["libc.so.6"]);
    assert!(this.chain.is_empty() && !this.elf.is_go && this.elf.imports.is_empty(), "{this:?}");
    assert_eq!(inspected("/bin/sh").elf.imports, ["execve"]);
    assert_eq!(why("/sbin/ldconfig"), Some(Why::Static));
    assert_eq!(why("/usr/bin/passwd"), Some(Why::SetId { user: Some(0), group: None }));
}

#[test]
fn this_very_program_imports_what_it_calls() {
    let imports = inspected(std::env::current_exe().unwrap()).elf.imports;
    for name in ["socket", "bind", "execve", "syscall"] {
        assert!(imports.contains(&name), "no {name} in {imports:?}");
    }
}

#[test]
fn scripts_are_followed() {
    let place = Place::new("scripts");
    let first = place.file("first", "#!/bin/sh -eu\n");
    let second = place.file("second", format!("#! {}\n", first.display()));
    let this = inspected(&second);
    let step = |script: &Path, interpreter: &Path, argument: Option<&str>| Step {
        script: script.to_owned(),
        interpreter: interpreter.to_owned(),
        argument: argument.map(OsString::from),
        by_shell: false,
    };
    assert_eq!(this.chain, [step(&second, &first, None), step(&first, Path::new("/bin/sh"), Some("-eu"))]);
    assert_eq!((this.path.as_path(), this.obstacle()), (Path::new("/bin/sh"), None));
}

#[test]
fn as_many_scripts_as_the_kernel_follows() {
    let place = Place::new("depth");
    let mut path = PathBuf::from("/bin/true");
    for number in 1..=DEPTH + 1 {
        path = place.file(&number.to_string(), format!("#!{}\n", path.display()));
        let outcome = inspect(&path).map(|this| this.chain.len()).map_err(|error| error.errno());
        assert_eq!(outcome, executed(&path).map(|_| number));
    }
    assert_eq!(inspect(&path), Err(Error::TooDeep(path)));
    let own = place.path("own");
    place.file("own", format!("#!{}\n", own.display()));
    assert!(matches!(inspect(&own), Err(Error::TooDeep(_))));
}

#[test]
fn first_lines_as_the_kernel_reads_them() {
    let place = Place::new("lines");
    let pad = |length: usize| " ".repeat(length);
    let lines = [
        "#!/bin/echo".to_owned(),
        "#!/bin/echo\n".to_owned(),
        "#! \t/bin/echo \t a  b\tc \t \nd\n".to_owned(),
        "#!/bin/echo\r\n".to_owned(),
        "#!/bin/echo\0 a\n".to_owned(),
        "#!/bin/echo a\0b\n".to_owned(),
        "#!/bin/echo \0\n".to_owned(),
        "#!".to_owned(),
        "#!\n".to_owned(),
        "#!/tmp\n".to_owned(),
        "#!/no/such\n".to_owned(),
        "#!/etc/passwd/x\n".to_owned(),
        "#!/etc/passwd\n".to_owned(),
        "#!\0\n".to_owned(),
        "#! \t ".to_owned(),
        "#! \n/bin/echo\n".to_owned(),
        format!("#!{}/bin/echo\n", pad(244)),
        format!("#!{}/bin/echo\n", pad(245)),
        format!("#!{}/bin/echo a\n", pad(244)),
        format!("#!{}/bin/echo abcd\n", pad(241)),
        format!("#!{}/bin/echo\n", pad(300)),
        format!("#!/bin/echo{}a\n", pad(300)),
        format!("#!/bin/echo {}\n", "a".repeat(300)),
    ];
    for (number, line) in lines.iter().enumerate() {
        let path = place.file(&number.to_string(), line);
        let said = inspect(&path).map_err(|error| error.errno()).and_then(|this| match this.chain.first() {
            Some(step) if step.by_shell => Err(Errno(libc::ENOEXEC)),
            step => {
                let argument = step.and_then(|step| step.argument.as_ref()).map(|argument| argument.display());
                Ok(format!("{}{}\n", argument.map_or(String::new(), |argument| format!("{argument} ")), path.display()))
            }
        });
        assert_eq!(said, executed(&path), "{line:?}");
    }
}

#[test]
fn the_shell_runs_what_nobody_else_does() {
    let place = Place::new("shell");
    let garbage = place.file("garbage", [1, 2, 3]);
    let empty = place.file("empty", "");
    // What a script names as its interpreter must be one to the kernel: to nobody else is it said what it named.
    let script = place.file("script", format!("#!{}\n", garbage.display()));
    for path in [garbage, empty, script] {
        let this = inspected(&path);
        let shell = PathBuf::from("/bin/sh");
        assert_eq!(this.chain, [Step { script: path, interpreter: shell.clone(), argument: None, by_shell: true }]);
        assert_eq!(this.path, shell);
    }
}

#[test]
fn what_cannot_be_executed() {
    let place = Place::new("errors");
    let file = |name: &str, text: &str| place.file(name, text);
    let missing = file("missing", "#!/no/such -x\n");
    let data = place.mode(&file("data", "x"), 0o644);
    let script = file("script", &format!("#!{}\n", data.display()));
    let empty = file("empty", "#!");
    let refused = |path: &Path, errno| assert_eq!(inspect(path), Err(Error::NotExecutable(path.into(), Errno(errno))));
    refused(&place.path("none"), libc::ENOENT);
    refused(Path::new("/"), libc::EISDIR);
    refused(Path::new("/dev/null"), libc::EACCES);
    refused(&data, libc::EACCES);
    let badly_run = |path: &Path, by: &Path, errno| {
        assert_eq!(inspect(path), Err(Error::Interpreter(path.into(), by.into(), Errno(errno))));
    };
    badly_run(&missing, Path::new("/no/such"), libc::ENOENT);
    badly_run(&script, &data, libc::EACCES);
    badly_run(&empty, Path::new(""), libc::EACCES);
    let elf = file("elf", "\x7fELF");
    assert_eq!(inspect(&elf), Err(Error::Elf(elf.clone(), elf::Fault::Damaged(elf::Part::Header))));
}

#[test]
fn rights_of_the_file() {
    let place = Place::new("rights");
    let copy = |name: &str, mode: u32| place.mode(&place.file(name, fs::read("/bin/true").unwrap()), mode);
    let (user, group) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
    assert_eq!(why(copy("plain", 0o755)), None);
    assert_eq!(why(copy("user", 0o4755)), Some(Why::SetId { user: Some(user), group: None }));
    assert_eq!(why(copy("group", 0o2755)), Some(Why::SetId { user: None, group: Some(group) }));
    assert_eq!(why(copy("both", 0o6755)), Some(Why::SetId { user: Some(user), group: Some(group) }));
    // Without the group's right to execute it means something else.
    assert_eq!(why(copy("lock", 0o2745)), None);
    // The bits of a script mean nothing, those of what runs it do.
    assert_eq!(why(place.mode(&place.file("script", "#!/bin/true\n"), 0o4755)), None);
    assert!(matches!(why(place.file("by", "#!/usr/bin/passwd\n")), Some(Why::SetId { .. })));
}

#[test]
fn loaders_and_libraries() {
    let of = |name: &str| {
        let mut this = inspected("/bin/true");
        this.elf.interpreter = Some(name.into());
        (this.libc().unwrap(), this.obstacle().map(|obstacle| obstacle.why))
    };
    for name in ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/nix/store/x/ld-linux-x86-64.so.2"] {
        assert_eq!(of(name), (Libc::Glibc, None));
    }
    for name in ["/lib/ld-musl-x86_64.so.1", "ld-musl-aarch64.so.1"] {
        assert_eq!(of(name), (Libc::Musl, None));
    }
    for name in ["/lib/ld-uClibc.so.1", "/lib64/ld-linux-x86-64.so.2x", "/ld-musl-.so.1", ""] {
        assert_eq!(of(name), (Libc::Unknown, Some(Why::UnknownLibc(name.into()))));
    }
}
