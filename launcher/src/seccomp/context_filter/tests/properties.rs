//! What holds for all calls, whatever is in their registers.

use super::{ALL, Hybrid, Plain, SECRET, Situation, Strict};
use crate::seccomp::arch;
use crate::seccomp::interpreter::Action::{self, Allow, Errno, KillProcess, Notify};
use crate::seccomp::interpreter::{Data, Program};
use crate::seccomp::paths::paths;
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::LazyLock;

static FILTERS: LazyLock<Vec<(Situation, Program)>> =
    LazyLock::new(|| ALL.into_iter().map(|situation| (situation, situation.filter())).collect());

fn action(situation: Situation, data: &Data) -> Action {
    let (_, filter) = FILTERS.iter().find(|(of, _)| *of == situation).unwrap();
    filter.action(data)
}

const NOTIFY: &[Action] = &[Notify];
const EITHER: &[Action] = &[Allow, Notify];
const SECOND_LISTENER: &[Action] = &[Allow, Errno(libc::EBUSY)];
const ABSENT: &[Action] = &[Errno(libc::ENOSYS)];

/// The checked calls of the native table, and what may become of each without a secret; all others pass.
fn outcomes(situation: Situation, nr: u32) -> &'static [Action] {
    if (425..=427).contains(&nr) || nr >= 0x4000_0000 {
        return ABSENT;
    }
    match nr.into() {
        libc::SYS_sendmsg | libc::SYS_sendmmsg | libc::SYS_connect | libc::SYS_bind | libc::SYS_listen => NOTIFY,
        libc::SYS_getsockname | libc::SYS_landlock_create_ruleset => NOTIFY,
        libc::SYS_getpeername
            if !matches!(situation, Situation::OfIpv6 | Situation::HostLoopback | Situation::NoLoopback) =>
        {
            NOTIFY
        }
        libc::SYS_sendto | libc::SYS_socket | libc::SYS_socketpair | libc::SYS_setsockopt => EITHER,
        libc::SYS_seccomp => SECOND_LISTENER,
        libc::SYS_clone if situation == Strict => &[Allow, Errno(libc::EPERM)],
        libc::SYS_clone3 if situation == Strict => ABSENT,
        _ => &[Allow],
    }
}

fn a_number() -> impl Strategy<Value = u32> {
    let checked = [
        libc::SYS_sendto,
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_setsockopt,
        libc::SYS_seccomp,
        libc::SYS_clone,
        libc::SYS_clone3,
        libc::SYS_bind,
        libc::SYS_connect,
        libc::SYS_getpeername,
        425,
        0x4000_0000,
    ];
    prop_oneof![4 => select(checked.map(|nr| nr as u32).to_vec()), 4 => 0..600u32, 1 => any::<u32>()]
}

/// Mostly what some rule compares with, or nearly.
fn a_half() -> impl Strategy<Value = u32> {
    let compared = [SECRET as u32, (SECRET >> 32) as u32, 0x400, 0x10000, 0x10400, 0x0003_0f00, u32::MAX];
    prop_oneof![6 => 0..60u32, 3 => select(compared.to_vec()), 1 => any::<u32>()]
}

fn a_call() -> impl Strategy<Value = Data> {
    let register = (prop_oneof![2 => Just(0), 1 => a_half()], a_half());
    let register = register.prop_map(|(upper, lower)| u64::from(upper) << 32 | u64::from(lower));
    (a_number(), prop::array::uniform6(register)).prop_map(|(nr, args)| Data::native(nr.into(), args))
}

/// Whether it has the secret in one of the two places.
fn has_secret(data: &Data) -> bool {
    let upper = data.args.map(|arg| (arg >> 32) as u32);
    let [first, last] = [(SECRET >> 32) as u32, SECRET as u32];
    upper[5] == last && (upper[0] == first || upper[4] == first)
}

/// For all calls, since on every way through each filter.
#[test]
fn every_call_has_its_outcomes_and_no_others() {
    for (situation, filter) in FILTERS.iter() {
        for path in paths(filter) {
            for data in path.calls().iter().filter(|data| data.arch == arch::AUDIT.0) {
                let by_secret = *situation == Hybrid && has_secret(data) && path.action == Allow;
                let expected = outcomes(*situation, data.nr);
                assert!(by_secret || expected.contains(&path.action), "{situation:?} {data:x?}: {:?}", path.action);
            }
        }
        // What is not named has no way of its own.
        for nr in (0..1000).chain([0x3fff_ffff, 0x4000_0000, 0x4000_0031, u32::MAX]) {
            let action = filter.action(&Data::native(nr.into(), [0; 6]));
            assert!(outcomes(*situation, nr).contains(&action), "{situation:?} {nr}: {action:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_arguments(data in a_call(), situation in select(ALL.to_vec())) {
        let action = action(situation, &data);
        let by_secret = situation == Hybrid && has_secret(&data) && action == Allow;
        prop_assert!(by_secret || outcomes(situation, data.nr).contains(&action), "{:?}", action);
    }

    /// What is not let through without it is not let through with it.
    #[test]
    fn strict_weakens_nothing(data in a_call()) {
        let plain = action(Plain, &data);
        let strict = action(Strict, &data);
        prop_assert!(strict == plain || plain == Allow, "{:?} became {:?}", plain, strict);
    }

    #[test]
    fn hybrid_differs_by_the_secret_alone(data in a_call()) {
        let (plain, hybrid) = (action(Plain, &data), action(Hybrid, &data));
        prop_assert!(hybrid == plain || (has_secret(&data) && hybrid == Allow), "{:?} became {:?}", plain, hybrid);
    }

    /// Only the address of sendto is a pointer that a filter compares; all else is an `int`, whose upper half says nothing.
    #[test]
    fn upper_halves_say_nothing(data in a_call(), upper in prop::array::uniform6(a_half()), situation in select(ALL.to_vec())) {
        let mut dirty = data;
        for (arg, upper) in dirty.args.iter_mut().zip(upper) {
            *arg = *arg & 0xffff_ffff | u64::from(upper) << 32;
        }
        if i64::from(data.nr) == libc::SYS_sendto {
            dirty.args[4] = data.args[4];
        }
        prop_assume!(situation != Hybrid || !(has_secret(&data) || has_secret(&dirty)));
        prop_assert_eq!(action(situation, &data), action(situation, &dirty));
    }

    #[test]
    fn the_instruction_pointer_says_nothing(data in a_call(), instruction_pointer: u64, situation in select(ALL.to_vec())) {
        prop_assert_eq!(action(situation, &data), action(situation, &Data { instruction_pointer, ..data }));
    }

    #[test]
    fn other_machines_end_the_process(data in a_call(), arch: u32, situation in select(ALL.to_vec())) {
        prop_assume!(arch != arch::AUDIT.0 && arch != arch::AUDIT.1);
        prop_assert_eq!(action(situation, &Data { arch, ..data }), KillProcess);
    }
}
