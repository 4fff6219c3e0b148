//! The network of a trial, and sockets of its own to look at contexts from outside.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{self, Backlog};

use crate::bed::SYSTEM_PATH;
use crate::{Outcome, SOON, at_most, ensure, wait_for};

/// The first own address of most contexts in these tests.
pub const A: &str = "10.0.0.1";
/// The second own address, or the address of a second context.
pub const B: &str = "10.0.0.2";
/// An address of this host that no context has: where peers live.
pub const F: &str = "10.0.0.3";
/// An address that is not on this host.
pub const N: &str = "192.0.2.77";
/// An own IPv6 address.
pub const A6: &str = "fd00:1::1";
/// An IPv6 address of this host that no context has.
pub const F6: &str = "fd00:1::2";

/// /32 and /128: on `lo` a wider prefix would make every address in it one of this host's.
const SETUP: &str = "\
link set lo up
addr add 10.0.0.1/32 dev lo
addr add 10.0.0.2/32 dev lo
addr add 10.0.0.3/32 dev lo
addr add fd00:1::1/128 dev lo nodad
addr add fd00:1::2/128 dev lo nodad
route add local 10.5.0.0/24 dev lo src 10.0.0.2
";

/// Takes the calling thread into a fresh network namespace with nothing in it.
pub fn enter_empty_namespace() -> Outcome {
    Ok(unshare(CloneFlags::CLONE_NEWNET).map_err(|error| format!("cannot make a network namespace: {error}"))?)
}

/// Takes the calling thread into a fresh network namespace with the addresses above.
pub fn enter_new_namespace() -> Outcome {
    enter_empty_namespace()?;
    ip(SETUP)
}

/// Runs lines of `ip -batch` in the namespace of the calling thread.
pub fn ip(batch: &str) -> Outcome {
    let mut command = Command::new("ip");
    command.args(["-batch", "-"]).env("PATH", SYSTEM_PATH).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("cannot run ip: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(batch.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "ip: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// A network namespace that is kept from being given up, by its number in /proc/PID/ns/net. The number of one that is
/// gone may be given to the next: only while it is held does it say who belongs to it.
#[derive(Debug)]
pub struct Namespace {
    /// As /proc/PID/ns/net shows it.
    pub number: String,
    held: std::fs::File,
}

impl Namespace {
    /// That of the calling thread.
    pub fn current() -> Outcome<Self> {
        const LINK: &str = "/proc/thread-self/ns/net";
        let held = std::fs::File::open(LINK)?;
        Ok(Self { number: std::fs::read_link(LINK)?.display().to_string(), held })
    }

    /// Takes the calling thread there.
    pub fn enter(&self) -> Outcome {
        Ok(setns(&self.held, CloneFlags::CLONE_NEWNET)?)
    }

    /// A path that names it to other processes, as long as it is held here.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.held.as_raw_fd())
    }
}

/// Sets a system control below net. in the trial's namespace.
pub fn sysctl(name: &str, value: &str) -> Outcome {
    let path = format!("/proc/sys/net/{}", name.replace('.', "/"));
    std::fs::write(&path, value).map_err(|error| format!("{path}: {error}").into())
}

/// Binds, if need be after a moment: a socket that was closed here may live on in a child that another trial's thread has
/// just forked, until that child executes its program.
fn once_free<T>(bind: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let mut bound = bind();
    wait_for(SOON, || {
        if bound.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse) {
            bound = bind();
        }
        !bound.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    });
    bound
}

/// A listener that stands for somebody outside of the contexts.
#[derive(Debug)]
pub struct Peer(TcpListener);

impl Peer {
    /// Listens on that address.
    pub fn listen(address: &str) -> Outcome<Self> {
        let listener =
            once_free(|| TcpListener::bind(address)).map_err(|error| format!("listen on {address}: {error}"))?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// The port on which it listens.
    pub fn port(&self) -> Outcome<u16> {
        Ok(self.0.local_addr()?.port())
    }

    /// The next connection and where it comes from.
    pub fn accept(&self) -> Outcome<(TcpStream, IpAddr)> {
        self.accept_within(SOON)
    }

    /// The same, with a bound on the time that it is waited for.
    pub fn accept_within(&self, limit: Duration) -> Outcome<(TcpStream, IpAddr)> {
        let mut accepted = None;
        wait_for(limit, || {
            accepted = self.0.accept().ok();
            accepted.is_some()
        });
        let (stream, from) = accepted.ok_or("nobody connects")?;
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(at_most(SOON)))?;
        Ok((stream, from.ip()))
    }

