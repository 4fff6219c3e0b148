//! What is around the shim: other libraries that are preloaded, programs that it is not in, a context that it cannot read.

use std::path::PathBuf;
use std::process::Stdio;

use chbind_tests::bed::SHIM;
use chbind_tests::net::{self, A, F, Peer};
use chbind_tests::{Case, Outcome, SOON, Test, cases, ensure, ensure_eq};

use crate::rows::S;
use crate::shim::with_shim;

pub(crate) fn cases() -> Vec<Case> {
    let mut all: Vec<Case> = cases![both: static_program].into_iter().map(|case| case.enforced("hybrid")).collect();
    all.extend(with_shim(cases![
        both: library_of_the_users, allocator_of_the_users, system_calls_by_hand, environment_cleared, damaged_inside,
            damaged_outside
    ]));
    all
}

/// A library of the user's that wraps bind and connect comes first, and calls the shim's.
fn library_of_the_users(t: &Test) -> Outcome {
    t.bed().shim_programs()?;
    let (library, shim) = (t.bed().bin().join("interpose.so"), t.bed().bin().join(SHIM));
    let (library, shim) = (library.display().to_string(), shim.display().to_string());
    let peer = Peer::listen(&format!("{F}:7300"))?;
    for before in ["", "env "] {
        let words = format!("{before}probe tcp4 bind 0.0.0.0:8080 name tcp4 connect {F}:7300");
        let done = t.chbind(S, &words).env("LD_PRELOAD", &library).run()?.ok()?;
        let done = done.printed("bind=ok name=10.0.0.1:8080 connect=ok")?;
        let done = done.told(&[&format!("interposed bind before {SHIM}")])?;
        done.told(&[&format!("interposed connect before {SHIM}")])?;
        ensure_eq!(peer.accept()?.1.to_string(), A);
    }
    let done = t.chbind(S, "printenv LD_PRELOAD").env("LD_PRELOAD", &library).run()?.ok()?;
    done.printed(&format!("{library}:{shim}"))?;
    Ok(())
}

/// jemalloc, which many preload.
fn allocator_of_the_users(t: &Test) -> Outcome {
    const LIBRARY: &str = "libjemalloc.so.2";
    let places = std::fs::read_dir("/usr/lib")?.flatten().map(|entry| entry.path().join(LIBRARY));
    let library: PathBuf = places.into_iter().find(|path| path.is_file()).ok_or("no libjemalloc.so.2")?;
    let script = "import socket\n\
        s = socket.socket(); s.bind(('', 8080)); s.listen()\n\
        c = socket.create_connection(('10.0.0.3', 7300))\n\
        maps = open('/proc/self/maps').read()\n\
        print(s.getsockname(), *(name in maps for name in ('libjemalloc.so.2', 'libchbind_preload.so')))";
    let peer = Peer::listen(&format!("{F}:7300"))?;
    let command = t.chbind(S, "python3 -c").arg(script).env("LD_PRELOAD", &library.display().to_string());
    command.run()?.ok()?.printed("('10.0.0.1', 8080) True True")?;
    ensure_eq!(peer.accept()?.1.to_string(), A);
    Ok(())
}

/// Where a server comes to that binds to the wildcard; fails unless it says the same.
fn serves(t: &Test, command: &str, is_inside: bool) -> Outcome {
    let words = format!("{command} tcp4 bind 0.0.0.0:8080 listen name wait");
    let mut server = t.chbind(S, &words).stdin(Stdio::piped()).start()?;
    server.wait_stdout("waiting")?;
    ensure!(net::answers(&format!("{A}:8080")), "{command}: nobody at {A}");
    let name = if is_inside { A } else { "0.0.0.0" };
    if is_inside {
        net::refuses(&format!("{F}:8080"))?;
    } else {
        ensure!(net::answers(&format!("{F}:8080")), "{command}: inside, though nobody enforces it");
    }
    server.say("go")?;
    server.finish(SOON)?.ok()?.printed(&format!("bind=ok listen=ok name={name}:8080 waiting"))?;
    Ok(())
}

