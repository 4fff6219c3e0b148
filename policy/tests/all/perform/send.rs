//! A message, step by step.

use super::fake::*;
use crate::common::*;
use chbind_policy::control::naming;
use chbind_policy::perform::{Message, send};
use chbind_policy::{Context, Errno, Reason, Socket};
use libc::{EADDRNOTAVAIL, EALREADY, ECONNREFUSED, EINPROGRESS, EINVAL, EPERM, MSG_FASTOPEN};

type Outcome = Result<usize, Ended>;

const R: &str = "198.51.100.7:80";

fn run(shell: &mut FakeShell, context: &Context, socket: &Socket, to: Option<&str>) -> (Outcome, Vec<String>) {
    let address = to.map(bytes);
    let message = Message { address: address.as_deref(), control: &[], flags: 0 };
    let outcome = send(shell, context, socket, message);
    (outcome, shell.done())
}

fn open_fast(shell: &mut FakeShell, context: &Context) -> (Outcome, Vec<String>) {
    let message = Message { address: Some(&bytes(R)), control: &[], flags: MSG_FASTOPEN };
    let outcome = send(shell, context, &TCP4, message);
    (outcome, shell.done())
}

fn udp(shows: &[&'static str]) -> FakeShell {
    FakeShell::new(UDP4.transport, shows)
}

fn tcp(shows: &[&'static str]) -> FakeShell {
    FakeShell::new(TCP4.transport, shows)
}

fn failed(errno: i32) -> Outcome {
    Err(Ended::Fail(Errno(errno)))
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn a_datagram_from_the_address_that_it_has() {
    let (outcome, done) = run(&mut udp(&["10.0.0.1:4000"]), &s(), &UDP4, Some(R));
    assert_eq!(outcome, Ok(7));
    let expected = ["enter", "judge 10.0.0.1:4000", "found out", "withhold", "room 0", "send 198.51.100.7:80"];
    assert_eq!(done, expected);
}

#[test]
fn the_first_datagram_pins_the_socket() {
    let (outcome, done) = run(&mut udp(&[ANY4]), &s(), &UDP4, Some(R));
    assert_eq!(outcome, Ok(7));
    let judged = ["enter", "judge 0.0.0.0:0", "found out", "withhold", "room 0", "idle"];
    assert_eq!(done, [&judged[..], &["pin 10.0.0.1:0", "send 198.51.100.7:80"]].concat());
}

#[test]
fn of_several_addresses_it_opens_the_wildcard_and_names_one() {
    let judged = ["enter", "judge 0.0.0.0:0", "found out", "withhold", "room 32", "idle"];
    let open = "open 0.0.0.0:0 or 10.0.0.1:0";
    let mut shell = udp(&[ANY4]);
    let (outcome, done) = run(&mut shell, &m(), &UDP4, Some(R));
    assert_eq!((outcome, done), (Ok(7), words(&[&judged[..], &[open, "send 198.51.100.7:80"]].concat())));
    let (named, len) = naming(at("10.0.0.1:0"));
    assert_eq!(shell.room, named[..len], "it names its source");
    // Where it cannot be kept to the context it has one address, and names none.
    let mut shell = udp(&[ANY4]);
    shell.opens = false;
    let (outcome, done) = run(&mut shell, &m(), &UDP4, Some(R));
    assert_eq!((outcome, done), (Ok(7), words(&[&judged[..], &[open, "room 0", "send 198.51.100.7:80"]].concat())));
}

#[test]
fn the_named_source_goes_before_what_the_program_says() {
    let mut shell = udp(&["0.0.0.0:4000"]);
    // An interface, and the kernel's choice of the source: the one that the message has.
    let (mut control, len) = naming(at("0.0.0.0:0"));
    control[16] = 3;
    let message = Message { address: Some(&bytes(R)), control: &control[..len], flags: 0 };
    assert_eq!(send(&mut shell, &m(), &UDP4, message), Ok(7));
    let (named, named_len) = naming(at("10.0.0.1:0"));
    let (first, second) = shell.room.split_at(named_len);
    assert_eq!(first, &named[..named_len]);
    assert_eq!((second[16], &second[20..24]), (3, &[10, 0, 0, 1][..]));
}

#[test]
fn a_message_that_is_refused_leaves_nothing_behind() {
    let denied = Err(Ended::Refused(refusal(EPERM, Reason::LoopbackDenied)));
    let refused = run(&mut udp(&[ANY4]), &z(), &UDP4, Some("127.0.0.1:80"));
    assert_eq!(refused, (denied, words(&["enter", "judge 0.0.0.0:0", "give port"])));
    let (control, len) = naming(at("10.0.0.3:0"));
    let message = Message { address: Some(&bytes(R)), control: &control[..len], flags: 0 };
    let mut shell = udp(&[ANY4]);
    let foreign = Err(Ended::Refused(refusal(EPERM, Reason::ForeignSource(ip("10.0.0.3")))));
    assert_eq!(send(&mut shell, &s(), &UDP4, message), foreign);
    assert_eq!(shell.done(), ["enter", "judge 0.0.0.0:0", "found out", "withhold", "room 32"]);
}

#[test]
fn nothing_is_done_before_there_is_leave() {
    let hooks = ["enter", "judge", "found out", "withhold", "room", "idle"];
    for (n, hook) in hooks.iter().enumerate() {
        let (outcome, done) = run(&mut udp(&[ANY4]).failing(hook, EALREADY), &m(), &UDP4, Some(R));
        assert_eq!((outcome, done.len()), (Err(Ended::Given), n + 1), "{done:?}");
        assert!(done.iter().zip(hooks).all(|(done, hook)| done.starts_with(hook)), "{done:?}");
    }
}

#[test]
fn a_place_that_cannot_be_had_is_mended() {
    for (context, act) in [(s(), "pin"), (m(), "open")] {
        let mut shell = udp(&[ANY4]).failing(act, EADDRNOTAVAIL);
        let (outcome, done) = run(&mut shell, &context, &UDP4, Some(R));
        assert_eq!(outcome, failed(EADDRNOTAVAIL));
        assert_eq!(done.get(done.len() - 3..).unwrap(), ["deaf", "pin 10.0.0.1:0", "hears"], "{act}");
        // It got a port meanwhile: judged again, three times in all.
        let mut shell = udp(&[ANY4]);
        for _ in 0..4 {
            shell = shell.failing(act, EINVAL);
        }
        let (outcome, done) = run(&mut shell, &context, &UDP4, Some(R));
        assert_eq!(outcome, failed(EINVAL));
        assert_eq!(done.iter().filter(|done| done.as_str() == "enter").count(), 3);
        assert!(!done.iter().any(|done| done.starts_with("send") || done == "deaf"), "{done:?}");
    }
}

#[test]
fn a_stream_that_is_connected_is_not_judged() {
    let (outcome, done) = run(&mut tcp(&["10.0.0.3:4000"]), &s(), &TCP4, Some(R));
    assert_eq!(outcome, Ok(7));
    assert_eq!(done, ["enter unjudged", "judge 10.0.0.3:4000", "found out", "withhold", "room 0", "send"]);
}

#[test]
fn a_stream_that_opens_with_data_is_pinned_for_that() {
    let judged = ["enter", "judge 0.0.0.0:0", "found out", "withhold", "room 0", "idle"];
    let opened = ["pin 10.0.0.1:0", "send 198.51.100.7:80"];
    let (outcome, done) = open_fast(&mut tcp(&[ANY4]), &s());
    assert_eq!((outcome, done), (Ok(7), words(&[&judged[..], &opened].concat())));
    let (outcome, done) = open_fast(&mut tcp(&[ANY4]).failing("send", EINPROGRESS), &s());
    assert_eq!((outcome, done), (failed(EINPROGRESS), words(&[&judged[..], &opened].concat())));
    let (outcome, done) = open_fast(&mut tcp(&[ANY4]).failing("send", ECONNREFUSED), &s());
    assert_eq!((outcome, done.last().unwrap().as_str()), (failed(ECONNREFUSED), "unpin 10.0.0.1:0"));
}
