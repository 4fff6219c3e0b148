//! Signals to programs that wait in a call done for them, and job control on a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chbind_tests::net::Busy;
use chbind_tests::procs::{self, Process};
use chbind_tests::{Case, Outcome, SOON, Test, at_most, ensure, in_both_models, wait_for};
use nix::pty::openpty;
use nix::sys::signal::Signal;

use crate::rows::S;

pub(crate) fn cases() -> Vec<Case> {
    in_both_models![interrupt_of_a_blocking_connect, blocking_connect_holds_up_nobody, job_control]
}

const BUSY: &str = "10.0.0.3:7400";

/// Python sits in connect() to somebody who never answers; ^C must be seen at once.
fn interrupt_of_a_blocking_connect(t: &Test, model: &str) -> Outcome {
    let _busy = Busy::listen(BUSY)?;
    let script = "import socket\ns = socket.socket()\nprint('connecting', flush=True)\n\
        try:\n  s.connect(('10.0.0.3', 7400))\nexcept KeyboardInterrupt:\n  print('interrupted', flush=True)";
    let mut python = t.chbind(&format!("{S} {model}"), "python3 -c").arg(script).start()?;
    python.wait_stdout("connecting")?;
    wait_in_connect(t, 1)?;
    let (sent, limit) = (Instant::now(), at_most(Duration::from_secs(1)));
    python.signal(Signal::SIGINT)?;
    python.wait_stdout("interrupted")?;
    ensure!(sent.elapsed() < limit, "seen only after {:?}", sent.elapsed());
    python.finish(SOON)?.ok()?;
    Ok(())
}

/// Until so many threads of the program really sit in the call.
fn wait_in_connect(t: &Test, threads: usize) -> Outcome {
    let sitting = || -> usize {
        t.processes_named("python3").iter().map(|python| procs::threads_in(python.pid, libc::SYS_connect)).sum()
    };
    ensure!(wait_for(SOON, || sitting() >= threads), "{} of {threads} are in the call", sitting());
    Ok(())
}

/// While threads of one program wait in connect(), others are served: all of them are in it still when those are through.
fn blocking_connect_holds_up_nobody(t: &Test, model: &str) -> Outcome {
    let _busy = Busy::listen(BUSY)?;
    let script = "import os, socket, sys, threading\n\
        ended = []\n\
        def wait():\n  socket.socket().connect(('10.0.0.3', 7400)); ended.append(1)\n\
        for _ in range(20): threading.Thread(target=wait, daemon=True).start()\n\
        sys.stdin.readline()\n\
        for _ in range(50): socket.socket().bind(('', 0))\n\
        print('ended', len(ended), flush=True); os._exit(0)";
    let python = t.chbind(&format!("{S} {model}"), "python3 -c").arg(script);
    let mut python = python.stdin(Stdio::piped()).start()?;
    wait_in_connect(t, 20)?;
    python.say("go")?;
    python.finish(SOON)?.ok()?.printed("ended 0")?;
    Ok(())
}

/// An interactive shell on a terminal of its own.
struct Terminal {
    keys: File,
    screen: Arc<Mutex<String>>,
}

impl Terminal {
    fn open(t: &Test) -> Outcome<(Self, chbind_tests::Proc)> {
        let pty = openpty(None, None)?;
        let slave = File::from(pty.slave);
        let shell = t.native("setsid --ctty bash --norc --noprofile -i").env("PS1", "$ ").stdin(slave.try_clone()?);
        let shell = shell.output_to(slave.try_clone()?, slave).start()?;
        let keys = File::from(pty.master);
        let (mut reader, screen) = (keys.try_clone()?, Arc::new(Mutex::new(String::new())));
        let copy = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]);
                copy.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            }
        });
        Ok((Self { keys, screen }, shell))
    }

    fn screen(&self) -> String {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn press(&mut self, keys: &str) -> Outcome {
        Ok(self.keys.write_all(keys.as_bytes())?)
    }

    fn wait(&self, text: &str) -> Outcome {
        ensure!(wait_for(SOON, || self.screen().contains(text)), "no {text:?} on the screen:\n{}", self.screen());
        Ok(())
    }
}

/// Until the terminal is with that process.
fn in_front(pid: i32) -> Outcome {
    let is_in_front = || Process::read(pid).is_some_and(|process| process.group == process.front);
    ensure!(wait_for(SOON, is_in_front), "not in front: {:?}", Process::read(pid));
    Ok(())
}

/// ^Z stops the command and gives the shell its terminal back, `fg` lets it go on, ^C ends it.
fn job_control(t: &Test, model: &str) -> Outcome {
    let (mut terminal, _shell) = Terminal::open(t)?;
    terminal.press(&format!("chbind {S} {model} -- sleep 60\n"))?;
    let mut pid = 0;
    let started = wait_for(SOON, || {
        pid = t.processes_named("sleep").first().map_or(0, |process| process.pid);
        pid != 0
    });
    ensure!(started, "does not start:\n{}", terminal.screen());
    let state = |wanted| wait_for(SOON, || Process::read(pid).is_some_and(|process| process.state == wanted));
    // The command may be seen before it has been handed the terminal.
    in_front(pid)?;
    terminal.press("\x1a")?;
    terminal.wait("Stopped")?;
    ensure!(state('T'), "^Z does not stop it");
    terminal.press("fg\n")?;
    ensure!(state('S'), "fg does not let it go on");
    in_front(pid)?;
    terminal.press("\x1a")?;
    ensure!(state('T'), "a second ^Z does not stop it");
    terminal.press("bg\n")?;
    ensure!(state('S'), "bg does not let it go on");
    terminal.press("fg\n")?;
    in_front(pid)?;
    terminal.press("\x03")?;
    ensure!(wait_for(SOON, || t.processes_named("sleep").is_empty()), "^C does not end it:\n{}", terminal.screen());
    // Typed so that the echo of the typing cannot be taken for the answer.
    terminal.press("echo status=$((0 + $?))\n")?;
    terminal.wait("status=130")?;
    // A command that reads the terminal may do so: it is in the foreground.
    terminal.press(&format!("chbind {S} {model} -- sh -c 'read x; echo got=$x'\n"))?;
    let shell = || t.processes_named("sh").first().map(|process| process.pid);
    ensure!(wait_for(SOON, || shell().is_some()), "does not start:\n{}", terminal.screen());
    in_front(shell().ok_or("it has ended")?)?;
    terminal.press("this\n")?;
    terminal.wait("got=this")?;
    Ok(())
}
