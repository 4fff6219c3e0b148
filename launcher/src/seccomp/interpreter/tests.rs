//! Each opcode, and each program that is none.

use super::{Action, Data, Fault, Program};
use crate::sys::seccomp::Instruction;
use chbind_policy::bpf::{INSTRUCTIONS_MAX, instruction, jump, load, ret};
use libc::{
    BPF_A, BPF_ABS, BPF_ADD, BPF_ALU, BPF_AND, BPF_B, BPF_DIV, BPF_H, BPF_IMM, BPF_IND, BPF_JA, BPF_JEQ, BPF_JGE,
    BPF_JGT, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_LDX, BPF_LEN, BPF_LSH, BPF_MEM, BPF_MISC, BPF_MOD, BPF_MSH, BPF_MUL,
    BPF_NEG, BPF_OR, BPF_RET, BPF_RSH, BPF_ST, BPF_STX, BPF_SUB, BPF_TAX, BPF_W, BPF_X, BPF_XOR,
};

const TXA: u32 = 0x80;
const RETURN_A: Instruction = instruction(BPF_RET | BPF_A, 0, 0, 0);

const fn plain(code: u32, k: u32) -> Instruction {
    instruction(code, 0, 0, k)
}

fn returned(program: &[Instruction], data: &Data) -> u32 {
    Program::check(program).unwrap().run(data)
}

#[test]
fn words_lie_where_the_kernel_puts_them() {
    let args = [1, 2, 3, 4, 5, 6].map(|n: u64| n << 32 | (n + 10));
    let data = Data { nr: 7, arch: 8, instruction_pointer: 9 << 32 | 10, args };
    let at = |offset| returned(&[load(offset), RETURN_A], &data);
    assert_eq!([0, 4, 8, 12].map(at), [7, 8, 10, 9]);
    for n in 0..6 {
        assert_eq!([at(16 + 8 * n), at(20 + 8 * n)], [n + 11, n + 1]);
    }
    assert_eq!(Data::of_words(&data.words()), data);
}

#[test]
fn the_other_loads_stores_and_moves() {
    let data = Data::default();
    let cases: &[(&[Instruction], u32)] = &[
        (&[plain(BPF_LD | BPF_IMM, 5), RETURN_A], 5),
        (&[plain(BPF_LD | BPF_W | BPF_LEN, 0), RETURN_A], 64),
        (&[plain(BPF_LDX | BPF_IMM, 6), plain(BPF_MISC | TXA, 0), RETURN_A], 6),
        (&[plain(BPF_LDX | BPF_W | BPF_LEN, 0), plain(BPF_MISC | TXA, 0), RETURN_A], 64),
        (
            &[
                plain(BPF_LD | BPF_IMM, 7),
                plain(BPF_ST, 15),
                plain(BPF_LD | BPF_IMM, 0),
                plain(BPF_LD | BPF_MEM, 15),
                RETURN_A,
            ],
            7,
        ),
        (
            &[
                plain(BPF_LD | BPF_IMM, 8),
                plain(BPF_MISC | BPF_TAX, 0),
                plain(BPF_STX, 0),
                plain(BPF_LDX | BPF_MEM, 0),
                plain(BPF_MISC | TXA, 0),
                RETURN_A,
            ],
            8,
        ),
        // Both registers begin with 0.
        (&[RETURN_A], 0),
        (&[plain(BPF_MISC | TXA, 0), RETURN_A], 0),
    ];
    for (program, expected) in cases {
        assert_eq!(returned(program, &data), *expected, "{program:?}");
    }
}

