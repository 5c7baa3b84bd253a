# The rows of the benchmark table. A new server with its floor and its load is one more `LoadRow`.
import dataclasses
import json
import re
import resource
import socket
import time

from bench_processes import START_SECONDS, RunFailed

POLLUX = "pollux"
FLOOR = "floor"
CALLS = "floor_calls"  # a second floor: datagrams with a system call for each

IDLE_WARM_UP = 1_000  # connections that are there before the first look, so that what is made once does not count

TITLES = {"tcp": "TCP", "uds": "UDS", "ssl": "TLS", "udp": "UDP", "http": "HTTP", "https": "HTTPS", "ws": "WebSocket",
          "wss": "WebSocket over TLS"}
PUBLISHED = {"ssl": "tls"}  # the names in perf/published that differ


@dataclasses.dataclass(frozen=True)
class Row:
    """What every row has. `name` selects it on the command line; `published` is (row, clients) in perf/published."""

    name: str
    title: str
    unit: str = "msg/s"
    published: tuple = ()
    scales: bool = True  # worth measuring with several reactors

    def floor_program(self):
        """The bare loop to compare with, or nothing."""
        return None

    def sides(self, bench, reactors):
        """The floor has one thread, so it is no measure for several reactors; and it is for Linux only."""
        comparable = reactors == 1 and self.floor_program() and bench.has(self.floor_program())
        return [POLLUX, FLOOR] if comparable else [POLLUX]


@dataclasses.dataclass(frozen=True)
class LoadRow(Row):
    """A server under load for some seconds. Both servers get the same load from the same program."""

    server: str = ""  # in perf/
    floor: str = ""  # in perf/floor/
    client: str = ""  # in perf/
    transport: str = "tcp"
    client_options: tuple = ()
    certificate: str = ""  # of the server, if it is not the default one

    report = "Message"  # what the client counts
    works_alone = False  # the server works before it has clients: what it used until then does not count

    def floor_program(self):
        return f"floor/{self.floor}" if self.floor else None

    def measure(self, bench, side, reactors):
        where = self.place(bench)
        server = self.start_server(bench, side, reactors, where)
        try:
            output = self.run_client(bench, reactors, where, server.count_cpu_from_here if self.works_alone else None)
        except RunFailed as failure:
            bench.stop_all()
            raise RunFailed(f"{failure}{server.ending()}") from None
        finally:
            bench.stop_all()
        return self.sample(output, server.cpu_seconds)

    def place(self, bench):
        """A port or a path for the server."""
        return bench.socket_path() if self.transport == "uds" else bench.free_port()

    def start_server(self, bench, side, reactors, where):
        options = [*pinned(bench.server_cores(reactors)), *identity(bench, self.certificate)]
        if side == POLLUX:
            return bench.start_server(self.server, "-p", where, "-t", reactors, *options)
        return bench.start_server(self.floor_program(), "-u" if self.transport == "uds" else "-p", where, *options)

    def run_client(self, bench, reactors, where, when_connected):
        cores = bench.client_cores(reactors) if bench.server_cores(reactors) else []
        return bench.run_client(self.client, "-p", where, "-t", len(cores) or reactors, *self.client_options,
                                *pinned(cores), when_connected=when_connected)

    def sample(self, output, server_cpu_seconds):
        total = number_after(f"Total {self.report.lower()}s", output)
        if not total:
            raise RunFailed(f"the client counted no {self.report.lower()}")
        if number_after("Errors", output) != 0:
            raise RunFailed(f"the client counted {number_after('Errors', output):.0f} errors")
        sample = {"value": number_after(f"{self.report} throughput", output), "cpu_ns": server_cpu_seconds * 1e9 / total}
        for name in ("p50", "p99", "p99.9"):
            latency = microseconds_after(f"Latency {name}", output)
            if latency is not None:
                sample[name] = latency
        return sample


@dataclasses.dataclass(frozen=True)
class UdpRow(LoadRow):
    """Datagrams, which may be lost. The floor is the loop that batches them; the one with a call for each is beside it."""

    floor_calls: str = ""  # in perf/floor/
    transport: str = "udp"
    ready: bytes = b"listening on"  # what a server says when it is there

    def sides(self, bench, reactors):
        sides = super().sides(bench, reactors)
        return [*sides, CALLS] if FLOOR in sides else sides

    def place(self, bench):
        return bench.free_port(socket.SOCK_DGRAM)

    def start_server(self, bench, side, reactors, where):
        options = ["-p", where, *pinned(bench.server_cores(reactors))]
        if side == POLLUX:
            return bench.start_server(self.server, "-t", reactors, *options, ready=self.ready)
        program = self.floor_program() if side == FLOOR else f"floor/{self.floor_calls}"
        return bench.start_server(program, *options, ready=self.ready)

    def sample(self, output, server_cpu_seconds):
        sample = super().sample(output, server_cpu_seconds)
        received = number_after(f"Total {self.report.lower()}s", output)
        lost = number_after("Lost messages", output)
        return {**sample, "sent": sample["value"] * (received + lost) / received, "lost": 100 * lost / (received + lost)}


