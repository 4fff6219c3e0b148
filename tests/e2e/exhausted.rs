//! A supervisor that has run out of something. The call that needs it fails, with an error of its own; none hangs, none passes,
//! and when there is more again all goes on. The limits are those of the kernel, set from outside.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use chbind_tests::net::{self, Busy, F, Peer};
use chbind_tests::{Case, Failed, Outcome, Proc, SOON, Test, at_most, cases, ensure, in_both_models, wait_for};

use crate::confined::supervisor;
use crate::rows::S;

pub(crate) fn cases() -> Vec<Case> {
    let mut all = in_both_models![descriptors, memory, threads];
    all.extend(cases![both: descriptors_of_the_caller; root: nobody_to_take_the_lead]);
    // A thread that is late for want of a processor is as good as one that is held up: then calls are turned away as well.
    all.into_iter().map(Case::alone).collect()
}

fn limit(t: &Test, limits: &str) -> Outcome {
    let supervisor = supervisor(t)?;
    // Whoever runs it may do so.
    t.native(&format!("prlimit --pid {supervisor} {limits}")).run()?.ok()?;
    Ok(())
}

/// From now on it gets no memory from the kernel, neither for data nor for stacks.
fn starve(t: &Test) -> Outcome {
    let status = fs::read_to_string(format!("/proc/{}/status", supervisor(t)?))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmData:")).ok_or("no such line")?;
    let data = line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024;
    limit(t, &format!("--data={data}:"))
}

fn feed(t: &Test) -> Outcome {
    limit(t, "--data=1073741824:")
}

/// What it has printed after it was told to go on, when it waits again.
fn next(probe: &mut Proc, waits: usize) -> Outcome<String> {
    let before = probe.stdout().len();
    probe.say("go")?;
    probe.wait_until("its next stop", |probe| probe.stdout().matches("waiting").count() >= waits)?;
    Ok(probe.stdout()[before..].to_owned())
}

/// Fails unless all failed, and not for want of a supervisor.
fn all_failed(outcome: &str) -> Outcome {
    ensure!(!outcome.contains("=ok") && !outcome.contains("ENOSYS") && outcome.contains("=E"), "{outcome}");
    Ok(())
}

fn descriptors(t: &Test, model: &str) -> Outcome {
    let peer = Peer::listen(&format!("{F}:7300"))?;
    let words = "probe tcp4 tcp4 udp4 wait use 0 bind 10.0.0.3:8081 bind 0.0.0.0:8081 listen use 1 connect 10.0.0.3:7300 \
        use 2 bind 0.0.0.0:8081 sendto 10.0.0.3:7300 sendmsg 10.0.0.3:7300 wait \
        use 0 bind 0.0.0.0:8081 name use 1 connect 10.0.0.3:7300 use 2 bind 0.0.0.0:8081 name";
    let mut probe = t.chbind(&format!("{S} {model}"), words).stdin(Stdio::piped()).start()?;
    probe.wait_stdout("waiting")?;
    limit(t, "--nofile=3:")?;
    all_failed(&next(&mut probe, 2)?)?;
    ensure!(!peer.was_reached(), "a connect got through");
    ensure!(net::listening_on(8081)?.is_empty(), "something listens");
    limit(t, "--nofile=1024:")?;
    probe.say("go")?;
    let done = probe.finish(SOON)?.ok()?;
    let wanted = "bind=ok name=10.0.0.1:8081 connect=ok bind=ok name=10.0.0.1:8081";
    ensure!(done.stdout.trim().ends_with(wanted), "{done}");
    Ok(())
}

/// A message needs as much memory as it is long. What needs none goes on.
fn memory(t: &Test, model: &str) -> Outcome {
    let peer = Peer::listen(&format!("{F}:7300"))?;
    let script = "import errno, socket, sys\n\
        s = socket.create_connection(('10.0.0.3', 7300)); s.settimeout(80)\n\
        def tried(act):\n\
        \x20 try: return act()\n\
        \x20 except OSError as e: return errno.errorcode.get(e.errno, e)\n\
        for _ in range(2):\n\
        \x20 print('waiting', flush=True); sys.stdin.readline()\n\
        \x20 other = socket.socket(); print(tried(lambda: s.sendmsg([bytes(200000)])), tried(lambda: other.bind(('', 0))))";
    let mut python = t.chbind(&format!("{S} {model}"), "python3 -c").arg(script).stdin(Stdio::piped()).start()?;
    python.wait_stdout("waiting")?;
    let (mut stream, _) = peer.accept()?;
    let reader = std::thread::spawn(move || std::io::copy(&mut stream, &mut std::io::sink()));
    starve(t)?;
    let outcome = next(&mut python, 2)?;
    ensure!(outcome.starts_with("ENOBUFS None\n"), "{outcome}");
    feed(t)?;
    python.say("go")?;
    let done = python.finish(SOON)?.ok()?;
    ensure!(done.stdout.ends_with("waiting\n200000 None\n"), "{done}");
    let sent = reader.join().map_err(|_| "the reader panicked")??;
    ensure!(sent == 200_000, "{sent} bytes arrived");
    Ok(())
}

