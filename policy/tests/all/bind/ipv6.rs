//! Rows 17 to 21: IPv6, and IPv4 in its form.

use super::*;

#[test]
fn row_17_v6only_wildcard() {
    for context in [d(), p()] {
        binds(&context, &ONLY6, "[::]:80", "[fd00:1::1]:80");
    }
    let many = context(&["10.0.0.1/24", "fd00:1::1/64", "fd00:1::2/64"]);
    narrows(&many, &[TCP6ONLY, PING6, RAW6], "[::]:80", "[fd00:1::1]:80", Some(Family::V6));
    widens(&many, &[UDP6ONLY], "[::]:80", "[fd00:1::1]:80", narrowed("fd00:1::1", Some(Family::V6)));
    // A socket from outside in a context without IPv6.
    refuses(&s(), &ONLY6, "[::]:80", EADDRNOTAVAIL, Reason::NoFamily(Family::V6));
    binds(&with_lback6(s()), &ONLY6, "[::]:80", "[fd00:1::99]:80");
}

#[test]
fn row_18_dual_stack_wildcard_has_the_family_of_the_primary() {
    for (context, served, bound) in [
        (d(), "10.0.0.1", "[::ffff:10.0.0.1]:80"),
        (context(&["fd00:1::1/64", "10.0.0.1/24"]), "fd00:1::1", "[fd00:1::1]:80"),
    ] {
        narrows(&context, &[TCP6], "[::]:80", bound, None);
        // Datagrams are served in both.
        widens(&context, &[UDP6], "[::]:80", bound, narrowed(served, None));
    }
    widens(&m(), &[UDP6], "[::]:80", "[::ffff:10.0.0.1]:80", narrowed("10.0.0.1", None));
    binds(&p(), &DUAL, "[::]:80", "[fd00:1::1]:80");
    binds(&s(), &DUAL, "[::]:80", "[::ffff:10.0.0.1]:80");
}

#[test]
fn row_19_own_and_foreign_in_both_forms() {
    binds(&d(), &DUAL, "[fd00:1::1]:80", "[fd00:1::1]:80");
    foreign(&d(), &DUAL, "[fd00:1::3]:80");
    binds(&d(), &DUAL, "[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.1]:80");
    foreign(&d(), &DUAL, "[::ffff:10.0.0.3]:80");
    foreign(&p(), &DUAL, "[::ffff:10.0.0.1]:80");
}

#[test]
fn row_20_mapped_wildcard_and_loopback() {
    binds(&d(), &DUAL, "[::ffff:0.0.0.0]:80", "[::ffff:10.0.0.1]:80");
    // It stands for IPv4 alone.
    narrows(&m(), &[TCP6], "[::ffff:0.0.0.0]:80", "[::ffff:10.0.0.1]:80", Some(Family::V4));
    let note = narrowed("10.0.0.1", Some(Family::V4));
    widens(&m(), &[UDP6], "[::ffff:0.0.0.0]:80", "[::ffff:10.0.0.1]:80", note);
    binds(&d(), &DUAL, "[::ffff:127.0.0.1]:80", "[::ffff:127.3.232.1]:80");
    binds(&d(), &DUAL, "[::ffff:127.3.232.1]:80", "[::ffff:127.3.232.1]:80");
    foreign(&d(), &DUAL, "[::ffff:127.0.0.2]:80");
}

#[test]
fn row_21_v6_loopback() {
    for context in [d(), p()] {
        binds(&context, &DUAL, "[::1]:80", "[::ffff:127.3.232.1]:80");
        foreign(&context, &ONLY6, "[::1]:80");
        let given = with_lback6(context);
        for socket in [&DUAL[..], &ONLY6[..]] {
            binds(&given, socket, "[::1]:80", "[fd00:1::99]:80");
            binds(&given, socket, "[fd00:1::99]:80", "[fd00:1::99]:80");
        }
    }
    foreign(&d(), &DUAL, "[fd00:1::99]:80");
}
