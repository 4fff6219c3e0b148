//! Each compiled rule by itself: its own number goes in, all others come out behind it, as does nothing that has gone in.

use super::{Rule, for_range, is, is_masked, native_only};
use crate::seccomp::arch;
use crate::seccomp::interpreter::Action::{Allow, Errno, KillProcess};
use crate::seccomp::interpreter::{Action, Data, Program};
use crate::sys::seccomp::Instruction;
use chbind_policy::bpf::{load, ret};
use libc::{SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO};
use proptest::prelude::*;
use seccompiler::SeccompCmpArgLen::Qword;
use seccompiler::{SeccompCmpOp, SeccompCondition};

const FIRST: u32 = SECCOMP_RET_ERRNO | 1;
const SECOND: u32 = SECCOMP_RET_ERRNO | 2;
const OTHERWISE: u32 = SECCOMP_RET_ERRNO | 3;
/// What stands behind what is tested.
const BEHIND: Action = Errno(9);

/// A program of `instructions` alone, with the number loaded before them.
fn framed(instructions: &[Instruction]) -> Program {
    Program::check(&[&[load(0)], instructions, &[ret(SECCOMP_RET_ERRNO | 9)]].concat()).unwrap()
}

fn action(program: &Program, nr: u32, args: [u64; 6]) -> Action {
    program.action(&Data::native(nr.into(), args))
}

#[test]
fn a_rule_without_cases_is_for_its_number() {
    let rule = framed(&Rule::always(49, OTHERWISE).compile().unwrap());
    for nr in (0..600).chain([u32::MAX, 1 << 31 | 49]) {
        let expected = if nr == 49 { Errno(3) } else { BEHIND };
        assert_eq!([[0; 6], [u64::MAX; 6]].map(|args| action(&rule, nr, args)), [expected; 2], "{nr}");
    }
}

#[test]
fn the_first_case_whose_conditions_all_hold() {
    let cases = vec![
        (vec![is(0, 2).unwrap(), is_masked(1, 0xf, 1).unwrap(), is(2, -1).unwrap()], FIRST),
        (vec![is(0, 2).unwrap()], SECOND),
        (vec![is(0, 2).unwrap(), is(5, 6).unwrap()], FIRST),
    ];
    let rule = framed(&Rule { nr: 41, cases, otherwise: OTHERWISE }.compile().unwrap());
    let minus_one = u64::from(u32::MAX);
    let rows = [
        ([2, 1, minus_one, 0, 0, 0], Errno(1)),
        ([2, 0x801, minus_one, 0, 0, 0], Errno(1)),
        ([2, 0, minus_one, 0, 0, 0], Errno(2)),
        ([2, 1, 0, 0, 0, 0], Errno(2)),
        ([2, 1, 0, 0, 0, 6], Errno(2)),
        ([1, 1, minus_one, 0, 0, 6], Errno(3)),
        ([0; 6], Errno(3)),
    ];
    for (args, expected) in rows {
        assert_eq!(action(&rule, 41, args), expected, "{args:?}");
        let dirty = args.map(|arg| arg | 0xffff_ffff_0000_0000);
        assert_eq!(action(&rule, 41, dirty), expected, "{args:?} with dirty upper halves");
        assert_eq!(action(&rule, 42, args), BEHIND, "{args:?}");
    }
}

#[test]
fn a_condition_on_all_of_a_register() {
    let null = SeccompCondition::new(4, Qword, SeccompCmpOp::Eq, 0).unwrap();
    let rule = framed(&Rule { nr: 44, cases: vec![(vec![null], FIRST)], otherwise: OTHERWISE }.compile().unwrap());
    let at = |address| action(&rule, 44, [1, 1, 1, 1, address, 1]);
    assert_eq!([0, 1, 1 << 31, 1 << 32, 1 << 63, u64::MAX].map(at), [1, 3, 3, 3, 3, 3].map(Errno));
}

