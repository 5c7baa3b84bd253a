# What a benchmark leaves: progress while it runs, then one table as text, Markdown and JSON, with the hardware of every figure.
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys

from bench_rows import CALLS, FLOOR, POLLUX, UdpMulticastRow, UdpRow

PEERS = ("NetCoreServer", "CppServer")  # the columns; the other peers' tables are in perf/published as well

BUSY_LIMIT = 0.1  # what others may use of the machine before the figures are doubted


class Progress:
    """One line for each row: rewritten on a terminal, printed once elsewhere."""

    def __init__(self, where):
        self.where = where
        self.terminal = sys.stdout.isatty()

    def step(self, what):
        if self.terminal:
            print(f"\r\033[K{self.where}: {what}", end="", flush=True)

    def end(self, summary):
        print(("\r\033[K" if self.terminal else "") + f"{self.where}: {summary}", flush=True)


class Result:
    """One row with one count of reactors: every sample, and medians."""

    def __init__(self, row, reactors, samples, error=None):
        self.row, self.reactors, self.samples, self.error = row, reactors, samples, error

    def median(self, side, name="value"):
        values = [sample[name] for sample in self.samples.get(side, []) if name in sample]
        return statistics.median(values) if values else None

    def ratio(self, name="value", floor=FLOOR):
        return divided(self.median(POLLUX, name), self.median(floor, name))

    def summary(self):
        if self.error:
            return f"failed: {self.error}"
        sides = ", ".join(f"{side} {number(self.median(side))} {self.row.unit}" for side in self.samples)
        return sides + (f", ratio {self.ratio():.2f}" if self.ratio() else "")

    def as_json(self):
        sides = {side: {"median": self.median(side), "cpu_ns_per_message": self.median(side, "cpu_ns"),
                        "p99_us": self.median(side, "p99"), "lost_percent": self.median(side, "lost"), "runs": runs} for side, runs in self.samples.items()}
        return {"row": self.row.name, "title": self.row.title, "unit": self.row.unit, "reactors": self.reactors,
                **sides, "ratio": self.ratio(), "p99_ratio": self.ratio("p99"), "error": self.error}


