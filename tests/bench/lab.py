"""Where things are measured: programs built into a temporary directory, processes with an end, interleaved slices."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ADDRESS = "127.0.0.2"  # local on every Linux host, and not the address that everything else uses


class CannotMeasure(Exception):
    """Told to the person, and the run ends with status 1."""


class Lab:
    def __init__(self, quick):
        self.quick = quick
        self.chbind = find_chbind()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="chbind-bench."))
        self.started = []
        self.noise_seen = set()

    def __enter__(self):
        for name in ("minimal", "calls", "stream", "sink", "spawn", "hold", "serve"):
            command = ["cc", "-O2", "-Wall", "-Wextra", "-pthread", "-o", self.program(name), str(HERE / f"{name}.c")]
            if subprocess.run(command).returncode:
                self.__exit__()
                raise CannotMeasure(f"{name}.c does not compile")
        return self

    def __exit__(self, *_):
        for process in reversed(self.started):
            self.stop(process)
        shutil.rmtree(self.dir, ignore_errors=True)

    def program(self, name):
        return str(self.dir / name)

    def inside(self, *options):
        """The prefix that puts a command into a context."""
        return [self.chbind, "--ip", ADDRESS, *options, "--"]

    def minimal(self, *options):
        return [self.program("minimal"), *options]

    def pick(self, quick, full):
        return quick if self.quick else full

    def output(self, command, timeout=25):
        """Runs a command to its end and gives what it printed."""
        with open(self.dir / "stderr", "w+b") as errors:  # a file: a supervisor may hold it longer than the command lives
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
            try:
                out, _ = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                raise CannotMeasure(f"{self.shown(command)}: no end within {timeout} s, or its output is still held open")
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
                process.stdout.close()
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()
        if process.returncode:
            raise CannotMeasure(f"{self.shown(command)}: status {process.returncode}\n{said}")
        if said and said not in self.noise_seen:
            self.noise_seen.add(said)
            print(f"note: {self.shown(command)} said: {said[:400]}", file=sys.stderr)
        return out.decode()

    def start(self, command, **options):
        """A server or a sleeper; ended by stop(), at the latest when the run ends. It leads a process group of its own,
        so that stop() reaches its workers also when whatever stands between us and them does not pass signals on."""
        process = subprocess.Popen(command, start_new_session=True, **options)
        self.started.append(process)
        return process

    def stop(self, process):
        if process in self.started:
            self.started.remove(process)
        if process.stdin:
            process.stdin.close()  # the gentle end of sink and hold
        if process.returncode is None:  # not reaped: the number is still ours, and so is its group
            end_group(process, signal.SIGTERM)
            for _ in range(500):
                if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                    break
                time.sleep(0.01)
            end_group(process, signal.SIGKILL)
            process.wait()
        if process.stdout:
            process.stdout.close()

    def sink(self):
        """Two ports of the other side: TCP, accepted and closed, and UDP."""
        process = self.start([self.program("sink"), ADDRESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ports = process.stdout.readline().split()
        if len(ports) != 2:
            raise CannotMeasure("sink did not start")
        return [port.decode() for port in ports]

    def interleave(self, variants, rounds):
        """Runs each variant once per round, and gives {name: [figure, ...]}. The order turns around every other round,
        so that no variant is always the one that follows the same other one."""
        figures = {name: [] for name in variants}
        for number in range(rounds):
            names = list(variants)
            for name in names if number % 2 == 0 else reversed(names):
                figures[name].append(variants[name]())
        return figures

    def loops(self, prefixes, program, *arguments, rounds):
        """interleave() for a C program that prints one number, with prefixes as {name: prefix}."""
        command = [self.program(program), *map(str, arguments)]
        return self.interleave(
            {name: lambda prefix=prefix: float(self.output(prefix + command)) for name, prefix in prefixes.items()},
            rounds)

    def shown(self, command):
        return " ".join(command).replace(f"{self.dir}/", "")


def end_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass  # all gone


def find_chbind():
    path = os.environ.get("CHBIND")
    if not path:
        root = HERE.parent.parent
        path = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", root / "target")) / "release" / "chbind"
        path = root / path
    if not os.access(path, os.X_OK):
        raise CannotMeasure(f"no chbind at {path}\nhint: cargo build --release, or set CHBIND")
    return str(path)
