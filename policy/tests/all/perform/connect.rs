//! connect, step by step.

use super::fake::*;
use crate::common::*;
use chbind_policy::perform::connect;
use chbind_policy::{Context, Errno, Reason, Socket};
use libc::{EADDRNOTAVAIL, ECONNREFUSED, EINPROGRESS, EINVAL, EISCONN, ENETUNREACH};

type Outcome = Result<(), Ended>;

const R: &str = "198.51.100.7:80";

fn run(shell: &mut FakeShell, context: &Context, socket: &Socket, to: &[u8]) -> (Outcome, Vec<String>) {
    let outcome = connect(shell, context, socket, to);
    (outcome, shell.done())
}

fn tcp(shows: &[&'static str]) -> FakeShell {
    FakeShell::new(TCP4.transport, shows)
}

fn udp(shows: &[&'static str]) -> FakeShell {
    FakeShell::new(UDP4.transport, shows)
}

fn failed(errno: i32) -> Outcome {
    Err(Ended::Fail(Errno(errno)))
}

fn unspecified() -> Vec<u8> {
    relabelled(ANY4, libc::AF_UNSPEC)
}

#[test]
fn a_stream_is_pinned_and_connected() {
    let (outcome, done) = run(&mut tcp(&[ANY4]), &s(), &TCP4, &bytes(R));
    assert_eq!(outcome, Ok(()));
    assert_eq!(done, ["enter", "found out", "idle", "pin 10.0.0.1:0", "connect 198.51.100.7:80"]);
}

#[test]
fn one_with_an_address_is_connected_from_it() {
    for (shows, explicit) in [("10.0.0.1:4000", true), ("10.0.0.1:0", true)] {
        let mut shell = tcp(&[shows]);
        shell.world.borrow_mut().is_explicit = explicit;
        let (outcome, done) = run(&mut shell, &s(), &TCP4, &bytes(R));
        assert_eq!(outcome, Ok(()));
        assert_eq!(done, ["enter", "found out", "idle", "connect 198.51.100.7:80"], "{shows}");
    }
}

#[test]
fn nothing_is_done_before_there_is_leave() {
    for (socket, shows) in [(TCP4, ANY4), (UDP4, ANY4), (UDP4, "0.0.0.0:4000"), (TCP4, "10.0.0.1:4000")] {
        for to in [bytes(R), unspecified()] {
            let mut shell = FakeShell::new(socket.transport, &[shows]).failing("enter", EINVAL);
            assert_eq!(run(&mut shell, &m(), &socket, &to), (Err(Ended::Given), vec!["enter".to_owned()]));
            // What has been found out, or not, and a call under way: still nothing has been done.
            for hook in ["found out", "idle"] {
                let mut shell = FakeShell::new(socket.transport, &[shows]).failing(hook, EINVAL);
                shell.world.borrow_mut().is_explicit = true;
                let (outcome, done) = run(&mut shell, &m(), &socket, &to);
                let acts = done.iter().filter(|done| !["enter", "found out", "idle"].contains(&done.as_str()));
                let dissolves = to == unspecified() && hook == "idle";
                assert_eq!(outcome.is_err() && acts.count() == 0, !dissolves, "{hook} {shows}: {done:?}");
            }
        }
    }
}

#[test]
fn an_address_that_is_none() {
    let (outcome, done) = run(&mut tcp(&[ANY4]), &s(), &TCP4, &[0]);
    assert_eq!((outcome, done), (failed(EINVAL), vec![]));
}

#[test]
fn a_stream_that_could_not_be_connected_is_unpinned() {
    let (outcome, done) = run(&mut tcp(&[ANY4]).failing("connect", ECONNREFUSED), &s(), &TCP4, &bytes(R));
    assert_eq!(outcome, failed(ECONNREFUSED));
    assert_eq!(done.last().unwrap(), "unpin 10.0.0.1:0");
    // It goes on.
    let (outcome, done) = run(&mut tcp(&[ANY4]).failing("connect", EINPROGRESS), &s(), &TCP4, &bytes(R));
    assert_eq!(outcome, failed(EINPROGRESS));
    assert_eq!(done.last().unwrap(), "connect 198.51.100.7:80");
    // It had an address of its own: the shell says what is to become of that.
    let mut shell = tcp(&["10.0.0.1:4000"]).failing("connect", EISCONN);
    shell.world.borrow_mut().is_explicit = true;
    assert_eq!(run(&mut shell, &s(), &TCP4, &bytes(R)).1.last().unwrap(), "unpin");
    // A datagram socket keeps it.
    let (outcome, done) = run(&mut udp(&[ANY4]).failing("connect", ENETUNREACH), &s(), &UDP4, &bytes(R));
    assert_eq!((outcome, done.last().unwrap().as_str()), (failed(ENETUNREACH), "connect 198.51.100.7:80"));
}

#[test]
fn a_socket_that_got_a_port_meanwhile_is_judged_again() {
    let once = ["enter", "found out", "idle", "pin 10.0.0.1:0"];
    let mut shell = tcp(&[ANY4, "10.0.0.1:4000"]).failing("pin", EINVAL);
    let (outcome, done) = run(&mut shell, &s(), &TCP4, &bytes(R));
    assert_eq!(outcome, Ok(()));
    // What it shows then is not pinned again: it holds its port.
    let (first, rest) = done.split_at(once.len());
    assert_eq!(first, once);
    assert_eq!(rest.last().unwrap(), "connect 198.51.100.7:80");
    // Not for ever.
    let mut shell = tcp(&[ANY4]);
    for _ in 0..4 {
        shell = shell.failing("pin", EINVAL);
    }
    let (outcome, done) = run(&mut shell, &s(), &TCP4, &bytes(R));
    assert_eq!((outcome, done), (failed(EINVAL), once.repeat(3).into_iter().map(str::to_owned).collect()));
}

#[test]
fn a_bind_that_fails_is_mended_behind_the_filter() {
    let mut shell = udp(&[ANY4]).failing("pin", EADDRNOTAVAIL);
    let (outcome, done) = run(&mut shell, &s(), &UDP4, &bytes(R));
    assert_eq!(outcome, failed(EADDRNOTAVAIL));
    assert_eq!(done, ["enter", "found out", "idle", "pin 10.0.0.1:0", "deaf", "pin 10.0.0.1:0", "hears"]);
}

#[test]
fn one_of_several_addresses_is_tried_first() {
    let (outcome, done) = run(&mut udp(&[ANY4]), &m(), &UDP4, &bytes(R));
    assert_eq!(outcome, Ok(()));
    let tried = ["stand-in pin 10.0.0.1:0", "stand-in connect 198.51.100.7:80"];
    let then = ["pin 10.0.0.1:0", "connect 198.51.100.7:80"];
    assert_eq!(done, [&["enter", "found out", "idle"][..], &tried, &then].concat());
    let mut shell = udp(&[ANY4]).failing("stand-in connect", ENETUNREACH);
    let (outcome, done) = run(&mut shell, &m(), &UDP4, &bytes(R));
    assert_eq!(outcome, failed(ENETUNREACH));
    assert_eq!(done, [&["enter", "found out", "idle"][..], &tried, &["give port"]].concat());
}

#[test]
fn a_source_at_the_port_that_it_has() {
    let ready = ["enter", "found out", "idle", "may fix 0.0.0.0:4000"];
    let tried = ["stand-in pin 10.0.0.1:0", "stand-in connect 198.51.100.7:80"];
    let fixed = ["deaf", "connect 224.0.0.0:0", "connect 198.51.100.7:80", "hears"];
    let shows = ["0.0.0.0:4000", "0.0.0.0:4000", "10.0.0.1:4000"];
    let (outcome, done) = run(&mut udp(&shows), &s(), &UDP4, &bytes(R));
    assert_eq!(
        (outcome, done),
        (Ok(()), [&ready[..], &tried, &fixed].concat().into_iter().map(str::to_owned).collect())
    );
    // Not allowed, and not to be had: nothing has been done to it.
    let (outcome, done) = run(&mut udp(&shows).failing("may fix", EINVAL), &s(), &UDP4, &bytes(R));
    assert_eq!((outcome, done.len()), (Err(Ended::Given), ready.len()));
    let (outcome, done) = run(&mut udp(&shows).failing("stand-in pin", EADDRNOTAVAIL), &s(), &UDP4, &bytes(R));
    assert_eq!((outcome, done.last().unwrap().as_str()), (failed(EADDRNOTAVAIL), "stand-in pin 10.0.0.1:0"));
    // Not connected after all: it is on its wildcard again, and hears nothing until then.
    for act in ["connect 224.0.0.0:0", "connect 198.51.100.7:80"] {
        let (outcome, done) = run(&mut udp(&shows).failing(act, ENETUNREACH), &s(), &UDP4, &bytes(R));
        assert_eq!(outcome, failed(ENETUNREACH), "{act}");
        assert_eq!(done.get(done.len() - 2..).unwrap(), ["disconnect", "hears"], "{act}");
    }
    // The kernel has let its port go: it is bound to that again.
    let mut shell =
        udp(&["0.0.0.0:4000", "0.0.0.0:4000", "10.0.0.1:0"]).failing("connect 198.51.100.7:80", ENETUNREACH);
    let (_, done) = run(&mut shell, &s(), &UDP4, &bytes(R));
    assert_eq!(done.get(done.len() - 3..).unwrap(), ["disconnect", "bind 0.0.0.0:4000", "hears"]);
    // Not even that: at least it has an address.
    let shows = ["0.0.0.0:4000", "0.0.0.0:4000", "10.0.0.1:4000", "0.0.0.0:0"];
    let shell = udp(&shows).failing("connect 198.51.100.7:80", ENETUNREACH);
    let (_, done) = run(&mut shell.failing("disconnect", EINVAL), &s(), &UDP4, &bytes(R));
    assert_eq!(done.get(done.len() - 3..).unwrap(), ["disconnect", "pin 10.0.0.1:0", "hears"]);
}

#[test]
fn what_is_refused_has_a_port_by_then() {
    let (outcome, done) = run(&mut udp(&[ANY4]), &z(), &UDP4, &bytes("127.0.0.1:80"));
    assert_eq!(outcome, Err(Ended::Refused(refusal(libc::EPERM, Reason::LoopbackDenied))));
    assert_eq!(done, ["enter", "give port"]);
}

#[test]
fn what_the_kernel_says_first_to_a_stream_with_a_port() {
    let outside = || tcp(&["10.0.0.3:4000"]);
    let refused = Err(Ended::Refused(refusal(EADDRNOTAVAIL, Reason::BoundOutside(ip("10.0.0.3")))));
    let explicit = |said| {
        let mut shell = outside();
        shell.world.borrow_mut().is_explicit = true;
        shell.said = said;
        run(&mut shell, &s(), &TCP4, &bytes(R))
    };
    assert_eq!(explicit(None), (refused, ["enter", "give port", "ask"].map(str::to_owned).to_vec()));
    assert_eq!(explicit(Some(failed(EISCONN))).0, failed(EISCONN));
    // Its address may have been chosen for it: then that is asked first of all.
    let mut shell = outside();
    shell.said = Some(Ok(()));
    assert_eq!(run(&mut shell, &s(), &TCP4, &bytes(R)), (Ok(()), ["enter", "ask"].map(str::to_owned).to_vec()));
}

#[test]
fn a_port_that_is_only_shown() {
    // It is pinned, which no socket with a port can be: its address is none of the program's.
    let (outcome, done) = run(&mut tcp(&["10.0.0.2:4000"]), &m(), &TCP4, &bytes(R));
    assert_eq!(outcome, Ok(()));
    let then = ["found out", "idle", "pin 10.0.0.1:0", "connect 198.51.100.7:80"];
    assert_eq!(done, [&["enter", "ask", "pin 10.0.0.2:0"][..], &then].concat());
    // It holds its port.
    let mut shell = tcp(&["10.0.0.2:4000"]).failing("pin", EINVAL);
    let (outcome, done) = run(&mut shell, &m(), &TCP4, &bytes(R));
    assert_eq!(outcome, Ok(()));
    let then = ["found out", "idle", "connect 198.51.100.7:80"];
    assert_eq!(done, [&["enter", "ask", "pin 10.0.0.2:0"][..], &then].concat());
}

#[test]
fn row_47_what_is_left_of_an_association() {
    let (outcome, done) = run(&mut tcp(&["10.0.0.1:4000"]), &s(), &TCP4, &unspecified());
    assert_eq!(outcome, Ok(()));
    assert_eq!(done, ["enter", "found out", "disconnect", "dissolved 10.0.0.1:4000"]);
    for fails in [false, true] {
        let shell = udp(&["10.0.0.1:4000", "10.0.0.1:0"]);
        let mut shell = if fails { shell.failing("disconnect", EINVAL) } else { shell };
        let (outcome, done) = run(&mut shell, &s(), &UDP4, &unspecified());
        assert_eq!(outcome, if fails { failed(EINVAL) } else { Ok(()) });
        assert_eq!(done, ["enter", "found out", "deaf", "disconnect", "pin 10.0.0.1:0", "hears"]);
    }
    // Where it cannot be made deaf it stays as it is.
    let (outcome, done) = run(&mut udp(&["10.0.0.1:4000"]).failing("deaf", EINVAL), &s(), &UDP4, &unspecified());
    assert_eq!((outcome, done.last().unwrap().as_str()), (Err(Ended::Given), "deaf"));
}
