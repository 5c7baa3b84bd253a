# The command behind tools/bench: builds, measures every row, and writes one table as text, Markdown and JSON.
import argparse
import fnmatch
import json
import pathlib
import signal
import subprocess
import sys

import bench_processes
import bench_report
import bench_rows

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"


def reactor_counts(text):
    """'4' or '1..4' as a list of counts."""
    first, dots, last = text.partition("..")
    try:
        low, high = int(first), int(last if dots else first)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor a range such as 1..4") from None
    if not 1 <= low <= high <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r}: reactors count from 1 to 1024")
    return list(range(low, high + 1))


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="tools/bench",
        description="Installs what is missing, builds a release, measures each row with Pollux and with the floor (a bare "
        "system-call loop) in turn, and prints one table.")
    parser.add_argument("--seconds", type=float, default=3, help="length of a run (default: 3)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each row; the median counts (default: 3)")
    parser.add_argument("--rows", default="*", metavar="PATTERN",
                        help="only rows whose name matches, as in 'tcp_*' or '*multicast*'; several with commas")
    parser.add_argument("--reactors", type=reactor_counts, default=[1], metavar="N or 1..N",
                        help="reactors of the server; a range gives the scaling (default: 1)")
    parser.add_argument("--quick", action="store_true", help="one run of half a second each: a look, not a measurement")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "bench", metavar="DIR",
                        help="where results.json and results.md go (default: build/bench)")
    parser.add_argument("--no-build", action="store_true", help="measure what is built already")
    parser.add_argument("--list", action="store_true", help="list the rows and end")
    arguments = parser.parse_args()
    if arguments.seconds <= 0 or arguments.runs < 1:
        parser.error("--seconds and --runs must be positive")
    if arguments.quick:
        arguments.seconds, arguments.runs = 0.5, 1
    arguments.selected = [row for row in bench_rows.ROWS
                          if any(fnmatch.fnmatch(row.name, pattern) for pattern in arguments.rows.split(","))]
    if not arguments.selected:
        parser.error(f"no row matches {arguments.rows!r}; see --list")
    return arguments


def build():
    for command in (["cmake", "--preset", "release"], ["cmake", "--build", "--preset", "release", "--target", "pollux_bench"]):
        print("+", " ".join(command), flush=True)
        subprocess.run(command, cwd=ROOT, check=True)


def measure_row(row, reactors, bench, runs, announce):
    """Runs of Pollux and of the floor in turn, so that whatever else the machine does hits both."""
    samples = {side: [] for side in row.sides(bench, reactors)}
    for run in range(runs):
        for side, collected in samples.items():
            announce(f"{side}, run {run + 1} of {runs}")
            collected.append(row.measure(bench, side, reactors))
    return samples


def measure_all(arguments, bench):
    results = []
    work = [(row, reactors) for reactors in arguments.reactors for row in arguments.selected if row.scales or reactors == 1]
    for number, (row, reactors) in enumerate(work, 1):
        where = f"[{number}/{len(work)}] {row.title}" + (f", {reactors} reactors" if reactors > 1 else "")
        progress = bench_report.Progress(where)
        try:
            samples = measure_row(row, reactors, bench, arguments.runs, progress.step)
            result = bench_report.Result(row, reactors, samples)
        except bench_processes.RunFailed as failure:
            result = bench_report.Result(row, reactors, {}, error=str(failure))
        progress.end(result.summary())
        results.append(result)
    return results


def main():
    arguments = parse_arguments()
    if arguments.list:
        for row in bench_rows.ROWS:
            print(f"{row.name:24} {row.title}")
        return 0
    if not arguments.no_build:
        build()

    # Ends like Ctrl-C, so that no server is left behind.
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    busy = bench_processes.busy_share()
    with bench_processes.Bench(BUILD / "perf", arguments.seconds) as bench:
        results = measure_all(arguments, bench)

    report = bench_report.Report(results, arguments, busy, ROOT / "perf" / "published")
    print("\n" + report.text(), end="")
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "results.json").write_text(json.dumps(report.as_json(), indent=2) + "\n")
    (arguments.out / "results.md").write_text(report.markdown())
    print(f"\nwritten: {arguments.out / 'results.json'}, {arguments.out / 'results.md'}")
    return 1 if any(result.error for result in results) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except subprocess.CalledProcessError as failed:
        sys.exit(f"tools/bench: {' '.join(failed.cmd)} failed")
