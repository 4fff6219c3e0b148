//! The hosts on which sequences run, and the two programs that make their calls.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, PipeReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;

use chbind_tests::{Cmd, Failed, Outcome, Proc, Test, Who, net};

/// A host, and the context that has all of its addresses.
pub(crate) struct Host {
    /// Lines of `ip`.
    setup: &'static str,
    /// Options of chbind.
    options: &'static str,
    /// What the program outside is told of the context: its primary addresses, and whether it has one alone.
    contract: &'static str,
    /// Whether there are several addresses.
    pub(crate) several: bool,
}

/// Several addresses of each family, on two devices. Nobody is behind the second: 10.9.0.7 and fd00:9::7 do not answer.
/// (Every trial's host begins with addresses on `lo`; see `chbind_tests::net`.)
pub(crate) const SEVERAL: Host = Host {
    setup: TWO_DEVICES,
    options: "--multicast --ip 10.0.0.1 --ip 10.0.0.2 --ip 10.0.0.3 --ip 10.9.0.1/24 --ip 127.0.0.2 \
              --ip fd00:1::1 --ip fd00:1::2 --ip fd00:9::1/64",
    contract: "10.0.0.1 fd00:1::1",
    several: true,
};

/// One address, and no IPv6 but loopback.
pub(crate) const ONE: Host = Host {
    setup: "addr del 10.0.0.2/32 dev lo\n\
            addr del 10.0.0.3/32 dev lo\n\
            addr del fd00:1::1/128 dev lo\n\
            addr del fd00:1::2/128 dev lo\n",
    options: "--ip 10.0.0.1",
    contract: "10.0.0.1 ::1 one",
    several: false,
};

const TWO_DEVICES: &str = "\
link add v0 type veth peer name v1
link set v0 addrgenmode none
link set v1 addrgenmode none
link set v0 up
link set v1 up
addr add 10.9.0.1/24 brd 10.9.0.255 dev v0
addr add fd00:9::1/64 dev v0 nodad
neigh add 10.9.0.7 lladdr 02:00:00:00:00:07 dev v0
neigh add fd00:9::7 lladdr 02:00:00:00:00:07 dev v0
route add 224.0.0.0/4 dev v0 src 10.9.0.1
route add prohibit 198.51.100.1
";

/// Capabilities that a context takes from root (docs/security.md#root): the program outside is to have the same.
const DROPPED: &str = "-net_admin,-net_raw,-sys_admin,-sys_ptrace,-sys_module,-sys_rawio,-bpf,-perfmon";

/// A program that makes calls.
struct Speaker {
    name: &'static str,
    process: Proc,
    answers: BufReader<PipeReader>,
    errors: PathBuf,
}

/// The two of them.
pub(crate) struct Pair {
    outside: Speaker,
    inside: Speaker,
    begun: u16,
}

/// What the steps of a sequence came to, and then its sockets: outside and inside.
pub(crate) type Outcomes = [Vec<String>; 2];

impl Pair {
    pub(crate) fn start(t: &Test, host: &Host, model: &str) -> Outcome<Self> {
        prepare(host)?;
        let dir = directory(t, "inside")?;
        let options = format!("{model} {} --loopback host -q", host.options);
        let inside = Speaker::start(t, "inside", t.chbind(&options, &format!("sequence {dir}")))?;
        // A namespace belongs to a thread: the program outside gets its own by being started from another.
        let outside = thread::scope(|scope| {
            let started = scope.spawn(|| {
                net::enter_new_namespace()?;
                prepare(host)?;
                let dir = directory(t, "outside")?;
                let mut words = format!("sequence {dir} contract {}", host.contract);
                if t.who() == Who::Root {
                    words = format!("setpriv --bounding-set {DROPPED} {words}");
                }
                Speaker::start(t, "outside", t.native(&words))
            });
            started.join().unwrap_or_else(|_| Err("cannot start the program outside".into()))
        })?;
        Ok(Self { outside, inside, begun: 0 })
    }

    /// Makes the calls in both programs.
    pub(crate) fn run(&mut self, steps: &[String]) -> Outcome<Outcomes> {
        // Ports that no sequence had lately: there may be connections in TIME_WAIT.
        let begun = self.begun;
        self.begun = (begun + 1) % 12_000;
        let script = format!("begin {} {}\n{}\nend", 10_000 + begun * 4, 100 + begun % 900, steps.join("\n"));
        self.outside.say(&script)?;
        self.inside.say(&script)?;
        Ok([self.outside.hear(steps)?, self.inside.hear(steps)?])
    }
}

impl Speaker {
    fn start(t: &Test, name: &'static str, command: Cmd) -> Outcome<Self> {
        let (answers, answer) = std::io::pipe()?;
        let errors = t.dir().join(format!("{name}.errors"));
        let file = OpenOptions::new().create(true).append(true).open(&errors)?;
        let process = command.stdin(Stdio::piped()).output_to(answer, file).start()?;
        Ok(Self { name, process, answers: BufReader::new(answers), errors })
    }

    fn say(&mut self, script: &str) -> Outcome {
        self.process.say(script).map_err(|_| self.gone())
    }

    /// What it answers until the end of a sequence.
    fn hear(&mut self, steps: &[String]) -> Outcome<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.answers.read_line(&mut line)? == 0 {
                let gone = self.gone();
                let why = gone.message().unwrap_or_default();
                return Err(format!("{why}after {lines:#?} of {steps:#?}").into());
            }
            match line.trim_end() {
                "." => return Ok(lines),
                line => lines.push(line.to_owned()),
            }
        }
    }

    /// It has ended, or a call of its hung and the alarm has ended it.
    fn gone(&mut self) -> Failed {
        let errors = std::fs::read_to_string(&self.errors).unwrap_or_default();
        format!("the program {} is gone ({:?})\n{errors}", self.name, self.process.status()).into()
    }
}

fn prepare(host: &Host) -> Outcome {
    net::ip(host.setup)?;
    // Above the ports of sequences.
    net::sysctl("ipv4.ip_local_port_range", "60000 65535")
}

fn directory(t: &Test, name: &str) -> Outcome<String> {
    let dir = t.dir().join(name);
    std::fs::create_dir_all(&dir)?;
    t.bed().give(&dir, t.who())?;
    Ok(dir.display().to_string())
}
