//! What holds for all calls, whatever is in their registers.

use super::super::{OLDER, PLAIN};
use super::{ABSENT, FORBIDDEN, filter};
use crate::seccomp::interpreter::Action::{self, Allow, KillProcess};
use crate::seccomp::interpreter::Data;
use crate::seccomp::paths::paths;
use proptest::prelude::*;

/// What may become of a call.
fn outcomes(strict: bool, nr: u32) -> &'static [Action] {
    match nr.into() {
        libc::SYS_ioctl | libc::SYS_socket | libc::SYS_openat | libc::SYS_mmap | libc::SYS_mprotect => {
            &[Allow, FORBIDDEN]
        }
        libc::SYS_clone | libc::SYS_prctl | libc::SYS_prlimit64 => &[Allow, FORBIDDEN],
        libc::SYS_clone3 => &[ABSENT],
        libc::SYS_openat2 if strict => &[Allow],
        nr if PLAIN.contains(&nr) || OLDER.contains(&nr) => &[Allow],
        _ => &[KillProcess],
    }
}

/// For all calls, since on every way through the filter.
#[test]
fn every_call_has_its_outcomes_and_no_others() {
    for strict in [false, true] {
        for path in paths(&filter(strict)) {
            for data in path.calls() {
                let expected =
                    if data.arch == crate::seccomp::arch::AUDIT.0 { outcomes(strict, data.nr) } else { &[KillProcess] };
                assert!(expected.contains(&path.action), "{data:x?}: {:?}", path.action);
            }
        }
        for nr in 0..1000 {
            let data = Data::native(nr, [0; 6]);
            assert!(outcomes(strict, nr as u32).contains(&filter(strict).action(&data)), "{nr}");
        }
    }
}

/// Nothing stands twice: the first rule of a number would hide the second.
#[test]
fn each_call_is_named_once() {
    let mut named = [PLAIN, OLDER].concat();
    named.sort_unstable();
    let all = named.len();
    named.dedup();
    assert_eq!(named.len(), all);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn strict_adds_openat2_and_nothing_else(
        nr in prop_oneof![8 => 0..500u32, 1 => any::<u32>()],
        args in prop::array::uniform6(prop_oneof![4 => 0..64u64, 1 => any::<u64>()]),
        arch in prop_oneof![8 => Just(crate::seccomp::arch::AUDIT.0), 1 => any::<u32>()],
    ) {
        let data = Data { arch, ..Data::native(nr.into(), args) };
        let [plain, strict] = [false, true].map(|strict| filter(strict).action(&data));
        prop_assert!(plain == strict || i64::from(nr) == libc::SYS_openat2, "{:?} became {:?}", plain, strict);
    }
}
