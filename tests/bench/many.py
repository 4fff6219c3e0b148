"""Many contexts at once, each with a live server: what the last one costs, compared with the first."""

import os
import resource
import socket
import subprocess
import time
from statistics import median

from figures import Row, figure, ratios, spread
from lab import CannotMeasure

PORT = 18480  # of every server, each on its own address


def address(number):
    """Local on every Linux host, and nobody else's."""
    return f"127.50.{number // 250}.{number % 250 + 1}"


def begin(lab, command, env=None):
    """Starts a server; gives the milliseconds until it serves, and the process."""
    begun = time.monotonic()
    process = lab.start(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if process.stdout.readline() != b"ready\n":
        raise CannotMeasure(f"{lab.shown(command)} ended with status {process.wait()}")
    return (time.monotonic() - begun) * 1000, process


def asked(number):
    """Milliseconds to reach a server from outside of all contexts. It must be that one."""
    begun = time.monotonic()
    try:
        with socket.create_connection((address(number), PORT), timeout=5) as connection:
            answer = connection.recv(64).decode()
    except OSError as why:
        raise CannotMeasure(f"the server of context {number + 1} is not there: {why}")
    if answer != address(number):
        raise CannotMeasure(f"{address(number)} answers as {answer!r}")
    return (time.monotonic() - begun) * 1000


def found(lab, count, rounds):
    """Milliseconds to find a context by its name, from the start of chbindctl to its end."""
    took = []
    for number in range(rounds):
        command = [f"{lab.chbind}ctl", "find", f"bench-{number * 7 % count}"]
        begun = time.monotonic()
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=5).stdout
        took.append((time.monotonic() - begun) * 1000)
        if not answer.startswith(b"nid ") or answer.count(b"\n") != 1:
            raise CannotMeasure(f"{lab.shown(command)}: {answer!r}")
    return took


def available():
    """MiB that the machine has left."""
    with open("/proc/meminfo") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1024


def starts(lab, prefix):
    """Milliseconds from start to end of /bin/true: natively, and in a context of its own."""
    words = [lab.program("spawn"), str(lab.pick(30, 200)), ":::", "/bin/true", ":::", *prefix, "/bin/true"]
    rounds = [[float(word) / 1000 for word in text.split()] for text in lab.output(words, timeout=70).splitlines()]
    return map(list, zip(*rounds))


def contexts(lab, supervisors, weight, since):
    """`supervisors`, `weight` and `since` are as in cases.py."""
    count = lab.pick(100, 1000)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    token = f"CHBIND_BENCH={os.getpid()}.{time.monotonic_ns()}"
    name, _, value = token.partition("=")
    env = {**os.environ, name: value}
    one_more = [lab.chbind, "--ip", address(count), "--"]
    native, first = starts(lab, one_more)
    yield Row("start to end of /bin/true, no context there", figure(median(native), "ms"), "", figure(median(first), "ms"),
              spread=f"{spread(first)} ms")
    before, running, took = available(), [], []
    for number in range(count):
        if number == 1:
            alone = found(lab, 1, lab.pick(50, 200))
        server = [lab.chbind, "--ip", address(number), "--name", f"bench-{number}", "-q", "--", lab.program("serve"), str(PORT)]
        milliseconds, process = begin(lab, server, env)
        took.append(milliseconds)
        running.append(process)
    time.sleep(1)  # what is freed when idle should be free
    left = available()
    native, last = starts(lab, one_more)
    ratio = ratios(last, [median(first)] * len(last))
    yield Row(f"  {count} contexts with a server each", figure(median(native), "ms"), "", figure(median(last), "ms"),
              figure(median(ratio)), spread(ratio), "<= 1.25 the first", median(ratio) <= 1.25)
    yield Row("  from start to served, all of them", chbind=figure(median(took), "ms"), spread=f"{spread(took)} ms")
    among = found(lab, count, lab.pick(50, 200))
    ratio = ratios(among, [median(alone)] * len(among))
    yield Row("  found by name (alone, among all)", figure(median(alone), "ms"), "", figure(median(among), "ms"),
              figure(median(ratio)), spread(ratio), "<= 1.25 alone", median(ratio) <= 1.25)
    reached = [asked(number) for number in range(count)]
    yield Row("  asked from outside, all of them", chbind=figure(median(reached), "ms"), spread=f"{spread(reached)} ms")
    yield Row("  memory of the host for each, server included", chbind=figure((before - left) / count, "MiB"))
    sizes = [weight(pid) for pid in supervisors(since, token.encode())]
    if len(sizes) != count:
        raise CannotMeasure(f"{len(sizes)} supervisors of {count} contexts")
    sums = {key: sum(size[key] for size in sizes) / 1024 / count for key in ("Pss", "Private_Dirty")}
    yield Row("  supervisor, proportional set size", chbind=figure(sums["Pss"], "MiB"), goal="<= 2 MiB",
              reached=sums["Pss"] <= 2)
    yield Row(f"  of which private dirty {sums['Private_Dirty']:.2f} MiB")
    for process in running:
        process.stdin.close()
    for process in running:
        lab.stop(process)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            supervisors(since, token.encode())
        except CannotMeasure:
            return  # none is left
        time.sleep(0.05)
    raise CannotMeasure("supervisors stay when their contexts are gone")
