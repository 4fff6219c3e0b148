//! What the shim tells by itself, under `--enforce preload`, as there is no supervisor; and that its calls ask for no memory.

use chbind_tests::{Case, Outcome, Test, cases, ensure, ensure_eq, text};

use crate::rows::{M, S};
use crate::shim_exec::built;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        both: refusals_are_told_as_the_supervisor_does, a_partial_bind_is_told, refusals_are_counted, quiet, verbose,
            nothing_into_another_file, nothing_where_standard_error_is_closed, no_memory_is_asked_for
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