class Report:
    def __init__(self, results, arguments, busy, published_folder):
        self.results = results
        self.arguments = arguments
        self.busy = busy  # the share of the machine that others used just before
        self.published = [json.loads(path.read_text()) for path in sorted(published_folder.glob("*.json"))]
        self.machine = describe_machine()

    def peer_figure(self, peer, row):
        table = next((entry for entry in self.published if entry["system"] == peer), None)
        if not table or not row.published:
            return None
        name, clients = row.published
        return table["messages_per_second"].get(name, {}).get(clients)

    def table(self):
        """Heads and rows of the main table: as many reactors as was asked for first."""
        heads = ["row", "Pollux", "floor", "ratio", "CPU ns/msg: Pollux", "floor", *(f"{peer} *" for peer in PEERS)]
        lines = []
        for result in self.results:
            if result.reactors != self.results[0].reactors and result.row.scales:
                continue
            unit = "" if result.row.unit == "msg/s" else f", {result.row.unit}"
            if result.error:
                lines.append([result.row.title + unit, "failed"] + [""] * (len(heads) - 2))
                continue
            lines.append([result.row.title + unit, number(result.median(POLLUX)), number(result.median(FLOOR)),
                          decimals(result.ratio()), decimals(result.median(POLLUX, "cpu_ns")),
                          decimals(result.median(FLOOR, "cpu_ns")),
                          *(number(self.peer_figure(peer, result.row)) for peer in PEERS)])
            if result.median(POLLUX, "p99") is not None:
                lines.append(["    its latency, p99, µs", decimals(result.median(POLLUX, "p99")),
                              decimals(result.median(FLOOR, "p99")), decimals(result.ratio("p99"))] + [""] * 4)
            if result.median(POLLUX, "lost") is not None:
                lines.extend(self.datagram_lines(result))
        return heads, lines

    @staticmethod
    def datagram_lines(result):
        """What the table says of a row that may lose messages, below its own line."""
        lines = [["    lost, %", decimals(result.median(POLLUX, "lost")), decimals(result.median(FLOOR, "lost"))]]
        if isinstance(result.row, UdpMulticastRow):
            lines.append(["    sent to members, lost ones included", number(result.median(POLLUX, "sent")),
                          number(result.median(FLOOR, "sent")), decimals(result.ratio("sent"))])
        if result.median(CALLS) is not None:
            lines.append(["    floor with a call for each datagram", "", number(result.median(CALLS)),
                          decimals(result.ratio(floor=CALLS)), "", decimals(result.median(CALLS, "cpu_ns"))])
            lines.append(["    lost by it, %", "", decimals(result.median(CALLS, "lost"))])
        return [line + [""] * (6 + len(PEERS) - len(line)) for line in lines]

    def scaling(self):
        """The same rows by count of reactors; nothing if there was one count only."""
        counts = sorted({result.reactors for result in self.results})
        if len(counts) < 2:
            return None
        heads = ["row, msg/s", *(f"{count} reactor" + ("s" if count > 1 else "") for count in counts), "last / first"]
        lines = []
        for row in dict.fromkeys(result.row for result in self.results if result.row.scales):
            rates = [next((result.median(POLLUX) for result in self.results
                           if result.row is row and result.reactors == count), None) for count in counts]
            lines.append([row.title, *map(number, rates), decimals(divided(rates[-1], rates[0]))])
        return heads, lines

    def notes(self):
        runs = f"{self.arguments.runs} run(s) of {self.arguments.seconds:g} s"
        yield (f"Measured here: medians of {runs}, Pollux and the floor in turn under the same load; messages per second "
               "of 32 bytes unless the row says otherwise. Floor: bare single-threaded loops of system calls, with OpenSSL where "
               "the row has TLS, perf/floor. CPU: user and system time of the server for each message, request or handshake. A ratio "
               "above 1 is good for rates and bad for latency and memory.")
        yield "This machine: " + "; ".join(f"{name} {value}" for name, value in self.machine.items()) + "."
        if any(isinstance(result.row, UdpRow) for result in self.results):
            yield ("UDP may lose messages, and only those received count. Its floor batches as Pollux does: many datagrams a call, in runs "
                   "that the kernel splits and joins. In multicast nothing holds the server back when members are slower; "
                   "CPU is for each message sent to a member, lost or not.")
        if self.busy > BUSY_LIMIT:
            yield f"Before the first run others used {self.busy:.0%} of this machine: do not trust these figures."
        most = max(result.reactors for result in self.results)
        if self.machine["logical cores"] <= most:
            yield f"With {most} reactor(s) no core is left for the load: nothing was pinned, and both shared the cores."
        for result in self.results:
            if result.error:
                yield f"Failed: {result.row.title}: {result.error}."
        yield "* Published by the peers, not measured here:"
        for table in self.published:
            if table["system"] in PEERS:
                hardware = "; ".join(table["hardware"].values())
                yield f"{table['system']}: {hardware}. Source: {table['source']}."

    def text(self):
        tables = [as_text(*table) for table in (self.table(), self.scaling()) if table]
        return "\n".join(tables) + "\n" + "\n".join(self.notes()) + "\n"

    def markdown(self):
        tables = [as_markdown(*table) for table in (self.table(), self.scaling()) if table]
        return "\n".join(tables) + "\n" + "\n\n".join(note.replace("* P", "\\* P") for note in self.notes()) + "\n"

    def as_json(self):
        return {"time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                "machine": self.machine,
                "settings": {"seconds": self.arguments.seconds, "runs": self.arguments.runs,
                             "reactors": self.arguments.reactors, "busy_before": round(self.busy, 3)},
                "rows": [{**result.as_json(),
                          "published": {peer: self.peer_figure(peer, result.row) for peer in PEERS}}
                         for result in self.results],
                "published_hardware": {table["system"]: table["hardware"] for table in self.published}}


def divided(value, by):
    return value / by if value is not None and by else None


def number(value):
    return "-" if value is None else f"{value:,.0f}"


def decimals(value):
    return "-" if value is None else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def as_text(heads, lines):
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]

    def laid_out(line):
        return "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))])

    return "\n".join([laid_out(heads), "  ".join("-" * width for width in widths), *map(laid_out, lines)]) + "\n"


def as_markdown(heads, lines):
    rule = ["---", *(["---:"] * (len(heads) - 1))]
    return "".join("| " + " | ".join(cell.strip() for cell in line) + " |\n" for line in [heads, rule, *lines])


def describe_machine():
    return {"cpu": cpu_model(), "logical cores": os.cpu_count() or 1, "memory": f"{memory_bytes() / 2**30:.0f} GiB",
            "virtual machine": "yes" if runs_in_virtual_machine() else "not known", "os": os_name(),
            "kernel": platform.release(), "compiler": first_line(["c++", "--version"])}


def cpu_model():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            return next(line.partition(":")[2].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        return first_line(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.machine()


def runs_in_virtual_machine():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            return any(line.startswith("flags") and " hypervisor" in line for line in info)
    except OSError:
        return False


def memory_bytes():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def os_name():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, AttributeError):
        return platform.platform(terse=True)


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return ""
