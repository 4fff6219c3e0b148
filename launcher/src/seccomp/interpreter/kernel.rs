//! The interpreter against the kernel: which programs it takes, and what they do to calls.

use super::{Action, Data, Program};
use crate::seccomp::{arch, context_filter, supervisor_filter};
use crate::supervisor::held_calls;
use crate::sys::filtered::{Call, HARMLESS, OWN, UNFILTERED, answers};
use crate::sys::seccomp::Instruction;
use crate::sys::{self, Errno};
use chbind_policy::bpf::{instruction, ret};
use libc::{
    BPF_A, BPF_ABS, BPF_ALU, BPF_AND, BPF_IMM, BPF_JA, BPF_JMP, BPF_K, BPF_LD, BPF_LDX, BPF_LEN, BPF_MEM, BPF_MISC,
    BPF_OR, BPF_RET, BPF_ST, BPF_STX, SECCOMP_RET_ERRNO,
};
use proptest::prelude::*;
use proptest::sample::select;

fn asked(program: &[Instruction], calls: &[Data]) -> sys::Result<Vec<i64>> {
    let (native, predecessor) = arch::AUDIT;
    let call = |data: &Data| Call { nr: data.nr, args: data.args, by_32_bit_entry: data.arch == predecessor };
    answers(native, program, &calls.iter().map(call).collect::<Vec<_>>())
}

fn operand() -> impl Strategy<Value = u32> {
    let near = prop_oneof![0..40u32, select(vec![u32::MAX, 1 << 31, 0xffff_0000]), any::<u32>()];
    prop_oneof![3 => near, 1 => select(HARMLESS.to_vec())]
}

/// Instructions of which most are sound, so that many programs are.
fn an_instruction() -> impl Strategy<Value = Instruction> {
    let of = |code, k| instruction(code, 0, 0, k);
    let offsets = prop_oneof![20 => (0..12u32).prop_map(|n| 16 + 4 * n), 2 => Just(0), 2 => Just(4), 1 => 0..80u32];
    let cell = prop_oneof![20 => 0..2u32, 1 => 14..18u32];
    let ways = (0..4u8, 0..4u8);
    prop_oneof![
        4 => offsets.prop_map(move |at| of(BPF_LD | BPF_ABS, at)),
        1 => select(vec![BPF_LD | BPF_LEN, BPF_LDX | BPF_LEN]).prop_map(move |code| of(code, 0)),
        2 => (select(vec![BPF_LD | BPF_IMM, BPF_LDX | BPF_IMM]), operand()).prop_map(move |(code, k)| of(code, k)),
        2 => (select(vec![BPF_ST, BPF_STX]), cell.clone()).prop_map(move |(code, k)| of(code, k)),
        1 => (select(vec![BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM]), cell).prop_map(move |(code, k)| of(code, k)),
        4 => (0..11u32, any::<bool>(), operand())
            .prop_map(move |(how, by_x, k)| of(BPF_ALU | how << 4 | u32::from(by_x) << 3, k)),
        2 => select(vec![0, 0x80]).prop_map(move |how| of(BPF_MISC | how, 0)),
        4 => (1..5u32, any::<bool>(), operand(), ways)
            .prop_map(|(how, by_x, k, (yes, no))| instruction(BPF_JMP | how << 4 | u32::from(by_x) << 3, yes, no, k)),
        1 => (0..4u32).prop_map(move |over| of(BPF_JMP | BPF_JA, over)),
        1 => (1..4000u32).prop_map(|errno| ret(SECCOMP_RET_ERRNO | errno)),
    ]
}

