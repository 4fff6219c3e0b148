"""What is measured, one function for each line of the goal; each yields the rows of the table."""

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from statistics import median

from figures import Row, derived, figure, overheads, quartiles, ratios, spread
from lab import ADDRESS, CannotMeasure
from many import contexts as many


def compared(what, figures, unit="us", goal="", reached=None):
    """native | minimal | chbind | chbind/native."""
    ratio = ratios(figures["chbind"], figures["native"])
    middle = median(ratio)
    return Row(what, figure(median(figures["native"]), unit),
               figure(median(figures["minimal"]), unit) if "minimal" in figures else "",
               figure(median(figures["chbind"]), unit), figure(middle), spread(ratio), goal,
               reached(middle) if reached else None)


def bind(lab):
    """socket + bind + close, wildcard and explicit."""
    rounds, count = lab.pick(15, 60), 2000
    prefixes = {"native": [], "minimal": lab.minimal(), "chbind": lab.inside(), "async": lab.minimal("--async")}
    for what, address in (("0.0.0.0:0", "0.0.0.0"), (f"{ADDRESS}:0", ADDRESS)):
        took = lab.loops(prefixes, "calls", "bind", address, count, rounds=rounds)
        yield compared(f"socket+bind {what}+close", took, goal="< 4 native", reached=lambda r: r < 4)
        yield derived("  overhead, chbind / minimal", overheads(took["chbind"], took["minimal"], took["native"]),
                      "<= 2.0", lambda r: r <= 2.0)
        yield Row("  minimal / native, for comparison", minimal=figure(median(took["minimal"]), "us"),
                  ratio=figure(median(ratios(took["minimal"], took["native"]))),
                  spread=spread(ratios(took["minimal"], took["native"])))
        yield Row("  minimal without SYNC_WAKE_UP / native", minimal=figure(median(took["async"]), "us"),
                  ratio=figure(median(ratios(took["async"], took["native"]))),
                  spread=spread(ratios(took["async"], took["native"])))


def connect(lab):
    """connect to a listener outside, and unconnected sendto; for information."""
    accepting, udp = lab.sink()
    rounds, count = lab.pick(9, 30), 2000
    for what, call, mode, port in (("socket+connect+close, blocking", "connect", "connect", accepting),
                                   ("socket+connect+poll+close, non-blocking", "connect", "connect-nonblock", accepting),
                                   ("sendto 64 bytes, unconnected UDP", "sendto", "sendto", udp)):
        prefixes = {"native": [], "minimal": lab.minimal("--call", call), "chbind": lab.inside()}
        took = lab.loops(prefixes, "calls", mode, ADDRESS, port, count, rounds=rounds)
        yield compared(what, took)
        yield derived("  overhead, chbind / minimal", overheads(took["chbind"], took["minimal"], took["native"]))


def shim(lab):
    """The same calls with the shim in the program, alone and with the supervisor behind it."""
    accepting, udp = lab.sink()
    prefixes = {"native": [], "again": [], "preload": lab.inside("--enforce", "preload"),
                "hybrid": lab.inside("--enforce", "hybrid")}
    rounds = lab.pick(15, 60)
    for what, arguments, goals in (
            ("socket+bind 0.0.0.0:0+close", ("bind", "0.0.0.0", 2000), {"preload": 1.15, "hybrid": 1.15}),
            (f"socket+bind {ADDRESS}:0+close", ("bind", ADDRESS, 2000), {"preload": 1.15, "hybrid": 1.15}),
            ("sendmsg 64 bytes, AF_UNIX", ("sendmsg-unix", 10000), {"hybrid": 1.03}),
            ("sendmsg 64 bytes, connected TCP", ("sendmsg-tcp", ADDRESS, 10000), {"hybrid": 1.03}),
            ("sendto 64 bytes, unconnected UDP", ("sendto", ADDRESS, udp, 10000), {"hybrid": 1.10}),
            ("sendmsg 64 bytes, unconnected UDP", ("sendmsg", ADDRESS, udp, 10000), {"hybrid": 1.10}),
            ("socket+connect+close, blocking", ("connect", ADDRESS, accepting, 1000), {})):
        took = lab.loops(prefixes, "calls", *arguments, rounds=rounds)
        for how in ("preload", "hybrid"):
            goal = goals.get(how)
            ratio = ratios(took[how], took["native"])
            middle = median(ratio)
            yield Row(f"{what}, {how}", figure(median(took["native"]), "us"), "", figure(median(took[how]), "us"),
                      figure(middle), spread(ratio), f"<= {goal:.2f} native" if goal else "",
                      middle <= goal if goal else None)
        yield derived("  native / native, the noise", ratios(took["again"], took["native"]))