/// Whether there is somebody for what the shim does not see.
fn is_supervised(t: &Test) -> bool {
    t.enforcement() == Some("hybrid")
}

/// A program that makes its system calls itself: the supervisor holds it; under preload nothing does (chbind(1)).
fn system_calls_by_hand(t: &Test) -> Outcome {
    t.bed().shim_programs()?;
    serves(t, "probe-syscall", is_supervised(t))
}

/// The same for a child without the variables that bring the shim.
fn environment_cleared(t: &Test) -> Outcome {
    let probe = t.bed().bin().join("probe").display().to_string();
    serves(t, &format!("env -i {probe}"), is_supervised(t))?;
    serves(t, &format!("env -u LD_PRELOAD {probe}"), is_supervised(t))
}

/// In hybrid a program without a loader meets the supervisor, as the first and as a child.
fn static_program(t: &Test) -> Outcome {
    serves(t, "probe-raw", true)?;
    serves(t, "env probe-raw", true)?;
    t.chbind(S, "probe-raw").words(&format!("tcp4 bind {F}:8080")).run()?.ok()?.printed("bind=EADDRNOTAVAIL")?;
    Ok(())
}

/// A program with a context that was changed, from within one: it ends before it does anything.
fn damaged_inside(t: &Test) -> Outcome {
    let probe = "probe tcp4 bind 0.0.0.0:8080 name";
    for (before, why) in [
        ("CHBIND_CONTEXT=${CHBIND_CONTEXT%?}", "is damaged: it has been changed"),
        ("CHBIND_CONTEXT=${CHBIND_CONTEXT%a=*}", "is damaged: it has been changed"),
        (
            "CHBIND_CONTEXT=$(printf %s \"$CHBIND_CONTEXT\" | sed s/10.0.0.1/10.0.0.3/)",
            "is damaged: it has been changed",
        ),
        ("CHBIND_CONTEXT=2${CHBIND_CONTEXT#1}", "is damaged: it was written by another version"),
        ("CHBIND_CONTEXT=", "is damaged: it was written by another version"),
        ("env -u CHBIND_CONTEXT", "CHBIND_CONTEXT is not set"),
    ] {
        let script = format!("{before} {probe}; echo status=$?");
        let done = t.chbind(S, "sh -c").arg(script).run()?.ok()?.printed("status=125")?;
        done.told(&["chbind: the context", why, "not running outside of it"])?;
    }
    Ok(())
}

/// The same from outside, with each byte of the text changed in turn, and each of its beginnings.
fn damaged_outside(t: &Test) -> Outcome {
    let text = t.chbind(S, "printenv CHBIND_CONTEXT").run()?.ok()?.stdout.trim().to_owned();
    ensure!(text.starts_with("1;"), "another form: {text}");
    let shim = t.bed().bin().join(SHIM).display().to_string();
    let run = |text: &str| {
        let variables = [format!("LD_PRELOAD={shim}"), format!("CHBIND_CONTEXT={text}")];
        t.native("env").arg(&variables[0]).arg(&variables[1]).words("probe tcp4 bind 0.0.0.0:8080 name").run()
    };
    // It is the text alone that makes the difference.
    run(&text)?.ok()?.printed("bind=ok name=10.0.0.1:8080")?;
    let mut others: Vec<String> = (0..text.len()).map(|end| text[..end].to_owned()).collect();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        others.push(String::from_utf8(bytes)?);
    }
    others.push(format!("{text}0"));
    others.push(format!("{text};a={F}/32"));
    for other in others {
        let done = run(&other)?.exited(125)?.printed("")?;
        done.told(&["chbind: the context in CHBIND_CONTEXT is damaged: ", "not running outside of it"])?;
    }
    Ok(())
}
