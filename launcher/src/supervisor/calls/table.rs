//! The checked calls, all of them: which are held back by the filter, what the supervisor does then, what messages call it.
//!
//! The context's filter, the dispatch of held calls and the names in messages are made from this table. Whoever adds a checked
//! call adds a line here and a method beside its like.

use super::sockname::Which;
use super::worker::Worker;
use crate::seccomp::Error;
use crate::seccomp::context_filter::{Held, HeldCall, SecretAt};
use crate::seccomp::rule::{is, is_masked, is_null};
use crate::supervisor::caller::held::Caller;
use crate::supervisor::caller::outcome::Stop;
use crate::sys::Errno;
use crate::sys::seccomp::Answer;
use chbind_policy::{Context, Loopback, Subject, create, option};
use libc::c_long;

/// A system call that can meet the supervisor.
struct CheckedCall {
    /// Its number, in the native table.
    nr: c_long,
    /// What messages call it.
    name: &'static str,
    /// Which of its calls are held back in a context like this; `None` for none.
    held: fn(&Context) -> Result<Option<Held>, Error>,
    /// Where the shim's own calls carry the secret of the context (`--enforce hybrid`); `None` if it makes none.
    secret: Option<SecretAt>,
    /// Answers a held one.
    answer: fn(&mut Worker, &mut Caller) -> Result<Answer, Stop>,
}

const fn checked(
    nr: c_long,
    name: &'static str,
    held: fn(&Context) -> Result<Option<Held>, Error>,
    secret: Option<SecretAt>,
    answer: fn(&mut Worker, &mut Caller) -> Result<Answer, Stop>,
) -> CheckedCall {
    CheckedCall { nr, name, held, secret, answer }
}

/// The arguments that the call does not have, or else upper halves of `int`s: filters of others look at arguments that there
/// are, in full.
const SPARE: Option<SecretAt> = Some(SecretAt::SpareArguments);
const HALVES: Option<SecretAt> = Some(SecretAt::UpperHalves);

// A call a line.
#[rustfmt::skip]
static CHECKED: [CheckedCall; 12] = [
    // number, name, held, secret, answered by
    checked(libc::SYS_sendto, "send", with_address, HALVES, Worker::sendto),
    checked(libc::SYS_sendmsg, "send", all, SPARE, Worker::sendmsg),
    checked(libc::SYS_sendmmsg, "send", all, None, Worker::sendmmsg),
    checked(libc::SYS_connect, "connect", all, SPARE, Worker::connect),
    checked(libc::SYS_bind, "bind", all, SPARE, Worker::bind),
    checked(libc::SYS_listen, "listen", all, SPARE, Worker::listen),
    checked(libc::SYS_getsockname, "getsockname", all, SPARE, |worker, caller| worker.name(caller, Which::Local)),
    checked(libc::SYS_getpeername, "getpeername", if_masked, SPARE, |worker, caller| worker.name(caller, Which::Peer)),
    checked(libc::SYS_socket, "socket", unusual_kinds, SPARE, Worker::create),
    checked(libc::SYS_socketpair, "socketpair", unusual_kinds, None, Worker::create),
    checked(libc::SYS_setsockopt, "setsockopt", judged_options, HALVES, Worker::set_option),
    checked(libc::SYS_landlock_create_ruleset, "landlock_create_ruleset", all, None, Worker::create_ruleset),
];

fn all(_: &Context) -> Result<Option<Held>, Error> {
    Ok(Some(Held::All))
}

/// Without an address sendto() goes to the connected peer.
fn with_address(_: &Context) -> Result<Option<Held>, Error> {
    Ok(Some(Held::AllBut(vec![vec![is_null(4)?]])))
}

/// A peer's name differs only where 127.0.0.1 is another address.
fn if_masked(context: &Context) -> Result<Option<Held>, Error> {
    Ok((context.loopback == Loopback::Remap).then_some(Held::All))
}

fn unusual_kinds(context: &Context) -> Result<Option<Held>, Error> {
    let mut plain = Vec::new();
    for kind in create::plain_kinds(context) {
        let mut conditions = vec![is(0, kind.domain)?];
        if let Some((kind, protocol)) = kind.detail {
            conditions.extend([is_masked(1, create::TYPE_MASK, kind)?, is(2, protocol)?]);
        }
        plain.push(conditions);
    }
    Ok(Some(Held::AllBut(plain)))
}

fn judged_options(context: &Context) -> Result<Option<Held>, Error> {
    let mut judged = Vec::new();
    for (level, name) in option::judged(context) {
        judged.push(vec![is(1, level)?, is(2, name)?]);
    }
    Ok(Some(Held::Only(judged)))
}

/// The calls that a filter for `context` holds back.
pub(crate) fn held_calls(context: &Context) -> Result<Vec<HeldCall>, Error> {
    let mut calls = Vec::new();
    for CheckedCall { nr, held, secret, .. } in &CHECKED {
        calls.extend(held(context)?.map(|held| HeldCall { nr: *nr, held, secret: *secret }));
    }
    Ok(calls)
}

/// The answer to a held call.
pub(crate) fn answer_to(worker: &mut Worker, caller: &mut Caller) -> Answer {
    let Some(call) = CHECKED.iter().find(|call| call.nr == caller.nr()) else {
        // The filter holds nothing else back.
        return Answer::Fail(Errno::ENOSYS);
    };
    worker.subject = Subject::Call(call.name);
    match (call.answer)(worker, caller) {
        Ok(answer) => answer,
        Err(Stop::Fail(errno)) => Answer::Fail(errno),
        Err(Stop::Refused(refusal)) => {
            worker.shared.log.refused(caller.tid(), &worker.subject, &refusal, worker.shared.context);
            Answer::Fail(refusal.errno)
        }
        // Nobody should be left to read it; should that be wrong, nobody must wait for ever.
        Err(Stop::Gone) => Answer::Fail(Errno::EPERM),
    }
}
