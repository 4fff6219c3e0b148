//! Rows 35 to 41: what loopback is.

use super::*;

#[test]
fn row_35_loopback_is_the_contexts() {
    for context in [s(), m(), d(), p()] {
        for asked in ["127.0.0.1:80", "127.0.0.2:80", "127.255.255.255:80", "127.3.232.1:80", "127.0.0.53:80"] {
            each(&context, &ALL4, asked, to("127.3.232.1:80", Some("127.3.232.1:0")));
        }
    }
    // Bound to an own address, that is the source.
    assert_eq!(from(&s(), &TCP4, "10.0.0.1:4000", "127.0.0.1:80", &host()), to("127.3.232.1:80", None));
    // An assigned address of 127/8 is an assigned address.
    let within = context(&["127.0.0.2/32"]);
    each(&within, &ALL4, "127.0.0.2:80", to("127.0.0.2:80", Some("127.0.0.2:0")));
    each(&within, &ALL4, "127.0.0.1:80", to("127.3.232.1:80", Some("127.3.232.1:0")));
}

#[test]
fn row_36_own_wildcard_listener() {
    let host = host().serve(Transport::Tcp, 80, "10.0.0.2").serve(Transport::Udp, 81, "127.3.232.1");
    assert_eq!(ask(&m(), &TCP4, "127.0.0.1:80", &host), to("10.0.0.2:80", Some("127.3.232.1:0")));
    assert_eq!(ask(&m(), &TCP4, "0.0.0.0:80", &host), to("10.0.0.2:80", Some("127.3.232.1:0")));
    // Another protocol, another port.
    assert_eq!(ask(&m(), &UDP4, "127.0.0.1:80", &host), to("127.3.232.1:80", Some("127.3.232.1:0")));
    assert_eq!(ask(&m(), &TCP4, "127.0.0.1:81", &host), to("127.3.232.1:81", Some("127.3.232.1:0")));
    assert_eq!(ask(&m(), &UDP4, "127.0.0.1:81", &host), to("127.3.232.1:81", Some("127.3.232.1:0")));
}

#[test]
fn row_36_own_wildcard_listener_of_the_other_family() {
    let on_v4 = host().serve(Transport::Tcp, 80, "10.0.0.1");
    let on_v6 = host().serve(Transport::Tcp, 80, "fd00:1::1");
    assert_eq!(ask(&d(), &TCP6, "[::1]:80", &on_v4), to("[::ffff:10.0.0.1]:80", Some("[::ffff:127.3.232.1]:0")));
    assert_eq!(ask(&d(), &TCP6ONLY, "[::1]:80", &on_v4), Err(Refusal::native(Errno(ECONNREFUSED))));
    for socket in [TCP6, TCP6ONLY] {
        assert_eq!(ask(&p(), &socket, "[::1]:80", &on_v6), to("[fd00:1::1]:80", Some("[fd00:1::1]:0")));
        let expected = to("[fd00:1::1]:80", Some("[fd00:1::99]:0"));
        assert_eq!(ask(&with_lback6(p()), &socket, "[::1]:80", &on_v6), expected);
    }
    // An IPv4 socket cannot go there.
    assert_eq!(ask(&d(), &TCP4, "127.0.0.1:80", &on_v6), to("127.3.232.1:80", Some("127.3.232.1:0")));
}

#[test]
fn row_36_what_127_0_0_1_serves_is_on_v6_loopback_only_where_that_is_the_same() {
    let host = host().serve(Transport::Tcp, 80, "127.3.232.1");
    let same = to("[::ffff:127.3.232.1]:80", Some("[::ffff:127.3.232.1]:0"));
    assert_eq!(ask(&d(), &TCP6, "[::1]:80", &host), same);
    let apart = with_lback6(d());
    assert_eq!(ask(&apart, &TCP6, "[::1]:80", &host), to("[fd00:1::99]:80", Some("[fd00:1::99]:0")));
    assert_eq!(ask(&apart, &TCP6, "[::ffff:127.0.0.1]:80", &host), same);
}