fn a_program() -> impl Strategy<Value = Vec<Instruction>> {
    let of = |code, k| instruction(code, 0, 0, k);
    let returns_a = vec![
        of(BPF_ALU | BPF_AND | BPF_K, 0xfff),
        of(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
        of(BPF_RET | BPF_A, 0),
    ];
    let end =
        prop_oneof![4 => Just(returns_a), 1 => (1..4000u32).prop_map(|errno| vec![ret(SECCOMP_RET_ERRNO | errno)])];
    let rare = (0..0x110u32, operand()).prop_map(move |(code, k)| Some(of(code, k)));
    let body = prop::collection::vec(an_instruction(), 0..14);
    (body, prop_oneof![9 => Just(None), 1 => rare], end).prop_map(|(mut body, rare, end)| {
        body.extend(rare);
        body.extend(end);
        body
    })
}

fn a_call() -> impl Strategy<Value = Data> {
    let half = || operand().prop_map(u64::from);
    let register = (half(), half()).prop_map(|(high, low)| high << 32 | low);
    (select(HARMLESS.to_vec()), prop::array::uniform6(register)).prop_map(|(nr, args)| Data::native(nr.into(), args))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn takes_the_same_programs_and_does_the_same(program in a_program(), calls in prop::collection::vec(a_call(), 24)) {
        match Program::check(&program) {
            Err(fault) => prop_assert_eq!(asked(&program, &[]), Err(Errno(libc::EINVAL)), "{:?}", fault),
            Ok(checked) => {
                // Where a jump leads behind the mask of the end, anything may come out; only this is to be seen from inside.
                let seen = |data: &&Data| matches!(checked.action(data), Action::Allow | Action::Errno(_));
                let calls: Vec<Data> = calls.iter().filter(seen).copied().collect();
                for (call, answer) in calls.iter().zip(asked(&program, &calls).unwrap()) {
                    match checked.action(call) {
                        Action::Errno(errno) => prop_assert_eq!(answer, -i64::from(errno), "{:?}", call),
                        _ => prop_assert!(answer >= 0, "{call:?}: {answer}"),
                    }
                }
            }
        }
    }
}

/// What a filter returns, as error numbers that nothing else gives.
fn as_errno(action: Action) -> i32 {
    match action {
        Action::Allow => 4001,
        Action::Notify => 4002,
        Action::KillProcess => 4003,
        Action::Errno(errno) => errno,
        Action::Other(_) => 4004,
    }
}

/// The filter as it is, but for what it returns: so each call is answered, and none is carried out.
fn harmless(filter: &[Instruction]) -> Vec<Instruction> {
    let answered = |instruction: &Instruction| match u32::from(instruction.code) {
        code if code == BPF_RET | BPF_K => ret(SECCOMP_RET_ERRNO | as_errno(instruction.k.into()) as u32),
        _ => *instruction,
    };
    filter.iter().map(answered).collect()
}

/// Calls of each number, with arguments in which the filters are interested and others.
fn calls_of_all_numbers() -> Vec<Data> {
    let beyond = [0x3fff_ffff, 0x4000_0000, 0x4000_0031, 0x7fff_ffff, 0x8000_0000, u32::MAX];
    let numbers = (0..=500).chain(beyond).filter(|nr| !OWN.contains(nr) && !UNFILTERED.contains(nr));
    let up = 0xdead_beef_0000_0000;
    let arguments = [
        [0; 6],
        [u64::MAX; 6],
        [2, 1, 0, 0, 0, 0],
        [up | 2, up | 1 | 0x80800, up | 6, up, up, up],
        [10, 3, 6, 0, 1 << 32, 0],
        [0x400, 41, 50, 0, 1, 16],
        [0x10400, 0, 24, 0, 0, 0],
        [SECRET & !0xffff_ffff | 3, 8, 0, 0, SECRET & !0xffff_ffff, SECRET << 32],
    ];
    numbers.flat_map(|nr| arguments.map(|args| Data::native(nr.into(), args))).collect()
}

const SECRET: u64 = 0x1234_5678_9abc_def0;

fn the_filters() -> Vec<Vec<Instruction>> {
    let context = context_filter::tests::context(&["10.0.0.1/24", "2001:db8::1/64"]);
    let of_context = |strict, secret| context_filter::program(held_calls(&context).unwrap(), strict, secret).unwrap();
    let of_supervisor = |strict| supervisor_filter::program(strict).unwrap();
    vec![
        of_context(false, None),
        of_context(true, None),
        of_context(false, Some(SECRET)),
        of_supervisor(false),
        of_supervisor(true),
    ]
}

#[test]
fn the_kernel_reads_the_two_filters_as_the_interpreter_does() {
    let calls = calls_of_all_numbers();
    for filter in the_filters() {
        let checked = Program::check(&filter).unwrap();
        for (call, answer) in calls.iter().zip(asked(&harmless(&filter), &calls).unwrap()) {
            assert_eq!(-answer, as_errno(checked.action(call)).into(), "{call:?}");
        }
    }
}

/// The numbers of i386, by the entry that every kernel which runs its programs has.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_kernel_reads_the_32_bit_table_as_the_interpreter_does() {
    // A kernel that runs no programs of 32 bits has no such entry.
    if !std::fs::exists("/proc/sys/abi/vsyscall32").unwrap_or_default() {
        return;
    }
    let calls: Vec<Data> =
        calls_of_all_numbers().into_iter().map(|call| Data::predecessor(call.nr, call.args)).collect();
    for filter in the_filters() {
        let checked = Program::check(&filter).unwrap();
        for (call, answer) in calls.iter().zip(asked(&harmless(&filter), &calls).unwrap()) {
            assert_eq!(-answer, as_errno(checked.action(call)).into(), "{call:?}");
        }
    }
}