@dataclasses.dataclass(frozen=True)
class UdpMulticastRow(UdpRow):
    """The server sends whether anybody listens or not, and whether they keep up or not: its CPU time is for each message
    that was sent to a member, lost or not."""

    ready: bytes = b"sending to"
    works_alone = True

    def sample(self, output, server_cpu_seconds):
        sample = super().sample(output, server_cpu_seconds)
        return {**sample, "cpu_ns": sample["cpu_ns"] * sample["value"] / sample["sent"]}


@dataclasses.dataclass(frozen=True)
class HandshakeRow(LoadRow):
    """Connections opened one after the other. The load is a program of one thread."""

    report = "Handshake"

    def run_client(self, bench, reactors, where, when_connected):
        cores = bench.client_cores(reactors) if bench.server_cores(reactors) else []
        return bench.run_client(self.client, "-p", where, *self.client_options, *pinned(cores[:1]),
                                when_connected=when_connected)


@dataclasses.dataclass(frozen=True)
class IdleRow(Row):
    """What the server's resident memory grows by for each connection that does nothing."""

    server: str = ""
    floor: str = ""
    client: str = ""
    connections: int = 0
    certificate: str = ""  # of the server, if it is not the default one

    def floor_program(self):
        return f"floor/{self.floor}"

    def measure(self, bench, side, reactors):
        connections = min(self.connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - IDLE_WARM_UP - 500)
        if connections < IDLE_WARM_UP:
            raise RunFailed("the descriptor limit is too low (ulimit -n)")
        port = bench.free_port()
        try:
            program = self.server if side == POLLUX else self.floor_program()
            server = bench.start_server(program, "-p", port, *identity(bench, self.certificate))
            before = self.connect(bench, server, port, IDLE_WARM_UP)
            after = self.connect(bench, server, port, connections)
        finally:
            bench.stop_all()
        return {"value": (after - before) / connections, "connections": connections}

    def connect(self, bench, server, port, connections):
        client = bench.start(self.client, "-p", port, "-m", 0, "-c", connections, "-z", 60)
        client.read_until(b"All clients connected!", 2 * START_SECONDS)
        time.sleep(0.5)
        return server.resident_bytes()


@dataclasses.dataclass(frozen=True)
class MicroRow(Row):
    """One benchmark of a program in perf/micro."""

    program: str = ""
    benchmark: str = ""

    def measure(self, bench, side, reactors):
        if not bench.has(f"micro/{self.program}"):
            raise RunFailed(f"{self.program} is not built: Google Benchmark was not found")
        try:
            program = bench.start(f"micro/{self.program}", "--benchmark_format=json",
                                  f"--benchmark_filter={self.benchmark}", f"--benchmark_min_time={bench.seconds / 2}")
            program.read_until(None, bench.seconds + 60)
        finally:
            bench.stop_all()
        try:
            return {"value": json.loads(program.output)["benchmarks"][0]["items_per_second"]}
        except (ValueError, LookupError):
            raise RunFailed(f"{self.program} gave no figure for {self.benchmark}") from None


def pinned(cores):
    return ["--cores", ",".join(str(core) for core in cores)] if cores else []


def identity(bench, name):
    """The options that give a server a certificate of the build folder; none for its default."""
    return ["--certificate", bench.certificates / f"{name}.pem", "--key", bench.certificates / f"{name}.key"] if name else []


def number_after(name, output):
    found = re.search(rf"^{re.escape(name)}: ([0-9.]+)", output, re.MULTILINE)
    return float(found[1]) if found else None


def microseconds_after(name, output):
    found = re.search(rf"^{re.escape(name)}: ([0-9.]+) (ns|mcs|ms|s)$", output, re.MULTILINE)
    return float(found[1]) * {"ns": 1e-3, "mcs": 1, "ms": 1e3, "s": 1e6}[found[2]] if found else None


def echo_row(transport, clients, in_flight, kib=0):
    """Messages of 32 bytes, unless `kib` says otherwise."""
    suffix = f"_{kib}k" if kib else "_one" if in_flight == 1 else ""
    return LoadRow(
        name=f"{transport}_echo_{clients}{suffix}",
        title=f"{TITLES[transport]} echo{f' of {kib} KiB' if kib else ''}, {count(clients, 'client')}, {in_flight} in flight",
        published=() if suffix else (published(transport, "echo"), str(clients)),
        server=f"{transport}_echo_server", floor=floor(transport, "echo_server"), client=f"{transport}_echo_client",
        transport=transport, client_options=("-c", clients, "-m", in_flight, "-s", kib * 1024 or 32))


