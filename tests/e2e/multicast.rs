//! Multicast: groups that programs in several contexts are members of, and avahi.

use std::process::Stdio;

use chbind_tests::net::{self, A, B};
use chbind_tests::{Case, Cmd, Outcome, Proc, Test, Who, cases, ensure};

use crate::remote::{self, GATE, R};
use crate::rows::S;

/// Where a member binds, the group, the port: as for multicast DNS, and as programs do that want the group alone.
const GROUPS: [(&str, &str, &str); 3] =
    [("0.0.0.0", "224.0.0.251", "5353"), ("0.0.0.0", "239.1.2.3", "9000"), ("239.1.2.3", "239.1.2.3", "9000")];

pub(crate) fn cases() -> Vec<Case> {
    let mut all = cases![both: not_without_the_option, avahi, avahi_with_a_foreign_address];
    for (bind, group, port) in GROUPS {
        let name = format!("{}::group_{group}_on_{bind}", module_path!());
        all.push(Case::both(&name, move |t| group_of_two_contexts(t, bind, group, port)));
    }
    all
}

/// The command line of a member.
fn member(t: &Test, name: &str, bind: &str, group: &str, port: &str) -> Outcome<String> {
    let program = t.write("member.py", include_str!("../programs/member.py"))?;
    Ok(format!("python3 {} {name} {bind} {group} {port}", program.display()))
}

fn join(command: Cmd) -> Outcome<Proc> {
    let mut member = command.stdin(Stdio::piped()).start()?;
    member.wait_stdout("joined")?;
    Ok(member)
}

/// The other machine, where a member is too, and the way of multicasts there.
fn member_elsewhere(t: &Test, command: &str) -> Outcome<Proc> {
    let mut there = remote::run(t, command)?;
    net::ip("route add 224.0.0.0/4 dev w0\n")?;
    there.wait_stdout("joined")?;
    Ok(there)
}

/// Members in two contexts hear what one on another machine sends, and each other; whom they speak to sees the
/// context's own address, though the route prefers another.
fn group_of_two_contexts(t: &Test, bind: &str, group: &str, port: &str) -> Outcome {
    let mut there = member_elsewhere(t, &member(t, "r", bind, group, port)?)?;
    // Multicasts leave by the interface that has their source (`ip_route_output_key_hash_rcu`, net/ipv4/route.c).
    for address in [A, B] {
        net::ip(&format!("addr del {address}/32 dev lo\naddr add {address}/32 dev w0\n"))?;
    }
    let mut one = join(t.chbind(&format!("{S} --multicast"), &member(t, "one", bind, group, port)?))?;
    let mut two = join(t.chbind("--ip 10.0.0.2/24 --multicast", &member(t, "two", bind, group, port)?))?;

    there.say("who?")?;
    for (member, name) in [(&mut one, "one"), (&mut two, "two")] {
        member.wait_stdout(&format!("{name} heard who? from {R} at {group}\n"))?;
    }
    if bind == "0.0.0.0" {
        // Those who hear the group alone do not hear answers.
        there.wait_stdout(&format!("r heard here one from {A} at {R}\n"))?;
        there.wait_stdout(&format!("r heard here two from {B} at {R}\n"))?;
    }
    one.say("I am one")?;
    there.wait_stdout(&format!("r heard I am one from {A} at {group}\n"))?;
    two.wait_stdout(&format!("two heard I am one from {A} at {group}\n"))?;
    two.say("I am two")?;
    there.wait_stdout(&format!("r heard I am two from {B} at {group}\n"))?;
    one.wait_stdout(&format!("one heard I am two from {B} at {group}\n"))?;
    ensure!(!there.stdout().contains(&format!("from {GATE}")), "a foreign source:\n{}", there.stdout());
    Ok(())
}

