//! The listings that are kept beside the code, one a filter.

use super::listing;
use crate::seccomp::context_filter::tests::Situation;
use crate::seccomp::interpreter::Program;
use crate::seccomp::supervisor_filter;
use chbind_policy::bpf::{jump, load, ret};

/// Compares with `golden/MACHINE/NAME.txt`, or writes that file where `UPDATE_GOLDEN` is set.
fn is_as_kept(name: &str, of: &str, program: &Program) {
    let directory = format!("{}/src/seccomp/golden/{}", env!("CARGO_MANIFEST_DIR"), super::names::MACHINES[0]);
    let file = format!("{directory}/{name}.txt");
    let made = format!("# {of}\n{}", listing(program));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let (kept, made): (Vec<&str>, Vec<&str>) = (kept.lines().collect(), made.lines().collect());
    let gone = kept.iter().filter(|line| !made.contains(line)).map(|line| format!("- {line}\n"));
    let new = made.iter().filter(|line| !kept.contains(line)).map(|line| format!("+ {line}\n"));
    let changes: String = gone.chain(new).collect();
    assert!(kept == made, "{name}: the filter does something else; UPDATE_GOLDEN=1 keeps what it does now\n{changes}");
}

#[test]
fn the_filters_do_what_is_kept() {
    // Numbers are the machine's, and it is this one's that are kept.
    if cfg!(not(target_arch = "x86_64")) {
        return;
    }
    let of_context = [
        (Situation::Plain, "context-plain", "The filter of a context of one IPv4 address."),
        (Situation::OfBoth, "context-of-both-families", "The filter of a context of an IPv4 and an IPv6 address."),
        (
            Situation::HostLoopback,
            "context-host-loopback",
            "The filter of a context of one IPv4 address and --loopback host.",
        ),
        (
            Situation::NoLoopback,
            "context-no-loopback",
            "The filter of a context of one IPv4 address and --loopback deny.",
        ),
        (
            Situation::RawIcmp,
            "context-raw-icmp",
            "The filter of a context of an IPv4 and an IPv6 address and --raw-icmp.",
        ),
        (Situation::Strict, "context-strict", "The filter of a context of one IPv4 address and --strict."),
        (Situation::Hybrid, "context-hybrid", "The filter of a context of one IPv4 address and --enforce hybrid."),
    ];
    for (situation, name, of) in of_context {
        is_as_kept(name, of, &situation.filter());
    }
    for (strict, name, of) in [
        (false, "supervisor", "The supervisor's own filter."),
        (true, "supervisor-strict", "The supervisor's own filter with --strict."),
    ] {
        is_as_kept(name, of, &Program::check(&supervisor_filter::program(strict).unwrap()).unwrap());
    }
}

#[test]
fn a_listing_says_all_of_a_small_filter() {
    let (native, _) = super::arch::AUDIT;
    let program = [
        load(4),
        jump(libc::BPF_JEQ, native, 1, 0),
        ret(libc::SECCOMP_RET_KILL_PROCESS),
        load(0),
        jump(libc::BPF_JEQ, libc::SYS_bind as u32, 0, 1),
        ret(libc::SECCOMP_RET_USER_NOTIF),
        jump(libc::BPF_JEQ, libc::SYS_sendto as u32, 0, 6),
        load(48),
        jump(libc::BPF_JEQ, 0, 0, 3),
        load(52),
        jump(libc::BPF_JEQ, 0, 0, 1),
        ret(libc::SECCOMP_RET_ALLOW),
        ret(libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        ret(libc::SECCOMP_RET_ALLOW),
    ];
    let said = listing(&Program::check(&program).unwrap());
    for line in [
        "    bind: notify",
        "    sendto: EPERM",
        "        allow if all of address == 0",
        "    any other: allow",
        "any other machine: kill",
    ] {
        assert!(said.lines().any(|said| said == line), "{line} is not in\n{said}");
    }
    assert_eq!(said.lines().count(), 6);
}