def multicast_row(transport, clients):
    return LoadRow(
        name=f"{transport}_multicast_{clients}", title=f"{TITLES[transport]} multicast, {count(clients, 'client')}",
        published=(published(transport, "multicast"), str(clients)),
        server=f"{transport}_multicast_server", floor=floor(transport, "multicast_server"),
        client=f"{transport}_multicast_client", transport=transport, client_options=("-c", clients, "-s", 32))


def udp_row(row_class, work, clients, thing, in_flight=None):
    return row_class(
        name=f"udp_{work}_{clients}",
        title=f"UDP {work}, {count(clients, thing)}" + (f", {in_flight} in flight" if in_flight else ""),
        published=(f"udp_{work}", str(clients)), scales=work == "echo", server=f"udp_{work}_server",
        floor=f"udp_{work}_batched_server", floor_calls=f"udp_{work}_server", client=f"udp_{work}_client",
        client_options=("-c", clients, "-s", 32, *(("-m", in_flight) if in_flight else ())))


def http_row(transport, method, clients, in_flight=1):
    work = f"{transport}_{method.lower()}"
    return LoadRow(
        name=f"{work}_{clients}" + ("" if in_flight == 1 else "_pipelined"),
        title=f"{TITLES[transport]} {method}, {count(clients, 'client')}, {in_flight} in flight", unit="requests/s",
        published=(work, str(clients)) if in_flight == 1 else (), server=f"{work}_server", floor=f"{transport}_server",
        client=f"{work}_client", transport=transport, client_options=("-c", clients, "-m", in_flight))


def handshake_row(name, what, certificate, options=()):
    return HandshakeRow(
        name=f"ssl_handshake_{name}", title=f"TLS 1.3 handshake, {what}, 16 clients", unit="handshakes/s", scales=False,
        server="ssl_echo_server", floor="ssl_echo_server", client="ssl_handshake_client", transport="ssl",
        client_options=("-c", 16, "--tls", "1.3", *options), certificate=certificate)


def idle_row(transport, connections, certificate=""):
    return IdleRow(
        name=f"{transport}_idle", title=f"{TITLES[transport]} idle connection, memory, mean of {connections:,}",
        unit="bytes", scales=False, server=f"{transport}_echo_server", floor=floor(transport, "echo_server"),
        client=f"{transport}_echo_client", connections=connections, certificate=certificate)


def floor(transport, program):
    """Unix sockets are an option of the same bare loop; TLS and WebSocket are others."""
    return program if transport in ("tcp", "uds") else f"{transport}_{program}"


def published(transport, work):
    """The row's name in perf/published."""
    return f"{PUBLISHED.get(transport, transport)}_{work}"


def count(number, thing):
    return f"{number} {thing}" + ("" if number == 1 else "s")


ROWS = [
    *(echo_row(transport, clients, 1000) for transport in ("tcp", "uds", "ssl") for clients in (1, 100)),
    *(echo_row(transport, clients, 1) for transport in ("tcp", "uds") for clients in (1, 100)),
    *(udp_row(UdpRow, "echo", clients, "client", 1000) for clients in (1, 100)),
    *(multicast_row(transport, clients) for transport in ("tcp", "uds", "ssl") for clients in (1, 100)),
    *(udp_row(UdpMulticastRow, "multicast", clients, "member") for clients in (1, 100)),
    *(http_row(transport, "TRACE", clients) for transport in ("http", "https") for clients in (1, 100)),
    http_row("http", "GET", 100),
    http_row("http", "GET", 100, in_flight=16),
    *(echo_row(transport, clients, 1000) for transport in ("ws", "wss") for clients in (1, 100)),
    *(echo_row("ws", clients, 1) for clients in (1, 100)),
    echo_row("ws", 1, 16, kib=16),
    *(multicast_row(transport, clients) for transport in ("ws", "wss") for clients in (1, 100)),
    handshake_row("rsa", "full, RSA-2048", "server"),
    handshake_row("ecdsa", "full, ECDSA P-256", "server-ecdsa"),
    handshake_row("resumed", "resumed", "server-ecdsa", ("--resume",)),
    idle_row("tcp", 10_000),
    idle_row("ssl", 3_000, certificate="server-ecdsa"),
    MicroRow(name="mailbox", title="Mailbox, 32 B between two threads", scales=False,
             program="mailbox_benchmark", benchmark="send_through_mailbox/bytes:32/batch:1/"),
]
