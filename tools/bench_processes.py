# Starting, pinning, watching and surely ending the programs of a benchmark.
import ctypes
import os
import pathlib
import resource
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time

START_SECONDS = 15  # until a server listens or the clients are connected
CLIENT_EXTRA_SECONDS = 45  # what a client may take beside the time it measures
STOP_SECONDS = 5  # until a program that was asked to stop is killed


class RunFailed(Exception):
    """A run without a result; the text says why."""


def end_with_parent():
    """In a child: Linux ends it when its parent dies, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Program:
    """One running program of perf/."""

    def __init__(self, command):
        self.command = [str(word) for word in command]
        self.cpu_seconds_before = 0
        self.cpu_seconds = None
        self.log = tempfile.TemporaryFile(mode="w+")
        try:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=self.log, preexec_fn=end_with_parent)
        except OSError as error:
            raise RunFailed(str(error)) from None
        self.output = b""

    @property
    def name(self):
        return pathlib.Path(self.command[0]).name

    def read_until(self, text, seconds):
        """Reads the output until `text` has come; None reads to the end."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while text is None or text not in self.output:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise RunFailed(f"{self.name} took too long{self.last_words()}")
                chunk = os.read(self.process.stdout.fileno(), 65536)
                self.output += chunk
                if not chunk:
                    break
        if text is not None and text not in self.output:
            raise RunFailed(f"{self.name} ended early{self.last_words()}")

    def last_words(self):
        self.log.seek(0)
        lines = self.log.read().strip().splitlines()
        return f": {lines[-1]}" if lines else ""

    def resident_bytes(self):
        """The exact resident size; the figure in /proc/PID/status may lag behind."""
        if sys.platform != "linux":
            return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(self.process.pid)])) * 1024
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="ascii") as rollup:
            return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Rss:"))

    def count_cpu_from_here(self):
        """Leaves out the CPU time used up to now, where the system tells."""
        try:
            with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            return
        self.cpu_seconds_before = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        """Ends it, gently at first, and notes the CPU time that counts."""
        if self.process.returncode is not None:
            return
        os.kill(self.process.pid, signal.SIGTERM)  # not through Popen, which might reap it without the usage
        deadline = time.monotonic() + STOP_SECONDS
        while not self.collect(os.WNOHANG):
            if time.monotonic() > deadline:
                os.kill(self.process.pid, signal.SIGKILL)
                self.collect(0)
                break
            time.sleep(0.002)
        self.process.stdout.close()
        self.log.close()

    def ending(self):
        """How it ended, if not as it was asked to."""
        code = self.process.returncode
        return "" if code in (0, -signal.SIGTERM) else f"; {self.name} ended with {code}"

    def collect(self, flags):
        pid, status, usage = os.wait4(self.process.pid, flags)
        if pid == 0:
            return False
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_seconds = usage.ru_utime + usage.ru_stime - self.cpu_seconds_before
        return True


class Bench:
    """Where the programs are, and everything that has to be gone when a benchmark ends."""

    def __init__(self, programs, seconds):
        self.programs = programs
        self.certificates = programs.parent / "certificates"
        self.seconds = seconds
        self.cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self.running = []
        self.folder = tempfile.TemporaryDirectory(prefix="pollux-bench-")
        raise_descriptor_limit()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop_all()
        self.folder.cleanup()

    def has(self, name):
        return (self.programs / name).is_file()

    def start(self, name, *arguments):
        """Starts a program of build/…/perf."""
        program = Program([self.programs / name, *arguments])
        self.running.append(program)
        return program

    def start_server(self, name, *arguments, ready=b"listening on"):
        server = self.start(name, *arguments)
        server.read_until(ready, START_SECONDS)
        return server

    def run_client(self, name, *arguments, when_connected=None):
        """Runs a load program for the time of a run and returns its output."""
        client = self.start(name, "-z", self.seconds, *arguments)
        if when_connected:
            client.read_until(b"All clients connected!", 2 * START_SECONDS)
            when_connected()
        client.read_until(None, self.seconds + CLIENT_EXTRA_SECONDS)
        if b"Total time" not in client.output:
            raise RunFailed(f"{client.name} gave no report{client.last_words()}")
        return client.output.decode()

    def stop_all(self):
        """The last started first: clients before their server."""
        while self.running:
            self.running.pop().stop()

    def free_port(self, kind=socket.SOCK_STREAM):
        with socket.socket(type=kind) as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    def socket_path(self):
        return os.path.join(self.folder.name, "bench.sock")

    def server_cores(self, reactors):
        """The first cores, if there are some left for the load; else nothing is pinned."""
        return self.cores[:reactors] if len(self.cores) > reactors else []

    def client_cores(self, reactors):
        """As many as the server has, as far as there are."""
        return self.cores[reactors:2 * reactors]


def busy_share():
    """How much of the machine others use just now, from 0 to 1; 0 where it is not known."""

    def cpu_times():
        with open("/proc/stat", encoding="ascii") as stat:
            times = [int(word) for word in stat.readline().split()[1:9]]
        return sum(times), times[3] + times[4]  # all; idle and waiting for a disk

    try:
        total, idle = cpu_times()
        time.sleep(1)
        total_later, idle_later = cpu_times()
    except OSError:
        return 0.0
    return 1 - (idle_later - idle) / max(1, total_later - total)


def raise_descriptor_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