    /// Whether somebody has connected, and is waiting to be accepted.
    pub fn was_reached(&self) -> bool {
        self.0.accept().is_ok()
    }
}

/// A listener whose queue is full: who connects now waits until the queue is emptied.
#[derive(Debug)]
pub struct Busy {
    listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Busy {
    /// Listens on that address with the shortest of queues, and fills it.
    pub fn listen(address: &str) -> Outcome<Self> {
        let at: SocketAddr = address.parse()?;
        let listener = once_free(|| TcpListener::bind(at))?;
        // std listens with a long queue; to listen again is to shorten it.
        socket::listen(&listener, Backlog::new(0)?)?;
        // The queue takes one more than it was told; what comes then gets no answer.
        let mut queue = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&at, at_most(Duration::from_millis(300))) {
            queue.push(stream);
            ensure!(queue.len() < 8, "the queue of {address} is never full");
        }
        Ok(Self { listener, _queue: queue })
    }

    /// Takes what is in the queue, so that those who wait get through with their next attempt. Call it repeatedly.
    pub fn drain(&self) -> Outcome {
        self.listener.set_nonblocking(true)?;
        while self.listener.accept().is_ok() {}
        Ok(())
    }
}

/// Connects from outside of the contexts; the error's text otherwise.
pub fn dial(address: &str) -> Result<TcpStream, String> {
    let parsed: SocketAddr = address.parse().map_err(|error| format!("{address}: {error}"))?;
    let stream = TcpStream::connect_timeout(&parsed, at_most(SOON)).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(at_most(SOON))).map_err(|error| error.to_string())?;
    Ok(stream)
}

/// Whether somebody listens there.
pub fn answers(address: &str) -> bool {
    dial(address).is_ok()
}

/// Fails unless a connection to that address is refused.
pub fn refuses(address: &str) -> Outcome {
    match dial(address) {
        Ok(_) => Err(format!("{address} is reachable, and should not be").into()),
        Err(error) => {
            ensure!(error.contains("refused"), "{address}: wanted it to refuse, got: {error}");
            Ok(())
        }
    }
}

/// Waits until somebody listens there.
pub fn wait_answers(address: &str) -> Outcome {
    ensure!(wait_for(SOON, || answers(address)), "nobody listens on {address}");
    Ok(())
}

/// The body of a small HTTP answer, asked for from outside of the contexts.
pub fn http_get(address: &str, path: &str) -> Outcome<String> {
    let mut stream = dial(address).map_err(|error| format!("{address}: {error}"))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("no HTTP answer: {answer:?}"))?;
    Ok(body.to_owned())
}

/// A datagram socket that stands for somebody outside of the contexts.
pub fn udp_peer(address: &str) -> Outcome<UdpSocket> {
    let socket = once_free(|| UdpSocket::bind(address)).map_err(|error| format!("bind {address}: {error}"))?;
    socket.set_read_timeout(Some(at_most(SOON)))?;
    Ok(socket)
}

/// The next datagram's text and where it comes from.
pub fn receive(socket: &UdpSocket) -> Outcome<(String, IpAddr)> {
    let mut buffer = [0; 2048];
    let (length, from) = socket.recv_from(&mut buffer).map_err(|error| format!("no datagram: {error}"))?;
    Ok((String::from_utf8_lossy(&buffer[..length]).into_owned(), from.ip()))
}

/// The IPv4 addresses on which TCP sockets of this namespace listen at that port, as the kernel's table has them.
pub fn listening_on(port: u16) -> Outcome<Vec<IpAddr>> {
    let table = std::fs::read_to_string("/proc/thread-self/net/tcp")?;
    let listening = table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (address, at) = fields.next()?.split_once(':')?;
        let state = fields.nth(1)?;
        let bits = u32::from_str_radix(address, 16).ok()?;
        let ours = state == "0A" && u16::from_str_radix(at, 16) == Ok(port);
        // The table shows the address as a number in the byte order of the machine.
        ours.then(|| IpAddr::from(bits.to_ne_bytes()))
    });
    Ok(listening.collect())
}