#[test]
fn computations_by_constant_and_by_register() {
    let cases = [
        (BPF_ADD, u32::MAX, 3, 2),
        (BPF_SUB, 1, 3, u32::MAX - 1),
        (BPF_MUL, 1 << 31, 3, 1 << 31),
        (BPF_DIV, 17, 5, 3),
        (BPF_AND, 0xff0f, 0x0ff0, 0x0f00),
        (BPF_OR, 0xf000, 0x000f, 0xf00f),
        (BPF_XOR, 0xff00, 0x0ff0, 0xf0f0),
        (BPF_LSH, 3, 31, 1 << 31),
        (BPF_RSH, 1 << 31, 30, 2),
    ];
    for (how, a, k, expected) in cases {
        let by_constant = [plain(BPF_LD | BPF_IMM, a), plain(BPF_ALU | how | BPF_K, k), RETURN_A];
        let by_register =
            [plain(BPF_LD | BPF_IMM, a), plain(BPF_LDX | BPF_IMM, k), plain(BPF_ALU | how | BPF_X, 0), RETURN_A];
        assert_eq!(returned(&by_constant, &Data::default()), expected, "{how:#x} by constant");
        assert_eq!(returned(&by_register, &Data::default()), expected, "{how:#x} by register");
    }
    let negated = [plain(BPF_LD | BPF_IMM, 1), plain(BPF_ALU | BPF_NEG, 0), RETURN_A];
    assert_eq!(returned(&negated, &Data::default()), u32::MAX);
    // Shifts by a register use its lowest five bits; a division by a register with 0 ends the program with 0.
    let by =
        |how, x| [plain(BPF_LD | BPF_IMM, 6), plain(BPF_LDX | BPF_IMM, x), plain(BPF_ALU | how | BPF_X, 0), ret(9)];
    let shifted = [by(BPF_LSH, 33)[0], by(BPF_LSH, 33)[1], by(BPF_LSH, 33)[2], RETURN_A];
    assert_eq!(returned(&shifted, &Data::default()), 12);
    assert_eq!(returned(&by(BPF_DIV, 0), &Data::default()), 0);
    assert_eq!(returned(&by(BPF_DIV, 1), &Data::default()), 9);
}

#[test]
fn tests_and_jumps() {
    let cases = [
        (BPF_JEQ, [(5, 5, true), (5, 4, false), (4, 5, false)]),
        (BPF_JGT, [(5, 5, false), (5, 4, true), (4, 5, false)]),
        (BPF_JGE, [(5, 5, true), (u32::MAX, 4, true), (4, u32::MAX, false)]),
        (BPF_JSET, [(5, 4, true), (5, 2, false), (5, 3, true)]),
    ];
    for (test, rows) in cases {
        for (a, k, holds) in rows {
            let by_constant = [plain(BPF_LD | BPF_IMM, a), jump(test, k, 1, 0), ret(0), ret(1)];
            let by_register = [
                plain(BPF_LD | BPF_IMM, a),
                plain(BPF_LDX | BPF_IMM, k),
                instruction(BPF_JMP | test | BPF_X, 0, 1, 0),
                ret(1),
                ret(0),
            ];
            assert_eq!(returned(&by_constant, &Data::default()), holds.into(), "{test:#x} {a} {k}");
            assert_eq!(returned(&by_register, &Data::default()), holds.into(), "{test:#x} {a} {k}, by register");
        }
    }
    assert_eq!(returned(&[plain(BPF_JMP | BPF_JA, 1), ret(1), ret(2)], &Data::default()), 2);
}

