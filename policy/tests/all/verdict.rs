//! What a person reads.

use crate::common::*;
use chbind_policy::{Audience, Context, Errno, Family, Note, Reason, Refusal};

fn says(context: &Context, reason: Reason, text: &str) {
    assert_eq!(reason.describe(context).to_string(), text);
}

#[test]
fn reasons() {
    let (s, m, d) = (context(&["10.0.0.1/32"]), m(), d());
    says(&s, Reason::NotAssigned, "not an address of this context (10.0.0.1)");
    says(&m, Reason::NotAssigned, "not an address of this context (10.0.0.1, 10.0.0.2)");
    says(&d, Reason::NotAssigned, "not an address of this context (10.0.0.1, fd00:1::1)");
    let locked = "the socket's filter was locked before it had a port, so the context cannot install its own";
    says(&s, Reason::OwnFilter, locked);
    says(&s, Reason::LoopbackDenied, "this context has no loopback (--loopback deny)");
    says(&s, Reason::NoFamily(Family::V6), "this context has no IPv6 address");
    says(&s, Reason::NoFamily(Family::V4), "this context has no IPv4 address");
    says(
        &s,
        Reason::BoundOutside(ip("10.0.0.3")),
        "the socket was bound outside this context to 10.0.0.3, not an address of the context (10.0.0.1)",
    );
    for any in ["0.0.0.0", "::"] {
        says(
            &m,
            Reason::BoundOutside(ip(any)),
            "the socket was bound outside this context to every address of the host, not to one of the context's \
             (10.0.0.1, 10.0.0.2)",
        );
    }
    says(
        &s,
        Reason::ForeignSource(ip("10.0.0.3")),
        "it asks for the source 10.0.0.3, not an address of this context (10.0.0.1)",
    );
    says(&s, Reason::SourceOption, "it could change the source or the route of packets");
    says(&s, Reason::Multicast, "multicast is not allowed in this context");
    says(&s, Reason::Multipath, "MPTCP is not for contexts; programs fall back to TCP");
    says(&s, Reason::SocketKind, "sockets of this kind are not allowed in a context");
    says(&s, Reason::OtherNamespace, "the socket belongs to another network namespace");
    says(
        &s,
        Reason::Unreadable,
        "the supervisor may not look into the process (it is not dumpable, or has more capabilities)",
    );
    says(&s, Reason::Native, "as the kernel would");
}

#[test]
fn row_02_the_note_names_what_is_not_served() {
    let all = context(&["10.0.0.1/24", "10.0.0.2/24", "fd00:1::1/64"]);
    let narrowed = |served: &str, family| Note::Narrowed { served: ip(served), family };
    let v4 = narrowed("10.0.0.1", Some(Family::V4));
    assert_eq!(v4.describe(&all).to_string(), "serves 10.0.0.1 only, not 10.0.0.2");
    let both = narrowed("10.0.0.1", None);
    assert_eq!(both.describe(&all).to_string(), "serves 10.0.0.1 only, not 10.0.0.2, fd00:1::1");
}

#[test]
fn who_is_told() {
    assert_eq!(Refusal::native(Errno::EINVAL).reason.audience(), Audience::Nobody);
    assert_eq!(Reason::NoFamily(Family::V6).audience(), Audience::Verbose);
    for reason in [Reason::NotAssigned, Reason::Multicast, Reason::BoundOutside(ip("::")), Reason::Unreadable] {
        assert_eq!(reason.audience(), Audience::Everybody);
    }
}