/// Groups cannot be bound, and a wildcard does not hear them, whatever is joined.
fn not_without_the_option(t: &Test) -> Outcome {
    let mut there = member_elsewhere(t, &member(t, "r", "0.0.0.0", "239.1.2.3", "9000")?)?;
    let refused = t.chbind(S, &member(t, "one", "239.1.2.3", "239.1.2.3", "9000")?).run()?.exited(1)?;
    refused.told(&["chbind:", "refused bind to 239.1.2.3:9000/udp"])?.told(&["Cannot assign requested address"])?;

    let mut inside = join(t.chbind(S, &member(t, "one", "0.0.0.0", "239.1.2.3", "9000")?))?;
    // Somebody who is bound to the group alone can be beside it, outside, and shows when the message has come.
    let mut outside = join(t.native(&member(t, "host", "239.1.2.3", "239.1.2.3", "9000")?))?;
    there.say("for all")?;
    outside.wait_stdout(&format!("host heard for all from {R}"))?;
    net::udp_peer(&format!("{B}:0"))?.send_to(b"for one", format!("{A}:9000"))?;
    inside.wait_stdout(&format!("one heard for one from {B} at {A}\n"))?;
    ensure!(!inside.stdout().contains("for all"), "heard without --multicast:\n{}", inside.stdout());
    Ok(())
}

/// avahi-daemon for a host of that name, without D-Bus. Its directory for a process id cannot be changed: it gets a
/// /run of its own.
fn avahi_daemon(t: &Test, options: &str) -> Outcome<Proc> {
    let settings = "[server]\nhost-name=inside\nuse-ipv6=no\nenable-dbus=no\nallow-interfaces=w0\n\
        [publish]\npublish-workstation=no\npublish-aaaa-on-ipv4=no\n[wide-area]\nenable-wide-area=no\n";
    let settings = t.write("avahi.conf", settings)?;
    let (uid, gid) = t.bed().ids(t.who());
    let directory = "/run/avahi-daemon";
    let script = format!(
        "mount -t tmpfs tmpfs /run && mkdir -m 777 {directory} && chown avahi:avahi {directory} && exec \"$@\""
    );
    let mount = t.as_root("unshare --mount sh -c").arg(script).arg("sh");
    let mount = match t.who() {
        Who::Root => mount,
        Who::User => mount.words(&format!("setpriv --reuid={uid} --regid={gid} --clear-groups --")),
    };
    let daemon = "avahi-daemon --no-drop-root --no-chroot --no-rlimits";
    mount.then(t.chbind(options, &format!("{daemon} -f {}", settings.display()))).start()
}

fn asker(t: &Test) -> Outcome<Proc> {
    let program = t.write("mdns_ask.py", include_str!("../programs/mdns_ask.py"))?;
    let mut asker = remote::run(t, &format!("python3 {} inside.local", program.display()))?;
    net::ip("route add 224.0.0.0/4 dev w0\n")?;
    asker.wait_stdout("asking")?;
    Ok(asker)
}

/// It speaks from the address of the interface, which has to be the context's; then others find the name.
fn avahi(t: &Test) -> Outcome {
    let mut asker = asker(t)?;
    let daemon = avahi_daemon(t, &format!("--ip {GATE}/24 --multicast"))?;
    let found = asker.wait_stdout(&format!("{GATE} says {GATE}\n"));
    found.map_err(|error| format!("{}\n{}", error.message().unwrap_or_default(), daemon.stderr()).into())
}

/// Where the interface has another address, nothing leaves, and it is said why.
fn avahi_with_a_foreign_address(t: &Test) -> Outcome {
    let mut there = member_elsewhere(t, &member(t, "r", "0.0.0.0", "224.0.0.251", "5353")?)?;
    let mut daemon = avahi_daemon(t, &format!("{S} --multicast"))?;
    let reason = format!("refused send to 224.0.0.251:5353/udp: it asks for the source {GATE}");
    daemon.wait_stderr(&reason)?;
    daemon.wait_stderr("Server startup complete")?;
    // What it had sent would have come before this.
    let mut host = join(t.native(&member(t, "host", "0.0.0.0", "224.0.0.251", "5353")?))?;
    host.say("I am the host")?;
    there.wait_stdout(&format!("r heard I am the host from {GATE}"))?;
    ensure!(there.stdout().matches("heard").count() == 1, "something got out:\n{}", there.stdout());
    Ok(())
}