/// A call that blocks needs a thread to take the lead meanwhile: without one it fails at once, and holds up nobody.
fn threads(t: &Test, model: &str) -> Outcome {
    let _busy = Busy::listen("10.0.0.3:7100")?;
    let _peer = Peer::listen("10.0.0.3:7200")?;
    let script = "import errno, socket, struct, sys, threading\n\
        def tried(act):\n\
        \x20 try: return act()\n\
        \x20 except OSError as e: return errno.errorcode[e.errno]\n\
        outcomes = []\n\
        def blocked():\n\
        \x20 s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack('ll', int(sys.argv[1]), 0))\n\
        \x20 outcomes.append(tried(lambda: s.connect(('10.0.0.3', 7100))))\n\
        print('waiting', flush=True); sys.stdin.readline()\n\
        threads = [threading.Thread(target=blocked) for _ in range(5)]\n\
        for thread in threads: thread.start()\n\
        s = socket.socket(); print(tried(lambda: s.bind(('', 8080))), s.getsockname(), flush=True)\n\
        for thread in threads: thread.join()\n\
        print(*sorted(outcomes), 'waiting', flush=True); sys.stdin.readline()\n\
        print(tried(lambda: socket.socket().connect(('10.0.0.3', 7200))))";
    // All five are to call before the first of them has waited for long enough.
    let seconds = at_most(Duration::from_secs(2)).as_secs().to_string();
    let python = t.chbind(&format!("{S} {model}"), "python3 -c").arg(script).arg(seconds);
    let mut python = python.stdin(Stdio::piped()).start()?;
    python.wait_stdout("waiting")?;
    starve(t)?;
    let outcome = next(&mut python, 2)?;
    // There may be two threads in reserve from before: as many calls can block, until their time is over.
    let failed = outcome.matches("ENOBUFS").count();
    ensure!(outcome.starts_with("None ('10.0.0.1', 8080)\n"), "{outcome}");
    ensure!(failed >= 3 && failed + outcome.matches("EINPROGRESS").count() == 5, "{outcome}");
    feed(t)?;
    python.say("go")?;
    let done = python.finish(SOON)?.ok()?;
    ensure!(done.stdout.ends_with("waiting\nNone\n"), "{done}");
    Ok(())
}

/// Its only thread is held up in memory of a caller that does not come, and there is no other. Who calls meanwhile is turned
/// away rather than kept waiting.
fn nobody_to_take_the_lead(t: &Test) -> Outcome {
    for model in ["", "--process parent"] {
        let mut stuck = t.chbind(&format!("{S} {model}"), "stuck").stdin(Stdio::piped()).start()?;
        stuck.wait_stdout("ready")?;
        starve(t)?;
        stuck.say("go")?;
        stuck.wait_stdout("other=")?;
        feed(t)?;
        stuck.say("go")?;
        let done = stuck.finish(SOON)?.ok()?.printed("ready other=ENOBUFS later=ok slow=*+*")?;
        // One at least was held up, and none was lost. (Zeroes are the wildcard: the kernel forgives the family.)
        let slow = done.stdout.trim().rsplit_once('=').and_then(|(_, counts)| counts.split_once('+'));
        let (bound, without_room): (u32, u32) =
            slow.map(|(a, b)| Ok::<_, Failed>((a.parse()?, b.parse()?))).ok_or("no counts")??;
        ensure!(bound > 0 && bound + without_room == 5, "{done}");
        ensure!(wait_for(SOON, || t.processes().is_empty()), "left: {:?}", t.processes());
    }
    Ok(())
}

/// A socket that is made for the caller does not fit into its table: the kernel refuses to hand it over, and says why.
fn descriptors_of_the_caller(t: &Test) -> Outcome {
    let script = "import errno, os, resource, socket\n\
        fds = []\n\
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))\n\
        try:\n\
        \x20 while True: fds.append(os.dup(0))\n\
        except OSError: pass\n\
        for _ in range(100):\n\
        \x20 try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM); print('made')\n\
        \x20 except OSError as e: last = errno.errorcode[e.errno]\n\
        os.close(fds.pop()); s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 0)); print(last, s.getsockname()[0])";
    for options in ["", "--strict"] {
        t.chbind(&format!("{S} {options}"), "python3 -c").arg(script).run()?.ok()?.printed("EMFILE 10.0.0.1")?;
    }
    Ok(())
}