/// More than the 255 instructions that a conditional jump can pass over.
#[test]
fn a_rule_longer_than_a_jump_is_passed_over_all_the_same() {
    let cases = (0..200).map(|n| (vec![is(1, n).unwrap()], FIRST)).collect();
    let long = Rule { nr: 54, cases, otherwise: OTHERWISE }.compile().unwrap();
    assert!(long.len() > 600);
    let rule = framed(&long);
    for nr in [0, 53, 55, u32::MAX] {
        assert_eq!(action(&rule, nr, [0; 6]), BEHIND);
    }
    assert_eq!([0, 199, 200].map(|n| action(&rule, 54, [0, n, 0, 0, 0, 0])), [Errno(1), Errno(1), Errno(3)]);
}

#[test]
fn ranges_have_both_ends() {
    let action_of = |range, nr| action(&framed(&for_range(&range, FIRST)), nr, [0; 6]);
    assert_eq!([424, 425, 427, 428].map(|nr| action_of(425..=427, nr)), [BEHIND, Errno(1), Errno(1), BEHIND]);
    assert_eq!([101, 102, 103].map(|nr| action_of(102..=102, nr)), [BEHIND, Errno(1), BEHIND]);
    let from = 0x4000_0000;
    assert_eq!([from - 1, from, u32::MAX].map(|nr| action_of(from..=u32::MAX, nr)), [BEHIND, Errno(1), Errno(1)]);
}

#[test]
fn only_calls_of_this_machine_go_on() {
    let program = [native_only(), vec![ret(SECCOMP_RET_ALLOW)]].concat();
    let program = Program::check(&program).unwrap();
    let of = |arch, nr| program.action(&Data { arch, ..Data::native(nr, [0; 6]) });
    assert_eq!(
        [0, 0x3fff_ffff, 0x4000_0000, 0xffff_ffff].map(|nr| of(arch::AUDIT.0, nr)),
        [Allow, Allow, KillProcess, KillProcess]
    );
    assert_eq!([arch::AUDIT.1, 0, u32::MAX].map(|arch| of(arch, 0)), [KillProcess; 3]);
}

/// As the code that compiles them reads: what a condition says.
fn holds(argument: usize, mask: Option<i32>, value: i32, args: &[u64; 6]) -> bool {
    let low = args[argument] as u32;
    mask.map_or(low == value as u32, |mask| low & mask as u32 == (value & mask) as u32)
}

type Test = (usize, Option<i32>, i32);

fn a_test() -> impl Strategy<Value = Test> {
    let mask = prop_oneof![Just(None), (0..8i32).prop_map(Some), any::<i32>().prop_map(Some)];
    (0..6usize, mask, prop_oneof![4 => 0..4i32, 1 => any::<i32>()])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_rule_does_what_its_cases_say(
        cases in prop::collection::vec((prop::collection::vec(a_test(), 1..5), 1..9u32), 0..5),
        nr in 40..43u32,
        args in prop::array::uniform6(prop_oneof![4 => 0..4u64, 1 => any::<u64>()]),
    ) {
        let condition = |(argument, mask, value): &Test| match mask {
            Some(mask) => is_masked(*argument as u8, *mask, *value).unwrap(),
            None => is(*argument as u8, *value).unwrap(),
        };
        let compiled = cases.iter().map(|(tests, n)| (tests.iter().map(condition).collect(), SECCOMP_RET_ERRNO | n));
        let rule = Rule { nr: 41, cases: compiled.collect(), otherwise: SECCOMP_RET_ERRNO | 100 };
        let fits = |(tests, _): &&(Vec<Test>, u32)| tests.iter().all(|(argument, mask, value)| holds(*argument, *mask, *value, &args));
        let expected = match cases.iter().find(fits) {
            _ if nr != 41 => BEHIND,
            Some((_, n)) => Errno(*n as i32),
            None => Errno(100),
        };
        prop_assert_eq!(action(&framed(&rule.compile().unwrap()), nr, args), expected);
    }
}