#[test]
fn programs_that_the_kernel_does_not_take() {
    let one = |code, k| Program::check(&[plain(code, k), ret(0)]).unwrap_err();
    assert_eq!(Program::check(&[]).unwrap_err(), Fault::Length);
    assert_eq!(Program::check(&vec![ret(0); INSTRUCTIONS_MAX + 1]).unwrap_err(), Fault::Length);
    assert!(Program::check(&vec![ret(0); INSTRUCTIONS_MAX]).is_ok());
    assert_eq!(Program::check(&[load(0)]).unwrap_err(), Fault::NoReturn);
    for offset in [1, 2, 3, 64, 68, u32::MAX - 3, 0xffff_f000] {
        assert_eq!(one(BPF_LD | BPF_W | BPF_ABS, offset), Fault::Offset(0), "{offset}");
    }
    // What packets have, and seccomp has not.
    let unknown = [
        BPF_LD | BPF_H | BPF_ABS,
        BPF_LD | BPF_B | BPF_ABS,
        BPF_LD | BPF_W | BPF_IND,
        BPF_LDX | BPF_W | BPF_ABS,
        BPF_LDX | BPF_B | BPF_MSH,
        BPF_ALU | BPF_MOD | BPF_K,
        BPF_ALU | BPF_NEG | BPF_X,
        BPF_JMP | BPF_JA | BPF_X,
        BPF_JMP | 0x50,
        BPF_RET | BPF_X,
        BPF_MISC | 0x40,
        BPF_ST | 0x20,
        0x100 | BPF_RET,
    ];
    for code in unknown {
        assert_eq!(one(code, 1), Fault::Opcode(0), "{code:#x}");
    }
    assert_eq!(one(BPF_ALU | BPF_DIV | BPF_K, 0), Fault::DivisionByZero(0));
    assert_eq!([BPF_LSH, BPF_RSH].map(|how| one(BPF_ALU | how | BPF_K, 32)), [Fault::Shift(0); 2]);
    assert_eq!([BPF_ST, BPF_STX, BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM].map(|code| one(code, 16)), [Fault::Cell(0); 4]);
    // No jump leads out of the program; all lead forward, for what is passed over is never negative.
    for out in [1, 2, u32::MAX] {
        assert_eq!(one(BPF_JMP | BPF_JA, out), Fault::Jump(0));
    }
    assert_eq!(Program::check(&[jump(BPF_JEQ, 0, 1, 0), ret(0)]).unwrap_err(), Fault::Jump(0));
    assert_eq!(Program::check(&[jump(BPF_JEQ, 0, 0, 1), ret(0)]).unwrap_err(), Fault::Jump(0));
}

#[test]
fn cells_are_written_before_they_are_read_on_every_way() {
    let read = plain(BPF_LD | BPF_MEM, 3);
    assert_eq!(Program::check(&[read, ret(0)]).unwrap_err(), Fault::Unwritten(0));
    assert_eq!(Program::check(&[plain(BPF_ST, 2), read, ret(0)]).unwrap_err(), Fault::Unwritten(1));
    assert!(Program::check(&[plain(BPF_STX, 3), read, ret(0)]).is_ok());
    let on_one_way = [jump(BPF_JEQ, 0, 0, 1), plain(BPF_ST, 3), read, ret(0)];
    assert_eq!(Program::check(&on_one_way).unwrap_err(), Fault::Unwritten(2));
    let on_both =
        [jump(BPF_JEQ, 0, 0, 2), plain(BPF_ST, 3), plain(BPF_JMP | BPF_JA, 1), plain(BPF_STX, 3), read, ret(0)];
    assert!(Program::check(&on_both).is_ok());
    let passed_over = [plain(BPF_JMP | BPF_JA, 1), plain(BPF_ST, 3), read, ret(0)];
    assert_eq!(Program::check(&passed_over).unwrap_err(), Fault::Unwritten(2));
}

#[test]
fn what_is_returned_names_an_action() {
    let cases = [
        (libc::SECCOMP_RET_ALLOW, Action::Allow),
        (libc::SECCOMP_RET_USER_NOTIF | 7, Action::Notify),
        (libc::SECCOMP_RET_ERRNO | 38, Action::Errno(38)),
        (libc::SECCOMP_RET_ERRNO | 0xffff, Action::Errno(4095)),
        (libc::SECCOMP_RET_KILL_PROCESS, Action::KillProcess),
        (0, Action::Other(0)),
        (libc::SECCOMP_RET_TRACE, Action::Other(libc::SECCOMP_RET_TRACE)),
    ];
    for (returned, action) in cases {
        assert_eq!(Action::from(returned), action);
    }
}