def noise(figures):
    """How far native is from itself: a second native series, measured in the same rounds as the first. What it allows
    is capped, so that a restless machine does not make the goal an empty one."""
    same = ratios(figures["again"], figures["native"])
    low, high = quartiles(same)
    return same, min(0.05, max(0.02, (high - low) / 2, abs(median(same) - 1)))


def send(lab):
    """send() on connected TCP sockets, which is never supervised."""
    prefixes = {"native": [], "chbind": lab.inside(), "again": []}
    for threads in (1, 4):
        took = lab.loops(prefixes, "stream", ADDRESS, lab.pick(20000, 40000), threads, rounds=lab.pick(20, 60))
        same, tolerance = noise(took)
        yield compared(f"send 64 bytes, connected TCP, {threads} thread{'s' * (threads > 1)}", took,
                       goal=f"1.00 +- {tolerance:.2f} noise", reached=lambda r: abs(r - 1) <= tolerance)
        yield derived("  native / native, the noise", same)


NGINX = """
{user}daemon off;
worker_processes 1;
pid {dir}/pid;
error_log {dir}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    sendfile on;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{ listen {address}:{port}; root {dir}/www; }}
}}
"""


def nginx(lab, name, prefix):
    """An nginx of its own directory and port, known to serve the page. Gives its URL and process."""
    program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not program:
        raise CannotMeasure("nginx is not installed")
    directory = lab.dir / f"nginx-{name}"
    (directory / "www").mkdir(parents=True)
    (directory / "www" / "page").write_text("x" * 1024)
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port = probe.getsockname()[1]
    # As root the worker would become another user, who cannot see the temporary directory.
    user = "user root;\n" if os.geteuid() == 0 else ""
    (directory / "conf").write_text(NGINX.format(user=user, dir=directory, address=ADDRESS, port=port))
    errors = directory / "stderr"
    with open(errors, "wb") as out:
        process = lab.start(prefix + [program, "-p", str(directory), "-e", str(directory / "error.log"),
                                      "-c", str(directory / "conf")],
                            stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    url = f"http://{ADDRESS}:{port}/page"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(100):
        try:
            if len(opener.open(url, timeout=2).read()) == 1024:
                return url, process
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    raise CannotMeasure(f"nginx ({name}) does not serve: {errors.read_text()[:400]}")


def wrk(lab, url, seconds):
    """Requests per second; any request that failed makes the figure worthless."""
    out = lab.output(["wrk", "-t1", "-c16", f"-d{seconds}s", url], timeout=seconds + 10)
    rate = re.search(r"Requests/sec:\s*([0-9.]+)", out)
    if not rate or "Non-2xx" in out or "Socket errors" in out:
        raise CannotMeasure(f"wrk: {out}")
    return float(rate.group(1))


def http(lab):
    """Keep-alive requests; wrk is outside, and three nginx run all the time, of which one at a time has work."""
    if not shutil.which("wrk"):
        raise CannotMeasure("wrk is not installed")
    servers = {name: nginx(lab, name, prefix)
               for name, prefix in (("native", []), ("chbind", lab.inside()), ("again", []))}
    for url, _ in servers.values():
        wrk(lab, url, 1)
    # Many short slices: wrk's shortest is a second, and one slice is easily 4 % off its neighbour.
    rate = lab.interleave({name: lambda url=url: wrk(lab, url, 1) for name, (url, _) in servers.items()},
                          lab.pick(5, 25))
    for _, process in servers.values():
        lab.stop(process)
    yield compared("nginx keep-alive, 1 KiB, requests/s", rate, "", ">= 0.98 native", lambda r: r >= 0.98)
    yield derived("  native / native, the noise", ratios(rate["again"], rate["native"]))


def start(lab):
    """Start to end of /bin/true."""
    words = [lab.program("spawn"), str(lab.pick(60, 300))]
    for prefix in ([], lab.minimal(), lab.inside()):
        words += [":::", *prefix, "/bin/true"]
    rounds = [[float(word) / 1000 for word in text.split()] for text in lab.output(words, timeout=70).splitlines()]
    native, minimal, chbind = map(list, zip(*rounds))
    over = [c - n for c, n in zip(chbind, native)]
    yield compared("start to end of /bin/true", {"native": native, "minimal": minimal, "chbind": chbind}, "ms")
    yield Row("  over native", minimal=figure(median(minimal) - median(native), "ms"), chbind=figure(median(over), "ms"),
              spread=f"{spread(over)} ms", goal="<= 3 ms", reached=median(over) <= 3)


def started_at(pid):
    """Start time in clock ticks since boot, and the name. None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            name, _, rest = stat.read().partition("(")[2].rpartition(")")
    except OSError:
        return None
    return int(rest.split()[19]), name


def supervisors(since, token):
    """Processes called chbind* that started after `since`. Others may be using chbind on this machine right now, so
    the environment must carry our token; a supervisor that has no environment left is taken only if it is alone."""
    ours, unknown = [], []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        known = started_at(pid)
        if not known or not known[1].startswith("chbind") or known[0] < since:
            continue
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ:
                content = environ.read()
        except OSError:
            content = b""
        if token in content:
            ours.append(pid)
        elif not content:
            unknown.append(pid)
    found = ours or unknown
    if not found:
        raise CannotMeasure("no supervisor: no process called chbind* has started with the command")
    if not ours and len(unknown) > 1:
        raise CannotMeasure(f"cannot tell which of {', '.join(unknown)} is our supervisor")
    return found


def weight(pid):
    """smaps_rollup in KiB, summed by the kernel."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as lines:
            return {word[0].rstrip(":"): int(word[1]) for word in map(str.split, lines) if word[-1] == "kB"}
    except OSError as error:
        raise CannotMeasure(f"memory of the supervisor: {error}\nhint: it is not dumpable, so this needs root")


def memory(lab):
    """What the supervisor takes when its command has made 1,000 binds and 4 blocking connects, and sleeps."""
    token = f"CHBIND_BENCH={os.getpid()}.{time.monotonic_ns()}"
    name, _, value = token.partition("=")
    since = started_at("self")[0]
    process = lab.start(lab.inside() + [lab.program("hold"), "1000", "4"], env={**os.environ, name: value},
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if process.stdout.readline() != b"ready\n":  # hold's own alarm bounds this
        raise CannotMeasure(f"hold ended with status {process.wait()}")
    time.sleep(0.5)  # what is freed when idle should be free
    found = supervisors(since, token.encode())
    sizes = [weight(pid) for pid in found]
    lab.stop(process)
    total = {key: sum(size[key] for size in sizes) / 1024 for key in ("Pss", "Rss", "Private_Dirty")}
    yield Row("supervisor, proportional set size", chbind=figure(total["Pss"], "MiB"), goal="<= 2 MiB",
              reached=total["Pss"] <= 2)
    yield Row(f"  resident {total['Rss']:.2f} MiB, private dirty {total['Private_Dirty']:.2f} MiB, "
              f"{len(found)} process{'es' * (len(found) > 1)}")


def contexts(lab):
    """A thousand contexts at once."""
    yield from many(lab, supervisors, weight, started_at("self")[0])


ALL = {"bind": bind, "connect": connect, "send": send, "shim": shim, "http": http, "start": start, "memory": memory,
       "contexts": contexts}