#[test]
fn row_37_resolvers() {
    let resolvers = [ip("127.0.0.53"), ip("127.0.0.1"), ip("::1")];
    let context = Context { resolvers: &resolvers, ..d() };
    for socket in [TCP4, UDP4] {
        each(&context, &[socket], "127.0.0.53:53", to("127.0.0.53:53", Some("127.3.232.1:0")));
        each(&context, &[socket], "127.0.0.1:53", to("127.0.0.1:53", Some("127.3.232.1:0")));
        for other in ["127.0.0.53:54", "127.0.0.53:80", "127.0.0.54:53", "127.0.0.1:54"] {
            let port = at(other).port();
            let own = format!("127.3.232.1:{port}");
            each(&context, &[socket], other, to(&own, Some("127.3.232.1:0")));
        }
        // A context that runs a name server of its own means that one by 127.0.0.1.
        let host = host().serve(socket.transport, 53, "10.0.0.1");
        assert_eq!(ask(&context, &socket, "127.0.0.1:53", &host), to("10.0.0.1:53", Some("127.3.232.1:0")));
        assert_eq!(ask(&context, &socket, "127.0.0.53:53", &host), to("127.0.0.53:53", Some("127.3.232.1:0")));
    }
    // Without a v6 loopback of its own a context speaks to that one as the host does.
    each(&context, &DUAL, "[::1]:53", to("[::1]:53", Some("[::1]:0")));
    each(&with_lback6(context), &DUAL, "[::1]:53", to("[::1]:53", Some("[fd00:1::99]:0")));
    each(
        &Context { loopback: Loopback::Deny, ..context },
        &[UDP4],
        "127.0.0.53:53",
        Err(refusal(EPERM, Reason::LoopbackDenied)),
    );
}

#[test]
fn row_38_the_hosts_loopback_is_lifted_by_name() {
    let ports = [7000];
    let context = Context { host_loopback: &ports, ..d() };
    for asked in ["127.0.0.1:7000", "0.0.0.0:7000"] {
        each(&context, &[TCP4, UDP4], asked, to("127.0.0.1:7000", Some("127.0.0.1:0")));
        // What has no ports has no such port.
        each(&context, &[PING4, RAW4], asked, to("127.3.232.1:7000", Some("127.3.232.1:0")));
    }
    // Other addresses of 127/8 may be another context's.
    each(&context, &ALL4, "127.0.0.9:7000", to("127.3.232.1:7000", Some("127.3.232.1:0")));
    each(&context, &ALL4, "127.0.0.1:7001", to("127.3.232.1:7001", Some("127.3.232.1:0")));
    each(&context, &DUAL, "[::1]:7000", to("[::1]:7000", Some("[::1]:0")));
    for context in [h(), hd()] {
        each(&context, &ALL4, "127.0.0.1:7001", to("127.0.0.1:7001", Some("127.0.0.1:0")));
        each(&context, &ALL4, "127.3.233.1:7001", to("127.3.233.1:7001", Some("127.0.0.1:0")));
        each(&context, &DUAL, "[::1]:7001", to("[::1]:7001", Some("[::1]:0")));
    }
    // The source that a socket got there stays good for there, and for nothing else.
    let foreign = Err(refusal(EADDRNOTAVAIL, Reason::BoundOutside(ip("127.0.0.1"))));
    for socket in [TCP4, UDP4] {
        assert_eq!(from(&context, &socket, "127.0.0.1:4000", "127.0.0.1:7000", &host()), to("127.0.0.1:7000", None));
        assert_eq!(from(&context, &socket, "127.0.0.1:4000", "198.51.100.7:80", &host()), foreign);
        assert_eq!(from(&context, &socket, "127.0.0.1:4000", "127.0.0.1:80", &host()), foreign);
        assert_eq!(from(&h(), &socket, "127.0.0.1:4000", "127.0.0.1:80", &host()), to("127.0.0.1:80", None));
    }
}

