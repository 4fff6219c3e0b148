//! `landlock_create_ruleset`: what a program may confine itself by.

use chbind_policy::Errno;
use chbind_policy::Refusal;
use chbind_policy::confinement::{LEN_MAX, ruleset, version};
use libc::{E2BIG, EINVAL, ENOMSG};

const EXECUTE: u64 = 1;
const TRUNCATE: u64 = 1 << 14;
const IOCTL_DEV: u64 = 1 << 15;
const BIND_TCP: u64 = 1;

/// `struct landlock_ruleset_attr`: files, network, scopes.
fn attributes(fields: &[u64]) -> Vec<u8> {
    fields.iter().flat_map(|field| field.to_ne_bytes()).collect()
}

#[test]
fn section_4_rules_for_files_are_the_programs_own() {
    for accesses in [EXECUTE, TRUNCATE, EXECUTE | TRUNCATE] {
        for further in [&[][..], &[0], &[0, 0], &[0; 511]] {
            assert_eq!(ruleset(&attributes(&[&[accesses], further].concat())), Ok(accesses));
        }
    }
}

#[test]
fn section_4_rules_for_the_network_are_unknown() {
    for (fields, errno) in [
        (&[EXECUTE, BIND_TCP][..], E2BIG),
        (&[0, BIND_TCP], E2BIG),
        (&[EXECUTE, 0, 1], E2BIG),
        (&[EXECUTE, 0, 0, 1], E2BIG),
        (&[IOCTL_DEV], EINVAL),
        (&[u64::MAX], EINVAL),
        (&[0], ENOMSG),
        (&[0, 0], ENOMSG),
    ] {
        assert_eq!(ruleset(&attributes(fields)), Err(Refusal::native(Errno(errno))), "{fields:?}");
    }
}

#[test]
fn lengths_are_the_kernels() {
    let long = attributes(&[EXECUTE; 513]);
    for (len, errno) in [(0, EINVAL), (7, EINVAL), (LEN_MAX + 8, E2BIG)] {
        assert_eq!(ruleset(&long[..len]), Err(Refusal::native(Errno(errno))), "{len}");
    }
}

#[test]
fn the_version_is_one_without_a_network() {
    assert_eq!([1, 3, 4, 7].map(version), [1, 3, 3, 3]);
}
