//! Rows 35 to 41 for datagrams.

use super::*;

#[test]
fn rows_35_to_40_hold_for_datagrams() {
    for socket in ALL4 {
        for asked in ["127.0.0.1:80", "127.9.9.9:80", "0.0.0.0:80"] {
            // Loopback is all there is: one address is enough.
            assert_eq!(ask(&p(), &socket, asked), to("127.3.232.1:80", pin("127.3.232.1:0")));
            assert_eq!(ask(&z(), &socket, asked), Err(refusal(EPERM, Reason::LoopbackDenied)));
            assert_eq!(from(&s(), &socket, "10.0.0.1:4000", asked), to("127.3.232.1:80", Source::Own));
            assert_eq!(from(&s(), &socket, "127.3.232.1:4000", asked), to("127.3.232.1:80", Source::Own));
        }
    }
    for socket in NARROW4 {
        // From an assigned address: one bound to loopback could never reach anybody else.
        for asked in ["127.0.0.1:80", "127.9.9.9:80", "0.0.0.0:80"] {
            assert_eq!(ask(&s(), &socket, asked), to("127.3.232.1:80", pin("10.0.0.1:0")));
        }
        assert_eq!(ask(&h(), &socket, "127.0.0.1:80"), to("127.0.0.1:80", pin("10.0.0.1:0")));
    }
    let served = host().serve(Transport::Udp, 80, "10.0.0.2");
    let sent = send(&m(), &UDP4, local(at("10.0.0.1:4000")), Some(&bytes("127.0.0.1:80")), 0, &served);
    assert_eq!(sent, to("10.0.0.2:80", Source::Own));
}

/// What answers on loopback may answer only there, and the next message may go elsewhere.
#[test]
fn row_42_first_towards_loopback_from_loopback() {
    for context in [s(), m(), d()] {
        for asked in ["127.0.0.1:80", "127.9.9.9:80", "0.0.0.0:80"] {
            assert_eq!(ask(&context, &UDP4, asked), to("127.3.232.1:80", open("127.3.232.1:0", "10.0.0.1:0")));
        }
    }
    assert_eq!(ask(&h(), &UDP4, "127.0.0.1:80"), to("127.0.0.1:80", open("127.0.0.1:0", "10.0.0.1:0")));
    assert_eq!(ask(&h(), &UDP4, "127.9.9.9:80"), to("127.9.9.9:80", open("127.0.0.1:0", "10.0.0.1:0")));
    // An own server whose wildcard was narrowed.
    let served = host().serve(Transport::Udp, 80, "10.0.0.1");
    let sent = send(&s(), &UDP4, local(at(ANY4)), Some(&bytes("127.0.0.1:80")), 0, &served);
    assert_eq!(sent, to("10.0.0.1:80", open("127.3.232.1:0", "10.0.0.1:0")));
    // An assigned address of 127/8 is an assigned address.
    let within = context(&["127.0.0.2/32"]);
    assert_eq!(ask(&within, &UDP4, "127.0.0.2:80"), to("127.0.0.2:80", pin("127.0.0.2:0")));
}

#[test]
fn row_37_resolvers_are_asked_from_loopback() {
    let resolvers = [ip("127.0.0.53"), ip("127.0.0.1")];
    for context in [s(), m(), d()] {
        let context = Context { resolvers: &resolvers, ..context };
        for resolver in ["127.0.0.53:53", "127.0.0.1:53"] {
            assert_eq!(ask(&context, &UDP4, resolver), to(resolver, open("127.3.232.1:0", "10.0.0.1:0")));
            assert_eq!(from(&context, &UDP4, "0.0.0.0:4000", resolver), to(resolver, named("127.3.232.1:0")));
            assert_eq!(from(&context, &UDP4, "10.0.0.1:4000", resolver), to(resolver, Source::Own));
            let mapped = format!("[::ffff:{}]:53", at(resolver).ip());
            let dual = ask(&context, &UDP6, &mapped);
            assert_eq!(dual, to(&mapped, open("127.3.232.1:0", "[::ffff:10.0.0.1]:0")));
        }
        assert_eq!(ask(&context, &UDP4, "127.0.0.53:54"), to("127.3.232.1:54", open("127.3.232.1:0", "10.0.0.1:0")));
    }
    let context = Context { resolvers: &resolvers, ..p() };
    assert_eq!(ask(&context, &UDP4, "127.0.0.53:53"), to("127.0.0.53:53", pin("127.3.232.1:0")));
}

