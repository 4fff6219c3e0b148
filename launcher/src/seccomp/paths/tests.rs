//! What holds on every way through either filter.

use super::{Path, paths};
use crate::seccomp::context_filter::tests::ALL;
use crate::seccomp::interpreter::{Action, Data, Operation, Program};
use crate::seccomp::{arch, supervisor_filter};
use crate::sys::seccomp::Instruction;
use chbind_policy::bpf::{instruction, jump, load, ret};

fn the_filters() -> impl Iterator<Item = Program> {
    let of_supervisor =
        [false, true].map(|strict| Program::check(&supervisor_filter::program(strict).unwrap()).unwrap());
    ALL.into_iter().map(|situation| situation.filter()).chain(of_supervisor)
}

#[test]
fn calls_go_the_way_that_was_counted_off() {
    for filter in the_filters() {
        for path in paths(&filter) {
            for data in path.calls() {
                assert_eq!(filter.action(&data), path.action, "{data:x?} on {:?}", path.tests);
            }
        }
    }
}

/// What a rule compares with arguments is compared for the rule's own number and no other: each rule falls out where the next
/// begins.
#[test]
fn arguments_are_compared_for_one_number_at_a_time() {
    for filter in the_filters() {
        let of_arguments = |path: &&Path| path.tests.iter().any(|test| test.word >= 4);
        for path in paths(&filter).iter().filter(of_arguments) {
            assert!(path.words[0].only().is_some() && path.words[1].only().is_some(), "{:?}", path.tests);
        }
    }
}

/// A machine is asked for before all else, and every way but that of other machines asks for a number next.
#[test]
fn machine_first_then_number() {
    for filter in the_filters() {
        for path in paths(&filter) {
            assert_eq!(path.tests[0].word, 1);
            let is_other = path.calls().iter().all(|data| ![arch::AUDIT.0, arch::AUDIT.1].contains(&data.arch));
            let then = path.tests.iter().find(|test| test.word != 1).map(|test| test.word);
            match then {
                None => assert!(path.action == Action::KillProcess, "{:?}", path.tests),
                Some(word) => assert!(word == 0 && !is_other, "{:?}", path.tests),
            }
        }
    }
}

/// But for the second of the two jumps that seccompiler puts before a rule, for filters that it makes as a whole.
#[test]
fn no_instruction_is_for_nothing() {
    for filter in the_filters() {
        let reached: Vec<usize> = paths(&filter).into_iter().flat_map(|path| path.instructions).collect();
        for (at, operation) in filter.operations().iter().enumerate().filter(|(at, _)| !reached.contains(at)) {
            let passed_over = at > 0 && filter.operations()[at - 1] == Operation::Jump(1);
            assert!(passed_over && matches!(operation, Operation::Jump(_)), "{at}: {operation:?}");
        }
    }
}

fn actions(program: &[Instruction]) -> Vec<(u32, Action)> {
    let found = paths(&Program::check(program).unwrap());
    found.iter().flat_map(|path| path.calls().iter().map(|data| (data.nr, path.action)).collect::<Vec<_>>()).collect()
}

#[test]
fn ways_that_no_call_can_go_are_not_counted() {
    let [first, second, never] = [0x0005_0001, 0x0005_0002, 0x0005_0003];
    let [one, two] = [1, 2].map(Action::Errno);
    // The second test holds nowhere where the first does not.
    let twice =
        [load(0), jump(libc::BPF_JGE, 10, 0, 1), ret(first), jump(libc::BPF_JEQ, 10, 0, 1), ret(never), ret(second)];
    assert_eq!(actions(&twice), [(10, one), (u32::MAX, one), (0, two), (9, two)]);
    let beyond = [load(0), jump(libc::BPF_JGT, u32::MAX, 0, 1), ret(first), ret(second)];
    assert_eq!(actions(&beyond), [(0, two), (u32::MAX, two)]);
    // Nor where two masks leave nothing over.
    let and = |mask| instruction(libc::BPF_ALU | libc::BPF_AND, 0, 0, mask);
    let masks = [
        load(0),
        and(6),
        jump(libc::BPF_JEQ, 6, 0, 4),
        load(0),
        and(2),
        jump(libc::BPF_JEQ, 0, 0, 1),
        ret(never),
        ret(first),
        ret(second),
    ];
    assert_eq!(actions(&masks)[..2], [(6, one), (u32::MAX, one)]);
    assert!(actions(&masks).iter().all(|(_, action)| *action != Action::Errno(3)));
}

#[test]
fn words_of_a_call_are_those_of_the_way() {
    let program = [
        load(16),
        jump(libc::BPF_JEQ, 7, 0, 3),
        load(20),
        jump(libc::BPF_JEQ, 9, 0, 1),
        ret(0x7fff_0000),
        ret(0x0005_0001),
    ];
    let first = &paths(&Program::check(&program).unwrap())[0];
    assert_eq!(first.action, Action::Allow);
    assert!(first.calls().iter().all(|Data { args, .. }| args[0] == 9 << 32 | 7));
}