#[test]
fn row_39_loopback_denied() {
    let denied = Err(refusal(EPERM, Reason::LoopbackDenied));
    for asked in ["127.0.0.1:80", "127.9.9.9:80", "127.3.232.1:80", "0.0.0.0:80"] {
        each(&z(), &ALL4, asked, denied);
    }
    for asked in ["[::1]:80", "[::]:80", "[::ffff:127.0.0.1]:80", "[::ffff:0.0.0.0]:80"] {
        each(&Context { loopback: Loopback::Deny, ..d() }, &DUAL, asked, denied);
    }
    // Even one port of it, or a name server there.
    let ports = [80];
    each(&Context { host_loopback: &ports, ..z() }, &ALL4, "127.0.0.1:80", denied);
    let within = Context { loopback: Loopback::Deny, ..context(&["127.0.0.2/32"]) };
    each(&within, &ALL4, "127.0.0.2:80", to("127.0.0.2:80", Some("127.0.0.2:0")));
}

#[test]
fn row_40_unspecified_destination() {
    each(&s(), &ALL4, "0.0.0.0:80", to("127.3.232.1:80", Some("127.3.232.1:0")));
    let own = to("[::ffff:127.3.232.1]:80", Some("[::ffff:127.3.232.1]:0"));
    each(&d(), &DUAL, "[::]:80", own);
    each(&d(), &DUAL, "[::ffff:0.0.0.0]:80", own);
    each(&with_lback6(d()), &DUAL, "[::]:80", to("[fd00:1::99]:80", Some("[fd00:1::99]:0")));
    each(&h(), &ALL4, "0.0.0.0:80", to("127.0.0.1:80", Some("127.0.0.1:0")));
    each(&hd(), &DUAL, "[::]:80", to("[::1]:80", Some("[::1]:0")));
}

#[test]
fn row_41_v6_loopback() {
    let own = to("[::ffff:127.3.232.1]:80", Some("[::ffff:127.3.232.1]:0"));
    for context in [d(), p()] {
        each(&context, &DUAL, "[::1]:80", own);
        each(&context, &DUAL, "[::ffff:127.0.0.1]:80", own);
        each(&context, &ONLY6, "[::1]:80", Err(Refusal::native(Errno(ECONNREFUSED))));
        each(&context, &ONLY6, "[::ffff:127.0.0.1]:80", Err(Refusal::native(Errno(ECONNREFUSED))));
        each(&with_lback6(context), &ONLY6, "[::1]:80", to("[fd00:1::99]:80", Some("[fd00:1::99]:0")));
    }
    // As the kernel says of any IPv4 address (`tcp_v6_connect`).
    each(&d(), &ONLY6, "[::ffff:198.51.100.7]:80", Err(Refusal::native(Errno(ENETUNREACH))));
}

/// A socket that is kept to what the context may hear keeps to that when it is connected, and must hear the answer.
#[test]
fn rows_37_and_38_an_answer_from_the_hosts_loopback_is_heard_on_a_wildcard() {
    let (ports, resolvers) = ([7000], [ip("127.0.0.53"), ip("::1")]);
    for context in [s(), m(), d(), p(), with_lback6(d())] {
        let context = Context { host_loopback: &ports, resolvers: &resolvers, ..context };
        for (socket, bound, asked) in [
            (UDP4, "0.0.0.0:4000", "127.0.0.53:53"),
            (UDP4, "0.0.0.0:4000", "127.0.0.1:7000"),
            (UDP6, "[::]:4000", "[::ffff:127.0.0.1]:7000"),
            (UDP6, "[::]:4000", "[::1]:7000"),
            (UDP6, "[::]:4000", "[::1]:53"),
        ] {
            if let Ok(Connect::To { source: Source::Fix(source), .. }) = from(&context, &socket, bound, asked, &host())
            {
                assert!(hears(&context, source), "{asked} from {bound} is asked as {source}, which is not heard");
            }
        }
    }
}