/// A socket that is kept to what the context may hear must hear the answer to what it says.
#[test]
fn rows_37_and_38_an_answer_from_the_hosts_loopback_is_heard() {
    let (ports, resolvers) = ([7000], [ip("127.0.0.53"), ip("::1")]);
    for context in [s(), m(), d(), p(), with_lback6(d())] {
        let context = Context { host_loopback: &ports, resolvers: &resolvers, ..context };
        for (socket, bound) in [(UDP4, ANY4), (UDP4, "0.0.0.0:4000"), (UDP6, ANY6), (UDP6, "[::]:4000")] {
            let asked: &[&str] = match socket.family {
                Family::V4 => &["127.0.0.1:7000", "127.0.0.53:53"],
                Family::V6 => &["[::1]:7000", "[::ffff:127.0.0.1]:7000", "[::1]:53", "[::ffff:127.0.0.53]:53"],
            };
            for asked in asked {
                match from(&context, &socket, bound, asked).map(|sent| sent.source) {
                    Ok(Source::Open { named, .. } | Source::Named(named)) => {
                        assert!(hears(&context, named), "{asked} from {bound} is asked as {named}, which is not heard");
                    }
                    // Bound to the one address, nothing keeps the answer away.
                    Ok(Source::Pin(_)) => {}
                    // Nothing of that family to speak from where the answer would be heard.
                    Err(refusal) if refusal.errno.0 == ENETUNREACH => {
                        assert!(asked.contains("::1]") && context.primary_of(Family::V6).is_none(), "{asked}");
                    }
                    other => panic!("{asked} from {bound}: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn row_41_v6_loopback() {
    let own = to("[::ffff:127.3.232.1]:80", open("127.3.232.1:0", "[::ffff:10.0.0.1]:0"));
    for asked in ["[::1]:80", "[::]:80", "[::ffff:127.0.0.1]:80", "[::ffff:0.0.0.0]:80"] {
        for context in [d(), context(&["fd00:1::1/64", "10.0.0.1/24"]), with_lback6(s())] {
            let is_apart = context.lback6.is_some() && canonical(at(asked)).is_ipv6();
            let sent = ask(&context, &UDP6, asked);
            let apart = to("[fd00:1::99]:80", open("[fd00:1::99]:0", "[fd00:1::99]:0"));
            assert_eq!(sent, if is_apart { apart } else { own }, "{asked}");
        }
        let bound = from(&d(), &UDP6, "[::]:4000", asked);
        assert_eq!(bound, to("[::ffff:127.3.232.1]:80", named("127.3.232.1:0")));
    }
    let both = open("[fd00:1::99]:0", "[fd00:1::1]:0");
    assert_eq!(ask(&with_lback6(d()), &UDP6, "[::1]:80"), to("[fd00:1::99]:80", both));
    assert_eq!(ask(&with_lback6(d()), &UDP6ONLY, "[::1]:80"), to("[fd00:1::99]:80", both));
    assert_eq!(ask(&hd(), &UDP6, "[::1]:80"), to("[::1]:80", open("[::1]:0", "[fd00:1::1]:0")));
    assert_eq!(ask(&h(), &UDP6, "[::1]:80"), to("[::1]:80", open("[::1]:0", "[::1]:0")));
    assert_eq!(ask(&d(), &UDP6ONLY, "[::1]:80"), Err(Refusal::native(Errno(ECONNREFUSED))));
    assert_eq!(ask(&d(), &UDP6ONLY, "[::ffff:198.51.100.7]:80"), Err(Refusal::native(Errno(ENETUNREACH))));
}

/// Loopback addresses given by name need not look like one.
#[test]
fn row_41_a_loopback_that_is_all_the_context_has_of_the_family() {
    let sent = ask(&with_lback6(s()), &UDP6ONLY, "[::1]:80");
    assert_eq!(sent, to("[fd00:1::99]:80", pin("[fd00:1::99]:0")));
    let plain = Context { lback: [10, 0, 0, 77].into(), ..p() };
    assert_eq!(ask(&plain, &UDP4, "127.0.0.1:80"), to("10.0.0.77:80", pin("10.0.0.77:0")));
}
